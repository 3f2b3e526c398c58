// Cases of embed and the check a kernel must pass on them.
#pragma once

#include "dispatch/proof/support.h"
#include "ops/embed.h"

namespace quern::proof {

struct EmbedCase {
    DType dtype = DType::f32;
    std::int64_t width = 0;
    Data data = Data::normal;

    std::string text() const { return "rows of " + std::to_string(width) + " " + std::string(info(dtype).name); }
};

inline std::string check_embed(const KernelSpec& k, const KernelSpec& model, const EmbedCase& c) {
    constexpr std::int64_t rows = 5, vocab = 7;
    Weights w = make_weights(c.dtype, vocab, c.width, c.data, 1);
    std::vector<std::int32_t> ids{6, 0, 3, 3, 1}, bad{0, 1, vocab, 2, -1};
    const auto fail = [&](const std::string& what) { return std::string(k.id) + ": " + c.text() + ": " + what; };
    const auto with = [&](const KernelSpec& kernel, std::vector<std::int32_t>& list, Output& y, std::int64_t parts) {
        const EmbedArgs a{view_of(list, {rows}), w.view(), y.view()};
        return run(kernel, &a, parts);
    };
    Output want(rows, c.width);
    with(model, ids, want, 1);
    for (const std::int64_t parts : {1, 2, 5}) {
        Output y(rows, c.width);
        if (const Status s = with(k, ids, y, parts); s != Status::ok) return fail(ending(s));
        if (y.overrun()) return fail("wrote outside its output");
        if (const auto d = differ(y.values(), want.values()); !d.empty()) return fail("definition: " + d);
    }
    Output y(rows, c.width);
    if (with(k, bad, y, 1) != Status::bad_token_id) return fail("an id outside the table was not refused");
    return {};
}

}  // namespace quern::proof
