#include "text/grammar/schema_type.h"

#include <algorithm>

#include "base/error.h"
#include "text/grammar/numbers.h"

namespace quern::grammar {

Languages::Languages(Budget& budget) : budget_(budget) {
    add(nothing());
    add(everything());
}

Languages::Id Languages::add(Dfa dfa) {
    std::vector<std::int32_t> key = dfa.next;
    key.insert(key.end(), dfa.labels.begin(), dfa.labels.end());
    key.insert(key.end(), dfa.classes.begin(), dfa.classes.end());
    budget_.spend(key.size());
    const auto [it, is_new] = ids_.try_emplace({std::move(key), dfa.starts}, static_cast<Id>(dfas_.size()));
    if (is_new) dfas_.push_back(std::make_unique<const Dfa>(std::move(dfa)));
    return it->second;
}

Languages::Id Languages::both(Id a, Id b) {
    if (a == b || b == all || a == none) return a;
    if (a == all || b == none) return b;
    const auto key = std::minmax(a, b);
    const auto known = both_.find(key);
    if (known != both_.end()) return known->second;
    return both_[key] = add(intersection((*this)[a], (*this)[b], budget_));
}

Languages::Id Languages::either(Id a, Id b) {
    if (a == b || a == all || b == none) return a;
    if (b == all || a == none) return b;
    const auto key = std::minmax(a, b);
    const auto known = either_.find(key);
    if (known != either_.end()) return known->second;
    return either_[key] = add(union_of((*this)[a], (*this)[b], budget_));
}

Languages::Id Languages::inverse(Id a) {
    const auto known = inverse_.find(a);
    if (known != inverse_.end()) return known->second;
    const Id id = add(complement((*this)[a], budget_));
    inverse_[id] = a;
    return inverse_[a] = id;
}

bool contains(const KeySet& keys, const std::u32string& word, const Languages& languages) {
    bool in = std::binary_search(keys.words.begin(), keys.words.end(), word);
    for (std::size_t i = 0; i < keys.languages.size() && !in; ++i) {
        const std::vector<std::uint32_t> symbols(word.begin(), word.end());
        in = languages[keys.languages[i]].run(symbols) >= 0;
    }
    return in != keys.others;
}

Type Type::everything() {
    Type t;
    t.null = t.yes = t.no = t.every_number = true;
    t.strings = Languages::all;
    t.arrays.emplace_back();
    t.objects.emplace_back();
    return t;
}

namespace {

template <class T>
void add_unless_there(std::vector<T>& to, const T& value) {
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
}

std::shared_ptr<const KeySet> one_word(const std::u32string& word) {
    return std::make_shared<const KeySet>(KeySet{false, {word}, {}});
}

void check_count(std::size_t shapes, std::string_view what) {
    if (shapes > 4 * TypeAlgebra::max_shapes)
        throw Error(Code::unsupported, "there are too many ways for {} to fit (over {})", what,
                    4 * TypeAlgebra::max_shapes);
}

}  // namespace

ArrayShape TypeAlgebra::both(const ArrayShape& a, const ArrayShape& b) {
    ArrayShape out;
    for (std::size_t i = 0; i < std::max(a.prefix.size(), b.prefix.size()); ++i)
        out.prefix.push_back(
            sets_.both(i < a.prefix.size() ? a.prefix[i] : a.rest, i < b.prefix.size() ? b.prefix[i] : b.rest));
    out.rest = sets_.both(a.rest, b.rest);
    out.min = std::max(a.min, b.min);
    out.max = std::min(a.max, b.max);
    out.contains = a.contains;
    for (const ArrayShape::Contains& c : b.contains) add_unless_there(out.contains, c);
    return out;
}

ObjectShape TypeAlgebra::both(const ObjectShape& a, const ObjectShape& b) {
    ObjectShape out = a;
    languages_.budget().spend(8 + a.all.size() + b.all.size() + a.required.size() + b.required.size());
    if (a.all.empty() || a.all.size() > 64)
        out.all.insert(out.all.end(), b.all.begin(), b.all.end());
    else
        for (const Members& m : b.all) add_unless_there(out.all, m);
    for (const Members& m : b.some) add_unless_there(out.some, m);
    out.required.clear();
    std::set_union(a.required.begin(), a.required.end(), b.required.begin(), b.required.end(),
                   std::back_inserter(out.required));
    if (b.min > a.min) {
        out.min = b.min;
        out.min_pointer = b.min_pointer;
    }
    out.max = std::min(a.max, b.max);
    return out;
}

// The arrays that a shape does not allow: each of its conditions broken in turn.
std::vector<ArrayShape> TypeAlgebra::inverse(const ArrayShape& a) {
    std::vector<ArrayShape> out;
    for (std::size_t i = 0; i < a.prefix.size(); ++i) {
        if (a.prefix[i] == any_value) continue;
        ArrayShape s;
        s.prefix.assign(i, any_value);
        s.prefix.push_back(sets_.inverse(a.prefix[i]));
        s.min = i + 1;
        out.push_back(std::move(s));
    }
    if (a.rest == no_value) {
        ArrayShape s;
        s.min = a.prefix.size() + 1;
        out.push_back(std::move(s));
    } else if (a.rest != any_value) {
        ArrayShape s;
        s.contains.push_back({a.prefix.size(), sets_.inverse(a.rest), 1, no_limit});
        out.push_back(std::move(s));
    }
    if (a.min > 0) {
        ArrayShape s;
        s.max = a.min - 1;
        out.push_back(std::move(s));
    }
    if (a.max != no_limit) {
        ArrayShape s;
        s.min = a.max + 1;
        out.push_back(std::move(s));
    }
    for (const ArrayShape::Contains& c : a.contains) {
        ArrayShape s;
        if (c.min > 0) {
            s.contains = {{c.from, c.item, 0, c.min - 1}};
            out.push_back(s);
        }
        if (c.max != no_limit) {
            s.contains = {{c.from, c.item, c.max + 1, no_limit}};
            out.push_back(s);
        }
    }
    return out;
}

std::vector<ObjectShape> TypeAlgebra::inverse(const ObjectShape& a) {
    std::vector<ObjectShape> out;
    for (const Members& m : a.all) {
        if (m.value == any_value) continue;
        ObjectShape s;
        const Members broken{m.keys, sets_.inverse(m.value)};
        if (!m.keys->others && m.keys->words.size() == 1 && m.keys->languages.empty()) {
            s.required = m.keys->words;
            s.all.push_back(broken);
        } else {
            s.some.push_back(broken);
        }
        out.push_back(std::move(s));
    }
    for (const Members& m : a.some) {
        ObjectShape s;
        s.all.push_back({m.keys, sets_.inverse(m.value)});
        out.push_back(std::move(s));
    }
    for (const std::u32string& word : a.required) {
        ObjectShape s;
        s.all.push_back({one_word(word), no_value});
        out.push_back(std::move(s));
    }
    if (a.min > 0) {
        ObjectShape s;
        s.max = a.min - 1;
        out.push_back(std::move(s));
    }
    if (a.max != no_limit) {
        ObjectShape s;
        s.min = a.max + 1;
        out.push_back(std::move(s));
    }
    return out;
}

bool TypeAlgebra::surely_empty(ArrayShape& a) {
    for (std::size_t i = 0; i < a.prefix.size(); ++i)
        if (i < a.max && sets_.surely_empty(a.prefix[i])) {
            a.max = std::min<std::uint64_t>(a.max, i);
            break;
        }
    if (a.prefix.size() > a.max) a.prefix.resize(static_cast<std::size_t>(a.max));
    if (a.max > a.prefix.size() && sets_.surely_empty(a.rest)) a.max = a.prefix.size();
    for (const ArrayShape::Contains& c : a.contains)
        if (c.min > c.max || (c.min > 0 && (c.min > a.max || sets_.surely_empty(c.item)))) return true;
    return a.min > a.max;
}

bool TypeAlgebra::surely_empty(const ObjectShape& a) {
    if (a.min > a.max || a.required.size() > a.max) return true;
    for (const Members& m : a.some)
        if (sets_.surely_empty(m.value)) return true;
    for (const std::u32string& word : a.required) {
        SetId value = any_value;
        languages_.budget().spend(a.all.size());
        for (const Members& m : a.all)
            if (m.value != any_value && contains(*m.keys, word, languages_)) value = sets_.both(value, m.value);
        if (sets_.surely_empty(value)) return true;
    }
    return false;
}

bool TypeAlgebra::surely_empty(const Type& a) {
    if (a.has_scalars()) return false;
    for (ArrayShape s : a.arrays)
        if (!surely_empty(s)) return false;
    for (const ObjectShape& s : a.objects)
        if (!surely_empty(s)) return false;
    return true;
}

// Drops shapes without values and shapes that are there already.
void TypeAlgebra::tidy(Type& t) {
    std::vector<ArrayShape> arrays;
    for (ArrayShape& s : t.arrays)
        if (!surely_empty(s)) add_unless_there(arrays, s);
    std::vector<ObjectShape> objects;
    for (const ObjectShape& s : t.objects)
        if (!surely_empty(s)) add_unless_there(objects, s);
    const auto open_array = [](const ArrayShape& s) { return s == ArrayShape{}; };
    const auto open_object = [](const ObjectShape& s) { return s == ObjectShape{}; };
    if (std::any_of(arrays.begin(), arrays.end(), open_array)) arrays = {ArrayShape{}};
    if (std::any_of(objects.begin(), objects.end(), open_object)) objects = {ObjectShape{}};
    if (arrays.size() > max_shapes || objects.size() > max_shapes)
        throw Error(Code::unsupported, "there are too many ways for a value to fit (over {})", max_shapes);
    t.arrays = std::move(arrays);
    t.objects = std::move(objects);
}

Type TypeAlgebra::both(const Type& a, const Type& b) {
    Type t;
    t.null = a.null && b.null;
    t.yes = a.yes && b.yes;
    t.no = a.no && b.no;
    t.every_number = a.every_number && b.every_number;
    if (!t.every_number)
        t.numbers = a.every_number ? b.numbers : b.every_number ? a.numbers : languages_.both(a.numbers, b.numbers);
    t.strings = languages_.both(a.strings, b.strings);
    check_count(a.arrays.size() * b.arrays.size(), "an array");
    check_count(a.objects.size() * b.objects.size(), "an object");
    for (const ArrayShape& x : a.arrays)
        for (const ArrayShape& y : b.arrays) t.arrays.push_back(both(x, y));
    for (const ObjectShape& x : a.objects)
        for (const ObjectShape& y : b.objects) t.objects.push_back(both(x, y));
    tidy(t);
    return t;
}

Type TypeAlgebra::either(Type a, const Type& b) {
    a.null = a.null || b.null;
    a.yes = a.yes || b.yes;
    a.no = a.no || b.no;
    a.every_number = a.every_number || b.every_number;
    a.numbers = a.every_number ? Languages::none : languages_.either(a.numbers, b.numbers);
    a.strings = languages_.either(a.strings, b.strings);
    a.arrays.insert(a.arrays.end(), b.arrays.begin(), b.arrays.end());
    a.objects.insert(a.objects.end(), b.objects.begin(), b.objects.end());
    tidy(a);
    return a;
}

Type TypeAlgebra::inverse(const Type& a) {
    Type t = Type::everything();
    t.null = !a.null;
    t.yes = !a.yes;
    t.no = !a.no;
    t.strings = languages_.inverse(a.strings);
    if (a.every_number) {
        t.every_number = false;
    } else if (a.numbers != Languages::none) {
        t.every_number = false;
        t.numbers = languages_.both(languages_.inverse(a.numbers), languages_.add(plain_numbers(languages_.budget())));
    }
    for (const ArrayShape& s : a.arrays) {
        Type other = Type::everything();
        other.arrays = inverse(s);
        t = both(t, other);
    }
    for (const ObjectShape& s : a.objects) {
        Type other = Type::everything();
        other.objects = inverse(s);
        t = both(t, other);
    }
    return t;
}

bool TypeAlgebra::disjoint_shapes(const Type& a, const Type& b) {
    Type x = a, y = b;
    x.null = x.yes = x.no = x.every_number = false;
    x.numbers = x.strings = Languages::none;
    return surely_empty(both(x, y));
}

Type TypeAlgebra::exactly_one(const std::vector<Type>& types) {
    Type out;
    for (std::size_t i = 0; i < types.size(); ++i) {
        Type only = types[i];
        for (std::size_t j = 0; j < types.size(); ++j) {
            if (i == j) continue;
            Type other = types[j];
            // Shapes that nothing fits together with need not be taken away, which would multiply them.
            if (disjoint_shapes(only, other)) {
                other.arrays.clear();
                other.objects.clear();
            }
            only = both(only, inverse(other));
        }
        out = either(std::move(out), only);
    }
    return out;
}

}  // namespace quern::grammar
