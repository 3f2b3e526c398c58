// What a schema allows, by kind of value, and the algebra of it. Inside, "set" is the number of a set of schemas that
// must all hold for a value (schema_sets.h); languages are numbers too, so that equal ones are the same number.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/grammar/dfa.h"
#include "text/grammar/program.h"

namespace quern::grammar {

using SetId = std::int32_t;
inline constexpr SetId any_value = 0, no_value = 1;

// Languages, each kept once.
class Languages {
public:
    using Id = std::int32_t;
    static constexpr Id none = 0, all = 1;

    explicit Languages(Budget& budget);
    Id add(Dfa dfa);
    Id both(Id a, Id b);
    Id either(Id a, Id b);
    Id inverse(Id a);
    const Dfa& operator[](Id id) const { return *dfas_[static_cast<std::size_t>(id)]; }
    Budget& budget() { return budget_; }

private:
    Budget& budget_;
    std::vector<std::unique_ptr<const Dfa>> dfas_;
    std::map<std::pair<std::vector<std::int32_t>, std::vector<std::uint32_t>>, Id>
        ids_;  // by transitions and intervals
    std::map<std::pair<Id, Id>, Id> both_, either_;
    std::map<Id, Id> inverse_;
};

// Keys: those of the words and languages, or all others.
struct KeySet {
    bool others = false;
    std::vector<std::u32string> words;  // sorted
    std::vector<Languages::Id> languages;
    bool operator==(const KeySet&) const = default;
};

struct Members {  // the members with these keys, and a set for their values
    std::shared_ptr<const KeySet> keys;
    SetId value = any_value;
    bool operator==(const Members& o) const { return value == o.value && (keys == o.keys || *keys == *o.keys); }
};

struct ObjectShape {
    std::vector<Members> all;              // each such member has such a value
    std::vector<Members> some;             // one such member has such a value
    std::vector<std::u32string> required;  // sorted
    std::uint64_t min = 0, max = no_limit;
    std::string min_pointer;  // of the keyword behind `min`, for errors
    bool operator==(const ObjectShape& o) const {
        return all == o.all && some == o.some && required == o.required && min == o.min && max == o.max;
    }
};

struct ArrayShape {
    struct Contains {
        std::uint64_t from = 0;  // index of the first item that counts
        SetId item = any_value;
        std::uint64_t min = 1, max = no_limit;
        bool operator==(const Contains&) const = default;
    };
    std::vector<SetId> prefix;
    SetId rest = any_value;
    std::uint64_t min = 0, max = no_limit;
    std::vector<Contains> contains;
    bool operator==(const ArrayShape&) const = default;
};

struct Type {
    bool null = false, yes = false, no = false;
    bool every_number = false;                // exponents too; then `numbers` is not used
    Languages::Id numbers = Languages::none;  // else: texts of plain numbers
    Languages::Id strings = Languages::none;
    std::vector<ArrayShape> arrays;    // one of them
    std::vector<ObjectShape> objects;  // one of them

    static Type everything();
    bool has_scalars() const {
        return null || yes || no || every_number || numbers != Languages::none || strings != Languages::none;
    }
};

// What the algebra asks of whoever knows the sets.
class Sets {
public:
    virtual ~Sets() = default;
    virtual SetId both(SetId a, SetId b) = 0;
    virtual SetId inverse(SetId a) = 0;
    virtual bool surely_empty(SetId a) = 0;  // no value: may be false where that is not obvious
};

class TypeAlgebra {
public:
    static constexpr std::size_t max_shapes = 256;  // of one kind in one type

    TypeAlgebra(Languages& languages, Sets& sets) : languages_(languages), sets_(sets) {}
    Type both(const Type& a, const Type& b);
    Type either(Type a, const Type& b);
    Type inverse(const Type& a);
    // The values of exactly one of the types.
    Type exactly_one(const std::vector<Type>& types);
    bool surely_empty(const Type& a);

private:
    ArrayShape both(const ArrayShape& a, const ArrayShape& b);
    ObjectShape both(const ObjectShape& a, const ObjectShape& b);
    std::vector<ArrayShape> inverse(const ArrayShape& a);
    std::vector<ObjectShape> inverse(const ObjectShape& a);
    bool surely_empty(ArrayShape& a);
    bool surely_empty(const ObjectShape& a);
    void tidy(Type& t);
    bool disjoint_shapes(const Type& a, const Type& b);

    Languages& languages_;
    Sets& sets_;
};

bool contains(const KeySet& keys, const std::u32string& word, const Languages& languages);

}  // namespace quern::grammar
