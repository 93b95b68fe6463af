#include "tvae/eval/protocol.h"

#include <gtest/gtest.h>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/latent/prior.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using test::saved_model;

std::vector<std::string> some_texts(int64_t count) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i) texts.push_back("line " + std::to_string(i * 7919 % 1000));
  return texts;
}

Rows labelled(std::vector<std::string> texts, const std::vector<std::string>& names = {"left", "right"}) {
  Rows rows{std::move(texts), {}, {}};
  for (size_t i = 0; i < rows.texts.size(); ++i) rows.labels.push_back(names[i % names.size()]);
  return rows;
}

Json evaluate(const Model& model, EvaluationOptions options, const Rows& rows = labelled(some_texts(30))) {
  Evaluation evaluation(model, sample_held_out(model, "held_out.tsv", rows, options.samples, options.seed), options);
  return run_protocol(evaluation);
}

std::vector<std::string> table_of(const Json& report) {
  return report_table(std::vector<Json>(1, report));
}

/// `without` the seconds, which differ from run to run.
Json timeless(Json report) {
  for (auto& [name, section] : report.items())
    if (section.is_object()) section.erase("seconds");
  return report;
}

class Protocol : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
};

TEST_F(Protocol, ReportsEveryKeyOfTheContract) {
  const Model model = saved_model(folder_.path("m"), "gaussian", "mnist");
  EvaluationOptions options;
  options.samples = 20;
  options.training_sample = {"line 1", "line 2"};
  options.training_texts = std::make_shared<TextSet>(options.training_sample);
  PriorFit fit = fit_prior("gaussian", encode_texts(model, some_texts(60)).mean, {});
  fit.facts["fit_on"] = kFitOnSamples;
  save_prior(model, "gaussian", fit);
  const Json report = evaluate(model, options);
  const std::map<std::string, std::vector<std::string>> contract = {
      {"reconstruction",
       {"exact_match", "token_accuracy", "edit_similarity", "bleu", "teacher_forced_accuracy", "teacher_forced_nats",
        "untokenizable"}},
      {"interpolation",
       {"valid", "new", "endpoint_valid", "distinct", "smoothness", "largest_step", "monotonic", "path"}},
      {"prior", {"normal", "fitted"}},
      {"fluency", {"held_out", "paths", "normal", "fitted"}},
      {"shape",
       {"active_units", "latent_dims", "mmd2", "mmd2_noise_floor", "effective_rank", "hole_curve", "cycle_cosine"}},
      {"probe", {"trained_on", "train_rows", "classes", "majority", "codes", "encoder_states", "tfidf", "published"}},
      {"language_model", {"rec", "kl", "elbo", "ppl", "k", "mi", "mi_bound", "fitted"}}};
  for (const auto& [name, keys] : contract) {
    ASSERT_TRUE(report.contains(name)) << name;
    for (const std::string& key : keys) EXPECT_TRUE(report[name].contains(key)) << name << "." << key;
  }
  for (const char* which : {"normal", "fitted"})
    for (const char* key : {"valid", "unique", "novel", "length_distance", "ngram_js"})
      EXPECT_TRUE(report["prior"][which].contains(key)) << which << "." << key;
  for (const char* which : {"paths", "normal", "fitted"})
    for (const char* key : {"nats", "fluency", "reverse_fluency", "repetition", "distinct_1", "distinct_2"})
      EXPECT_TRUE(report["fluency"][which].contains(key)) << which << "." << key;
  EXPECT_EQ(report["prior"]["fitted"]["kind"], "gaussian");
  EXPECT_TRUE(report["prior"]["fitted"]["log_density"].is_number());
  ASSERT_EQ(report["shape"]["hole_curve"].size(), 5u);
  EXPECT_EQ(report["shape"]["hole_curve"][0]["radius"], 0.0);
  EXPECT_TRUE(report["shape"]["hole_curve"][0].contains("valid"));
  EXPECT_EQ(report["skipped"].size(), 1u) << report["skipped"];
  EXPECT_EQ(report["skipped"]["reconstruction.exact_match_long"], "no such sequences");
  EXPECT_FALSE(report["reconstruction"].contains("exact_match_long"));
  EXPECT_TRUE(report["reconstruction"].contains("exact_match_short"));
}

