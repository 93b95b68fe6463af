#include "tvae/eval/evaluate.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/run/model_card.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

class Evaluate : public testing::Test {
 protected:
  Evaluate() {
    std::string texts;
    for (int i = 0; i < 40; ++i) texts += "line " + std::to_string(i * 7919 % 1000) + "\n";
    options_.data = folder_.put("held_out.txt", texts);
    options_.protocol.samples = 20;
    options_.protocol.importance_samples = 2;
  }

  test::TemporaryFolder folder_;
  const Model model_ = test::saved_model(folder_.path("m"));
  EvaluateOptions options_;
};

/// Stops at the `last`-th report.
class StopAt : public Progress {
 public:
  explicit StopAt(int64_t last) : last_(last) {}
  void update(const char*, int64_t, int64_t) override {
    if (++reports == last_) throw Interrupted("stopped");
  }
  int64_t reports = 0;

 private:
  int64_t last_;
};

TEST_F(Evaluate, AReportOfALoadedModelIsThatOfItsFolder) {
  const auto timeless = [](Json report) {
    for (auto& [name, section] : report.items())
      if (section.is_object()) section.erase("seconds");
    return report;
  };
  const std::vector<Json> reports = evaluate({folder_.path("m")}, options_);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(Json::parse(folder_.get("m/eval/report.json")), reports[0]);
  EXPECT_TRUE(file_exists(folder_.path("m/eval/report.html")));
  options_.write = false;
  EXPECT_EQ(timeless(evaluate(LatentSpace::open(folder_.path("m")), options_)), timeless(reports[0]));
}

TEST_F(Evaluate, WritesWhereItIsToldOrNowhere) {
  options_.protocol.only = {"reconstruction"};
  options_.out = folder_.path("here.html");
  evaluate({folder_.path("m")}, options_);
  EXPECT_TRUE(file_exists(folder_.path("here.json")));
  EXPECT_TRUE(file_exists(folder_.path("here.html")));
  options_.write = false;
  options_.out = "";
  evaluate({folder_.path("m")}, options_);
  EXPECT_FALSE(directory_exists(folder_.path("m/eval")));
}

TEST_F(Evaluate, SomeSectionsLeaveTheOthersInTheReport) {
  const auto saved = [&] { return Json::parse(folder_.get("m/eval/report.json")); };
  evaluate({folder_.path("m")}, options_);
  const Json whole = saved();
  for (const char* section : {"shape", "language_model"}) {
    options_.protocol.only = {section};
    const Json measured = evaluate({folder_.path("m")}, options_)[0];
    EXPECT_TRUE(measured.contains(section));
    EXPECT_FALSE(measured.contains("prior")) << "what is returned is what was measured";
    Json merged = saved();
    EXPECT_EQ(merged[section], measured[section]);
    std::vector<std::string> keys, all_keys;
    for (const auto& [key, value] : merged.items()) keys.push_back(key);
    for (const auto& [key, value] : whole.items()) all_keys.push_back(key);
    EXPECT_EQ(keys, all_keys);
    for (const char* again : {"shape", "language_model"}) merged[again]["seconds"] = whole[again]["seconds"];
    EXPECT_EQ(nlohmann::json(merged), nlohmann::json(whole)) << "with why a section was skipped; the order may differ";
  }
  EXPECT_NE(folder_.get("m/eval/report.html").find("id=\"prior\""), std::string::npos);
}

TEST_F(Evaluate, SectionsGatherInOneReport) {
  options_.out = folder_.path("r.json");
  for (const char* section : {"prior", "shape"}) {
    options_.protocol.only = {section};
    evaluate({folder_.path("m")}, options_);
  }
  const Json report = Json::parse(folder_.get("r.json"));
  EXPECT_TRUE(report.contains("prior") && report.contains("shape"));
  EXPECT_EQ(report["skipped"]["reconstruction"], "not asked for");
  EXPECT_FALSE(report["skipped"].contains("prior"));
}

