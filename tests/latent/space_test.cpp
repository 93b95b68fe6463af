#include "tvae/latent/space.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/latent/paths.h"
#include "tvae/run/quantized_weights.h"

namespace tvae {
namespace {

using test::lines;
using torch::Tensor;

std::vector<std::string> texts_in(const std::vector<Decoded>& outputs) {
  std::vector<std::string> texts;
  for (const Decoded& output : outputs) texts.push_back(output.text);
  return texts;
}

/// `count` different texts.
std::vector<std::string> some_texts(int64_t count) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i) texts.push_back(lines()[i % lines().size()] + " # " + std::to_string(i));
  return texts;
}

class Space : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  const LatentSpace space_{test::saved_model(folder_.path("m"), "gaussian", "python")};
};

TEST_F(Space, EncodesSaysWhatWasCutAndDecodesAsTheFunctionsBelowItDo) {
  const std::string overlong(100, 'x');
  const EncodedTexts encoded = space_.encode({"x = 1", overlong});
  EXPECT_EQ(encoded.cut, (std::vector<bool>{false, true}));
  EXPECT_EQ(encoded.mean.sizes(), (at::IntArrayRef{2, 2, 4}));
  const std::vector<Decoded> outputs = space_.decode(encoded.mean);
  EXPECT_EQ(texts_in(outputs), decode_codes(space_.model(), encoded.mean));
  for (const Decoded& output : outputs) {
    EXPECT_FALSE(output.searched);
    EXPECT_FALSE(output.valid.has_value()) << "nobody asked for it";
    EXPECT_FALSE(output.probability.empty());
  }
}

TEST_F(Space, AnInt8ModelStaysInt8) {
  const Model& model = space_.model();
  save_model(folder_.path("int8"), model.vae.config(), model.max_tokens, model.check,
             quantize_int8(model.vae.parameters().to_map()), model.tokenizer);
  const LatentSpace kept = LatentSpace::open(folder_.path("int8"));
  EXPECT_EQ(kept.model().vae.parameters().list()[0].value.scalar_type(), at::kChar);
  // Where integers are multiplied, the rows of each product are rounded too, by about a two-hundredth.
  const double rounding = multiplies_integers() ? 0.05 : 1e-4;
  // Fewer texts and more than a product of few rows takes.
  const LatentSpace dense(load_model(folder_.path("int8")));
  for (const std::vector<std::string>& texts : {std::vector<std::string>{"x = 1"}, some_texts(40)}) {
    const Tensor codes = dense.encode(texts).mean;
    EXPECT_LT((kept.encode(texts).mean - codes).norm().item<double>(), rounding * codes.norm().item<double>());
    EXPECT_EQ(kept.decode(codes).size(), texts.size());
  }
}

TEST_F(Space, JudgesWhenAsked) {
  EXPECT_EQ(space_.judge({"x = 1", "x = ("}), (std::vector<bool>{true, false}));
  const Tensor codes = space_.encode(lines()).mean;
  const std::vector<Decoded> outputs = space_.decode(codes, {.judge = true});
  EXPECT_EQ(space_.judge(texts_in(outputs)), [&] {
    std::vector<bool> valid;
    for (const Decoded& output : outputs) valid.push_back(output.valid.value());
    return valid;
  }());
}

