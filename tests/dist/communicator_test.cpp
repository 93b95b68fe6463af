#include "tvae/dist/communicator.h"

#include "tests/support/processes.h"

namespace tvae::test {
namespace {

using torch::Tensor;

TEST(Communicator, AProcessThatIsAloneKeepsWhatItHas) {
  Communicator& alone = lone_process();
  EXPECT_TRUE(alone.is_alone());
  EXPECT_TRUE(alone.is_first());
  const Tensor numbers = at::arange(3, at::kFloat);
  alone.sum({numbers});
  alone.broadcast({numbers}, 0);
  EXPECT_TRUE(numbers.equal(at::arange(3, at::kFloat)));
  EXPECT_EQ(alone.text_of_first("text"), "text");
  EXPECT_EQ(alone.texts_of_all("text"), std::vector<std::string>{"text"});
  EXPECT_TRUE(alone.any(true));
  EXPECT_FALSE(alone.any(false));
  EXPECT_TRUE(alone.gather_rows(numbers, 0, 3).equal(numbers));
}

TEST(Communicator, SumsAndSharesWhatTheProcessesHave) {
  in_processes(3, [](Communicator& processes) {
    const int rank = processes.rank();
    const Tensor single = at::full({2, 2}, rank + 1.0, at::kFloat), wide = at::full({3}, rank, at::kDouble);
    processes.sum({single, wide});
    EXPECT_TRUE(single.equal(at::full({2, 2}, 6.0, at::kFloat)));
    EXPECT_TRUE(wide.equal(at::full({3}, 3.0, at::kDouble)));
    const Tensor of_last = at::full({4}, rank, at::kLong);
    processes.broadcast({of_last}, 2);
    EXPECT_TRUE(of_last.equal(at::full({4}, 2, at::kLong)));
    std::vector<std::vector<Tensor>> lists(3);
    for (int of = 0; of < 3; ++of)
      for (int64_t size = 0; size < of; ++size) lists[of].push_back(at::full({size + 1}, 10 * rank + of, at::kFloat));
    processes.broadcast_each(lists);
    for (int of = 0; of < 3; ++of)
      for (const Tensor& tensor : lists[of]) EXPECT_TRUE(tensor.eq(11 * of).all().item<bool>()) << of;
  });
}

TEST(Communicator, GathersTextsRowsAndNamedTensors) {
  in_processes(3, [](Communicator& processes) {
    const int rank = processes.rank();
    const std::vector<std::string> texts = {"zero", "", std::string(100000, 'x')};
    EXPECT_EQ(processes.texts_of_all(texts[rank]), texts);
    EXPECT_EQ(processes.text_of_first(texts[2 - rank]), texts[2]);
    EXPECT_TRUE(processes.any(rank == 1));
    EXPECT_FALSE(processes.any(false));
    const Tensor all = at::arange(12, at::kFloat).view({6, 2});  // 0, 3 and 3 rows
    const int64_t before = rank == 2 ? 3 : 0, own = rank == 0 ? 0 : 3;
    const Tensor rows = all.narrow(0, before, own).clone().requires_grad_(true);
    const Tensor gathered = processes.gather_rows(rows, before, 6);
    EXPECT_TRUE(gathered.equal(all));
    EXPECT_FALSE(gathered.requires_grad());
    const auto named = processes.tensors_of_all({{"of " + std::to_string(rank), at::full({2, rank}, rank, at::kLong)},
                                                 {"of all", at::full({1}, rank, at::kFloat)}});
    if (!processes.is_first()) return;
    ASSERT_EQ(named.size(), 4);
    EXPECT_TRUE(named.at("of 2").equal(at::full({2, 2}, 2, at::kLong)));
    EXPECT_EQ(named.at("of 1").sizes(), (std::vector<int64_t>{2, 1}));
    EXPECT_EQ(named.at("of all").item<float>(), 0);
  });
}

}  // namespace
}  // namespace tvae::test
