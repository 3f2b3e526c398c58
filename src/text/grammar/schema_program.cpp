// Types to rules. An object is one loop over its members with the keys sorted into classes by one automaton; an array
// is a walk along its prefix and then a loop, with a counter or, where `contains` counts too, a state for each count.
#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/grammar/numbers.h"
#include "text/grammar/regex.h"
#include "text/grammar/schema.h"
#include "text/grammar/schema_resolve.h"

namespace quern::grammar {
namespace {

// Between the tokens of a JSON text: nothing, one space, or a line end with up to 64 spaces or tabs. Bounded, so that
// a model cannot go on with white space for ever.
#define WS "(?: |\\r?\\n[ \\t]{0,64})?"

class Emitter {
public:
    Emitter(Resolver& resolver, Program& program) : r_(resolver), program_(program), final_(program.final_state()) {
        open_brace_ = text_leaf("\\{" WS);
        close_brace_ = text_leaf("\\}");
        open_bracket_ = text_leaf("\\[" WS);
        close_bracket_ = text_leaf("\\]");
        colon_ = text_leaf(WS ":" WS);
        after_member_ = two_ways(WS "," WS, WS "\\}");
        after_item_ = two_ways(WS "," WS, WS "\\]");
    }

    std::int32_t run() {
        const std::int32_t root = rule(r_.root());
        while (!todo_.empty()) {
            const SetId set = todo_.back();
            todo_.pop_back();
            try {
                program_.set_rule_start(rules_[set], value(r_.type(set)));
            } catch (Error& e) {
                if (e.what()[0] != '/') e.during("{}", r_.pointer_of(set));
                throw;
            }
        }
        return root;
    }

private:
    // The punctuation of JSON is the same for all schemas.
    Dfa regex(const char* pattern) {
        static std::mutex mutex;
        static std::map<std::string, Dfa> known;
        const std::lock_guard lock(mutex);
        const auto it = known.find(pattern);
        if (it != known.end()) return it->second;
        Budget own;
        return known[pattern] = regex_dfa(pattern, Match::whole, own);
    }
    std::int32_t text_leaf(const char* pattern) { return program_.add_leaf(Spelling::utf8, regex(pattern)); }
    // One leaf for two texts, with the labels 0 and 1.
    std::int32_t two_ways(const char* first, const char* second) {
        const Dfa a = regex(first), b = regex(second);
        const Dfa* parts[] = {&a, &b};
        const auto label = [](std::span<const std::int32_t> labels) {
            return labels[0] >= 0 ? 0 : labels[1] >= 0 ? 1 : Dfa::refuses;
        };
        return program_.add_leaf(Spelling::utf8, product(parts, Stops::when_all_are_dead, label, r_.budget()));
    }

    std::int32_t rule(SetId set) {
        const auto [it, is_new] = rules_.try_emplace(set, -1);
        if (is_new) {
            it->second = program_.add_rule();
            todo_.push_back(set);
        }
        return it->second;
    }

    std::int32_t value(const Type& t) {
        std::vector<std::int32_t> ways;
        std::vector<std::u32string_view> names;
        if (t.null) names.push_back(U"null");
        if (t.yes) names.push_back(U"true");
        if (t.no) names.push_back(U"false");
        Languages& l = r_.languages();
        Languages::Id plain = t.every_number ? l.add(all_numbers(r_.budget())) : t.numbers;
        if (!names.empty()) plain = l.either(plain, l.add(with_one_label(of_words(names, r_.budget()), r_.budget())));
        if (plain != Languages::none)
            ways.push_back(program_.leaf(program_.add_leaf(Spelling::utf8, l[plain]), final_));
        if (t.strings != Languages::none)
            ways.push_back(program_.leaf(program_.add_leaf(Spelling::json, l[t.strings]), final_));
        for (const ArrayShape& s : t.arrays) ways.push_back(array(s));
        for (const ObjectShape& s : t.objects) ways.push_back(object(s));
        return program_.fork(ways);
    }

    std::int32_t array(const ArrayShape& s);
    std::int32_t object(const ObjectShape& s);

