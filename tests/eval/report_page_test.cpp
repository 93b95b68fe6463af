#include "tvae/eval/report_page.h"

#include <gtest/gtest.h>

#include <regex>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/utf8.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/report_examples.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

bool contains(const std::string& text, const std::string& part) {
  return count(text, part) > 0;
}

/// What the page's script is given.
Json plotted(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const size_t start = page.find(begin) + begin.size();
  return Json::parse(page.substr(start, page.find("</script>", start) - start));
}

void expect_no_outside_resource(const std::string& page) {
  for (const char* part : {"http:", "https:", "@import", "url(", "<link", "<iframe", "fetch(", "XMLHttpRequest"})
    EXPECT_FALSE(contains(page, part)) << part;
  EXPECT_EQ(count(page, "src=\""), count(page, "src=\"data:image/png;base64,"));
  EXPECT_EQ(count(page, "src="), count(page, "src=\""));
}

TEST(ReportPage, TheSmallestReportIsAWholePage) {
  for (const std::string& page :
       {report_page(Json::object(), Json::object()), report_page({{"skipped", Json::object()}}, Json::object())}) {
    EXPECT_EQ(page.rfind("<!DOCTYPE html>", 0), 0u);
    EXPECT_TRUE(contains(page, "</html>"));
    EXPECT_FALSE(contains(page, "{{"));
    EXPECT_TRUE(contains(page, "no curves"));
    EXPECT_FALSE(contains(page, "id=\"skipped\""));
    expect_no_outside_resource(page);
  }
}

TEST(ReportPage, TextsAreNeverMarkup) {
  const std::string nasty = "</script><b>\"&'\x01\xff{{data}}<!--";
  const Json text = {{"text", nasty}, {"valid", false}};
  const Json nested = {{nasty, nasty}};
  const Json report = {{"model", "runs/" + nasty},
                       {"data", {{"path", nasty}, {"n", 1}}},
                       {"check", nasty},
                       {nasty, {{nasty, nasty}, {"list", Json::array({nested})}, {"odd", {{"a", {{"b", nested}}}}}}},
                       {"reconstruction", {{"exact_match", 0.5}}},
                       {"interpolation", {{"valid", 0.5}}},
                       {"prior", {{"normal", {{nasty, 1}}}}},
                       {"skipped", {{nasty, nasty}}}};
  Json at_ratio = text;
  at_ratio["ratio"] = 0.5;
  // Json::array, because {{x}} may be x.
  const Json pair = {{"original", text}, {"output", {{"text", "<b>"}}}};
  const Json image_pair = {{"original", {{"image", nasty}, {"text", ""}}}, {"output", text}};
  const Json point = {{"text", nasty}, {"label", nasty}, {"x", 0}, {"y", 0}};
  const Json examples = {
      {"reconstructions", Json::array({pair})},
      {"mistakes", Json::array({pair, image_pair})},
      {"paths", Json::array({Json::array({text, at_ratio, text})})},
      {"samples", {{nasty, Json::array({text})}, {"fitted", Json::array({image_pair["original"], text})}}},
      {"latent_map", {{"points", Json::array({point})}}},
      {"curves", {{nasty, Json::array({Json::array({1, 2})})}}}};
  const std::string page = report_page(report, examples);
  EXPECT_EQ(count(page, "</script>"), count(report_page_template(), "</script>"));
  EXPECT_EQ(count(page, "<!--"), count(report_page_template(), "<!--"));
  EXPECT_FALSE(contains(page, "<b>"));
  EXPECT_FALSE(contains(page, "\x01"));
  EXPECT_TRUE(is_valid_utf8(page));
  EXPECT_TRUE(contains(page, "&lt;/script&gt;&lt;b&gt;&quot;&amp;'␁\xef\xbf\xbd{{data}}&lt;!--"));
  EXPECT_EQ(plotted(page)["examples"]["latent_map"]["points"][0]["label"],
            "</script><b>\"&'\x01\xef\xbf\xbd{{data}}<!--");
}

