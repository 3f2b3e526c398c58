// quern tokens: what a model's tokenizer makes of a text, and of ids.
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "options.h"

namespace quern::app {
namespace {

struct TokensOptions {
    ModelOptions model;
    std::optional<std::string> text;
    bool json = false, no_specials = false, parse_specials = false, decode = false;
};

// JSON has no way to write bytes that are no UTF-8; they show as U+FFFD.
std::string shown(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Numbers with anything of ",[] \t\r\n" between them, so that a list of JSON will do.
std::vector<std::int32_t> parse_ids(std::string_view text) {
    constexpr std::string_view between = ",[] \t\r\n";
    std::vector<std::int32_t> ids;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(between), text.size()));
        if (text.empty()) return ids;
        const std::string_view word = text.substr(0, text.find_first_of(between));
        std::int32_t id = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
        if (error != std::errc() || end != word.data() + word.size())
            throw Error(Code::bad_request, "reading token ids: '{:.40}' is no number from 0 to 2147483647", word);
        ids.push_back(id);
        text.remove_prefix(word.size());
    }
}

void decode(const TokensOptions& o, const text::Tokenizer& tokenizer, std::string_view input) {
    const std::vector<std::int32_t> ids = parse_ids(input);
    const std::string text = tokenizer.decode(ids, o.no_specials ? text::Controls::hide : text::Controls::show);
    if (!o.json) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        return;
    }
    Json pieces = Json::array();
    for (const std::int32_t id : ids) pieces.push_back(tokenizer.piece(id));
    std::printf("%s\n", shown(Json{{"ids", ids}, {"pieces", std::move(pieces)}, {"text", text}}).c_str());
}

text::Tokenizer::Encoding encode(const TokensOptions& o, const text::Tokenizer& tokenizer, std::string_view input) {
    text::Tokenizer::Encoding e =
        tokenizer.encode_with_spans(input, o.parse_specials ? text::Specials::parse : text::Specials::as_text);
    if (!o.no_specials && tokenizer.add_bos()) {
        e.ids.insert(e.ids.begin(), *tokenizer.bos());
        e.spans.insert(e.spans.begin(), text::Span{0, 0});
    }
    if (!o.no_specials && tokenizer.add_eos()) {
        const auto end = static_cast<std::uint32_t>(input.size());
        e.ids.push_back(*tokenizer.eos());
        e.spans.push_back({end, end});
    }
    return e;
}

void tokens(const TokensOptions& o) {
    const std::string input = o.text ? *o.text : read_text("-");
    const gguf::File file = gguf::File::open(model_path(o.model));
    const auto tokenizer = text::Tokenizer::from_gguf(file.metadata());
    if (o.decode) return decode(o, *tokenizer, input);
    const auto [ids, spans] = encode(o, *tokenizer, input);
    Json pieces = Json::array(), offsets = Json::array();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::string piece = tokenizer->piece(ids[i]);
        if (o.json) {
            pieces.push_back(piece);
            offsets.push_back({spans[i].begin, spans[i].end});
        } else {
            std::printf("%7d  %6u-%-6u  %s\n", ids[i], spans[i].begin, spans[i].end, shown(Json(piece)).c_str());
        }
    }
    if (o.json)
        std::printf("%s\n",
                    shown({{"ids", ids}, {"pieces", std::move(pieces)}, {"offsets", std::move(offsets)}}).c_str());
    else
        std::fprintf(stderr, "%zu tokens\n", ids.size());
}

}  // namespace

void add_tokens(CLI::App& app) {
    const auto o = std::make_shared<TokensOptions>();
    CLI::App* c = app.add_subcommand("tokens", "show how a text is cut into tokens, or what tokens say");
    c->add_option("TEXT", o->text, "the text, or the ids (default: standard input, all of it as it is)");
    add_model_path(*c, o->model);
    c->add_flag("--decode", o->decode, "turn ids into their text; bytes that are no UTF-8 come out as they are");
    c->add_flag("--no-specials", o->no_specials,
                "add no begin and end tokens, also where the model wants them; with --decode leave control tokens out");
    c->add_flag("--parse-specials", o->parse_specials, "read the names of control tokens in the text as those tokens");
    c->add_flag("--json", o->json,
                "print an object with ids, pieces and offsets: the bytes of the text that each token stands for; with "
                "--decode ids, pieces and text");
    c->callback([o] { tokens(*o); });
}

}  // namespace quern::app