    Resolver& r_;
    Program& program_;
    std::int32_t final_;
    std::int32_t open_brace_, close_brace_, open_bracket_, close_bracket_, colon_, after_member_, after_item_;
    std::map<SetId, std::int32_t> rules_;
    std::vector<SetId> todo_;
};

// One array shape on its way into a program.
class ArrayEmitter {
public:
    static constexpr std::size_t max_states = 20'000;

    ArrayEmitter(const ArrayShape& shape, Resolver& r, Program& program, std::function<std::int32_t(SetId)> rule,
                 std::int32_t separator)
        : s_(shape), r_(r), program_(program), rule_(std::move(rule)), separator_(separator) {
        const std::uint64_t prefix = s_.prefix.size();
        exact_ = !s_.contains.empty() || (s_.min <= prefix && (s_.max == no_limit || s_.max <= prefix));
        cap_ = prefix;
        if (exact_) cap_ = std::max({cap_, s_.min, s_.max == no_limit ? 0 : s_.max});
        for (const ArrayShape::Contains& c : s_.contains) cap_ = std::max(cap_, c.from);
        if (s_.contains.size() > 4)
            throw Error(Code::unsupported, "over four counts of items in one array are not supported");
        if (exact_ && cap_ > max_states)
            throw Error(Code::unsupported, "counting up to {} items in several ways is not supported", cap_);
    }

    // What follows the opening bracket: an item, and whether there may be none.
    std::int32_t first_item() { return run(item(Key(1 + s_.contains.size(), 0))); }
    bool may_be_empty() const { return may_close(Key(1 + s_.contains.size(), 0)) && s_.min == 0; }

private:
    // How many items there are (up to cap_), and for each `contains` how many of them count.
    using Key = std::vector<std::uint64_t>;

    bool may_close(const Key& k) const {
        if (exact_ && k[0] < s_.min) return false;
        for (std::size_t c = 0; c < s_.contains.size(); ++c)
            if (k[1 + c] < s_.contains[c].min) return false;
        return true;
    }

    std::int32_t after(const Key& k) {
        const auto [it, is_new] = after_.try_emplace(k, -1);
        if (is_new) {
            if (after_.size() > max_states) throw Error(Code::unsupported, "an array has too many counts to keep");
            it->second = program_.reserve();
            todo_.push_back(&*it);
        }
        return it->second;
    }

    std::int32_t run(std::int32_t first) {
        while (!todo_.empty()) {
            const auto& [key, state] = *todo_.back();
            todo_.pop_back();
            const bool full = s_.max != no_limit && exact_ && key[0] >= s_.max;
            State::Exit more{{}, full ? -1 : item(key)}, end{{}, may_close(key) ? program_.final_state() : -1};
            if (!exact_ && s_.max != no_limit) more.op = {Op::Kind::below, 0, s_.max};
            if (!exact_ && s_.min > 0) end.op = {Op::Kind::at_least, 0, s_.min};
            std::int32_t next = program_.leaf(separator_, std::vector<State::Exit>{more, end});
            if (!exact_) next = program_.op({Op::Kind::count, 0, s_.max == no_limit ? s_.min : s_.max}, next);
            program_.set_targets(state, {next});
        }
        return first;
    }

    // One more item: for each `contains` it counts or not.
    std::int32_t item(const Key& k) {
        const std::uint64_t i = k[0];
        if (s_.max == 0) return program_.fork({});
        const SetId base = i < s_.prefix.size() ? s_.prefix[static_cast<std::size_t>(i)] : s_.rest;
        std::vector<std::int32_t> ways;
        for (std::uint32_t counted = 0; counted < 1u << s_.contains.size(); ++counted) {
            SetId set = base;
            Key next = k;
            next[0] = std::min(i + 1, cap_);
            bool possible = true;
            for (std::size_t c = 0; c < s_.contains.size(); ++c) {
                const ArrayShape::Contains& want = s_.contains[c];
                const bool counts = counted >> c & 1;
                const std::uint64_t enough = want.max == no_limit ? want.min : want.max;
                if (counts) {
                    possible = possible && i >= want.from && k[1 + c] < enough;
                    set = r_.both(set, want.item);
                    ++next[1 + c];
                } else if (want.max != no_limit && i >= want.from) {
                    set = r_.both(set, r_.inverse(want.item));
                }
            }
            if (possible && set != no_value) ways.push_back(program_.call(rule_(set), after(next)));
        }
        return program_.fork(ways);
    }

