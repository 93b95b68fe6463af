#include "tvae/latent/neighbors.h"

#include <gtest/gtest.h>

#include "tvae/ops/rng.h"

namespace tvae {
namespace {

using torch::Tensor;

Tensor random_codes(int64_t n, uint64_t seed) {
  Rng rng(seed);
  return at::randn({n, 2, 8}, rng.generator(), at::kFloat);
}

class NeighborsBy : public testing::TestWithParam<Metric> {};

TEST_P(NeighborsBy, ExactOnesAreTheSmallestOfAllDistances) {
  const Tensor codes = random_codes(500, 1), queries = random_codes(300, 2);  // more queries than are done at once
  const Neighbors found = exact_neighbors(codes, queries, 7, GetParam());
  ASSERT_EQ(found.rows.sizes(), (std::vector<int64_t>{300, 7}));
  for (const int64_t query : {int64_t{0}, int64_t{299}}) {
    const Tensor difference = codes.flatten(1) - queries[query].flatten();
    const Tensor all = GetParam() == Metric::kL2
                           ? difference.square().sum(1).sqrt()
                           : 1.0 - at::cosine_similarity(codes.flatten(1), queries[query].view({1, -1}));
    const auto [sorted, order] = all.sort();
    EXPECT_TRUE(found.rows[query].equal(order.narrow(0, 0, 7)));
    EXPECT_TRUE(found.distances[query].allclose(sorted.narrow(0, 0, 7), 1e-4, 1e-5));  // rounding of fp32
  }
}

TEST_P(NeighborsBy, ACodeIsItsOwnNearest) {
  const Tensor codes = random_codes(300, 3);
  for (const Neighbors& found :
       {exact_neighbors(codes, codes, 1, GetParam()), NeighborIndex(codes, GetParam()).search(codes, 1)}) {
    EXPECT_TRUE(found.rows.select(1, 0).equal(at::arange(300)));
    EXPECT_LT(found.distances.max().item<float>(), 1e-5f);
  }
}

TEST_P(NeighborsBy, TheGraphFindsNearlyAllOfThemAndTheSameEachTime) {
  const Tensor codes = random_codes(2000, 4), queries = random_codes(100, 5);
  const Neighbors exact = exact_neighbors(codes, queries, 10, GetParam());
  const Neighbors found = NeighborIndex(codes, GetParam()).search(queries, 10);
  const Tensor hits = (exact.rows.unsqueeze(2) == found.rows.unsqueeze(1)).any(2);
  EXPECT_GT(hits.to(at::kDouble).mean().item<double>(), 0.95);
  EXPECT_TRUE((found.distances.diff(1, 1) >= 0).all().item<bool>()) << "the nearest first";
  const Tensor right = exact.distances.masked_select(hits);
  EXPECT_LT((right - found.distances.masked_select((found.rows.unsqueeze(2) == exact.rows.unsqueeze(1)).any(2)))
                .abs()
                .max()
                .item<float>(),
            1e-4f);
  EXPECT_TRUE(NeighborIndex(codes, GetParam()).search(queries, 10).rows.equal(found.rows));
}

TEST_P(NeighborsBy, AllCodesCanBeAskedFor) {
  const Tensor codes = random_codes(30, 6);
  const Neighbors exact = exact_neighbors(codes, codes.narrow(0, 0, 2), 30, GetParam());
  EXPECT_TRUE(NeighborIndex(codes, GetParam()).search(codes.narrow(0, 0, 2), 30).rows.equal(exact.rows));
}

TEST_P(NeighborsBy, EqualCodesAreAllFound) {
  const Tensor codes = random_codes(1, 7).expand({3000, -1, -1});
  const Neighbors found = NeighborIndex(codes, GetParam()).search(codes.narrow(0, 0, 2), 500);
  EXPECT_EQ(std::get<0>(at::_unique(found.rows[1])).numel(), 500);
  EXPECT_LT(found.distances.max().item<float>(), 1e-5f);
}

TEST(Neighbors, ACodeOfZerosHasNoDirection) {
  const Neighbors found = exact_neighbors(random_codes(5, 1), at::zeros({1, 2, 8}), 5, Metric::kCosine);
  EXPECT_TRUE(found.distances.equal(at::ones({1, 5})));
}

INSTANTIATE_TEST_SUITE_P(Metrics, NeighborsBy, testing::Values(Metric::kCosine, Metric::kL2),
                         [](const auto& test) { return test.param == Metric::kL2 ? "L2" : "Cosine"; });

}  // namespace
}  // namespace tvae