TEST_F(Space, RefusesWhatCannotBe) {
  const Tensor wrong = at::zeros({1, 3, 4});
  EXPECT_THROW(space_.decode(wrong), DataError);
  EXPECT_THROW(space_.decode(at::zeros({1, 2, 4}), {.candidates = 2, .sample = true}), ConfigError);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const DecodeOptions& options :
       {DecodeOptions{.candidates = 0}, DecodeOptions{.search_radius = -1},
        DecodeOptions{.sample = true, .temperature = 0}, DecodeOptions{.sample = true, .temperature = nan},
        DecodeOptions{.sample = true, .top_k = -1}, DecodeOptions{.sample = true, .top_p = 0},
        DecodeOptions{.sample = true, .top_p = 5}})
    EXPECT_THROW(space_.decode(at::zeros({1, 2, 4}), options), ConfigError);
  EXPECT_THROW(space_.sample(SampleOptions{.prior = "other"}), ConfigError);
  EXPECT_THROW(space_.interpolate("a", "b", {.path = "spiral"}), ConfigError);
  EXPECT_THROW(space_.interpolate("a", "b", {.steps = 1}), ConfigError);
  EXPECT_THROW(space_.mix({"a", "b"}, {1.0}), ConfigError);
  EXPECT_THROW(space_.mix({"a", "b"}, {0.0, 0.0}), ConfigError);
  EXPECT_THROW(space_.mix({"a", "b"}, {-1.0, 2.0}), ConfigError);
  EXPECT_THROW(space_.mix({}), ConfigError);
  EXPECT_THROW(space_.fit_property({"a"}, {1.0, 2.0}), ConfigError);
  EXPECT_THROW(space_.index({"", ""}), DataError);
  // That equal texts have one code is no sign of a model that has collapsed, which would be a CheckpointError.
  EXPECT_THROW(space_.fit_prior(std::vector<std::string>(30, "x = 1")), DataError);
  EXPECT_THROW(space_.fit_property(std::vector<std::string>(30, "x = 1"), std::vector<double>(30, 1.0)), DataError);
  const LatentSpace plain(test::saved_model(folder_.path("plain")));
  EXPECT_THROW(plain.decode(at::zeros({1, 2, 4}), {.constrain = true}), ConfigError);
  EXPECT_FALSE(plain.judge({"x"}).has_value());
}

TEST_F(Space, AMissingPriorIsAnErrorWithARemedyOnlyWhereItIsAskedFor) {
  EXPECT_EQ(space_.sample(SampleOptions{.count = 3}).size(), 3u);
  try {
    space_.sample(SampleOptions{.prior = "fitted"});
    FAIL() << "there is no fitted prior";
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.remedy(), Remedy::kFitPrior);
    EXPECT_NE(std::string(error.what()).find("(fit one first)"), std::string::npos) << "the library knows no verbs";
  }
}

TEST_F(Space, AFittedPriorIsUsedAsSoonAsItIsSaved) {
  EXPECT_EQ(space_.fitted_prior(), nullptr);
  const std::vector<std::string> texts = some_texts(60);
  const Tensor before = space_.log_density(space_.encode(texts).mean);
  space_.save_prior("gaussian", space_.fit_prior(texts));
  ASSERT_NE(space_.fitted_prior(), nullptr);
  EXPECT_EQ(space_.fitted_prior()->kind, "gaussian");
  EXPECT_GT((space_.log_density(space_.encode(texts).mean) - before).mean().item<double>(), 0.0);
  EXPECT_EQ(space_.sample(SampleOptions{.count = 2, .prior = "fitted"}).size(), 2u);
}

TEST_F(Space, SamplesInPartsAreTheSamplesTogether) {
  const SampleOptions options{.count = 5000, .decode = {.seed = 7}};
  std::vector<std::string> parts;
  size_t calls = 0;
  space_.sample(options, [&](const std::vector<Decoded>& part) {
    ++calls;
    for (const Decoded& output : part) parts.push_back(output.text);
  });
  EXPECT_GT(calls, 1u) << "so many are not held at once";
  EXPECT_EQ(parts.size(), 5000u);
  EXPECT_EQ(parts, texts_in(space_.sample(options)));
}

TEST_F(Space, APathHasItsEndsAndAMixOfTwoIsItsMidpoint) {
  const auto path = space_.interpolate("x = 1", "return y", {.steps = 3});
  ASSERT_EQ(path.size(), 3u);
  EXPECT_EQ(path[1].ratio, 0.5);
  const std::vector<std::string> ends = decode_codes(space_.model(), space_.encode({"x = 1", "return y"}).mean);
  EXPECT_EQ(path.front().output.text, ends[0]);
  EXPECT_EQ(path.back().output.text, ends[1]);
  EXPECT_EQ(space_.mix({"x = 1", "return y"}, {1.0, 0.0}).text, ends[0]);
  EXPECT_EQ(space_.mix({"x = 1", "return y"}, {0.0, 3.0}).text, ends[1]);
}