    const ArrayShape& s_;
    Resolver& r_;
    Program& program_;
    std::function<std::int32_t(SetId)> rule_;
    std::int32_t separator_;
    bool exact_ = false;  // the number of items is in the key; else in the frame's counter
    std::uint64_t cap_ = 0;
    std::map<Key, std::int32_t> after_;
    std::vector<const std::pair<const Key, std::int32_t>*> todo_;
};

std::int32_t Emitter::array(const ArrayShape& s) {
    ArrayEmitter items(
        s, r_, program_, [this](SetId set) { return rule(set); }, after_item_);
    std::vector<std::int32_t> ways{items.first_item()};
    if (items.may_be_empty()) ways.push_back(program_.leaf(close_bracket_, final_));
    return program_.leaf(open_bracket_, program_.fork(ways));
}

// Sorts keys into classes: all keys of a class are under the same conditions.
struct KeyClasses {
    struct Class {
        std::int32_t word = -1;       // into words, if it has only that one
        std::vector<bool> languages;  // which of `languages` its keys are in
    };
    std::vector<std::u32string> words;
    std::vector<Languages::Id> languages;
    std::vector<Class> classes;
    Dfa dfa;  // labelled by class

    KeyClasses(const ObjectShape& s, Languages& l) {
        words = s.required;
        for (const auto* list : {&s.all, &s.some})
            for (const Members& m : *list) {
                words.insert(words.end(), m.keys->words.begin(), m.keys->words.end());
                languages.insert(languages.end(), m.keys->languages.begin(), m.keys->languages.end());
                l.budget().spend(8 * (1 + m.keys->words.size()));
            }
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
        std::sort(languages.begin(), languages.end());
        languages.erase(std::unique(languages.begin(), languages.end()), languages.end());
        const std::vector<std::u32string_view> views(words.begin(), words.end());
        const Dfa trie = of_words(views, l.budget());
        std::vector<const Dfa*> parts{&trie};
        for (const Languages::Id id : languages) parts.push_back(&l[id]);
        std::map<std::vector<std::int32_t>, std::int32_t> known;
        const auto label = [&](std::span<const std::int32_t> labels) {
            std::vector<std::int32_t> key(labels.begin(), labels.end());
            const auto [it, is_new] = known.try_emplace(key, static_cast<std::int32_t>(classes.size()));
            if (is_new) {
                Class c;
                c.word = key[0];
                for (std::size_t i = 1; i < key.size(); ++i) c.languages.push_back(key[i] >= 0);
                classes.push_back(std::move(c));
            }
            return it->second;
        };
        dfa = product(parts, Stops::never, label, l.budget());
    }

