// Any bytes as what a model says, in every notation, cut into pieces in any way: the events are well formed, arguments
// are JSON, no opener is left in content, and the pieces make no difference. The first bytes choose the notation, the
// other options and the pieces.
#include <cstdint>
#include <random>

#include "../unit/text/toolcall/streams_for_tests.h"
#include "base/check.h"

namespace {

using namespace quern;
using namespace quern::text;

const ToolTypes& tools() {
    static const ToolTypes types = [] {
        ToolTypes t;
        t.add("f", Json::parse(R"({"properties": {"a": {"type": "string"}, "b": {"type": "integer"},
                                  "c": {"type": ["string", "null"]}, "d": {"type": ["array", "object"]}}})"));
        return t;
    }();
    return types;
}

ParserOptions options_from(std::uint8_t format, std::uint8_t bits) {
    ParserOptions o;
    o.format = tool_formats()[format % tool_formats().size()].format;
    if ((bits & 1) != 0) o.thinking = {"<think>", "</think>"};
    if ((bits & 2) != 0) o.deliver = Deliver::when_complete;
    if ((bits & 4) != 0) o.tools = &tools();
    if ((bits & 8) != 0) o.max_call_bytes = 64;
    const Start starts[] = {Start::content, Start::thinking, Start::after_thinking, Start::header};
    o.start = starts[(bits >> 4) & 3];
    return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const ParserOptions options = options_from(data[0], data[1]);
    const std::string_view said(reinterpret_cast<const char*>(data) + 4, size - 4);
    std::mt19937 random(data[2]);
    Splits splits;
    for (std::size_t at = 0; at < said.size(); at += splits.back())
        splits.push_back(1 + random() % (1 + data[3] % 32u));
    const std::vector<Event> events = stream(options, said, splits);
    const std::string wrong = fault(events, options.format);
    if (!wrong.empty()) fmt::print(stderr, "{}\n", wrong);
    CHECK(wrong.empty());
    CHECK(joined(events) == joined(parse(options, said)));
    return 0;
}