TEST_F(Protocol, WhatIsNewOnAPathIsNeitherOfItsEnds) {
  const Model model = load_model(TVAE_TEST_DATA "/../models/molecules");
  Rows rows;
  rows.texts = {"CCO", "CC(C)=O", "c1ccccc1", "CC(N)C(=O)O", "CCCCO", "Cc1ccccc1O", "CC(=O)O", "OCC(O)CO"};
  EvaluationOptions options;
  options.samples = 8;
  options.only = {"interpolation"};
  Evaluation evaluation(model, sample_held_out(model, "held_out.txt", rows, options.samples, options.seed), options);
  const Json report = run_protocol(evaluation)["interpolation"];
  const DecodedPaths& paths = evaluation.between();
  const std::vector<bool> valid = evaluation.valid(paths.texts).value();
  double fresh = 0, valid_fresh = 0;
  for (size_t i = 0; i < paths.texts.size(); ++i) {
    const auto& [from, to] = paths.pairs[i / DecodedPaths::kInterior];
    const std::vector<std::string>& back = evaluation.reconstructions();
    if (paths.texts[i] == back[static_cast<size_t>(from)] || paths.texts[i] == back[static_cast<size_t>(to)]) continue;
    ++fresh;
    valid_fresh += valid[i];
  }
  ASSERT_GT(fresh, 0);
  ASSERT_LT(fresh, paths.texts.size());
  EXPECT_DOUBLE_EQ(report["new"], fresh / static_cast<double>(paths.texts.size()));
  EXPECT_DOUBLE_EQ(report["new_valid"], valid_fresh / fresh);
}

TEST_F(Protocol, EverySectionIsRunAloneSeededAndShownInTheTable) {
  const Model model = saved_model(folder_.path("m"));
  EvaluationOptions options;
  options.samples = 10;
  options.labelled_training_texts = sample_labelled("train.tsv", labelled(some_texts(12)), 1000, 1000, 1);
  options.training_sample = some_texts(12);
  const Json whole = evaluate(model, options);
  for (const auto& section : evaluation_sections().entries()) {
    options.only = {section.name};
    const Json report = evaluate(model, options);
    ASSERT_TRUE(report.contains(section.name)) << section.name;
    EXPECT_EQ(report[section.name]["n"], 10) << section.name;
    EXPECT_EQ(report[section.name]["seed"], 42) << section.name;
    EXPECT_GE(report[section.name]["seconds"].get<double>(), 0.0) << section.name;
    EXPECT_EQ(timeless(report)[section.name], timeless(whole)[section.name]) << section.name;
    for (const auto& other : evaluation_sections().entries())
      EXPECT_EQ(report["skipped"].contains(other.name), other.name != section.name) << other.name;
    const std::vector<std::string> table = table_of(report);
    EXPECT_NE(std::find(table.begin(), table.end(), section.name), table.end()) << section.name;
  }
}

TEST_F(Protocol, WhatDoesNotApplyIsSkippedWithItsReason) {
  const Model model = saved_model(folder_.path("m"), "deterministic");
  EvaluationOptions options;
  options.samples = 5;
  options.no_training_texts = "no training file";
  const Json report = evaluate(model, options, Rows{{"only one"}, {}, {}});
  EXPECT_FALSE(report.contains("interpolation"));
  EXPECT_FALSE(report.contains("shape"));
  EXPECT_FALSE(report["prior"].contains("fitted"));
  EXPECT_FALSE(report["prior"]["normal"].contains("valid"));
  for (const char* key : {"interpolation", "shape", "prior.fitted", "prior.novel", "fluency", "valid", "probe"})
    EXPECT_TRUE(report["skipped"].contains(key)) << key;
  EXPECT_EQ(report["skipped"]["prior.novel"], "no training file");
}

