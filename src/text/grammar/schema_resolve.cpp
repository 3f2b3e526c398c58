#include "text/grammar/schema_resolve.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "text/grammar/numbers.h"
#include "text/utf8.h"

namespace quern::grammar {

std::string pointer_to(const std::string& parent, std::string_view token) {
    std::string out = parent + "/";
    for (const char c : token) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return out;
}

std::u32string code_points(std::string_view utf8) {
    std::u32string out;
    while (!utf8.empty()) {
        const text::Utf8Step step = text::next_character(utf8);
        if (step.kind != text::Utf8::valid) throw Error(Code::bad_request, "a text in the schema is not valid UTF-8");
        out += text::code_point(utf8.substr(0, step.bytes));
        utf8.remove_prefix(step.bytes);
    }
    return out;
}

Resolver::Resolver(const Json& schema, Budget& budget, Formats formats)
    : document_(schema), formats_(formats), languages_(budget), algebra_(languages_, *this) {
    intern({});           // any_value
    sets_.push_back({});  // no_value: known by its number only
    types_.push_back(std::make_unique<Type>());
    root_ = schema_at(document_, "");
}

std::int32_t Resolver::node(Node::Kind kind, const Json* json, SetId set, const std::string& pointer) {
    const int what = kind == Node::Kind::set ? set + 2 : kind == Node::Kind::constant ? 1 : 0;
    const auto [it, is_new] = node_ids_.try_emplace({json, what}, static_cast<std::int32_t>(nodes_.size()));
    if (is_new) {
        budget().spend(64 + pointer.size());
        nodes_.push_back(std::make_unique<Node>());
        Node& n = *nodes_.back();
        n.kind = kind;
        n.json = json;
        n.set = set;
        n.pointer = pointer;
    }
    return it->second;
}

SetId Resolver::intern(std::vector<Literal> literals) {
    const auto [it, is_new] = set_ids_.try_emplace(literals, static_cast<SetId>(sets_.size()));
    if (is_new) {
        if (sets_.size() >= max_sets)
            throw Error(Code::unsupported, "the schema combines its parts in over {} ways", max_sets);
        budget().spend(64 + literals.size());
        sets_.push_back(std::move(literals));
        types_.emplace_back();
    }
    return it->second;
}

std::string Resolver::pointer_of(SetId set) const {
    for (const Literal l : sets_[static_cast<std::size_t>(set)]) {
        const Node& n = *nodes_[static_cast<std::size_t>(l / 2)];
        if (n.kind == Node::Kind::set) return pointer_of(n.set);
        if (!n.pointer.empty()) return n.pointer;
    }
    return "/";
}

SetId Resolver::schema_at(const Json& schema, const std::string& pointer) {
    if (schema.is_boolean()) return schema.get<bool>() ? any_value : no_value;
    if (!schema.is_object())
        throw Error(Code::bad_request, "{}: a schema must be an object, true or false",
                    pointer.empty() ? "/" : pointer);
    if (schema.empty()) return any_value;
    return intern({node(Node::Kind::schema, &schema, 0, pointer) * 2});
}

SetId Resolver::constant(const Json& value) { return intern({node(Node::Kind::constant, &value, 0, "") * 2}); }

SetId Resolver::both(SetId a, SetId b) {
    if (a == b || b == any_value || a == no_value) return a;
    if (a == any_value || b == no_value) return b;
    const auto &x = sets_[static_cast<std::size_t>(a)], &y = sets_[static_cast<std::size_t>(b)];
    std::vector<Literal> all;
    std::set_union(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(all));
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
        if ((all[i] ^ 1) == all[i + 1]) return no_value;
    return intern(std::move(all));
}

SetId Resolver::inverse(SetId a) {
    if (a == any_value) return no_value;
    if (a == no_value) return any_value;
    const auto& literals = sets_[static_cast<std::size_t>(a)];
    if (literals.size() == 1) return intern({literals[0] ^ 1});
    return intern({node(Node::Kind::set, nullptr, a, "") * 2 + 1});
}

// Looks at values inside values, so the schemas being resolved around it are not "being applied to the same value"
// here: that is what round_ tells apart. Deeper than some levels it does not look.
bool Resolver::surely_empty(SetId a) {
    if (a == any_value || a == no_value) return a == no_value;
    const auto known = empty_.find(a);
    if (known != empty_.end()) return known->second;
    if (looking_ >= max_look) return false;
    empty_[a] = false;  // while it is being looked at: a value inside itself
    const int depth = std::exchange(depth_, 0), round = std::exchange(round_, ++rounds_);
    ++looking_;
    const auto restore = [&] {
        --looking_;
        depth_ = depth;
        round_ = round;
    };
    try {
        empty_[a] = algebra_.surely_empty(Type(type(a)));
    } catch (const Error&) {
        empty_.erase(a);
        restore();
        throw;
    }
    restore();
    return empty_[a];
}

const Type& Resolver::type(SetId set) {
    if (const auto& known = types_[static_cast<std::size_t>(set)]) return *known;
    Type t = Type::everything();
    const std::vector<Literal> literals = sets_[static_cast<std::size_t>(set)];
    for (const Literal l : literals) {
        const Type& one = node_type(l / 2);
        t = algebra_.both(t, l % 2 == 0 ? one : algebra_.inverse(one));
    }
    auto& slot = types_[static_cast<std::size_t>(set)];
    if (!slot) slot = std::make_unique<Type>(std::move(t));
    return *slot;
}

const Type& Resolver::node_type(std::int32_t id) {
    Node& n = *nodes_[static_cast<std::size_t>(id)];
    if (n.type) return *n.type;
    if (n.round == round_)
        throw Error(Code::unsupported, "{}: this schema refers to itself with nothing in between",
                    n.pointer.empty() ? "/" : n.pointer);
    if (depth_ >= max_depth)
        throw Error(Code::unsupported, "{}: over {} schemas are applied to one value",
                    n.pointer.empty() ? "/" : n.pointer, max_depth);
    const int outer = std::exchange(n.round, round_);
    ++depth_;
    try {
        Type t = n.kind == Node::Kind::set        ? Type(type(n.set))
                 : n.kind == Node::Kind::constant ? constant_type(*n.json)
                                                  : keywords_type(*this, {*n.json, n.pointer});
        if (!n.type) n.type = std::make_unique<Type>(std::move(t));
    } catch (Error& e) {
        n.round = outer;
        --depth_;
        if (e.what()[0] != '/') e.during("{}", n.pointer.empty() ? "/" : n.pointer);
        throw;
    }
    n.round = outer;
    --depth_;
    return *n.type;
}

Type Resolver::constant_type(const Json& value) {
    Type t;
    if (value.is_null()) {
        t.null = true;
    } else if (value.is_boolean()) {
        (value.get<bool>() ? t.yes : t.no) = true;
    } else if (value.is_number()) {
        t.numbers = languages_.add(equal_to_any({decimal(value)}, budget()));
    } else if (value.is_string()) {
        const std::u32string word = code_points(value.get_ref<const std::string&>());
        const std::u32string_view view = word;
        t.strings = languages_.add(of_words({&view, 1}, budget()));
    } else if (value.is_array()) {
        ArrayShape s;
        for (const Json& item : value) s.prefix.push_back(constant(item));
        s.min = s.max = value.size();
        s.rest = no_value;
        t.arrays.push_back(std::move(s));
    } else {
        ObjectShape s;
        KeySet others{true, {}, {}};
        for (const auto& [key, item] : value.items()) {
            const std::u32string word = code_points(key);
            s.all.push_back({std::make_shared<const KeySet>(KeySet{false, {word}, {}}), constant(item)});
            others.words.push_back(word);
        }
        std::sort(others.words.begin(), others.words.end());
        s.required = others.words;
        s.all.push_back({std::make_shared<const KeySet>(std::move(others)), no_value});
        t.objects.push_back(std::move(s));
    }
    return t;
}

namespace {

// The value a JSON pointer names, or null. A part with an $id of its own is another document: `crossed` is set.
const Json* follow(const Json& document, std::string_view pointer, bool& crossed) {
    const Json* at = &document;
    while (!pointer.empty()) {
        if (pointer[0] != '/') return nullptr;
        pointer.remove_prefix(1);
        const std::string_view token = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(token.size());
        std::string key;
        for (std::size_t i = 0; i < token.size(); ++i) {
            if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
                key += token[++i] == '0' ? '~' : '/';
            } else if (token[i] == '%' && i + 2 < token.size() &&
                       std::isxdigit(static_cast<unsigned char>(token[i + 1])) &&
                       std::isxdigit(static_cast<unsigned char>(token[i + 2]))) {
                key += static_cast<char>(std::stoi(std::string(token.substr(i + 1, 2)), nullptr, 16));
                i += 2;
            } else {
                key += token[i];
            }
        }
        if (at->is_object() && at->contains(key)) {
            at = &(*at)[key];
        } else if (at->is_array() && !key.empty() && key.size() < 10 &&
                   std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
                   std::stoul(key) < at->size()) {
            at = &(*at)[std::stoul(key)];
        } else {
            return nullptr;
        }
        crossed = crossed || (at->is_object() && at->contains("$id") && (*at)["$id"].is_string());
    }
    return at;
}

// The only schema with this $anchor.
const Json* find_anchor(const Json& document, std::string_view name, std::string& pointer) {
    std::vector<std::pair<const Json*, std::string>> todo{{&document, ""}};
    const Json* found = nullptr;
    while (!todo.empty()) {
        const auto [at, where] = todo.back();
        todo.pop_back();
        if (at->is_object()) {
            const bool elsewhere = at != &document && at->contains("$id");
            for (const char* key : {"$anchor", "$dynamicAnchor"})
                if (at->contains(key) && (*at)[key] == name) {
                    if (found && found != at) return nullptr;
                    if (elsewhere) return nullptr;
                    found = at;
                    pointer = where;
                }
            if (elsewhere) continue;
        }
        if (!at->is_structured()) continue;
        for (const auto& [key, item] : at->items())
            if (item.is_structured()) todo.emplace_back(&item, pointer_to(where, key));
    }
    return found;
}

}  // namespace

