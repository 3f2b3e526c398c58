#include "format/safetensors/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "format/safetensors/file.h"

namespace quern::safetensors {
namespace {

using testing::HasSubstr;

Path scratch() { return Path(testing::TempDir()) / "quern_safetensors_writer_test.safetensors"; }

std::string error_of(const std::vector<TensorData>& tensors) {
    try {
        write(scratch(), tensors);
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

// Would catch: offsets from the wrong start, a name that is not escaped, data that is not aligned to its type.
TEST(SafetensorsWriter, WhatIsWrittenReadsBack) {
    std::vector<std::byte> pattern(48);
    for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<std::byte>(i * 5);
    const std::span<const std::byte> p(pattern);
    const std::vector<TensorData> tensors{{"flags", DType::boolean, {3}, p.first(3)},
                                          {"a \"quoted\\\" \xc3\xa4", DType::bf16, {2, 3}, p.subspan(3, 12)},
                                          {"scalar", DType::f32, {}, p.subspan(1, 4)},
                                          {"none", DType::i8, {4, 0}, {}},
                                          {"long", DType::i64, {1, 1, 2}, p.subspan(9, 16)}};
    write(scratch(), tensors, {{"step", "7"}});
    const File f = File::open(scratch());
    ASSERT_EQ(f.tensors().size(), tensors.size());
    for (const TensorData& t : tensors) {
        const TensorInfo* found = f.find(t.name);
        ASSERT_NE(found, nullptr) << t.name;
        EXPECT_EQ(found->dtype, t.dtype);
        EXPECT_EQ(found->dims, t.dims);
        EXPECT_TRUE(std::ranges::equal(found->bytes, t.bytes));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(found->bytes.data()) % std::uintptr_t(info(t.dtype).bytes), 0u);
    }
    EXPECT_EQ(f.metadata().at("step"), "7");
    std::filesystem::remove(scratch());
}

TEST(SafetensorsWriter, WritesNothing) {
    write(scratch(), {});
    EXPECT_TRUE(File::open(scratch()).tensors().empty());
    std::filesystem::remove(scratch());
}

TEST(SafetensorsWriter, RefusesWhatCannotBeRead) {
    const std::byte b[8] = {};
    EXPECT_THAT(error_of({{"w", DType::q4_0, {32}, b}}), HasSubstr("'w': safetensors has no type q4_0"));
    EXPECT_THAT(error_of({{"w", DType::f32, {3}, b}}), HasSubstr("'w': it comes with 8 bytes, but"));
    EXPECT_THAT(error_of({{"w", DType::f32, {-2}, b}}), HasSubstr("'w'"));
    EXPECT_THAT(error_of({{"w", DType::f32, {2}, b}, {"w", DType::f32, {2}, b}}), HasSubstr("'w': the name is taken"));
    EXPECT_THAT(error_of({{"__metadata__", DType::f32, {2}, b}}), HasSubstr("'__metadata__': the name is taken"));
    EXPECT_THAT(error_of({{"\xff", DType::f32, {2}, b}}), HasSubstr("'\\xff': the name is not UTF-8"));
    EXPECT_THAT(error_of({{"w", DType::f32, {2, 1, 1, 1, 1, 1, 1, 1, 1}, b}}), HasSubstr("'w': it has 9 dims"));
    EXPECT_FALSE(std::filesystem::exists(scratch()));
}

}  // namespace
}  // namespace quern::safetensors