TEST_F(Protocol, DeterministicCodesHaveNoRate) {
  const Model model = saved_model(folder_.path("m"), "deterministic");
  EvaluationOptions options;
  options.samples = 5;
  const Json report = evaluate(model, options);
  EXPECT_FALSE(report["shape"].contains("rate_nats"));
  EXPECT_TRUE(report["skipped"].contains("shape.rate_nats"));
  EXPECT_EQ(report["shape"]["hole_curve_unit"], "1");
  EXPECT_FALSE(report.contains("language_model"));
  EXPECT_EQ(report["skipped"]["language_model"], "the posterior is deterministic: its KL is not finite");
}

TEST_F(Protocol, ReportsStandSideBySide) {
  const Json first = {{"model", "a"},
                      {"reconstruction", {{"exact_match", 0.5}, {"exact_match_95", {0.4, 0.6}}, {"n", 3}}},
                      {"skipped", Json::object()}};
  const Json second = {{"model", "bb"},
                       {"reconstruction", {{"bleu", 0.25}, {"n", 12}}},
                       {"shape", {{"hole_curve", {{{"radius", 1.0}, {"valid", 0.25}}}}}},
                       {"skipped", Json::object()}};
  const std::vector<std::string> both = {"about",
                                         "  model                     a                         bb",
                                         "",
                                         "reconstruction",
                                         "  bleu                      -                         0.2500",
                                         "  exact_match               0.5000  [0.4000, 0.6000]  -",
                                         "  n                         3                         12",
                                         "",
                                         "shape",
                                         "  hole_curve radius 1.0000  -                         valid 0.2500"};
  EXPECT_EQ(report_table({first, second}), both);
  const Json large = {{"reconstruction", {{"ppl", 1e79}}}, {"skipped", Json::object()}};
  EXPECT_EQ(table_of(large)[1], "  ppl                       1e+79");
  EXPECT_EQ(table_of(first)[1], "  model                     a");
}

TEST_F(Protocol, ADecoderThatOverflowsIsNamedAndNotMeasured) {
  const Model model = saved_model(folder_.path("m"), "gaussian");
  {
    const torch::NoGradGuard no_grad;
    torch::Tensor norm = model.vae.parameters().to_map().at("decoder.final_layer_norm.weight");
    norm.fill_(3e38);
  }
  EvaluationOptions options;
  options.samples = 5;
  for (const std::string section : {"reconstruction", "prior", "language_model"}) {
    options.only = {section};
    EXPECT_THROW(evaluate(model, options), CheckpointError) << section;
  }
}

TEST_F(Protocol, LanguageModelFiguresAgreeWithOneAnother) {
  const Model model = saved_model(folder_.path("m"), "gaussian");
  EvaluationOptions options;
  options.samples = 30;
  options.only = {"language_model", "reconstruction", "shape"};
  options.importance_samples = 20;
  const Json report = evaluate(model, options);
  const Json figures = report["language_model"];
  const auto figure = [&](const char* name) { return figures[name].get<double>(); };
  EXPECT_NEAR(figure("elbo"), figure("rec") + figure("kl"), 1e-9);
  EXPECT_NEAR(figure("kl"), report["shape"]["rate_nats"].get<double>(), 1e-9);
  // The mean of log weights is below the log of their mean; the closed form of the KL is near that of the draws.
  const double nats = std::log(figure("ppl")) * figure("tokens") / 30;
  EXPECT_LT(nats, figure("elbo") + 0.5);
  EXPECT_NEAR(std::log(figure("ppl_word")) * figure("words") / 30, nats, 1e-6);
  EXPECT_GE(figure("mi"), -0.5);
  EXPECT_LE(figure("mi"), figure("mi_bound") + 1e-9);
  EXPECT_LE(figures["ppl_95"][0].get<double>(), figure("ppl"));
  EXPECT_GE(figures["ppl_95"][1].get<double>(), figure("ppl"));
  // A random model reads nothing from its codes: teacher forcing at the mean costs as much as at the draws.
  const double forced = report["reconstruction"]["teacher_forced_nats"].get<double>() * figure("tokens") / 30;
  EXPECT_NEAR(figure("rec") / forced, 1.0, 0.05);
}