SetId Resolver::reference(const Place& here, const std::string& ref, const std::string& pointer) {
    std::string_view rest = ref;
    if (!rest.starts_with('#') && document_.is_object() && document_.contains("$id") && document_["$id"].is_string()) {
        const auto& base = document_["$id"].get_ref<const std::string&>();
        if (!base.empty() && rest.starts_with(base) && (rest.size() == base.size() || rest[base.size()] == '#'))
            rest.remove_prefix(base.size());
        if (rest.empty()) rest = "#";
    }
    if (!rest.starts_with('#'))
        throw Error(Code::unsupported, "{}: '{}' is another document, which is not supported", pointer, ref);
    rest.remove_prefix(1);
    std::string where(rest);
    bool crossed = false;
    const Json* target =
        rest.empty() || rest[0] == '/' ? follow(document_, rest, crossed) : find_anchor(document_, rest, where);
    if (crossed) throw Error(Code::unsupported, "{}: '{}' leads into a schema with an $id of its own", pointer, ref);
    if (!target) throw Error(Code::bad_request, "{}: there is nothing at '{}'", pointer, ref);
    if (target == &here.schema)
        throw Error(Code::unsupported, "{}: this schema refers to itself with nothing in between", pointer);
    return schema_at(*target, where);
}

}  // namespace quern::grammar
