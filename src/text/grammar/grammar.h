// Constrained output: what a model's answer must look like, byte by byte. A Grammar comes from GBNF, a JSON Schema, a
// regular expression, or a GrammarBuilder that joins such parts with literal text (tool calls). A Matcher follows one
// answer and says which tokens may come next. This is the door to src/text/grammar/; it knows bytes and token ids, not
// tokenizers, models or chats.
//
// Fails closed: what cannot be decided exactly is an Error when the grammar is made, for a schema with the JSON pointer
// of the keyword ("/properties/a/uniqueItems: ..."). docs/grammar.md says what is supported and how.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/grammar/expr.h"
#include "text/grammar/machine.h"
#include "text/grammar/masks.h"
#include "text/grammar/program.h"
#include "text/grammar/schema.h"
#include "text/grammar/string_tokens.h"

namespace quern::grammar {

// Immutable; shared by any number of threads and matchers.
class Grammar {
public:
    // The rule `root` of a grammar in GBNF (llama.cpp's notation). Throws Error(bad_request) with the line of a
    // mistake, Error(unsupported) for left recursion and for what is too large.
    static std::shared_ptr<const Grammar> from_gbnf(std::string_view text);
    // The texts of the JSON values that a schema (draft 2020-12) allows; see schema.h. A schema that allows nothing
    // gives a grammar that is empty().
    static std::shared_ptr<const Grammar> from_json_schema(const Json& schema, Formats formats = Formats::check);
    static std::shared_ptr<const Grammar> from_schema_text(std::string_view schema, Formats formats = Formats::check);
    // The texts that a regular expression (ECMA-262) matches as a whole.
    static std::shared_ptr<const Grammar> from_regex(std::string_view pattern);

    bool empty() const { return program_->empty(); }  // no text is accepted: refuse the request
    std::size_t bytes() const { return program_->bytes(); }
    const std::shared_ptr<const Program>& program() const { return program_; }

private:
    friend class GrammarBuilder;
    std::shared_ptr<const Program> program_;
};

// Joins text and schemas to one grammar. Parts are numbers that belong to their builder; a part may be used many times.
class GrammarBuilder {
public:
    using Part = ExprPool::Id;
    static constexpr std::uint32_t unbounded = ExprPool::unbounded;

    GrammarBuilder();

    Part literal(std::string_view text);  // UTF-8
    Part regex(std::string_view pattern);
    Part gbnf(std::string_view text);  // once for a builder: its rules would meet others of the same name
    Part json_schema(const Json& schema, Formats formats = Formats::check);
    // Any bytes up to and with the first place where `text` is complete.
    Part until(std::string_view text);
    // Any bytes in which `text` is not: what may follow the last call, or stand instead of one.
    Part without(std::string_view text);
    Part sequence(std::vector<Part> parts) { return pool_.sequence(std::move(parts)); }
    Part choice(std::vector<Part> parts) { return pool_.choice(std::move(parts)); }
    Part repeat(Part part, std::uint32_t min, std::uint32_t max) { return pool_.repeat(part, min, max); }

    // Throws like the functions that make one part. The builder is used up.
    std::shared_ptr<const Grammar> build(Part root);

private:
    friend class Grammar;

    ExprPool pool_;
    std::shared_ptr<Program> program_;
    std::vector<Part> rules_;                      // of the GBNF part
    std::vector<std::string> names_, rule_names_;  // of those; of the program's rules
    Budget budget_;
};

// Follows one answer. Copying costs its history; a matcher is for one thread at a time, the grammar and masks behind it
// for any number.
class Matcher {
public:
    explicit Matcher(std::shared_ptr<const Grammar> grammar);
    // For tokens. The masks must be of this grammar.
    Matcher(std::shared_ptr<const Grammar> grammar, std::shared_ptr<LeafMasks> masks);

    // Reads bytes if the grammar allows all of them; otherwise changes nothing and is false. Throws Error(unsupported)
    // where the grammar is too ambiguous. One step of history.
    bool accept(std::string_view bytes);
    // The same for a token; an end token is accepted where the answer may end, and nothing after it.
    bool accept_token(std::int32_t id);
    // Takes back the last accepted steps (at most those there are).
    void rollback(std::size_t steps);
    std::size_t steps() const { return history_.size() - 1; }

    bool can_end() const { return history_.back().can_end; }
    bool must_end() const { return history_.back().configs.empty(); }  // nothing more can come
    bool ended() const { return ended_; }                              // an end token has been accepted

    // Writes one bit per token, trie.mask_words() words. False if every token but control tokens is allowed, so that
    // the mask need not be applied. Some hundred microseconds where a new place of the grammar is met; where the place
    // is known, which it is inside strings, the time of copying the mask.
    bool mask(std::span<std::uint64_t> out);

    std::array<bool, 256> next_bytes();
    // How many of the bytes can be read from here; changes nothing.
    std::size_t readable(std::string_view bytes);

private:
    struct Known {
        std::vector<std::uint64_t> key;  // equal for positions with equal masks
        std::vector<std::uint64_t> bits;
        bool limits = false;
    };
    static constexpr std::size_t max_known = 32;

    std::vector<std::uint64_t> key_of(const Machine::Position& position) const;
    bool advance(std::string_view bytes, Machine::Position& at, std::size_t& read);

    std::shared_ptr<const Grammar> grammar_;
    std::shared_ptr<LeafMasks> masks_;
    Machine machine_;
    std::vector<Machine::Position> history_;
    std::vector<Known> known_;
    std::size_t next_known_ = 0;
    bool ended_ = false;
};

}  // namespace quern::grammar