TEST_F(Protocol, HeldOutTextsAreThoseTheModelCanWrite) {
  const Model model = saved_model(folder_.path("m"));
  const std::string overlong(40, 'x');
  const HeldOut data = sample_held_out(model, "f", {{"a", overlong, "b", "c"}, {"A", "O", "B", "C"}, {}}, 10, 1);
  EXPECT_EQ(data.texts.size(), 3u);
  ASSERT_EQ(data.labels.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(data.labels[i][0] - 'A', data.texts[i][0] - 'a') << "labels stay with texts";
  EXPECT_EQ(data.overlong, 1);
  EXPECT_EQ(data.untokenizable, 0);
  EXPECT_EQ(data.ids[0].size(), 2u);  // a byte and the end of sequence
  const auto sampled = [&](uint64_t seed) {
    return sample_held_out(model, "f", {some_texts(50), {}, {}}, 10, seed).texts;
  };
  EXPECT_EQ(sampled(1), sampled(1));
  EXPECT_NE(sampled(1), sampled(2));
  EXPECT_THROW(sample_held_out(model, "f", {{overlong}, {}, {}}, 10, 1), DataError);
}

TEST_F(Protocol, ImagesAsTextAreComparedByTheirPixels) {
  const Model model = saved_model(folder_.path("m"), "gaussian", "mnist");
  EvaluationOptions options;
  options.only = {"reconstruction"};
  const Rows images{{"00 down a", "00 down A", "no image"}, {}, {}};
  const Json measured = evaluate(model, options, images)["reconstruction"]["images"];
  EXPECT_EQ(measured["n"], 2);
  EXPECT_EQ(measured["readable"], 0.0) << "the weights are random";
  EXPECT_FALSE(measured.contains("grey_error"));
  EXPECT_FALSE(evaluate(saved_model(folder_.path("n")), options, images)["reconstruction"].contains("images"));
}

TEST_F(Protocol, LabelledSamplesAreBoundedAndSeeded) {
  Rows rows = labelled(some_texts(60), {"a", "a", "b"});
  const LabelledTexts sample = sample_labelled("f", rows, 15, 1000, 1);
  EXPECT_EQ(std::count(sample.labels.begin(), sample.labels.end(), "a"), 15);
  EXPECT_EQ(std::count(sample.labels.begin(), sample.labels.end(), "b"), 15);
  for (size_t i = 0; i < sample.texts.size(); ++i) {
    const auto row = std::find(rows.texts.begin(), rows.texts.end(), sample.texts[i]) - rows.texts.begin();
    EXPECT_EQ(sample.labels[i], rows.labels[static_cast<size_t>(row)]);
  }
  EXPECT_EQ(sample_labelled("f", rows, 15, 20, 1).texts.size(), 20u);
  EXPECT_EQ(sample_labelled("f", rows, 15, 20, 1).texts, sample_labelled("f", rows, 15, 20, 1).texts);
  EXPECT_NE(sample_labelled("f", rows, 15, 20, 1).texts, sample_labelled("f", rows, 15, 20, 2).texts);
  EXPECT_TRUE(sample_labelled("f", {some_texts(5), {}, {}}, 15, 20, 1).texts.empty());
  EXPECT_TRUE(sample_labelled("f", labelled(some_texts(5), {"all the same"}), 15, 20, 1).texts.empty());
}

/// Texts whose only word says their label, and labelled() ones.
Rows telling(int64_t count) {
  Rows rows = labelled(some_texts(count), {"left", "right", "up"});
  for (size_t i = 0; i < rows.texts.size(); ++i) rows.texts[i] = rows.labels[i] + " " + std::to_string(i % 7);
  return rows;
}

class ProbeSection : public Protocol {
 protected:
  ProbeSection() { options_.only = {"probe"}; }
  Json measure(const Rows& rows) const { return evaluate(saved_model(folder_.path("m")), options_, rows)["probe"]; }
  EvaluationOptions options_;
};

TEST_F(ProbeSection, TrainsOnLabelledTextsAndTestsOnAllHeldOutOnes) {
  options_.labelled_training_texts = sample_labelled("train.tsv", telling(66), 1000, 1000, 1);
  const Json probe = measure(telling(33));
  EXPECT_EQ(probe["trained_on"], "train.tsv");
  EXPECT_EQ(probe["train_rows"], 66);
  EXPECT_EQ(probe["n"], 33);
  EXPECT_EQ(probe["classes"], 3);
  EXPECT_NEAR(probe["majority"], 1.0 / 3, 1e-12);
  EXPECT_EQ(probe["published"]["test_rows"], 9);
  EXPECT_EQ(probe["published"]["train_rows"], 24);
  for (const char* features : {"codes", "encoder_states", "tfidf"})
    for (const char* classifier : {"svm", "logistic"}) {
      const Json& figures = probe[features][classifier];
      EXPECT_EQ(figures.size(), 3u) << "22 rows a class: 1, 10, all";
      for (const char* size : {"1", "10"}) {
        EXPECT_TRUE(figures[size]["mean"].is_number_float()) << features;
        EXPECT_GE(figures[size]["std"].get<double>(), 0.0) << features;
      }
      EXPECT_FALSE(figures["all"].contains("std"));
    }
  EXPECT_EQ(probe["tfidf"]["svm"]["1"]["mean"], 1.0) << "one word tells";
  EXPECT_EQ(probe["tfidf"]["logistic"]["all"]["mean"], 1.0);
  // Random weights, but different words give different states.
  EXPECT_GT(probe["encoder_states"]["logistic"]["all"]["mean"].get<double>(), 0.9);
  EXPECT_GT(probe["codes"]["svm"]["all"]["mean"].get<double>(), 0.6);
}

TEST_F(ProbeSection, WithoutLabelledTrainingTextsSplitsTheHeldOutOnes) {
  const Json probe = measure(telling(40));
  EXPECT_TRUE(probe["trained_on"].get<std::string>().starts_with("70% of the held-out texts")) << probe["trained_on"];
  EXPECT_EQ(probe["train_rows"], 28);
  EXPECT_EQ(probe["n"], 12);
  EXPECT_EQ(probe["tfidf"]["svm"]["all"]["mean"], 1.0);
}

TEST_F(ProbeSection, TrainingTextsWithOtherLabelsAreNoUse) {
  Rows other = telling(66);
  for (std::string& label : other.labels) label = "other " + label;
  options_.labelled_training_texts = sample_labelled("train.tsv", other, 1000, 1000, 1);
  const Json probe = measure(telling(40));
  EXPECT_TRUE(probe["trained_on"].get<std::string>().starts_with("70% of the held-out texts")) << probe["trained_on"];
  EXPECT_EQ(probe["classes"], 3);
}

TEST_F(ProbeSection, FiguresStandSideBySideInTheTable) {
  const std::vector<std::string> table = table_of(evaluate(saved_model(folder_.path("m")), options_, telling(30)));
  const auto row =
      std::find_if(table.begin(), table.end(), [](const std::string& line) { return line.starts_with("  tfidf.svm"); });
  ASSERT_NE(row, table.end());
  EXPECT_NE(row->find("1: 1.0000 ± 0.0000   all: 1.0000"), std::string::npos) << *row;
}

TEST_F(ProbeSection, LabelsThatSayNothingAreRefusedWhereItWasAskedForAndElseSkipped) {
  const Model model = saved_model(folder_.path("m"));
  const Rows same = labelled(some_texts(10), {"same"}), none{some_texts(10), {}, {}};
  EXPECT_THROW(evaluate(model, options_, same), DataError);
  EXPECT_THROW(evaluate(model, options_, none), ConfigError);
  Evaluation unnamed(model, sample_held_out(model, "held_out.tsv", same, 10, 1), {});
  Rng rng(1);
  EXPECT_TRUE(measure_probe(unnamed, rng).is_null());
  EXPECT_NE(unnamed.skipped()["probe"].get<std::string>().find("has one class"), std::string::npos);
  EXPECT_THROW(evaluate(model, options_, labelled(some_texts(10), some_texts(10))), DataError) << "a label a row";
}

TEST_F(Protocol, UnknownSectionsAreRefused) {
  EXPECT_NO_THROW(check_section_names({"prior", "shape"}));
  EXPECT_THROW(check_section_names({"prio"}), ConfigError);
}

TEST_F(Protocol, RunJsonSaysWhereTheDataWas) {
  EXPECT_EQ(recorded_data(folder_.path()).valid.path, "");
  folder_.put("run.json",
              R"({"config": {"data": {"train": "t.txt", "valid": "v.csv", "column": "line", "label_column": "kind",
                   "escapes": true, "strict": true, "quotes": true, "max_tokens": 9, "overlong": "cut"}}})");
  const RecordedData recorded = recorded_data(folder_.path());
  EXPECT_EQ(recorded.train.path, "t.txt");
  EXPECT_EQ(recorded.valid.path, "v.csv");
  EXPECT_EQ(recorded.valid.fingerprint, "");
  EXPECT_EQ(recorded.train.read.column, "line");
  EXPECT_EQ(recorded.train.read.label_column, "kind");
  EXPECT_TRUE(recorded.train.read.escapes);
  EXPECT_TRUE(recorded.train.read.strict);
  EXPECT_TRUE(recorded.train.read.quotes);
  EXPECT_EQ(recorded.tokenize.max_tokens, 9);
  EXPECT_TRUE(recorded.tokenize.cut);
  folder_.put("run.json", "{\"config\": 3");
  EXPECT_THROW(recorded_data(folder_.path()), CheckpointError);
}

