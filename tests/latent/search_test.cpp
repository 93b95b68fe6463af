#include "tvae/latent/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"

namespace tvae {
namespace {

using torch::Tensor;

/// Accepts texts by a rule, and counts what it was shown.
class Rule : public ValidityCheck {
 public:
  explicit Rule(std::function<bool(const std::string&)> rule) : rule_(std::move(rule)) {}
  std::vector<bool> valid(const std::vector<std::string>& texts) override {
    seen += texts.size();
    std::vector<bool> answers;
    for (const std::string& text : texts) answers.push_back(rule_(text));
    return answers;
  }
  std::string describe() const override { return "a rule"; }
  size_t seen = 0;

 private:
  std::function<bool(const std::string&)> rule_;
};

class Search : public testing::TestWithParam<const char*> {
 protected:
  Search() : model_(test::saved_model(folder_.path("m"), GetParam())) {
    Rng rng(3);
    codes_ = 2.0 * at::randn({12, 2, 4}, rng.generator(), at::kFloat);
    plain_ = decode_codes(model_, codes_);
  }
  std::vector<std::string> search(ValidityCheck* check, int64_t candidates, double radius = 3.0) {
    return search_outputs(model_, codes_, plain_, check, {candidates, radius, 1});
  }
  /// Distance from each code to that of the text which stands for it.
  Tensor distance(const std::vector<std::string>& texts) {
    return (encode_texts(model_, texts).mean - codes_).flatten(1).norm(2, 1);
  }

  test::TemporaryFolder folder_;
  const Model model_;
  Tensor codes_;
  std::vector<std::string> plain_;
};

TEST_P(Search, KeepsWhatIsValidAndSearchesForTheRest) {
  Rule rule([this](const std::string& text) { return text != plain_[0]; });
  const auto before = rule.valid(plain_);
  const auto found = search(&rule, 12);
  const auto after = rule.valid(found);
  EXPECT_GT(std::count(before.begin(), before.end(), false), 0) << "the test needs invalid outputs";
  for (size_t i = 0; i < plain_.size(); ++i) {
    if (before[i]) {
      EXPECT_EQ(found[i], plain_[i]);
    }
    EXPECT_GE(after[i], before[i]);
  }
  EXPECT_GT(std::count(after.begin(), after.end(), true), std::count(before.begin(), before.end(), true));
  EXPECT_EQ(search(&rule, 12), found);  // seeded
}

TEST_P(Search, WithoutACheckTheNearestIsKept) {
  const auto found = search(nullptr, 12);
  EXPECT_NE(found, plain_) << "the test needs candidates that are nearer";
  const Tensor was = distance(plain_), is = distance(found);
  EXPECT_TRUE((is <= was + 1e-4).all().item<bool>());
  EXPECT_TRUE((distance(search(nullptr, 40)) <= is + 1e-4).all().item<bool>());  // more of the same draws
}

TEST_P(Search, WithoutACheckATextOfThatVeryCodeStays) {
  const std::vector<std::string> texts = {"row 1", "another"};
  const Tensor codes = encode_texts(model_, texts).mean;
  EXPECT_EQ(search_outputs(model_, codes, texts, nullptr, {12, 3.0, 1}), texts);
}

TEST_P(Search, WhereNothingIsValidTheNearestIsKept) {
  Rule never([](const std::string&) { return false; });
  EXPECT_EQ(search(&never, 12), search(nullptr, 12));
}

TEST_P(Search, OneCandidateIsThePlainOutput) {
  Rule rule([](const std::string&) { return false; });
  EXPECT_EQ(search(&rule, 1), plain_);
  EXPECT_EQ(rule.seen, 0u);
  Rule always([](const std::string&) { return true; });
  EXPECT_EQ(search(&always, 12), plain_);
  EXPECT_EQ(always.seen, plain_.size());
  EXPECT_EQ(search(nullptr, 12, /*radius=*/0.0), plain_);
}

INSTANTIATE_TEST_SUITE_P(Posteriors, Search, testing::Values("gaussian", "deterministic"));

}  // namespace
}  // namespace tvae
