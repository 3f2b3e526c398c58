#include "generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "terminal.h"

namespace quern::app {
namespace {

void prefill(engine::Session& session, std::span<const std::int32_t> prompt, const GenerateOptions& o) {
    ProgressBar bar("prefill", "tokens");
    session.feed(prompt, [&](std::int64_t done, std::int64_t all) {
        bar.update(done, all);
        return !o.interrupted || !o.interrupted();
    });
}

// Watches over every step of a generation.
class StepHook {
public:
    StepHook(engine::Model& model, const engine::Session& session, const GenerateOptions& o) : model_(model) {
        model.executor().set_hook([&session, &o](int task, int all) {
            if (task == 0 && o.on_step) o.on_step(static_cast<std::int64_t>(session.tokens().size()));
            if (o.on_task) o.on_task(task, all);
            return !o.interrupted || !o.interrupted();
        });
    }
    ~StepHook() { model_.executor().set_hook({}); }
    StepHook(const StepHook&) = delete;
    StepHook& operator=(const StepHook&) = delete;

private:
    engine::Model& model_;
};

// False when it was stopped on the way.
template <class F>
bool finishes(const F& work) try {
    work();
    return true;
} catch (const Error& e) {
    if (e.code != Code::cancelled) throw;
    return false;
}

}  // namespace

const char* name(Ending e) {
    switch (e) {
        case Ending::stop:
            return "stop";
        case Ending::length:
            return "length";
        case Ending::context:
            return "context";
        case Ending::interrupted:
            return "interrupted";
    }
    return "unknown";
}

std::string Answer::timing() const {
    const auto rate = [](double tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; };
    const auto computed = static_cast<double>(prompt_tokens - reused);
    std::string s = fmt::format("prefill {:.0f} tokens", computed);
    if (reused > 0) s += fmt::format(" ({} kept)", reused);
    s += fmt::format(", {:.1f} tokens/s", rate(computed, prefill_seconds));
    if (ids.empty()) return s;
    if (ids.size() == 1) return s + "; decode 1 token";
    // The first token comes with the prompt: what takes time are the steps between tokens.
    return s + fmt::format("; decode {} tokens, {:.1f} tokens/s", ids.size(),
                           rate(static_cast<double>(ids.size() - 1), decode_seconds));
}

Answer generate(engine::Model& model, engine::Session& session, std::span<const std::int32_t> prompt,
                const GenerateOptions& o) {
    using Clock = std::chrono::steady_clock;
    Sampler sampler(o.sampler, model.vocab());
    std::optional<text::Detokenizer> text;
    if (model.tokenizer()) text.emplace(*model.tokenizer(), o.place, o.controls);
    const StepHook hook(model, session, o);
    Answer a;
    a.prompt_tokens = static_cast<std::int64_t>(prompt.size());
    const Clock::time_point start = Clock::now();
    const bool whole = finishes([&] { prefill(session, prompt, o); });
    a.reused = session.reused();
    a.prefill_seconds = seconds_since(start);
    a.ending = whole ? Ending::length : Ending::interrupted;
    if (!whole) a.prompt_tokens = a.reused + session.computed();
    if (!whole || o.max_tokens == 0) return a;
    for (const std::int32_t id : prompt) sampler.accept(id);
    const Clock::time_point decode = Clock::now();
    const auto is_stop = [&](std::int32_t id) { return std::binary_search(o.stops.begin(), o.stops.end(), id); };
    const auto ending = [&](std::int32_t id) -> std::optional<Ending> {
        if (is_stop(id) || (o.constraint && o.constraint->finished())) return Ending::stop;
        if (o.max_tokens >= 0 && static_cast<std::int64_t>(a.ids.size()) >= o.max_tokens) return Ending::length;
        if (o.interrupted && o.interrupted()) return Ending::interrupted;
        if (session.room() == 0) return Ending::context;
        return std::nullopt;
    };
    for (std::optional<Ending> end; !end;) {
        const std::int32_t id =
            o.constraint ? sampler.sample(session.logits(), o.constraint->allowed()) : sampler.sample(session.logits());
        sampler.accept(id);
        if (o.constraint) o.constraint->accept(id);
        a.ids.push_back(id);
        end = ending(id);
        std::string piece = text && !is_stop(id) ? text->push(id) : "";
        if (text && end) piece += text->finish();
        a.text += piece;
        if (o.on_token) o.on_token(id, piece, session.logits());
        if (!end && !finishes([&] { session.append({&id, 1}); })) {
            end = Ending::interrupted;
            a.text += text ? text->finish() : "";
        }
        if (end) a.ending = *end;
    }
    a.decode_seconds = seconds_since(decode);
    return a;
}

}  // namespace quern::app
