#include "tvae/latent/moves.h"

#include <gtest/gtest.h>

#include "tvae/base/error.h"
#include "tvae/latent/paths.h"

namespace tvae {
namespace {

using torch::Tensor;

Tensor places(int64_t count) {
  torch::manual_seed(1);
  return at::randn({count, 2, 3});
}

TEST(PathCodes, GoThroughEveryPlace) {
  const Tensor through = places(3);
  for (const std::string& path : paths().names()) {
    const Tensor codes = path_codes(through, path, {0.0, 0.5, 1.0, 1.5, 2.0});
    EXPECT_TRUE(at::equal(codes[0], through[0])) << path;
    EXPECT_TRUE(at::equal(codes[2], through[1])) << path;
    EXPECT_TRUE(at::equal(codes[4], through[2])) << path;
    const Tensor half = torch::tensor({0.5}, at::kDouble);
    EXPECT_TRUE(at::allclose(codes[1], paths().find(path)(through[0], through[1], half)[0])) << path;
    EXPECT_TRUE(at::allclose(codes[3], paths().find(path)(through[1], through[2], half)[0])) << path;
  }
}

TEST(PathCodes, RefuseWhatIsNoPath) {
  EXPECT_THROW(path_codes(places(1), "slerp", {0.0}), ConfigError);
  EXPECT_THROW(path_codes(places(2), "slerp", {1.5}), ConfigError);
  EXPECT_THROW(path_codes(places(2), "slerp", {-0.1}), ConfigError);
  EXPECT_THROW(path_codes(places(2), "circle", {0.5}), ConfigError);
}

TEST(MovedCodes, AddTheStepAsOftenAsTheStrengthSays) {
  const Tensor code = places(1)[0], step = at::ones({2, 3});
  const Tensor moved = moved_codes(code, step, {0.0, 2.0, -1.0});
  EXPECT_TRUE(at::equal(moved[0], code));
  EXPECT_TRUE(at::allclose(moved[1], code + 2));
  EXPECT_TRUE(at::allclose(moved[2], code - 1));
}

TEST(MixedCode, OfTwoEqualPartsIsTheMidpointOfSlerp) {
  Tensor parents = places(2);
  parents = parents / parents.flatten(1).norm(2, 1).view({2, 1, 1});
  const Tensor midpoint = slerp_path(parents[0], parents[1], torch::tensor({0.5}, at::kDouble))[0];
  EXPECT_TRUE(at::allclose(mixed_code(parents), midpoint, 1e-5, 1e-6));
}

TEST(MixedCode, IsAsLongAsItsParentsAre) {
  const Tensor parents = places(3), lengths = parents.flatten(1).norm(2, 1);
  EXPECT_NEAR(mixed_code(parents, {1, 1, 2}).norm().item<double>(),
              (0.25 * lengths[0] + 0.25 * lengths[1] + 0.5 * lengths[2]).item<double>(), 1e-5);
  EXPECT_TRUE(at::allclose(mixed_code(parents, {0, 5, 0}), parents[1])) << "weights are divided by their sum";
}

TEST(TokenMixedCode, TakesEachTokenFromWhereItsWeightsSay) {
  const Tensor parents = places(2);
  const Tensor mixed = token_mixed_code(parents, {{1, 0}, {0, 1}});
  EXPECT_TRUE(at::allclose(mixed[0], parents[0][0]));
  EXPECT_TRUE(at::allclose(mixed[1], parents[1][1]));
  EXPECT_THROW(token_mixed_code(parents, {{1, 0}}), ConfigError) << "of one token of two";
}

TEST(MixedCode, RefusesWhatIsNoWeight) {
  const Tensor parents = places(2);
  for (const std::vector<double>& weights : {std::vector<double>{1}, {0, 0}, {1, -1}, {1, NAN}, {1, INFINITY}})
    EXPECT_THROW(mixed_code(parents, weights), ConfigError);
  EXPECT_THROW(mixed_code(at::empty({0, 2, 3})), ConfigError);
}

}  // namespace
}  // namespace tvae