TEST(ReportPage, SectionsOfAnyShapeBecomeTables) {
  const Json spread = {{"mean", 0.81}, {"std", 0.02}};
  const std::string page = report_page({{"probe",
                                         {{"svm", {{"codes", spread}, {"majority", 0.25}}},
                                          {"logistic", {{"codes", spread}, {"all", {{"mean", 0.75}}}}},
                                          {"by_labels", Json::array({{{"labels", 10}, {"accuracy", spread}},
                                                                     {{"labels", 100}, {"f1", nullptr}},
                                                                     {{"share", 0.7}, {"share_95", {0.6, 0.8}}}})},
                                          {"deep", {{"deeper", {{"deepest", {{"figure", -3}}}}}}},
                                          {"counts", {1, 2}},
                                          {"rate", 0.5},
                                          {"rate_95", {0.4, 0.6}},
                                          {"numbers", std::vector<double>{9, 8, 7, 6, 5, 4, 3, 2, 1}},
                                          {"empty", Json::array()},
                                          {"tiny", -1.23e-7},
                                          {"flag", true},
                                          {"n", 7},
                                          {"seed", 42},
                                          {"seconds", 1.5}}}},
                                       Json::object());
  for (const char* part : {"<h2>Probe</h2>", ">svm</th>", ">logistic</th>", "0.810 ± 0.020", ">0.750</td>", "0.250",
                           "<h3>By labels</h3>", ">accuracy</th>", ">–</td>", "<h3>Deep</h3>", ">0.400 – 0.600</small>",
                           ">0.600 – 0.800</small>", ">deepest</th>", ">-3</td>", "1, 2", "1.000 … 5.000 … 9.000",
                           "−1.2e-07", ">yes</td>", "n 7 · seed 42 · 1.500 seconds"})
    EXPECT_TRUE(contains(page, part)) << part;
  EXPECT_FALSE(contains(page, "hare 95"));
}

TEST(ReportPage, ImagesStandInForTexts) {
  const Json image = {{"text", ""}, {"image", "data:image/png;base64,AAAA"}, {"valid", true}, {"ratio", 0.5}};
  const Json text = {{"text", "00 down"}, {"valid", false}, {"ratio", 0.6}};
  const Json report = {{"reconstruction", {{"n", 1}}}, {"interpolation", {{"n", 1}}}, {"prior", {{"n", 1}}}};
  const Json pair = {{"original", image}, {"output", text}};
  const std::string page = report_page(report, {{"reconstructions", Json::array({pair})},
                                                {"paths", Json::array({Json::array({image, image, text})})},
                                                {"samples", {{"normal", Json::array({image, text})}}}});
  EXPECT_EQ(count(page, "class=\"strip\""), 3u);
  EXPECT_EQ(count(page, "<img alt=\"\" src=\"data:image/png;base64,AAAA\">"), 4u);
  EXPECT_EQ(count(page, "<span class=\"no-image\" title=\"00 down\">"), 3u);
  expect_no_outside_resource(page);
}

class ReportExamples : public testing::Test {
 protected:
  void evaluate(const std::string& check, const std::vector<std::string>& texts, EvaluationOptions options = {}) {
    model_.emplace(test::saved_model(folder_.path("m"), "gaussian", check));
    save_prior(*model_, "gaussian", fit_prior("gaussian", at::randn({60, 2, 4}), {}));
    rows_.texts = texts;
    options.samples = 20;
    options.training_sample = lines();
    Evaluation evaluation(*model_, held_out(), options);
    report_ = run_protocol(evaluation);
    examples_ = report_examples(evaluation, report_);
  }
  HeldOut held_out() const { return sample_held_out(*model_, "held_out.txt", rows_, 20, 1); }

  static std::vector<std::string> lines() {
    std::vector<std::string> texts;
    for (int i = 0; i < 20; ++i) texts.push_back("line " + std::to_string(i));
    return texts;
  }

  test::TemporaryFolder folder_;
  Rows rows_;
  std::optional<Model> model_;
  Json report_, examples_;
};

/// Every figure of an object and of the objects in it has a meaning.
void expect_meanings(const std::string& section, const Json& figures) {
  for (const auto& [figure, value] : figures.items()) {
    const bool measured = figure != "n" && figure != "seed" && figure != "seconds";
    if (value.is_object() && !value.contains("mean")) {
      expect_meanings(section, value);
    } else if (value.is_array() && !value.empty() && value[0].is_object()) {
      expect_meanings(section, value[0]);
    } else if (measured) {
      EXPECT_NE(figure_meaning(section, figure), "") << section << "." << figure << ": describe it in its section";
    }
  }
}