    // By class: whether its keys are among `keys`.
    std::vector<bool> among(const KeySet& keys, Budget& budget) const {
        budget.spend(classes.size() / 8 + keys.words.size() + 1);
        std::vector<bool> word_in(words.size(), false), language_in(languages.size(), false);
        for (const std::u32string& w : keys.words)
            word_in[static_cast<std::size_t>(std::lower_bound(words.begin(), words.end(), w) - words.begin())] = true;
        for (const Languages::Id id : keys.languages)
            language_in[static_cast<std::size_t>(std::lower_bound(languages.begin(), languages.end(), id) -
                                                 languages.begin())] = true;
        std::vector<bool> out(classes.size());
        for (std::size_t c = 0; c < classes.size(); ++c) {
            bool in = classes[c].word >= 0 && word_in[static_cast<std::size_t>(classes[c].word)];
            for (std::size_t i = 0; i < languages.size() && !in; ++i) in = language_in[i] && classes[c].languages[i];
            out[c] = in != keys.others;
        }
        return out;
    }
};

std::int32_t Emitter::object(const ObjectShape& s) {
    const KeyClasses keys(s, r_.languages());
    const std::size_t n = keys.classes.size();
    std::vector<SetId> values(n, any_value);
    for (const Members& m : s.all) {
        const std::vector<bool> in = keys.among(*m.keys, r_.budget());
        for (std::size_t c = 0; c < n; ++c)
            if (in[c]) values[c] = r_.both(values[c], m.value);
    }
    ObjectInfo info;
    info.classes.resize(n);
    info.min = s.min;
    info.max = s.max;
    std::vector<std::int32_t> needs;
    bool open = false;
    for (std::size_t c = 0; c < n; ++c) {
        ObjectInfo::Class& k = info.classes[c];
        k.usable = values[c] != no_value && !r_.surely_empty(values[c]);
        const std::int32_t word = keys.classes[c].word;
        open = open || (word < 0 && k.usable);
        if (word < 0) continue;
        k.bit = info.bits++;
        k.required =
            std::binary_search(s.required.begin(), s.required.end(), keys.words[static_cast<std::size_t>(word)]);
        if (k.required) needs.push_back(rule(values[c]));
    }
    if (open && s.min > 1)
        throw Error(Code::unsupported,
                    "{}: counting two or more members of which some have names that are not listed is not supported",
                    s.min_pointer.empty() ? "/" : s.min_pointer);
    std::vector<std::vector<bool>> witness;
    for (const Members& m : s.some) {
        witness.push_back(keys.among(*m.keys, r_.budget()));
        for (std::size_t c = 0; c < n; ++c)
            if (witness.back()[c] && keys.classes[c].word < 0 && info.classes[c].usable)
                throw Error(Code::unsupported, "asking for some member whose name is not listed is not supported");
        ++info.bits;
        ++info.witnesses;
    }
    if (s.some.size() > 4)
        throw Error(Code::unsupported, "over four conditions on some member of an object are not supported");
    const std::int32_t first_witness = info.bits - info.witnesses;
    const bool free = info.bits == 0 && !info.counts();
    const std::int32_t object = program_.add_object(info);
    const std::int32_t next_key = program_.reserve();
    const State::Exit more{{free ? Op::Kind::none : Op::Kind::more, object, 0}, next_key};
    const State::Exit done{{free ? Op::Kind::none : Op::Kind::done, object, 0}, final_};
    const std::int32_t after = program_.leaf(after_member_, std::vector<State::Exit>{more, done});
    std::vector<State::Exit> exits(n);
    for (std::size_t c = 0; c < n; ++c) {
        if (!info.classes[c].usable) continue;
        std::vector<std::int32_t> ways;
        for (std::uint32_t chosen = 0; chosen < 1u << s.some.size(); ++chosen) {
            SetId set = values[c];
            std::int32_t next = after;
            bool possible = true;
            for (std::size_t w = 0; w < s.some.size(); ++w)
                if (chosen >> w & 1) {
                    possible = possible && witness[w][c];
                    set = r_.both(set, s.some[w].value);
                    next =
                        program_.op({Op::Kind::witness, object, static_cast<std::uint64_t>(first_witness) + w}, next);
                }
            if (possible && set != no_value) ways.push_back(program_.call(rule(set), next));
        }
        exits[c] = {{free ? Op::Kind::none : Op::Kind::take, object, c}, program_.leaf(colon_, program_.fork(ways))};
    }
    const std::int32_t key_leaf = program_.add_leaf(Spelling::json, keys.dfa);
    exits.resize(static_cast<std::size_t>(program_.leaf_at(key_leaf).labels));
    program_.set_targets(next_key, {program_.leaf(key_leaf, std::move(exits))});
    std::vector<std::int32_t> ways{next_key};
    if (s.required.empty() && s.some.empty() && s.min == 0) ways.push_back(program_.leaf(close_brace_, final_));
    const bool possible = static_cast<std::uint64_t>(std::count_if(
                              info.classes.begin(), info.classes.end(),
                              [](const ObjectInfo::Class& c) { return c.usable && c.bit >= 0; })) >= s.min ||
                          open;
    if (!possible || s.required.size() > s.max) return program_.fork({});
    return program_.leaf(open_brace_, program_.fork(ways, std::move(needs)));
}

}  // namespace

std::int32_t compile_schema(const Json& schema, Program& program, Budget& budget, Formats formats) {
    Resolver resolver(schema, budget, formats);
    return Emitter(resolver, program).run();
}

}  // namespace quern::grammar
