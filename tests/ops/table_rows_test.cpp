#include "tvae/ops/table_rows.h"

#include "tests/support/gradient_check.h"
#include "tvae/ops/linear_cross_entropy.h"

namespace tvae {
namespace {

using test::random_double;
using torch::Tensor;

const Tensor kIds = torch::tensor({3, 0, 3, 6, 1}, at::kLong), kTargets = torch::tensor({0, 3, 6, 6, 2}, at::kLong);

Tensor new_table() {
  const Tensor table = random_double({7, 4}, 1).requires_grad_(true);
  take_gradients_of_rows(table);
  return table;
}

TEST(TableRows, HaveADenseGradientWhereThereIsNoOther) {
  const Tensor table = new_table(), direction = random_double({5, 4}, 2);
  (table_rows(table, kIds) * direction).sum().backward();
  ASSERT_FALSE(table.grad().is_sparse());
  EXPECT_TRUE(at::allclose(table.grad(), at::zeros({7, 4}, at::kDouble).index_add_(0, kIds, direction)));
}

TEST(TableRows, OfATableThatAlsoProjectsHaveTheGradientsOfStockOperations) {
  const Tensor stock = random_double({7, 4}, 1).requires_grad_(true), direction = random_double({5, 4}, 2);
  const Tensor states = at::embedding(stock, kIds) * direction + at::embedding(stock, kTargets);
  at::cross_entropy_loss(at::mm(states, stock.t()), kTargets, {}, at::Reduction::Sum).backward();

  const Tensor table = new_table();
  for (int backward = 1; backward <= 2; ++backward) {  // the second adds to the first
    const Tensor same = table_rows(table, kIds) * direction + table_rows(table, kTargets);
    linear_cross_entropy(same, table, kTargets, {}, 1.0).loss.backward();
    ASSERT_FALSE(table.grad().is_sparse());
    EXPECT_TRUE(at::allclose(table.grad(), backward * stock.grad())) << backward;
  }
}

TEST(TableRows, ALateGradientIsTheGradient) {
  const Tensor x = random_double({3, 2}, 1).requires_grad_(true), direction = random_double({3, 2}, 2);
  (with_late_gradient(x) * direction).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), direction));
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(with_late_gradient(x).is_same(x));
}

}  // namespace
}  // namespace tvae
