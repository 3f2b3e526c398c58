// quern tokens: what a model's tokenizer makes of a text.
#include <unistd.h>

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
    bool json = false, no_specials = false, parse_specials = false;
};

void tokens(const TokensOptions& o) {
    const std::string input = o.text ? *o.text : read_text("-");
    const gguf::File file = gguf::File::open(model_path(o.model));
    const auto tokenizer = text::Tokenizer::from_gguf(file.metadata());
    std::vector<std::int32_t> ids =
        tokenizer->encode(input, o.parse_specials ? text::Specials::parse : text::Specials::as_text);
    if (!o.no_specials && tokenizer->add_bos()) ids.insert(ids.begin(), *tokenizer->bos());
    if (!o.no_specials && tokenizer->add_eos()) ids.push_back(*tokenizer->eos());
    if (o.json) {
        Json pieces = Json::array();
        for (const std::int32_t id : ids) pieces.push_back(tokenizer->piece(id));
        std::printf("%s\n", Json{{"ids", ids}, {"pieces", std::move(pieces)}}
                                .dump(-1, ' ', false, Json::error_handler_t::replace)
                                .c_str());
        return;
    }
    for (const std::int32_t id : ids)
        std::printf("%7d  %s\n", id,
                    Json(tokenizer->piece(id)).dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    std::fprintf(stderr, "%zu tokens\n", ids.size());
}

}  // namespace

void add_tokens(CLI::App& app) {
    const auto o = std::make_shared<TokensOptions>();
    CLI::App* c = app.add_subcommand("tokens", "show how a text is cut into tokens");
    c->add_option("TEXT", o->text, "the text (default: standard input, all of it as it is)");
    c->add_option("-m,--model", o->model.path, "GGUF file (default: the bundled model, Grist)")->envname("QUERN_MODEL");
    c->add_flag("--no-specials", o->no_specials, "add no begin and end tokens, also where the model wants them");
    c->add_flag("--parse-specials", o->parse_specials, "read the names of control tokens in the text as those tokens");
    c->add_flag("--json", o->json, "print an object with ids and pieces");
    c->callback([o] { tokens(*o); });
}

}  // namespace quern::app