TEST_F(Evaluate, SomeSectionsOfSomethingElseDoNotReplaceAReport) {
  evaluate({folder_.path("m")}, options_);
  const std::string report = folder_.get("m/eval/report.json"), page = folder_.get("m/eval/report.html");
  const EvaluateOptions same = options_;
  const auto kept = [&](const std::string& reason) {
    SCOPED_TRACE(reason);
    options_.protocol.only = {"shape"};
    static std::string warned;
    warned.clear();
    set_log_handler(
        [](LogLevel, bool warning, const std::string& message) { warned += warning ? message + "\n" : ""; });
    const Json measured = evaluate({folder_.path("m")}, options_)[0];
    set_log_handler(nullptr);
    EXPECT_TRUE(measured.contains("shape")) << "it is measured and given all the same";
    EXPECT_NE(warned.find("is kept as it is, and this report is not written: the one there is of " + reason),
              std::string::npos)
        << warned;
    EXPECT_EQ(folder_.get("m/eval/report.json"), report);
    EXPECT_EQ(folder_.get("m/eval/report.html"), page);
    options_ = same;
  };
  options_.protocol.samples = 10;
  kept("other settings");
  options_.protocol.prior_scale = 0.5;
  kept("other settings");
  options_.data = folder_.put("others.txt", "line 1\nline 2\nline 3\n");
  kept("other texts");
  const std::string weights = folder_.get("m/model.safetensors");
  std::string changed = weights;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  folder_.put("m/model.safetensors", changed);
  kept("other weights");
  folder_.put("m/model.safetensors", weights);

  options_.protocol.only = {"shape"};
  options_.protocol.samples = 10;
  options_.out = folder_.path("m/eval/report.json");
  evaluate({folder_.path("m")}, options_);
  EXPECT_FALSE(Json::parse(folder_.get("m/eval/report.json")).contains("prior")) << "a file that is named is replaced";
}

TEST_F(Evaluate, AllSectionsReplaceAReportOfSomethingElse) {
  options_.protocol.only = {"shape"};
  evaluate({folder_.path("m")}, options_);
  options_.protocol.only = {};
  options_.protocol.samples = 10;
  evaluate({folder_.path("m")}, options_);
  const Json report = Json::parse(folder_.get("m/eval/report.json"));
  EXPECT_EQ(report["samples"], 10);
  EXPECT_TRUE(report.contains("prior"));
}

TEST_F(Evaluate, FewerSamplesDoNotReplaceTheWholeProtocol) {
  evaluate({folder_.path("m")}, options_);
  Json whole = Json::parse(folder_.get("m/eval/report.json"));
  whole["samples"] = EvaluationOptions().samples;
  whole["settings"] = "those of a card";
  folder_.put("m/eval/report.json", whole.dump());
  evaluate({folder_.path("m")}, options_);
  EXPECT_EQ(Json::parse(folder_.get("m/eval/report.json")), whole);
  whole["weights"] = "of a former training";
  folder_.put("m/eval/report.json", whole.dump());
  evaluate({folder_.path("m")}, options_);
  EXPECT_EQ(Json::parse(folder_.get("m/eval/report.json"))["samples"], 20);
}

TEST_F(Evaluate, EqualTextsAreNoSignOfACollapsedModel) {
  options_.data = folder_.put("same.txt", "line 1\nline 1\nline 1\n");
  EXPECT_FALSE(evaluate({folder_.path("m")}, options_)[0].contains("defect"));
}

TEST_F(Evaluate, StopsInTheMiddleAndLeavesNoReport) {
  StopAt counting(-1);
  evaluate({folder_.path("m")}, options_, torch::kCPU, counting);
  ASSERT_GT(counting.reports, 100) << "every section tells how far it is";
  std::filesystem::remove_all(folder_.path("m/eval"));
  for (const int64_t share : {4, 2}) {
    StopAt stopping(counting.reports / share);
    EXPECT_THROW(evaluate({folder_.path("m")}, options_, torch::kCPU, stopping), Interrupted);
    EXPECT_EQ(stopping.reports, counting.reports / share) << "nothing goes on after it was stopped";
    EXPECT_FALSE(file_exists(folder_.path("m/eval/report.json")));
  }
}

TEST_F(Evaluate, RefusesBeforeAnyWork) {
  StopAt none(1);  // any work at all would stop with Interrupted
  const auto refused = [&](const std::vector<std::string>& models) {
    EXPECT_THROW(evaluate(models, options_, torch::kCPU, none), ConfigError);
  };
  refused({});
  refused({folder_.path("m"), folder_.path("m")});
  options_.protocol.only = {"prio"};
  refused({folder_.path("m")});
  options_.protocol.only = {};
  options_.protocol.path = "spiral";
  refused({folder_.path("m")});
  options_.protocol.path = "slerp";
  options_.data = "";
  refused({folder_.path("m")});  // the model knows of no run
}

// models/python_lines/README.md: what stands between its marks.
TEST(PublishedModel, ItsCardIsWhatIsRenderedFromItsFolder) {
  const std::string folder = TVAE_TEST_DATA "/../../models/python_lines", card = read_model_card(folder);
  ASSERT_FALSE(card.empty() || is_own_card(card));
  const auto report = read_json_file(folder + "/eval/report.json");
  EXPECT_EQ(model_card(read_run_record(folder).value(), card_scores(report), card), card);
}

}  // namespace
}  // namespace tvae
