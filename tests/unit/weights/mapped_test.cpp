#include "weights/mapped.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "format/gguf/writer.h"
#include "tensor/view.h"

namespace quern {
namespace {

// A file with every kind of tensor that matters here; byte i of tensor t is (i * 7 + t).
class MappedWeightsTest : public testing::Test {
protected:
    MappedWeightsTest()
        : path_(std::filesystem::temp_directory_path() / ("quern_mapped_" + std::to_string(getpid()) + ".gguf")) {
        gguf::Writer writer(path_, {}, specs_);
        for (std::size_t t = 0; t < specs_.size(); ++t) writer.write(specs_[t].name, content(t));
        writer.commit();
    }
    ~MappedWeightsTest() override { std::filesystem::remove(path_); }

    std::vector<std::byte> content(std::size_t t) const {
        std::size_t rows = 1;
        for (std::size_t d = 0; d + 1 < specs_[t].dims.size(); ++d) rows *= std::size_t(specs_[t].dims[d]);
        std::vector<std::byte> out(rows * std::size_t(row_bytes(specs_[t].dtype, specs_[t].dims.back())));
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::byte(i * 7 + t);
        return out;
    }

    const std::vector<gguf::TensorSpec> specs_{{"norm.weight", DType::f32, {5}},
                                               {"blk.0.ffn_up.weight", DType::q8_0, {3, 64}},
                                               {"blk.0.ffn_up_exps.weight", DType::q4_0, {4, 2, 32}},
                                               {"big", DType::f32, {70, 100000}}};
    Path path_;
};

TEST_F(MappedWeightsTest, FindsByNameAndBindsInPlace) {
    MappedWeights weights(gguf::File::open(path_));
    EXPECT_FALSE(weights.find("blk.0.ffn_up"));
    EXPECT_FALSE(weights.find(""));
    std::int64_t bytes = 0;
    for (std::size_t t = 0; t < specs_.size(); ++t) {
        const auto info = weights.find(specs_[t].name);
        ASSERT_TRUE(info) << specs_[t].name;
        EXPECT_EQ(info->dtype, specs_[t].dtype);
        EXPECT_EQ(info->dims, specs_[t].dims);
        const View v = weights.bind(info->id);
        ASSERT_EQ(v.rank, int(specs_[t].dims.size()));
        EXPECT_TRUE(std::equal(specs_[t].dims.begin(), specs_[t].dims.end(), v.dim.begin()));
        const auto want = content(t);
        EXPECT_EQ(std::memcmp(v.data, want.data(), want.size()), 0) << specs_[t].name;
        EXPECT_EQ(v.data, weights.file().find(specs_[t].name)->bytes.data()) << "it must not be a copy";
        bytes += std::int64_t(want.size());
    }
    EXPECT_EQ(weights.bytes(), bytes);
    const View up = weights.bind(weights.find("blk.0.ffn_up.weight")->id);
    EXPECT_EQ(up.stride[0], 2 * 34);
    const View experts = weights.bind(weights.find("blk.0.ffn_up_exps.weight")->id);
    EXPECT_EQ(experts.stride[0], 2 * 18);
    EXPECT_EQ(experts.stride[1], 18);
}

TEST_F(MappedWeightsTest, LeasesExpertsOneByOne) {
    MappedWeights weights(std::make_shared<const gguf::File>(gguf::File::open(path_)));
    const int id = weights.find("blk.0.ffn_up_exps.weight")->id;
    const View whole = weights.bind(id);
    std::array<const std::byte*, 4> slabs{};
    const std::array<std::int32_t, 2> experts{3, 1};
    ASSERT_TRUE(weights.acquire(id, experts.data(), 2, slabs.data()));
    EXPECT_EQ(slabs[3], whole.data + 3 * whole.stride[0]);
    EXPECT_EQ(slabs[1], whole.data + 1 * whole.stride[0]);
    EXPECT_EQ(slabs[0], nullptr);
    EXPECT_EQ(slabs[2], nullptr);
    weights.release(id, experts.data(), 2);
    EXPECT_TRUE(weights.acquire(id, nullptr, 0, nullptr));
}

TEST_F(MappedWeightsTest, RefusesWrongIdsAndExperts) {
    MappedWeights weights(gguf::File::open(path_));
    const int id = weights.find("blk.0.ffn_up_exps.weight")->id;
    std::array<const std::byte*, 4> slabs{};
    const auto acquire = [&](int which, std::int32_t a, std::int32_t b) {
        const std::array<std::int32_t, 2> experts{a, b};
        return weights.acquire(which, experts.data(), 2, slabs.data());
    };
    EXPECT_FALSE(acquire(-1, 0, 1));
    EXPECT_FALSE(acquire(int(specs_.size()), 0, 1));
    EXPECT_FALSE(acquire(1 << 30, 0, 1));
    EXPECT_FALSE(acquire(id, 0, 4));
    EXPECT_FALSE(acquire(id, 0, -1));
    EXPECT_FALSE(acquire(weights.find("blk.0.ffn_up.weight")->id, 0, 1)) << "two dims: no experts";
    for (const std::byte* slab : slabs) EXPECT_EQ(slab, nullptr) << "a refusal must leave the slabs alone";
    EXPECT_DEATH(weights.bind(-1), "mapped.cpp");
}

TEST_F(MappedWeightsTest, PrefetchTellsHowFarItIs) {
    const MappedWeights weights(gguf::File::open(path_));
    std::vector<std::int64_t> seen;
    weights.prefetch([&](std::int64_t done, std::int64_t total) {
        EXPECT_EQ(total, weights.bytes());
        seen.push_back(done);
    });
    ASSERT_GE(seen.size(), specs_.size() + 1) << "28 MB in one go is no progress bar";
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_EQ(seen.back(), weights.bytes());
    weights.prefetch();
    const auto stop = [](std::int64_t, std::int64_t) { throw Error(Code::cancelled, "stopped"); };
    EXPECT_THROW(weights.prefetch(stop), Error);
}

// Without this the process would end by SIGBUS.
TEST_F(MappedWeightsTest, PrefetchNoticesAFileThatWasCut) {
    const MappedWeights weights(gguf::File::open(path_));
    std::filesystem::resize_file(path_, 1 << 20);
#ifdef MADV_POPULATE_READ
    try {
        weights.prefetch();
        ADD_FAILURE() << "no Error";
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::io);
        EXPECT_NE(std::string(e.what()).find("tensor big"), std::string::npos) << e.what();
    }
#else
    GTEST_SKIP() << "this system cannot tell without MADV_POPULATE_READ";
#endif
}

// Tensors of a model in memory (fuzzing, tests) work the same.
TEST_F(MappedWeightsTest, WorksOverBytesInMemory) {
    const MappedFile file(path_);
    MappedWeights weights(gguf::File::parse(file.bytes()));
    const View v = weights.bind(weights.find("norm.weight")->id);
    EXPECT_EQ(v.data[4], std::byte(28));
    weights.prefetch();
}

}  // namespace
}  // namespace quern
