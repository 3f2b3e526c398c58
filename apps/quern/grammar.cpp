// quern grammar: what a grammar accepts. `check` reads a JSON Schema, a GBNF grammar or a regular expression and says
// of a text whether it is accepted, refused (where, and what was expected) or not finished.
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.h"
#include "command.h"
#include "options.h"
#include "text/grammar/grammar.h"

namespace quern::app {
namespace {

struct CheckOptions {
    std::optional<std::string> schema, gbnf, regex, text;
};

std::shared_ptr<const grammar::Grammar> read_grammar(const CheckOptions& o) {
    if (o.regex) return grammar::Grammar::from_regex(*o.regex);
    const std::string& path = o.gbnf ? *o.gbnf : *o.schema;
    const std::string text = read_text(path);
    try {
        return o.gbnf ? grammar::Grammar::from_gbnf(text) : grammar::Grammar::from_schema_text(text);
    } catch (Error& e) {
        e.during("reading {}", path == "-" ? "standard input" : path);
        throw;
    }
}

std::string shown(std::size_t byte) {
    const char c = static_cast<char>(byte);
    if (c == '\n') return "a line end";
    if (c == ' ') return "a space";
    if (c == '\t') return "a tab";
    if (c == '\r') return "a carriage return";
    if (byte >= 0x80) return "";
    if (byte < 0x20 || byte == 0x7f) return fmt::format("byte {}", byte);
    return fmt::format("'{}'", c);
}

// "'a' to 'z', a space, other characters or the end".
std::string expected(grammar::Matcher& m) {
    const auto can = m.next_bytes();
    std::vector<std::string> parts;
    for (std::size_t b = 0; b < 128; ++b) {
        if (!can[b]) continue;
        std::size_t last = b;
        while (last + 1 < 127 && can[last + 1] && last >= 0x21) ++last;
        parts.push_back(last > b + 1 ? shown(b) + " to " + shown(last) : shown(b));
        if (last > b + 1) b = last;
    }
    bool others = false;
    for (std::size_t b = 128; b < 256; ++b) others = others || can[b];
    if (others) parts.emplace_back("characters beyond ASCII");
    if (m.can_end()) parts.emplace_back("the end");
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i)
        out += (i == 0 ? "" : i + 1 == parts.size() ? " or " : ", ") + parts[i];
    return out;
}

// 0: accepted.
int check(const CheckOptions& o) {
    if (!o.schema && !o.gbnf && !o.regex)
        throw Error(Code::bad_request,
                    "there is no grammar to check: please give a file with a schema, --gbnf or --regex");
    const auto g = read_grammar(o);
    if (g->empty()) {
        std::printf("the grammar is fine, but no text fits it\n");
        return o.text ? 1 : 0;
    }
    if (!o.text) {
        std::printf("the grammar is fine: %zu rules, %zu KB\n", g->program()->rules(), g->bytes() / 1024);
        return 0;
    }
    const std::string text = *o.text == "-" ? read_text("-") : *o.text;
    grammar::Matcher m(g);
    const std::size_t read = m.readable(text);
    m.accept(std::string_view(text).substr(0, read));
    if (read < text.size()) {
        const auto byte = static_cast<unsigned char>(text[read]);
        const std::string found = byte < 0x80 ? shown(byte) : "a character beyond ASCII";
        std::printf("refused at byte %zu: %s stands where %s was expected\n", read, found.c_str(), expected(m).c_str());
        return 1;
    }
    if (!m.can_end()) {
        std::printf("incomplete after %zu bytes: expected %s\n", read, expected(m).c_str());
        return 1;
    }
    std::printf("accepted\n");
    return 0;
}

}  // namespace

void add_grammar(CLI::App& app) {
    CLI::App* c = app.add_subcommand("grammar", "look at what a schema or grammar accepts");
    c->require_subcommand(1);
    const auto o = std::make_shared<CheckOptions>();
    CLI::App* check_command =
        c->add_subcommand("check", "say whether a text fits a JSON Schema, a grammar or an expression");
    auto* schema = check_command->add_option("SCHEMA", o->schema, "file with a JSON Schema (- for standard input)");
    check_command->add_option("TEXT", o->text,
                              "the text (- for standard input); without it, only the grammar is checked");
    auto* gbnf = check_command->add_option("--gbnf", o->gbnf, "file with a grammar in GBNF instead of a schema");
    auto* regex = check_command->add_option("--regex", o->regex, "a regular expression (ECMA-262) instead of a schema");
    gbnf->excludes(regex);
    check_command->callback([o, schema] {
        // With --gbnf or --regex the first word is the text already.
        if ((o->gbnf || o->regex) && schema->count() > 0 && !o->text) {
            o->text = o->schema;
            o->schema.reset();
        } else if ((o->gbnf || o->regex) && o->text) {
            throw Error(Code::bad_request, "a schema and --gbnf or --regex were given; please give one grammar");
        }
        std::fflush(stdout);
        if (check(*o) != 0) throw CLI::RuntimeError(1);
    });
}

}  // namespace quern::app
