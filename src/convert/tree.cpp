#include "convert/tree.h"

#include "base/error.h"

namespace quern::convert {

Tree parse_tree(std::string_view text, std::string_view what) {
    constexpr int max_depth = 64;
    bool too_deep = false;
    const auto limit = [&](int depth, Tree::parse_event_t, Tree&) {
        too_deep = too_deep || depth > max_depth;
        return !too_deep;
    };
    try {
        Tree t = Tree::parse(text, limit);
        if (too_deep) throw Error(Code::bad_file, "parsing {}: it is nested deeper than {} levels", what, max_depth);
        return t;
    } catch (const Tree::exception& e) {
        throw Error(Code::bad_file, "parsing {}: {}", what, e.what());
    }
}

}  // namespace quern::convert