TEST_F(ReportExamples, EverySectionIsOnThePageAndEveryFigureExplained) {
  for (int i = 0; i < 20; ++i) rows_.labels.push_back(i % 2 ? "odd" : "even");
  evaluate("mnist", lines());
  const std::string page = report_page(report_, examples_);
  for (const auto& section : evaluation_sections().entries()) {
    ASSERT_TRUE(report_.contains(section.name)) << section.name;
    EXPECT_TRUE(contains(page, "<section id=\"" + section.name + "\">")) << section.name;
    EXPECT_NE(figure_meaning(section.name), "") << section.name << ": describe it in its section";
    expect_meanings(section.name, report_[section.name]);
  }
  EXPECT_TRUE(contains(page, "held_out.txt"));
  EXPECT_TRUE(contains(page, report_["check"].get<std::string>()));
  EXPECT_TRUE(contains(page, "<h2>Not measured</h2>"));
  expect_no_outside_resource(page);
  const Json labels = {examples_["latent_map"]["points"][0]["label"], examples_["latent_map"]["points"][1]["label"]};
  for (const Json& label : labels) EXPECT_TRUE(label == "odd" || label == "even") << label;
}

TEST_F(ReportExamples, ShowTextsPathsSamplesAndAMap) {
  folder_.put("m/logs/metrics.jsonl",
              "{\"step\": 1, \"loss\": 2.5, \"kl\": null}\nno json\n[]\n{\"step\": 2, \"loss\": 2");
  evaluate("mnist", lines());
  EXPECT_EQ(examples_["curves"].dump(), R"({"loss":[[1,2.5]]})");
  EXPECT_EQ(examples_["reconstructions"].size(), 10u);
  for (const Json& pair : examples_["mistakes"]) EXPECT_NE(pair["original"], pair["output"]);
  ASSERT_EQ(examples_["paths"].size(), 6u);
  for (const Json& path : examples_["paths"]) {
    ASSERT_EQ(path.size(), 13u);
    EXPECT_FALSE(path.front().contains("ratio"));
    EXPECT_EQ(path[1]["ratio"], 0.0);
    EXPECT_EQ(path[11]["ratio"], 1.0);
    EXPECT_EQ(path[5]["valid"], false);  // a model without training writes no image
    EXPECT_NE(path.front()["text"], path.back()["text"]);
  }
  EXPECT_EQ(examples_["samples"]["normal"].size(), 24u);
  EXPECT_EQ(examples_["samples"]["fitted"].size(), 24u);
  EXPECT_EQ(examples_["latent_map"]["points"].size(), 20u);
  const std::string page = report_page(report_, examples_);
  EXPECT_EQ(plotted(page)["examples"]["latent_map"], examples_["latent_map"]);
  EXPECT_EQ(plotted(page)["shape"], report_["shape"]);
}

TEST_F(ReportExamples, AreSeeded) {
  evaluate("none", lines());
  const Json first = examples_;
  EXPECT_FALSE(first["samples"]["normal"][0].contains("valid"));
  Evaluation again(*model_, held_out(), EvaluationOptions{});
  EXPECT_EQ(report_examples(again, report_), first);
}

TEST_F(ReportExamples, OnlyOfSectionsThatWereMeasured) {
  EvaluationOptions options;
  options.only = {"reconstruction"};
  evaluate("none", lines(), options);
  for (const char* key : {"paths", "samples", "latent_map", "curves"}) EXPECT_FALSE(examples_.contains(key)) << key;
  EXPECT_TRUE(examples_.contains("reconstructions"));
}

TEST_F(ReportExamples, MnistTextsAreImages) {
  evaluate("mnist", {"00 down ! a\n01 down a !", "00 down a !\n01 down ! a"});
  const Json original = examples_["reconstructions"][0]["original"];
  EXPECT_EQ(original["text"], "");
  EXPECT_EQ(original["image"].get<std::string>().rfind("data:image/png;base64,iVBORw0KGgo", 0), 0u);  // PNG's signature
  EXPECT_TRUE(examples_["latent_map"]["points"][0].contains("image"));
  EXPECT_EQ(examples_["paths"][0][0]["valid"], true);
}

TEST_F(ReportExamples, LongLogsAreThinned) {
  std::string log;
  for (int step = 1; step <= 5000; ++step) log += Json({{"step", step}, {"loss", step * 2}}).dump() + "\n";
  folder_.put("m/logs/metrics.jsonl", log);
  evaluate("none", lines());
  const Json& points = examples_["curves"]["loss"];
  EXPECT_LE(points.size(), 401u);
  EXPECT_GT(points.size(), 200u);
  EXPECT_EQ(points.front(), Json::array({1, 2}));
  EXPECT_EQ(points.back(), Json::array({5000, 10000}));
}

}  // namespace
}  // namespace tvae
