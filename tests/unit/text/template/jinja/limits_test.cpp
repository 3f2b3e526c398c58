// Hostile templates end in an Error soon, and origins survive whatever is done to a text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "text/template/jinja/template.h"

namespace quern::text::jinja {
namespace {

using testing::HasSubstr;

Str render(const std::string& source, const Json& variables = Json::object(), const Limits& limits = {}) {
    std::vector<Variable> v;
    for (const auto& [name, value] : variables.items()) v.push_back({.name = name, .value = &value});
    return Template(source).render(v, std::tm{}, limits);
}

std::string error_of(const std::string& source) {
    try {
        render(source);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

class Hostile : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Hostile, EndsInAnErrorSoon) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(error_of(GetParam().first), HasSubstr(GetParam().second));
    // A second in a plain build; sanitizers and busy machines get ten times that.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

constexpr const char *steps = "steps", *bytes = "bytes", *deep = "deeper";
INSTANTIATE_TEST_SUITE_P(
    Templates, Hostile,
    testing::Values(
        std::pair("{% for i in range(99999) %}{% for j in range(9999) %}{{ j.x }}{% endfor %}{% endfor %}",
                  "more than"),
        std::pair("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", deep),
        std::pair("{% macro m() %}{{ caller() }}{{ m() }}{% endmacro %}{% call m() %}{{ m() }}{% endcall %}", "caller"),
        std::pair("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", deep),
        std::pair("{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}", bytes),
        std::pair("{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}", bytes),
        std::pair("{{ 'a' * 999999999999 }}", bytes), std::pair("{{ [1] * 9223372036854775807 }}", bytes),
        std::pair("{% for i in range(99999) %}{{ 'a' * 99999 }}{% endfor %}", bytes),
        std::pair("{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
                  deep),
        std::pair("{% set x = [] %}{% set _ = x.append(x) %}{{ x }}", deep),
        std::pair("{% set x = [] %}{% set _ = x.append(x) %}{{ x | tojson }}", deep),
        std::pair("{% set x = [] %}{% set y = [x] %}{% set _ = x.append(y) %}{{ x == y }}", deep),
        std::pair("{% set x = {} %}{% set _ = x.update({'x': x}) %}{{ x | tojson(indent=9) }}", deep),
        std::pair("{% set s = 'a' * 9999999 %}{% for i in range(9999) %}{{ 'b' in s }}{% endfor %}", steps),
        std::pair("{% set s = 'a' * 9999999 %}{{ s.rfind('b' + 'a' * 999999) }}", steps),
        std::pair("{% set s = 'a' * 999999 %}{{ s.replace('', s) }}", bytes),
        std::pair("{% set s = 'a' * 999999 %}{{ s.strip('b' + s) }}", steps),
        std::pair("{% set d = {} %}{% for x in range(99999) %}{% set _ = d.update({x: x}) %}{% endfor %}", steps),
        std::pair("{{ range(99999) | unique | list | length }}", steps),
        std::pair("{% for x in range(99999) %}{{ range(99999) | map('string') | join | length }}{% endfor %}", bytes),
        std::pair("{{ 9 ** 99999 }}", "64 bits"), std::pair("{{ 9223372036854775807 + 1 }}", "64 bits"),
        std::pair("{{ 99999999999999999999 }}", "too large"), std::pair("{{ 'x' | indent(99999999) }}", "1000"),
        std::pair("{{ '%999999999d' % 1 }}", "1000"), std::pair("{{ strftime_now('%A' * 99999) }}", "64 KiB"),
        std::pair("{{ [1] | tojson(indent=999999999) }}", "100")));

std::string repeated(const std::string& s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
}

TEST(TemplateLimits, DeepSourceIsRefusedWhenItIsRead) {
    for (const std::string& source :
         {"{{ " + repeated("(", 9999) + repeated(")", 9999) + " }}",
          "{{ " + repeated("[", 9999) + repeated("]", 9999) + " }}", "{{ " + repeated("not ", 99999) + "1 }}",
          "{{ " + repeated("-", 99999) + "1 }}", "{{ x" + repeated(".a", 99999) + " }}",
          "{{ x" + repeated("|upper", 99999) + " }}", "{{ x" + repeated("[0]", 99999) + " }}",
          "{{ " + repeated("1 if 1 else ", 99999) + "1 }}", "{{ " + repeated("{1:", 9999) + repeated("}", 9999) + " }}",
          repeated("{% if 1 %}", 99999), repeated("{% for x in y %}", 99999),
          "{% set " + repeated("(", 9999) + repeated(")", 9999) + "=1 %}", "{{ 1" + repeated(" if 1", 99999) + " }}",
          "{{ 1" + repeated(" is odd(1", 9999) + repeated(")", 9999) + " }}"}) {
        EXPECT_THAT(error_of(source), HasSubstr("deeper")) << source.substr(0, 40);
    }
    // Long is not deep.
    EXPECT_EQ(render("{{ 0" + repeated(" + 1", 9999) + " }}").bytes, "9999");
    EXPECT_EQ(render("{% if 0 %}" + repeated("{% elif 0 %}", 9999) + "{% else %}x{% endif %}").bytes, "x");
}

TEST(TemplateLimits, TheLimitsAreWhatIsGiven) {
    EXPECT_NO_THROW(render("{% for i in range(10) %}{% endfor %}"));
    EXPECT_THROW(render("{% for i in range(10) %}{% endfor %}", {}, {.steps = 5}), Error);
    EXPECT_THROW(render("{{ 'a' * 1000 }}", {}, {.bytes = 1000}), Error);
    EXPECT_THROW(render("{{ [[[[1]]]] }}", {}, {.depth = 3}), Error);
}

// The bytes that are data, between brackets.
std::string marked(const std::string& source) {
    const Json variables{{"d", "DaTa"}, {"m", {{{"role", "u<x>"}, {"k\"", {1, "v\n"}}}}}, {"n", 5}};
    const Str s = render(source, variables);
    std::string out;
    std::size_t at = 0;
    for (const Span& span : s.data) {
        EXPECT_GE(span.begin, at);
        EXPECT_GT(span.end, span.begin);
        out += s.bytes.substr(at, span.begin - at) + "[" + s.bytes.substr(span.begin, span.end - span.begin) + "]";
        at = span.end;
    }
    return out + s.bytes.substr(at);
}

TEST(TemplateOrigins, SurviveWhateverIsDoneToAText) {
    for (const auto& [source, wanted] :
         {std::pair("a{{ d }}b", "a[DaTa]b"),
          {"{{ '<' + d + '>' }}", "<[DaTa]>"},
          {"{{ '<' ~ d ~ 1 }}", "<[DaTa]1"},
          {"{{ ('x' + d + 'y')[1:-2] }}", "[DaT]"},
          {"{{ ('x' + d + 'y')[::-1] }}", "y[aTaD]x"},
          {"{{ ('x' + d + 'y')[0] }}{{ ('x' + d)[2] }}", "x[a]"},
          {"{{ d | upper }}{{ ('x' + d).lower() }}{{ d | title }}", "[DATA]x[dataData]"},
          {"{{ ('  ' + d + ' ') | trim }}|{{ d.strip('D') }}", "[DaTa]|[aTa]"},
          {"{{ d.replace('a', '<>') }}{{ 'a-b' | replace('-', d) }}", "[D]<>[T]<>a[DaTa]b"},
          {"{{ d.split('T') | join('|') }}{{ ('x' + d).partition('D')[2] }}", "[Da]|[aaTa]"},
          {"{{ [d, 'x', d] | join(d) }}", "[DaTaDaTa]x[DaTaDaTa]"},
          {"{{ m | tojson }}", "[{\"[role]\": \"[u<x>]\", \"[k\\\"]\": [1, \"[v\\n]\"]}]"},
          {"{{ m }}", "[{'[role]': '[u<x>]', '[k\"]': [1, '[v\\n]']}]"},
          {"{{ d | e }}{{ m[0].role | e }}", "[DaTau&lt;x&gt;]"},
          {"{{ '%s=%s' % ('x', d) }}{{ d | indent(2, true) }}", "x=[DaTa]  [DaTa]"},
          {"{% set x %}a{{ d }}{% endset %}{{ x }}{% filter upper %}b{{ d }}{% endfilter %}", "a[DaTa]B[DATA]"},
          {"{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(d) }}{{ f('y') }}", "<[DaTa]><y>"},
          {"{% for c in d %}{{ c }},{% endfor %}", "[D],[a],[T],[a],"},
          {"{{ d * 2 }}{{ d | truncate(3, true, '.', 0) }}{{ d | list | first }}", "[DaTaDaTaDa].[D]"},
          {"{{ ('[' + d + ']') | from_json | first if false else d | urlencode }}", "[DaTa]"},
          {"{{ n }}{{ d | length }}{{ d == 'DaTa' }}{{ 'lit' if d }}", "54Truelit"},
          {"{{ ('[\"' + d + '\"]') | from_json | last }}", "[DaTa]"},
          {"{{ {d: 1} | tojson }}{{ dict(a=d).a }}{{ namespace(x=d).x }}", "{\"[DaTa]\": 1}[DaTaDaTa]"},
          {"{{ d | safe + '<' }}{{ d.ljust(6, '.') }}{{ d | center(6) }}", "[DaTa]&lt;[DaTa].. [DaTa] "},
          {"{{ ('<i>' | safe) + m[0].role }}", "<i>[u&lt;x&gt;]"},
          {"{{ m | map(attribute='role') | join }}{{ m | sort(attribute='role') | first | attr('x') }}", "[u<x>]"},
          {"{{ d | batch(2) | first | join('-') }}{{ d.splitlines() | first }}", "[D]-[aDaTa]"},
          {"{{ d | replace('', '-') }}", "-[D]-[a]-[T]-[a]-"}})
        EXPECT_EQ(marked(source), wanted) << source;
}

}  // namespace
}  // namespace quern::text::jinja
