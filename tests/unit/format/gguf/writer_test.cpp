#include "format/gguf/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "format/gguf/file.h"
#include "format/gguf/reader.h"
#include "unit/format/gguf/raw.h"

namespace quern::gguf {
namespace {

using testing::HasSubstr;

Path scratch() {
    return Path(testing::TempDir()) /
           (std::string("gguf_writer_") + testing::UnitTest::GetInstance()->current_test_info()->name() + ".gguf");
}

template <class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

Metadata every_type() {
    Metadata m;
    m.set("general.architecture", std::string("llama"));
    m.set("u8", std::uint8_t{1});
    m.set("i8", std::int8_t{-2});
    m.set("u16", std::uint16_t{3});
    m.set("i16", std::int16_t{-4});
    m.set("u32", std::uint32_t{5});
    m.set("i32", std::int32_t{-6});
    m.set("u64", std::uint64_t{7});
    m.set("i64", std::int64_t{-8});
    m.set("f32", 0.5f);
    m.set("f64", -0.25);
    m.set("yes", true);
    m.set("empty", std::string());
    m.set_array("a.u8", std::vector<std::uint8_t>{1, 2});
    m.set_array("a.i8", std::vector<std::int8_t>{-1});
    m.set_array("a.u16", std::vector<std::uint16_t>{9});
    m.set_array("a.i16", std::vector<std::int16_t>{-9});
    m.set_array("a.u32", std::vector<std::uint32_t>{});
    m.set_array("a.i32", std::vector<std::int32_t>{1, -1});
    m.set_array("a.u64", std::vector<std::uint64_t>{1});
    m.set_array("a.i64", std::vector<std::int64_t>{-1});
    m.set_array("a.f32", std::vector<float>{1.5f});
    m.set_array("a.f64", std::vector<double>{2.5});
    m.set_array("a.strings", std::vector<std::string>{"x", "", std::string("\0\xff", 2)});
    m.set("a.bools", Array{ValueType::boolean, std::vector<std::uint8_t>{1, 0}});
    m.set_array("a.arrays", std::vector<Array>{Array{ValueType::f32, std::vector<float>{1}},
                                               Array{ValueType::array, std::vector<Array>{}}});
    return m;
}

std::vector<std::byte> pattern(std::size_t n, int seed) {
    std::vector<std::byte> out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::byte>(i * 31 + std::size_t(seed));
    return out;
}

// Would catch: any type, dim order, padding or offset that is written otherwise than it is read.
TEST(Writer, WhatIsWrittenReadsBack) {
    const Path path = scratch();
    const Metadata m = every_type();
    const std::vector<TensorSpec> specs{
        {"q", DType::q4_0, {3, 64}}, {"n", DType::f32, {7}}, {"h", DType::f16, {2, 3, 4, 5}}};
    const auto q = pattern(108, 1), n = pattern(28, 2), h = pattern(240, 3);
    {
        Writer w(path, m, specs);
        w.write("q", std::span(q).first(50));
        w.write("q", std::span(q).subspan(50));
        w.write("n", n);
        w.write("h", h);
        w.commit();
    }
    const File f = File::open(path);
    EXPECT_EQ(f.version(), 3u);
    EXPECT_TRUE(std::ranges::equal(f.metadata().entries(), m.entries()));
    ASSERT_EQ(f.tensors().size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(f.tensors()[i].name, specs[i].name);
        EXPECT_EQ(f.tensors()[i].dtype, specs[i].dtype);
        EXPECT_EQ(f.tensors()[i].dims, specs[i].dims);
        EXPECT_EQ(f.tensors()[i].offset % 32, 0u);
    }
    EXPECT_TRUE(std::ranges::equal(f.find("q")->bytes, q));
    EXPECT_TRUE(std::ranges::equal(f.find("n")->bytes, n));
    EXPECT_TRUE(std::ranges::equal(f.find("h")->bytes, h));
    EXPECT_EQ(f.file_bytes() % 32, 0u);
    std::filesystem::remove(path);
}

TEST(Writer, FollowsTheFilesAlignment) {
    const Path path = scratch();
    Metadata m;
    m.set("general.alignment", std::uint32_t{256});
    Writer w(path, m, {{"a", DType::i8, {3}}, {"b", DType::i8, {3}}});
    w.write("a", pattern(3, 0));
    w.write("b", pattern(3, 5));
    w.commit();
    const File f = File::open(path);
    EXPECT_EQ(f.find("a")->offset % 256, 0u);
    EXPECT_EQ(f.find("b")->offset, f.find("a")->offset + 256);
    EXPECT_EQ(f.find("b")->bytes[0], std::byte{5});
    std::filesystem::remove(path);
}

// Would catch: a result of joining a split that says it is still one part of it.
TEST(Writer, LeavesSplitKeysOut) {
    Metadata m;
    m.set("split.count", std::uint16_t{3});
    m.set("general.architecture", std::string("llama"));
    const std::string text = encode_index(m, {});
    const File f = File::parse(raw::bytes(text));
    EXPECT_FALSE(f.metadata().has("split.count"));
    EXPECT_TRUE(f.metadata().has("general.architecture"));
}

TEST(Writer, RefusesWhatCannotBeRead) {
    const auto with = [](std::string key, Value v) {
        Metadata m;
        m.set(std::move(key), std::move(v));
        return m;
    };
    const auto encode = [](const Metadata& m, std::vector<TensorSpec> t) { return encode_index(m, t); };
    EXPECT_THAT(error_of([&] { encode({}, {{"w", DType::u8, {4}}}); }), HasSubstr("'w': GGUF has no type u8"));
    EXPECT_THAT(error_of([&] { encode({}, {{"w", DType::f32, {4}}, {"w", DType::f32, {4}}}); }), HasSubstr("'w'"));
    EXPECT_THAT(error_of([&] { encode({}, {{"w", DType::q8_0, {33}}}); }), HasSubstr("'w': a row has 33"));
    EXPECT_THAT(error_of([&] { encode({}, {{"w", DType::f32, {0}}}); }), HasSubstr("'w': it has a dim of 0"));
    EXPECT_THAT(error_of([&] { encode({}, {{"w", DType::f32, {}}}); }), HasSubstr("'w': it has 0 dims"));
    EXPECT_THAT(error_of([&] { encode({}, {{"", DType::f32, {1}}}); }), HasSubstr("name has 0 bytes"));
    EXPECT_THAT(error_of([&] { encode(with("", true), {}); }), HasSubstr("length is 0"));
    EXPECT_THAT(error_of([&] { encode(with("general.alignment", std::uint32_t{5}), {}); }), HasSubstr("alignment"));
    EXPECT_THAT(error_of([&] { encode(with("general.name", 1.0), {}); }), HasSubstr("'general.name' is f64"));
    EXPECT_THAT(error_of([&] {
                    encode(with("k", Array{ValueType::f32, std::vector<std::uint8_t>{}}), {});
                }),
                HasSubstr("'k': an array declared as f32 holds values of u8"));
    Array deep;
    for (int i = 0; i < max_array_depth; ++i) deep = Array{ValueType::array, std::vector<Array>{deep}};
    EXPECT_THAT(error_of([&] { encode(with("k", deep), {}); }), HasSubstr("'k': arrays are nested deeper"));
}

// Would catch: a file with a tensor's bytes in another's place, or without some of them.
TEST(Writer, RefusesBytesOutOfOrder) {
    const Path path = scratch();
    const auto four = pattern(4, 0), eight = pattern(8, 0);
    {
        Writer w(path, {}, {{"a", DType::i8, {4}}, {"b", DType::i8, {4}}});
        EXPECT_THAT(error_of([&] { w.write("b", four); }), HasSubstr("the next in order is 'a'"));
        EXPECT_THAT(error_of([&] { w.write("a", eight); }), HasSubstr("'a': 8 bytes more, but it lacks only 4"));
        w.write("a", four);
        EXPECT_THAT(error_of([&] { w.commit(); }), HasSubstr("'b' lacks 4 bytes"));
        w.write("b", four);
        EXPECT_THAT(error_of([&] { w.write("c", four); }), HasSubstr("'c': every declared tensor"));
        EXPECT_FALSE(std::filesystem::exists(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace quern::gguf
