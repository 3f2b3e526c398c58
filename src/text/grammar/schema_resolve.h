// Reads schemas: which Type a set of them has, found when it is asked for and remembered. Knows every keyword (the
// table in schema_keywords.cpp) and the pointers for errors; knows nothing of programs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/grammar/schema.h"
#include "text/grammar/schema_type.h"

namespace quern::grammar {

class Resolver : public Sets {
public:
    static constexpr std::size_t max_sets = 20'000;
    static constexpr int max_depth = 100;  // of schemas applied to one value: nested allOf, chains of $ref

    // The schema must outlive the resolver.
    Resolver(const Json& schema, Budget& budget, Formats formats);

    SetId root() const { return root_; }
    const Type& type(SetId set);
    Languages& languages() { return languages_; }

    SetId both(SetId a, SetId b) override;
    SetId inverse(SetId a) override;
    bool surely_empty(SetId a) override;

    // What the readers of keywords use.
    struct Place {
        const Json& schema;  // an object
        const std::string& pointer;
    };
    SetId schema_at(const Json& schema, const std::string& pointer);  // a schema inside another
    SetId constant(const Json& value);                                // exactly this value
    SetId reference(const Place& here, const std::string& ref, const std::string& pointer);
    std::string pointer_of(SetId set) const;  // of one of its schemas, for errors
    Formats formats() const { return formats_; }
    TypeAlgebra& algebra() { return algebra_; }
    Budget& budget() { return languages_.budget(); }

private:
    struct Node {
        enum class Kind : std::uint8_t { schema, constant, set } kind;
        const Json* json = nullptr;
        SetId set = any_value;  // of Kind::set: the set whose inverse is needed
        std::string pointer;
        int round = -1;  // in which it is being resolved
        std::unique_ptr<Type> type;
    };
    using Literal = std::int32_t;  // node * 2, + 1 for "not"

    std::int32_t node(Node::Kind kind, const Json* json, SetId set, const std::string& pointer);
    SetId intern(std::vector<Literal> literals);
    const Type& node_type(std::int32_t node);
    Type schema_type(const Node& node);
    Type constant_type(const Json& value);

    const Json& document_;
    Formats formats_;
    Languages languages_;
    TypeAlgebra algebra_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::map<std::pair<const Json*, int>, std::int32_t> node_ids_;
    std::vector<std::vector<Literal>> sets_;
    std::map<std::vector<Literal>, SetId> set_ids_;
    std::vector<std::unique_ptr<Type>> types_;  // by set
    std::map<SetId, bool> empty_;
    SetId root_ = any_value;
    static constexpr int max_look = 8;
    int depth_ = 0, looking_ = 0, round_ = 0, rounds_ = 0;
    std::vector<std::unique_ptr<const Json>> own_;  // values made here
};

std::string pointer_to(const std::string& parent, std::string_view token);  // escapes ~ and /
std::u32string code_points(std::string_view utf8);

// The Type that the keywords of one schema object ask for, all together.
Type keywords_type(Resolver& resolver, const Resolver::Place& place);

}  // namespace quern::grammar