TEST_F(Protocol, APriorOfOtherWeightsIsNotMeasured) {
  Model model = saved_model(folder_.path("m"));
  EvaluationOptions options;
  options.only = {"prior"};
  options.samples = 5;
  EXPECT_NE(evaluate(model, options)["skipped"]["prior.fitted"].get<std::string>().find("has no fitted prior"),
            std::string::npos);
  save_prior(model, "gaussian", fit_prior("gaussian", encode_texts(model, some_texts(30)).mean, {}));
  EXPECT_TRUE(evaluate(model, options)["prior"].contains("fitted"));
  TensorMap weights = load_safetensors(folder_.path("m/model.safetensors"));
  weights.begin()->second = weights.begin()->second + 0.01;
  save_safetensors(folder_.path("m/model.safetensors"), weights, {{"format", "pt"}});
  const Json report = evaluate(load_model(folder_.path("m")), options);
  EXPECT_FALSE(report["prior"].contains("fitted"));
  EXPECT_NE(report["skipped"]["prior.fitted"].get<std::string>().find("other weights"), std::string::npos);
}

TEST_F(Protocol, SamplesOfAPriorWithoutDeviationsAreAllOneText) {
  const Model model = saved_model(folder_.path("m"));
  EvaluationOptions options;
  options.only = {"prior"};
  options.samples = 5;
  const Json plain = evaluate(model, options)["prior"];
  EXPECT_FALSE(plain.contains("scaled"));
  options.prior_scale = 0.0;
  const Json scaled = evaluate(model, options)["prior"];
  EXPECT_EQ(scaled["normal"], plain["normal"]);
  EXPECT_EQ(scaled["scaled"]["unique"], 0.2);
  EXPECT_EQ(scaled["scaled"]["kind"], "normal");
  EXPECT_EQ(scaled["scaled"]["scale"], 0.0);
  save_prior(model, "gaussian", fit_prior("gaussian", encode_texts(model, some_texts(30)).mean, {}));
  EXPECT_EQ(evaluate(model, options)["prior"]["scaled"]["kind"], "gaussian");
}

