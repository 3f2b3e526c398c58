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
    return s + fmt::format("; decode {} tokens, {:.1f} tokens/s", ids.size(),
                           rate(static_cast<double>(ids.size()), decode_seconds));
}

Answer generate(engine::Model& model, engine::Session& session, std::span<const std::int32_t> prompt,
                const GenerateOptions& o) {
    using Clock = std::chrono::steady_clock;
    Sampler sampler(o.sampler, model.vocab());
    std::optional<text::Detokenizer> text;
    if (model.tokenizer()) text.emplace(*model.tokenizer(), o.place);
    Answer a;
    a.prompt_tokens = static_cast<std::int64_t>(prompt.size());
    const Clock::time_point start = Clock::now();
    try {
        prefill(session, prompt, o);
    } catch (const Error& e) {
        if (e.code != Code::cancelled) throw;
        a.ending = Ending::interrupted;
        return a;
    }
    for (const std::int32_t id : prompt) sampler.accept(id);
    a.reused = session.reused();
    a.prefill_seconds = seconds_since(start);
    const Clock::time_point decode = Clock::now();
    for (;;) {
        a.ending = Ending::length;
        if (o.max_tokens >= 0 && static_cast<std::int64_t>(a.ids.size()) >= o.max_tokens) break;
        a.ending = Ending::interrupted;
        if (o.interrupted && o.interrupted()) break;
        const std::int32_t id = sampler.sample(session.logits());
        sampler.accept(id);
        a.ids.push_back(id);
        const bool stops = std::binary_search(o.stops.begin(), o.stops.end(), id);
        const std::string piece = text && !stops ? text->push(id) : "";
        a.text += piece;
        if (o.on_token) o.on_token(id, piece, session.logits());
        a.ending = Ending::stop;
        if (stops) break;
        a.ending = Ending::context;
        if (session.room() == 0) break;
        session.append({&id, 1});
    }
    a.decode_seconds = seconds_since(decode);
    if (text) a.text += text->finish();
    return a;
}

}  // namespace quern::app
