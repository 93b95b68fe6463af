// What a report's sentences say of known figures.
#include "tvae/eval/verdict.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

Json report_of(double exact, double valid) {
  return {{"reconstruction", {{"exact_match", exact}, {"edit_similarity", 0.9}}},
          {"interpolation", {{"valid", valid}}},
          {"prior", {{"normal", {{"valid", 0.4}}}}},
          {"shape", {{"rate_nats", 57.6}}}};
}

std::string last(const Json& report) {
  return verdict(report).back();
}

TEST(Verdict, SaysWhatIsThereAndWhatToTry) {
  const std::vector<std::string> sentences = verdict(report_of(0.93, 0.96));
  ASSERT_EQ(sentences.size(), 4u);
  EXPECT_EQ(sentences[0], "Rows come back: 93% of the held-out ones unchanged.");
  EXPECT_EQ(sentences[1], "The space is smooth: 96% of the texts between two rows are valid.");
  EXPECT_EQ(
      sentences[2],
      "Samples: 40% of the texts drawn from N(0, I) are valid; those of a prior fitted to the codes may be better.");
  EXPECT_EQ(sentences[3], "Good to explore as it is.");
}

TEST(Verdict, AdviceFollowsWhatIsWanting) {
  EXPECT_NE(last(report_of(0.9, 0.5)).find("loss.kl.target lower (its codes carry 58 nats now)"), std::string::npos);
  EXPECT_NE(last(report_of(0.3, 0.9)).find("longer training"), std::string::npos);
  EXPECT_NE(last(report_of(0.3, 0.3)).find("more training"), std::string::npos);
  EXPECT_EQ(verdict(report_of(0.0, 0.3))[0],
            "No row comes back as it was: of all characters of the held-out ones 90%.");
  Json short_of = report_of(0.3, 0.9);
  EXPECT_NE(last(short_of).find("higher loss.kl.target"), std::string::npos);
  short_of["rate_target"] = 120;
  EXPECT_EQ(last(short_of), "A longer training brings back more (train.minutes).") << "58 nats are far from 120";
  EXPECT_EQ(verdict(report_of(0.3, 0.3))[0],
            "Few rows come back as they were: 30% of the held-out ones unchanged, and of all their characters 90%.");
}

TEST(Verdict, AFewRowsAreNotTrainedOnForLonger) {
  Json few = report_of(0.0, 0.96);
  few["training_rows"] = 845;
  few["training_passes"] = 60;
  EXPECT_NE(last(few).find("More rows would help most: it has seen each of its 845 often."), std::string::npos);
  few["training_passes"] = 2.2;
  EXPECT_NE(last(few).find("longer training"), std::string::npos) << "they have hardly been seen";
  few["training_passes"] = 60;
  few["training_rows"] = 84500;
  EXPECT_NE(last(few).find("longer training"), std::string::npos);
}

TEST(Verdict, WhatIsValidAndPlainIsNotCalledSmooth) {
  Json plain = report_of(0.0, 0.96);
  plain["fluency"]["paths"] = {{"fluency", 1.24}, {"reverse_fluency", 0.79}};
  EXPECT_EQ(
      verdict(plain)[1],
      "The space says little: 96% of the texts between two rows are valid, but plainer than real ones (fluency 1.24, "
      "the other way 0.79; real ones have 1).");
}

TEST(Verdict, WithoutACheckFluencyCounts) {
  const auto between = [](double fluency, double reverse) {
    return verdict({{"fluency", {{"paths", {{"fluency", fluency}, {"reverse_fluency", reverse}}}}}}).at(0);
  };
  EXPECT_EQ(between(0.97, 0.9),
            "The space is smooth: the texts between two rows read like real ones (fluency 0.97; real ones have 1).");
  EXPECT_EQ(between(0.9, 0.9).find("The space is mostly smooth: the texts between two rows read nearly like real"), 0u);
  EXPECT_NE(between(0.8, 0.9).find("worse than real ones"), std::string::npos);
  EXPECT_NE(between(1.3, 0.9).find("plainer than real ones"), std::string::npos);
  EXPECT_NE(between(1.0, 0.3).find("plainer than real ones"), std::string::npos);
  EXPECT_NE(between(0.2, 0.3).find("The space has holes: the texts between two rows read worse than real ones"),
            std::string::npos)
      << "nonsense teaches little, too";
}

TEST(Verdict, OfACollapsedModelAndOfNothing) {
  Json collapsed = report_of(0.0, 1.0);
  collapsed["defect"] = "no dimension is active";
  EXPECT_NE(verdict(collapsed).front().find("tells nothing of the texts"), std::string::npos);
  EXPECT_TRUE(verdict(Json::object()).empty());
  Json few = report_of(0.9, 0.9);
  few["data"]["n"] = 12;
  EXPECT_EQ(verdict(few).at(3), "All this is rough: only 12 rows were measured.");
}

}  // namespace
}  // namespace tvae