TEST_F(Space, AnalogiesAndDirectionsMoveCodes) {
  const auto outputs = space_.analogy("x = 1", "return 1", "y = 2", {0.0, 1.0});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].text, decode_codes(space_.model(), space_.encode({"x = 1", "return 1", "y = 2"}).mean)[2]);

  std::vector<std::string> positive, negative;
  for (const std::string& text : some_texts(20)) (positive.size() < 10 ? positive : negative).push_back(text);
  negative.push_back(positive[0]);  // of both kinds: left out of both
  const DirectionFit fit = space_.fit_direction(positive, negative);
  EXPECT_EQ(fit.facts["positive"], 9);
  EXPECT_EQ(fit.facts["negative"], 10);
  space_.save_direction("some", fit);
  EXPECT_EQ(space_.directions(), (std::vector<std::string>{"some"}));
  const Tensor codes = space_.encode({"x = 1", "del x"}).mean;
  const auto moved = space_.move(codes, space_.direction("some").direction, {0.0, 2.0});
  ASSERT_EQ(moved.size(), 4u);
  EXPECT_EQ(moved[1].source, 0u);
  EXPECT_EQ(moved[2].source, 1u);
  EXPECT_EQ(moved[3].strength, 2.0);
  EXPECT_GT(moved[3].logit, moved[2].logit);
  EXPECT_EQ(moved[0].output.text, decode_codes(space_.model(), codes)[0]);
}

TEST_F(Space, FindsTheNearestTextsEachOnce) {
  const TextIndex index = space_.index({"x = 1", "", "del x", "x = 1", "pass"});
  EXPECT_EQ(index.texts(), (std::vector<std::string>{"x = 1", "del x", "pass"}));
  EXPECT_EQ(index.rows(), (std::vector<int64_t>{0, 2, 4}));
  const Tensor queries = space_.encode({"pass", "x = 1"}).mean;
  for (const auto method : {TextIndex::Method::kExact, TextIndex::Method::kGraph}) {
    const auto found = index.query(queries, 10, method);
    ASSERT_EQ(found.size(), 2u);
    ASSERT_EQ(found[0].size(), 3u) << "no more than there are";
    EXPECT_EQ(found[0][0].text, 2u);
    EXPECT_EQ(found[1][0].text, 0u);
    EXPECT_LE(found[0][0].distance, found[0][1].distance);
  }
}

TEST_F(Space, ClimbsAProperty) {
  const std::vector<std::string> texts = some_texts(60);
  std::vector<double> values;
  const Tensor codes = space_.encode(texts).mean;
  for (int64_t i = 0; i < codes.size(0); ++i) values.push_back(codes[i][0][0].item<double>());
  const PropertyFit fit = space_.fit_property(texts, values);
  EXPECT_GT(fit.score.r2.value(), 0.9) << "the property is a number of the code itself";
  const OptimizedTexts way = space_.optimize("x = 1", fit.property, {.prior_weight = 0.0});
  EXPECT_GT(way.last_value, way.first_value);
  EXPECT_EQ(way.texts.front().step, 0);
}