TEST_F(Protocol, PosteriorsThatCollapsedAreADefect) {
  const Model model = saved_model(folder_.path("m"));
  EvaluationOptions options;
  options.only = {"shape"};
  options.samples = 20;
  EXPECT_FALSE(evaluate(model, options).contains("defect"));
  for (const NamedParameter& parameter : model.vae.parameters().list())
    if (parameter.name.starts_with("vae.encoder.mean.")) parameter.value.detach().mul_(1e-3);
  const Json report = evaluate(model, options);
  EXPECT_EQ(report["shape"]["active_units"], 0);
  EXPECT_NE(report["defect"].get<std::string>().find("no dimension of the code is active"), std::string::npos);
}

TEST_F(Protocol, PerplexitiesBeyondTheRangeOfNumbersAreLeftOut) {
  const Model model = saved_model(folder_.path("m"));
  EvaluationOptions options;
  options.only = {"language_model"};
  options.importance_samples = 2;
  for (const NamedParameter& parameter : model.vae.parameters().list())
    if (parameter.name == "decoder.final_layer_norm.weight") parameter.value.detach().mul_(1e6);
  const Json report = evaluate(model, options);
  for (const char* key : {"ppl", "ppl_word"}) {
    EXPECT_FALSE(report["language_model"].contains(key)) << report["language_model"];
    EXPECT_TRUE(report["skipped"].contains(std::string("language_model.") + key));
  }
  EXPECT_FALSE(report["language_model"].contains("ppl_95"));
  EXPECT_TRUE(report["language_model"]["rec"].is_number());
}

