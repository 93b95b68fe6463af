#include "tvae/latent/neighbors.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/files.h"
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

TEST_P(NeighborsBy, OfManyCodesTheSmallestDistancesOfAllBlocks) {
  const Tensor codes = random_codes(40000, 8), queries = random_codes(3, 9);  // more codes than are compared at once
  const Neighbors found = exact_neighbors(codes, queries, 50, GetParam());
  for (int64_t query = 0; query < 3; ++query) {
    const Tensor all = GetParam() == Metric::kL2
                           ? (codes.flatten(1) - queries[query].flatten()).square().sum(1).sqrt()
                           : 1.0 - at::cosine_similarity(codes.flatten(1), queries[query].view({1, -1}));
    EXPECT_TRUE(found.distances[query].allclose(std::get<0>(all.sort()).narrow(0, 0, 50), 1e-4, 1e-5));
    EXPECT_TRUE(found.distances[query].allclose(all.index_select(0, found.rows[query]), 1e-4, 1e-5));
  }
}

TEST_P(NeighborsBy, AGraphThatManyThreadsBuildFindsNearlyAllOfThem) {
  const Tensor codes = random_codes(2000, 4), queries = random_codes(100, 5);
  const Neighbors exact = exact_neighbors(codes, queries, 10, GetParam());
  const NeighborIndex index(codes, GetParam(), NeighborIndex::Build::kParallel);
  const Tensor hits = (exact.rows.unsqueeze(2) == index.search(queries, 10).rows.unsqueeze(1)).any(2);
  EXPECT_GT(hits.to(at::kDouble).mean().item<double>(), 0.95);
}

TEST_P(NeighborsBy, ASavedGraphFindsTheSameAndADamagedOneIsRefused) {
  const test::TemporaryFolder folder;
  const std::string file = folder.path("graph");
  const Tensor codes = random_codes(400, 4), queries = random_codes(50, 5);
  const NeighborIndex index(codes, GetParam());
  index.save(file);
  const auto loaded = NeighborIndex::load(file, codes, GetParam());
  ASSERT_NE(loaded, nullptr);
  EXPECT_TRUE(loaded->search(queries, 10).rows.equal(index.search(queries, 10).rows));
  EXPECT_TRUE(loaded->search(queries, 10).distances.equal(index.search(queries, 10).distances));
  EXPECT_EQ(NeighborIndex::load(folder.path("absent"), codes, GetParam()), nullptr);
  EXPECT_EQ(NeighborIndex::load(file, random_codes(400, 5), GetParam()), nullptr) << "of other codes";
  EXPECT_EQ(NeighborIndex::load(file, codes.narrow(0, 0, 399), GetParam()), nullptr);
  const std::string whole = read_file(file);
  for (size_t place = 0; place < whole.size(); place += 997) {  // some change nothing that a search looks at
    std::string damaged = whole;
    damaged[place] = static_cast<char>(~damaged[place]);
    write_file_atomically(file, damaged);
    const auto of_damaged = NeighborIndex::load(file, codes, GetParam());
    if (of_damaged != nullptr) {
      EXPECT_LT(of_damaged->search(queries, 10).rows.max().item<int64_t>(), 400);
    }
  }
  write_file_atomically(file, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(NeighborIndex::load(file, codes, GetParam()), nullptr);
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
