#include "tvae/latent/corpus_map.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/io/safetensors.h"
#include "tvae/latent/umap.h"

namespace tvae {
namespace {

using torch::Tensor;

class Map : public testing::Test {
 protected:
  Map() {
    for (int64_t i = 0; i < 40; ++i) {
      corpus_.texts.push_back("value_" + std::to_string(i) + " = " + std::to_string(i * i));
      corpus_.labels.push_back(i % 4 == 0 ? "rare" : "common");
      corpus_.numbers.push_back(2 * i);  // every other row of the file was bad
    }
    corpus_.texts.push_back(corpus_.texts.front());
    corpus_.labels.emplace_back("common");
    corpus_.numbers.push_back(90);
  }
  test::TemporaryFolder folder_;
  const LatentSpace space_{test::saved_model(folder_.path("m"), "gaussian", "python")};
  Rows corpus_;
};

TEST_F(Map, HoldsEveryTextOnceWithItsRowAndLabel) {
  const CorpusMap map = CorpusMap::open(space_, corpus_);
  EXPECT_EQ(map.points(), 40);
  EXPECT_EQ(map.index().rows()[3], 6);
  EXPECT_EQ(map.labels(), (std::vector<std::string>{"common", "rare"})) << "the most frequent first";
  EXPECT_EQ(map.label_of()[0], 1);
  EXPECT_EQ(map.label_of()[1], 0);
}

TEST_F(Map, IsKeptForTheSameTextsAndWeights) {
  const CorpusMap first = CorpusMap::open(space_, corpus_);
  EXPECT_FALSE(first.was_kept());
  const CorpusMap again = CorpusMap::open(space_, corpus_);
  EXPECT_TRUE(again.was_kept());
  EXPECT_TRUE(at::equal(first.positions(Projection::kPca), again.positions(Projection::kPca)));
  EXPECT_TRUE(at::equal(first.index().codes(), again.index().codes()));
  Rows other = corpus_;
  other.texts[5] = "something_else = 1";
  EXPECT_FALSE(CorpusMap::open(space_, other).was_kept());
  EXPECT_FALSE(CorpusMap::open(space_, corpus_, {.seed = 7}).was_kept());
}

TEST_F(Map, IsNotKeptWhereItIsNotToBe) {
  CorpusMap::open(space_, corpus_, {.keep = false});
  EXPECT_FALSE(std::filesystem::exists(folder_.path("m") + "/map"));
  CorpusMap::open(space_, corpus_);
  EXPECT_TRUE(CorpusMap::open(space_, corpus_, {.keep = false}).was_kept()) << "but found where it is";
}

TEST_F(Map, WhatIsKeptMayHoldMoreThanIsWanted) {
  if (!has_umap()) GTEST_SKIP() << "built without umappp";
  CorpusMap::open(space_, corpus_);
  const CorpusMap plane = CorpusMap::open(space_, corpus_, {.umap = false});
  EXPECT_TRUE(plane.was_kept());
  EXPECT_FALSE(plane.has(Projection::kUmap));
  EXPECT_TRUE(CorpusMap::open(space_, corpus_).was_kept()) << "and is not lost by that";
}

TEST_F(Map, NoPlacesAreNoCodesAndFarOnesAreRefused) {
  const CorpusMap map = CorpusMap::open(space_, corpus_);
  for (const Projection projection : {Projection::kPca, Projection::kUmap}) {
    if (!map.has(projection)) continue;
    EXPECT_EQ(map.project(projection, map.index().codes().narrow(0, 0, 0)).sizes(), (std::vector<int64_t>{0, 2}));
    EXPECT_EQ(map.invert(projection, at::zeros({0, 2})).size(0), 0);
    EXPECT_THROW(map.invert(projection, at::full({1, 2}, 1e30)), DataError);
  }
}

TEST_F(Map, ADamagedOneIsMadeAgain) {
  CorpusMap::open(space_, corpus_);
  for (const auto& file : std::filesystem::directory_iterator(folder_.path("m") + "/map"))
    std::filesystem::resize_file(file.path(), 100);
  EXPECT_FALSE(CorpusMap::open(space_, corpus_).was_kept());
  EXPECT_TRUE(CorpusMap::open(space_, corpus_).was_kept());
}

TEST_F(Map, OneThatLacksAPartIsMadeAgain) {
  CorpusMap::open(space_, corpus_);
  for (const auto& file : std::filesystem::directory_iterator(folder_.path("m") + "/map")) {
    std::map<std::string, std::string> metadata;
    TensorMap tensors = load_safetensors(file.path().string(), &metadata);
    tensors.erase("pca_mean");
    save_safetensors(file.path().string(), tensors, metadata);
  }
  const CorpusMap again = CorpusMap::open(space_, corpus_);
  EXPECT_FALSE(again.was_kept());
  EXPECT_EQ(again.points(), 40);
}

TEST_F(Map, DrawsSomeOfTooManyTexts) {
  const CorpusMap map = CorpusMap::open(space_, corpus_, {.points = 20, .umap = false});
  EXPECT_EQ(map.points(), 20);
  EXPECT_TRUE(std::ranges::is_sorted(map.index().rows())) << "in the corpus's order";
  EXPECT_FALSE(map.has(Projection::kUmap));
  EXPECT_THROW(map.positions(Projection::kUmap), ConfigError);
}

TEST_F(Map, ThePrincipalAxesHoldTheMostVariance) {
  const CorpusMap map = CorpusMap::open(space_, corpus_, {.umap = false});
  const Tensor codes = map.index().codes().flatten(1);
  const Tensor centred = (codes - codes.mean(0)).to(at::kDouble);
  const Tensor variances = std::get<0>(at::linalg_eigh(at::matmul(centred.t(), centred))).flip(0);
  const Tensor along = map.positions(Projection::kPca).to(at::kDouble).square().sum(0);
  EXPECT_TRUE(at::allclose(along, variances.narrow(0, 0, 2), 1e-3));
}

TEST_F(Map, PlacesLieWhereTheirPointsDoAndPositionsLeadBack) {
  const CorpusMap map = CorpusMap::open(space_, corpus_);
  const Tensor codes = map.index().codes();
  EXPECT_TRUE(at::allclose(map.project(Projection::kPca, codes), map.positions(Projection::kPca), 1e-4, 1e-5));
  const Tensor between = 0.5 * (map.positions(Projection::kPca)[0] + map.positions(Projection::kPca)[1]);
  const Tensor code = map.invert(Projection::kPca, between.unsqueeze(0));
  EXPECT_EQ(code.sizes(), codes.narrow(0, 0, 1).sizes());
  EXPECT_TRUE(at::allclose(map.project(Projection::kPca, code)[0], between, 1e-3, 1e-4));
  // At a point itself there is its own code.
  EXPECT_TRUE(at::allclose(map.invert(Projection::kPca, map.positions(Projection::kPca).narrow(0, 4, 1))[0], codes[4],
                           1e-3, 1e-4));
}

TEST_F(Map, UmapKeepsNeighboursTogether) {
  if (!has_umap()) GTEST_SKIP() << "built without umappp";
  // Two clusters far from each other.
  torch::manual_seed(3);
  const Tensor codes = at::cat({at::randn({30, 2, 4}) + 8, at::randn({30, 2, 4}) - 8});
  const Tensor map = umap(codes, Metric::kL2, 42);
  EXPECT_TRUE(at::equal(map, umap(codes, Metric::kL2, 42))) << "the same again";
  const Tensor first = map.narrow(0, 0, 30), second = map.narrow(0, 30, 30);
  const double apart = (first.mean(0) - second.mean(0)).norm().item<double>();
  EXPECT_GT(apart, 2 * (first - first.mean(0)).norm(2, 1).mean().item<double>());
  EXPECT_THROW(umap(codes.narrow(0, 0, 5), Metric::kL2, 42), DataError);
  StopFlag stop;
  stop.stop();
  EXPECT_THROW(umap(codes, Metric::kL2, 42, stop), Interrupted);
}

TEST_F(Map, DimensionsThatTellMostComeFirst) {
  const std::vector<Dimension> dimensions = dimensions_of(space_.encode(corpus_.texts));
  ASSERT_EQ(dimensions.size(), 8U);
  for (size_t i = 1; i < dimensions.size(); ++i) EXPECT_GE(*dimensions[i - 1].rate, *dimensions[i].rate);
}

TEST_F(Map, RefusesACorpusWithoutTexts) {
  EXPECT_THROW(CorpusMap::open(space_, Rows{}), DataError);
  Rows empty;
  empty.texts = {"", ""};
  EXPECT_THROW(CorpusMap::open(space_, empty), DataError);
}

}  // namespace
}  // namespace tvae