TEST_F(Space, OneObjectServesSeveralThreads) {
  const std::vector<std::string> texts = some_texts(40);
  const Tensor codes = space_.encode(texts).mean;
  const std::vector<std::string> wanted = texts_in(space_.decode(codes, {.constrain = true}));
  const auto sampled = texts_in(space_.sample(SampleOptions{.count = 20}));
  std::vector<std::thread> threads;
  std::array<bool, 4> same{};
  for (size_t i = 0; i < same.size(); ++i)
    threads.emplace_back([&, i] {
      same[i] = true;
      for (int round = 0; round < 3; ++round)
        same[i] = same[i] && space_.encode(texts).mean.equal(codes) &&
                  texts_in(space_.decode(codes, {.constrain = true, .judge = true})) == wanted &&
                  texts_in(space_.sample(SampleOptions{.count = 20})) == sampled;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, (std::array<bool, 4>{true, true, true, true}));
}

// ---- Progress and stopping

/// Listens, and stops the work at its `last`-th report of `what`.
class Listener : public Progress {
 public:
  explicit Listener(std::string what, int64_t last = 0) : what_(std::move(what)), last_(last) {}
  void update(const char* what, int64_t done, int64_t total) override {
    EXPECT_GE(done, 0);
    EXPECT_TRUE(total == 0 || done <= total) << what << ": " << done << " of " << total;
    if (what == what_ && ++reports == last_) throw Interrupted("stopped");
  }
  int64_t reports = 0;

 private:
  std::string what_;
  int64_t last_;
};

TEST_F(Space, EveryLongMethodTellsHowFarItIs) {
  const std::vector<std::string> texts = some_texts(600);
  Listener encoding("encoding"), decoding("decoding"), climbing("climbing");
  const Tensor codes = space_.encode(texts, encoding).mean;
  EXPECT_GE(encoding.reports, 3) << "batches of 256 at most";
  space_.decode(codes, {}, decoding);
  EXPECT_GT(decoding.reports, 10) << "a report a token";
}

/// Stops `work` at its second report of `what`, then runs it to its end: stopping broke nothing.
void expect_stops(const char* what, const std::function<void(Progress&)>& work) {
  Listener stopping(what, 2);
  EXPECT_THROW(work(stopping), Interrupted) << what;
  EXPECT_EQ(stopping.reports, 2) << what << ": nothing goes on after it was stopped";
  EXPECT_NO_THROW(work(Progress::none())) << what;
}

TEST_F(Space, WorkStopsInTheMiddleAndTheSpaceGoesOn) {
  const std::vector<std::string> texts = some_texts(600);
  const Tensor codes = space_.encode(texts).mean;
  expect_stops("encoding", [&](Progress& progress) { space_.encode(texts, progress); });
  expect_stops("decoding", [&](Progress& progress) { space_.decode(codes, {}, progress); });
  expect_stops("decoding", [&](Progress& progress) { space_.reconstruct(texts, {}, progress); });
  expect_stops("decoding", [&](Progress& progress) { space_.sample(SampleOptions{.count = 600}, progress); });
  expect_stops("decoding", [&](Progress& progress) { space_.interpolate("x = 1", "del x", {}, progress); });
  expect_stops("encoding", [&](Progress& progress) { space_.index(texts, Metric::kCosine, progress); });
  expect_stops("fitting a mixture", [&](Progress& progress) {
    space_.fit_prior(texts, {.kind = "gmm", .fit = {.components = 2}}, progress);
  });
  expect_stops("fitting a flow",
               [&](Progress& progress) { space_.fit_prior(some_texts(60), {.kind = "flow"}, progress); });
  EXPECT_EQ(space_.fitted_prior(), nullptr) << "nothing half-done stays";
}

TEST_F(Space, APriorInUseServesTheObjectAloneAndNothingIsWritten) {
  const Tensor codes = space_.encode(some_texts(5)).mean;
  space_.use_prior("gaussian", space_.fit_prior(some_texts(60)));
  ASSERT_NE(space_.fitted_prior(), nullptr);
  EXPECT_TRUE(space_.log_density(codes).equal(space_.fitted_prior()->prior->log_density(codes)));
  EXPECT_FALSE(load_prior(space_.model()).has_value());
}

TEST_F(Space, AFlagStopsWorkFromAnotherThread) {
  StopFlag flag;
  std::thread other([&flag] { flag.stop(); });
  other.join();
  EXPECT_THROW(space_.encode(some_texts(300), flag), Interrupted);
}

}  // namespace
}  // namespace tvae
