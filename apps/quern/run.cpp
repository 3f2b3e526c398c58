// quern run: one prompt, one answer.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/Option.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/env.h"
#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "generate.h"
#include "options.h"
#include "reading.h"
#include "shown.h"
#include "tap.h"
#include "terminal.h"
#include "text/template/conversation.h"
#include "trace.h"

namespace quern::app {
namespace {

struct RunOptions {
    ModelOptions model;
    SamplingOptions sampling;
    TemplateOptions chat_template;
    ConstraintOptions constraint;
    std::optional<std::string> prompt;
    std::optional<std::string> file;
    std::string system, logprobs_file, tap_file, trace_file;
    std::vector<std::string> taps;
    int logprobs_top_k = 20;
    bool raw = false, json = false;
};

std::string read_prompt(const RunOptions& o) {
    if (o.prompt && o.file) throw CLI::ValidationError("--file", "the prompt was also given as an argument");
    if (o.prompt) return *o.prompt;
    if (o.file) return read_text(*o.file);
    if (isatty(0))
        throw CLI::ValidationError("PROMPT",
                                   "no prompt was given: write it behind `quern run`, or use --file or a pipe");
    return read_text("-");
}

std::vector<std::int32_t> prompt_ids(const engine::Model& model, const RunOptions& o, const text::RenderOptions& render,
                                     const std::string& prompt) {
    if (!model.tokenizer())
        throw Error(Code::unsupported, "the model file has no tokenizer, so it cannot read a prompt");
    const text::Tokenizer& t = *model.tokenizer();
    if (!o.raw) {
        text::Conversation c(t, model.chat_template(), render);
        if (!o.system.empty()) c.add({"system", o.system});
        c.add({"user", prompt});
        for (const std::string& note : c.notes()) std::fprintf(stderr, "quern: %s\n", note.c_str());
        return c.prompt();
    }
    std::vector<std::int32_t> ids = t.encode(prompt, text::Specials::as_text);
    if (t.add_bos() || (ids.empty() && t.bos())) ids.insert(ids.begin(), *t.bos());
    if (ids.empty())
        throw Error(Code::bad_request, "the prompt is empty, and this model has no token to begin a text with");
    return ids;
}

class LogprobLines {
public:
    LogprobLines(const text::Tokenizer& t, int top_k) : tokenizer_(t), top_k_(top_k) {}
    void add(std::int32_t id, std::span<const float> logits) {
        Json top = Json::array();
        for (const TokenLogprob& l : top_logprobs(logits, top_k_))
            top.push_back({{"id", l.token}, {"text", piece(l.token)}, {"logprob", l.logprob}});
        lines_ += Json{{"id", id}, {"text", piece(id)}, {"logprob", logprob(logits, id)}, {"top", std::move(top)}}.dump(
                      -1, ' ', false, Json::error_handler_t::replace) +
                  "\n";
    }
    const std::string& text() const { return lines_; }

private:
    std::string piece(std::int32_t id) const { return id < tokenizer_.vocab_size() ? tokenizer_.piece(id) : ""; }
    const text::Tokenizer& tokenizer_;
    int top_k_;
    std::string lines_;
};

GenerateOptions generate_options(const engine::Model& model, const RunOptions& o, const text::RenderOptions& render,
                                 const InterruptGuard& interrupt) {
    GenerateOptions g;
    g.sampler = sampler_options(o.sampling);
    g.max_tokens = o.sampling.max_tokens;
    const text::Tokenizer& t = *model.tokenizer();
    g.stops.assign(t.end_of_generation().begin(), t.end_of_generation().end());
    if (!o.raw) g.stops = model.chat_template().used_with(render).stop_tokens();
    // A raw prompt is a text that goes on; an answer begins one.
    g.place = o.raw ? text::Detokenizer::Place::inside : text::Detokenizer::Place::start;
    g.interrupted = [&interrupt] { return interrupt.interrupted(); };
    return g;
}

Json end_event(const Answer& a, const std::optional<text::Turn>& turn) {
    Json event{{"event", "end"},
               {"reason", name(a.ending)},
               {"text", a.text},
               {"prompt_tokens", a.prompt_tokens},
               {"generated_tokens", a.ids.size()},
               {"prefill_seconds", a.prefill_seconds},
               {"decode_seconds", a.decode_seconds}};
    if (!turn) return event;
    event["content"] = turn->content;
    if (!turn->thinking.empty()) event["thinking"] = turn->thinking;
    for (const text::Turn::Call& call : turn->calls) event["tool_calls"].push_back(to_json(call));
    return event;
}

void run(const RunOptions& o) {
    const std::string prompt = read_prompt(o);
    sampler_options(o.sampling);
    for (const std::string& file : {o.logprobs_file, o.tap_file, o.trace_file})
        if (!file.empty()) check_output(file);
    const std::unique_ptr<engine::Model> model = load_model(o.model);
    const text::RenderOptions render = render_options(o.chat_template);
    const std::vector<std::int32_t> ids = prompt_ids(*model, o, render, prompt);
    std::optional<AnswerForm> form;
    if (!o.raw) form = answer_form(*model, ids, render);
    const InterruptGuard interrupt;
    GenerateOptions g = generate_options(*model, o, render, interrupt);
    if (form) g.controls = text::Controls::show;
    const auto constraint = make_constraint(*model, o.constraint, form ? &*form : nullptr, render, g.stops);
    g.constraint = constraint.get();
    engine::Session session(*model);
    std::optional<Tap> tap;
    if (!o.taps.empty()) {
        tap.emplace(o.taps);
        model->executor().set_observer(&*tap);
        g.on_step = [&tap](std::int64_t position) { tap->at(position); };
    }
    std::optional<Trace> trace;
    if (!o.trace_file.empty()) {
        trace.emplace(model->executor());
        g.on_task = [&trace](int done, int all) { trace->task(done, all); };
    }
    LogprobLines logprobs(*model->tokenizer(), o.logprobs_top_k);
    Shown shown(form ? &*form : nullptr, o.json ? Shown::As::events : Shown::As::text);
    g.on_token = [&](std::int32_t id, const std::string& text, std::span<const float> logits) {
        if (!o.logprobs_file.empty()) logprobs.add(id, logits);
        shown.token(id, text);
    };
    if (o.json)
        print_event({{"event", "start"},
                     {"model", model_path(o.model).filename().string()},
                     {"prompt_tokens", ids.size()},
                     {"context", model->context()}});
    const Answer a = generate(*model, session, ids, g);
    const std::optional<text::Turn> turn = shown.finish();
    if (o.json)
        print_event(end_event(a, turn));
    else
        put("\n");
    if (!o.json) std::fprintf(stderr, "%s\n", a.timing().c_str());
    if (!o.logprobs_file.empty()) write_file(o.logprobs_file, logprobs.text());
    if (tap) tap->write(o.tap_file);
    if (trace) trace->write(o.trace_file);
    if (a.ending == Ending::interrupted) throw Error(Code::cancelled, "stopped by Ctrl-C");
    if (constraint && !constraint->complete())
        std::fprintf(stderr, "quern: the answer ends before it is whole; more --tokens let it go on\n");
    if (a.ending == Ending::context)
        std::fprintf(stderr, "quern: the context of %lld tokens is full; a larger --ctx lets the answer go on\n",
                     static_cast<long long>(model->context()));
}

}  // namespace

void add_run(CLI::App& app) {
    const auto o = std::make_shared<RunOptions>();
    CLI::App* c = app.add_subcommand("run", "answer a prompt");
    c->add_option("PROMPT", o->prompt, "the prompt (default: standard input)");
    c->add_option("-f,--file", o->file, "read the prompt from this file; - is standard input");
    c->add_option("--system", o->system, "system message");
    c->add_flag("--raw", o->raw, "give the prompt to the model as it is, without its chat template")
        ->excludes("--system");
    add_model_options(*c, o->model);
    add_template_options(*c, o->chat_template);
    add_constraint_options(*c, o->constraint);
    add_sampling_options(*c, o->sampling);
    c->add_flag("--json", o->json, "print events as lines of JSON: start, token, end")->group("Output");
    c->add_option("--dump-logprobs", o->logprobs_file,
                  "write each token's log-probabilities to this file, as lines of JSON")
        ->group("Output");
    c->add_option("--logprobs-top-k", o->logprobs_top_k,
                  "how many of the likeliest tokens to write with it (default 20)")
        ->group("Output")
        ->check(in_range(0, 1 << 20));
    c->add_option("--trace", o->trace_file,
                  "write when each node was computed, and by which kernel, for chrome://tracing")
        ->group("Output")
        ->type_name("FILE");
    CLI::Option* tap = c->add_option("--tap", o->taps,
                                     "record the nodes whose name matches this glob, as in 'blk.0.*'; may be repeated")
                           ->group("Output");
    CLI::Option* tap_file =
        c->add_option("--tap-out", o->tap_file, "write what --tap recorded to this safetensors file")->group("Output");
    tap->needs(tap_file)->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    tap_file->needs(tap);
    c->callback([o] { run(*o); });
}

}  // namespace quern::app
