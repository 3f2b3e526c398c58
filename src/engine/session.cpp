#include "engine/session.h"

#include <algorithm>

#include "base/error.h"

namespace quern::engine {

Session::Session(Model& model) : model_(model), sequence_(model.pages().open()) {}
Session::~Session() { model_.pages().close(sequence_); }

std::int64_t Session::rewind(std::int64_t length) {
    CHECK(length >= 0 && length <= static_cast<std::int64_t>(tokens_.size()));
    if (!model_.pages().can_truncate(sequence_, length)) length = 0;
    model_.pages().truncate(sequence_, length);
    tokens_.resize(std::size_t(length));
    return length;
}

void Session::feed(std::span<const std::int32_t> all, const Progress& progress) {
    const auto n = static_cast<std::int64_t>(all.size());
    if (n == 0)
        throw Error(Code::bad_request, "an empty list of tokens was given; a model needs at least one to begin with");
    if (n > model_.context())
        throw Error(Code::bad_request, "the text has {} tokens, the context holds {}; open it with a larger --ctx", n,
                    model_.context());
    const auto differ = std::mismatch(tokens_.begin(), tokens_.end(), all.begin(), all.end());
    const std::int64_t kept = rewind(std::min<std::int64_t>(differ.first - tokens_.begin(), n - 1));
    append(all.subspan(std::size_t(kept)), progress);
    reused_ = kept;
}

void Session::append(std::span<const std::int32_t> more, const Progress& progress) {
    const auto n = static_cast<std::int64_t>(more.size());
    CHECK(n > 0);
    if (n > room())
        throw Error(Code::bad_request,
                    "{} tokens were to be added to {}, but the context holds {}; open it with a larger --ctx", n,
                    tokens_.size(), model_.context());
    reused_ = static_cast<std::int64_t>(tokens_.size());
    computed_ = 0;
    const std::int64_t most = model_.options().step_rows;
    while (computed_ < n) {
        if (progress && !progress(computed_, n))
            throw Error(Code::cancelled, "stopped after {} of {} tokens", computed_, n);
        const auto chunk = more.subspan(std::size_t(computed_), std::size_t(std::min(most, n - computed_)));
        const std::int32_t last = static_cast<std::int32_t>(chunk.size()) - 1;
        const bool wants = computed_ + static_cast<std::int64_t>(chunk.size()) == n;
        const Model::Chunk step{sequence_, chunk, {&last, std::size_t(wants ? 1 : 0)}};
        step_or_forget(step);
        tokens_.insert(tokens_.end(), chunk.begin(), chunk.end());
        computed_ += static_cast<std::int64_t>(chunk.size());
    }
    if (progress) progress(computed_, n);
}

// Where a step gave no numbers, what earlier ones stored may hold such, too: the next text begins anew.
void Session::step_or_forget(const Model::Chunk& chunk) try { model_.step({&chunk, 1}); } catch (const Error& e) {
    if (e.code == Code::device) rewind(0);
    throw;
}

std::span<const float> Session::logits() const {
    const View v = model_.executor().output("logits");
    return {v.row<float>(v.rows() - 1), std::size_t(v.last())};
}

}  // namespace quern::engine