TEST_F(Protocol, WeightsThatDivergedAreNamed) {
  const Model model = saved_model(folder_.path("m"));
  for (const NamedParameter& parameter : model.vae.parameters().list()) parameter.value.detach().fill_(std::nan(""));
  EXPECT_THROW(encode_texts(model, {"a"}), CheckpointError);
}

TEST_F(Protocol, OneWeightThatIsNotFiniteIsEnough) {
  const Model model = saved_model(folder_.path("m"));
  TensorMap weights = model.vae.parameters().to_map();
  for (const auto& [name, weight] : weights) {
    TensorMap broken = weights;
    broken[name] = weight.detach().clone();
    broken[name].view(-1)[0] = std::nan("");
    save_safetensors(folder_.path("m/model.safetensors"), broken);
    EXPECT_THROW(load_model(folder_.path("m")), CheckpointError) << name;
  }
}

TEST_F(Protocol, LogVariancesThatAreNotFiniteAreNamed) {
  const Model model = saved_model(folder_.path("m"));
  for (const NamedParameter& parameter : model.vae.parameters().list())
    if (parameter.name.find("log_variance") != std::string::npos) parameter.value.detach().fill_(std::nan(""));
  EXPECT_THROW(encode_texts(model, {"a"}), CheckpointError);
}

TEST(ReportTable, WrapsWhatIsSaidInWords) {
  const std::string reason = "a probe needs labels: got valid.txt without them (name a column of a table by its name)";
  const auto lines = report_table({Json{{"reconstruction", {{"exact_match", 0.5}}}, {"skipped", {{"probe", reason}}}}});
  ASSERT_EQ(lines.size(), 6U);
  for (const std::string& line : lines) EXPECT_LE(line.size(), 80U);
  EXPECT_EQ(lines[5], std::string(28, ' ') + "(name a column of a table by its name)");
}

TEST(ReportTable, FiguresThatHaveNoRoomSideBySideStandBelowEachOther) {
  const Json point = {{"radius", 0.25},
                      {"valid", 0.984},
                      {"valid_95", {0.976, 0.991}},
                      {"unchanged", 0.959},
                      {"unchanged_95", {0.946, 0.97}}};
  const auto lines = report_table({Json{{"shape", {{"hole_curve", {point}}}}}});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1], "  hole_curve radius 0.2500  valid 0.9840  [0.9760, 0.9910]");
  EXPECT_EQ(lines[2], std::string(28, ' ') + "unchanged 0.9590  [0.9460, 0.9700]");
}

TEST(ReportTable, ReportsThatAreHalfThereAreNoCrash) {
  EXPECT_TRUE(report_table({Json::object()}).empty());
  EXPECT_FALSE(
      report_table({Json{{"reconstruction", {{"exact_match", 0.5}, {"exact_match_95", Json::array()}}}}}).empty());
  EXPECT_NO_THROW(report_table({Json{{"reconstruction", nullptr}, {"prior", 3}, {"skipped", nullptr}}}));
}

}  // namespace
}  // namespace tvae
