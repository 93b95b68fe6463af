// tvae plan: amounts, parts, and what it says where nothing fits.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

namespace tvae {
namespace {

using Json = nlohmann::json;

class PlanVerb : public ProgramTest {
 protected:
  /// A small model; `more` after it.
  ProgramResult plan(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"plan", "lines_small", "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  Json planned(std::vector<std::string> more) const {
    more.emplace_back("--json");
    const ProgramResult result = plan(more);
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  }
};

TEST_F(PlanVerb, GivesTheLargestBatchAndItsParts) {
  const Json found = planned({"--memory", "2GiB"});
  const int64_t batch = found.at("batch");
  EXPECT_GT(batch, 0);
  EXPECT_EQ(found.at("tokens"), batch * 64);
  EXPECT_EQ(found.at("precision"), "fp32");
  int64_t sum = 0;
  for (const char* part : {"weights", "gradients", "optimizer", "average", "activations", "logits", "program"})
    sum += found.at("predicted").at(part).get<int64_t>();
  EXPECT_EQ(found.at("predicted").at("total"), sum);
  EXPECT_LE(sum, int64_t{2} << 30);
  // One more would not fit. The program itself differs by a few pages from run to run.
  const Json more = planned({"--batch", std::to_string(batch + 1)});
  EXPECT_GT(more.at("predicted").at("total").get<int64_t>(), (int64_t{2} << 30) - (8 << 20));
  EXPECT_NE(plan({"--memory", "2GiB"}).out.find("activations"), std::string::npos);
}

TEST_F(PlanVerb, ShorterSequencesMeanLargerBatches) {
  EXPECT_GT(planned({"--memory", "1GiB", "--mean-tokens", "16"}).at("batch").get<int64_t>(),
            2 * planned({"--memory", "1GiB"}).at("batch").get<int64_t>());
}

TEST_F(PlanVerb, PlansForAGpuThatIsNotThere) {
  const ProgramResult result = run({"plan", "lines_small", "--device", "cuda", "--memory", "2GiB", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json found = Json::parse(result.out);
  EXPECT_EQ(found.at("precision"), "bf16");
  EXPECT_GT(found.at("batch"), 0);
  EXPECT_EQ(found.at("predicted").at("program"), 0);
}

TEST_F(PlanVerb, SaysHowFastAGpuCanBeAtMostAndPlansForSeveral) {
  const auto plan_for = [&](const std::string& processes) {
    const ProgramResult result = run({"plan", "lines_small", "--gpu", "a100", "--processes", processes, "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  };
  const Json one = plan_for("1"), eight = plan_for("8");
  EXPECT_EQ(one.at("device"), "cuda");
  EXPECT_NEAR(one.at("memory").get<double>(), 0.9 * std::ldexp(80.0, 30), std::ldexp(1.0, 24)) << "of the card";
  EXPECT_FALSE(one.contains("processes"));
  EXPECT_EQ(eight.at("processes"), 8);
  EXPECT_LT(eight.at("predicted").at("optimizer"), one.at("predicted").at("optimizer"));
  EXPECT_EQ(one.at("roofline").at("sum_seconds"), 0.0);
  EXPECT_GT(eight.at("roofline").at("sum_seconds"), 0.0);
  EXPECT_GT(eight.at("roofline").at("tokens_per_second"), one.at("roofline").at("tokens_per_second"));
  const ProgramResult told = run({"plan", "lines_small", "--gpu", "a100", "--processes", "8", "--batch", "64"});
  EXPECT_NE(told.out.find("tokens a second, all together, by the roofline"), std::string::npos) << told.out;
  const ProgramResult unknown = run({"plan", "lines_small", "--gpu", "a1000"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.err.find("a100"), std::string::npos) << unknown.err;
  for (const std::vector<std::string>& both : std::vector<std::vector<std::string>>{
           {"--gpu", "a100", "--measure"}, {"--gpu", "a100", "--device", "cpu"}, {"--processes", "2", "--measure"}}) {
    std::vector<std::string> arguments = {"plan", "lines_small", "--batch", "2"};
    arguments.insert(arguments.end(), both.begin(), both.end());
    EXPECT_EQ(run(arguments).status, 2) << both[0] << " " << both[2];
  }
}

// 2.85 billion weights: 6 bytes each in bf16 with fp32 masters, and as few as 13 MiB of Adafactor's.
TEST_F(PlanVerb, TheLargestPresetFitsOneGpu) {
  const ProgramResult result = run({"plan", "t5_3b", "--device", "cuda", "--memory", "80GiB", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json found = Json::parse(result.out);
  EXPECT_GT(found.at("batch"), 0);
  EXPECT_GT(found.at("predicted").at("weights"), int64_t{6} * 2'851'598'336);
  EXPECT_LT(found.at("predicted").at("optimizer"), int64_t{1} << 30);
}

TEST_F(PlanVerb, SaysWhatWouldHelpWhereNothingFits) {
  const Json found = planned({"--memory", "10MiB"});
  EXPECT_EQ(found.at("batch"), 0);
  EXPECT_GT(found.at("predicted").at("total"), 10 << 20);
  EXPECT_NE(found.at("advice").dump().find("train.ema_decay=0"), std::string::npos);
  EXPECT_NE(plan({"--memory", "10MiB"}).out.find("not even one sequence"), std::string::npos);
}

TEST_F(PlanVerb, MeasuresInAProcessOfItsOwn) {
  const std::vector<std::string> tiny = {"--set", "model.vocab_size=300", "--set", "model.d_model=32", "--batch", "4"};
  std::vector<std::string> measured = tiny;
  measured.emplace_back("--measure");
  const Json found = planned(measured).at("measured");
  EXPECT_EQ(found.at("batch"), 4);
  EXPECT_GT(found.at("allocated"), 0);
  EXPECT_GT(found.at("resident"), found.at("allocated"));
}

TEST_F(PlanVerb, RefusesWhatItCannotRead) {
  for (const char* memory : {"much", "-1GiB"}) {
    const ProgramResult result = plan({"--memory", memory});
    EXPECT_EQ(result.status, 2) << memory;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find("12GiB"), std::string::npos) << result.err;
  }
  EXPECT_EQ(plan({}).status, 2);
  EXPECT_EQ(plan({"--memory", "1GiB", "--mean-tokens", "65"}).status, 2);
  EXPECT_EQ(plan({"--memory", "1GiB", "--batch", "0"}).status, 2);
  EXPECT_EQ(plan({"--memory", "900TiB", "--measure"}).status, 2);
}

}  // namespace
}  // namespace tvae
