// A session: one conversation's tokens and their state on a model. Feeding it a text computes only what is new: the
// longest common beginning with what it has already computed is kept. Used by one thread at a time, as is the model.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/model.h"

namespace quern::engine {

class Session {
public:
    explicit Session(Model& model);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // The tokens whose state is computed.
    const std::vector<std::int32_t>& tokens() const { return tokens_; }
    std::int64_t room() const { return model_.context() - static_cast<std::int64_t>(tokens_.size()); }

    // Called with (tokens done, all) after each chunk; false stops: what is done stays, Error(cancelled) is thrown.
    using Progress = std::function<bool(std::int64_t done, std::int64_t all)>;

    // Makes the session's tokens these, computing what is new, in chunks; at least the last token is computed, so that
    // logits() are those after it. Throws Error(bad_request) with both numbers when they exceed the context: nothing is
    // ever cut off silently.
    void feed(std::span<const std::int32_t> all, const Progress& progress = {});
    // Appends; the same otherwise. Error(device) leaves the session empty.
    void append(std::span<const std::int32_t> more, const Progress& progress = {});

    // Logits after the last token, f32 [vocab]; valid until the model's next step.
    std::span<const float> logits() const;

    // Goes back to the first `length` tokens where the state allows it, else to fewer (0 at worst); gives the new
    // length.
    std::int64_t rewind(std::int64_t length);

    // Tokens of the last feed() or append() that were computed, and those that were already there.
    std::int64_t computed() const { return computed_; }
    std::int64_t reused() const { return reused_; }

private:
    void step_or_forget(const Model::Chunk& chunk);

    Model& model_;
    int sequence_;
    std::vector<std::int32_t> tokens_;
    std::int64_t computed_ = 0, reused_ = 0;
};

}  // namespace quern::engine
