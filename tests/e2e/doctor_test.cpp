// What the doctor says of this machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kernels/cpu.h"
#include "process.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

TEST(Doctor, MeasuresThisMachine) {
    const Result r = quern({"doctor", "--json"});
    EXPECT_EQ(r.exit, 0) << r.err << r.out;
    const Json j = parse_json(r.out, "output");
    EXPECT_EQ(j.at("version"), 1);
    EXPECT_GE(j.at("processor").at("usable"), 1);
    EXPECT_GT(j.at("read_gb_per_s"), 0.1);
    EXPECT_GT(j.at("disk").at("mb_per_s"), 0);
    EXPECT_GT(j.at("memory").at("available_bytes"), 0);
    EXPECT_EQ(j.at("trouble"), Json::array());
    std::map<std::string, Json> tiers;
    for (const Json& t : j.at("tiers")) tiers[t.at("name").get<std::string>()] = t;
    EXPECT_EQ(tiers.at("scalar").at("self_test"), "holds");
    EXPECT_EQ(tiers.at("avx2").at("available"), covers(cpu_isa(), Isa::avx2_fma));
    if (covers(cpu_isa(), Isa::avx2_fma)) {
        EXPECT_EQ(tiers.at("avx2").at("self_test"), "holds");
        EXPECT_GT(j.at("peak_gops").at("f32"), 1);
        EXPECT_GT(j.at("peak_gops").at("int8"), 1);
    }
    EXPECT_THAT(quern({"doctor", "-t", "1"}).out, HasSubstr("read bandwidth"));
}

TEST(Doctor, TroubleIsNamedAndIsTheExitCode) {
    const Result no_model = quern({"doctor", "-m", "nowhere.gguf"});
    EXPECT_EQ(no_model.exit, 1);
    EXPECT_THAT(no_model.out, HasSubstr("nowhere.gguf"));
    std::ofstream(in_folder("no_folder")) << "a file";
    const Result no_home = quern({"doctor"}, "", {"QUERN_HOME=" + in_folder("no_folder")});
    EXPECT_EQ(no_home.exit, 1);
    EXPECT_THAT(no_home.out, HasSubstr("the ledger of proofs is not used"));
}

}  // namespace
}  // namespace quern::e2e
