#include "tvae/data/data_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/data/split.h"

namespace tvae {
namespace {

class DataFiles : public testing::Test {
 protected:
  std::string error(DataFile file) const {
    try {
      file.rows();
    } catch (const DataError& e) {
      return std::string(e.what()).substr(folder_.path().size() + 1);
    }
    return "no error";
  }
  test::TemporaryFolder folder_;
};

TEST_F(DataFiles, OfSeveralThoseWithoutRowsAreLeftOut) {
  folder_.put("a.csv", "");
  folder_.put("b.csv", "text\n");
  folder_.put("c.csv", "text\none\ntwo\n");
  DataFile file(folder_.path("*.csv"), {});
  EXPECT_EQ(file.sample().path, folder_.path("b.csv")) << "the first that holds something";
  EXPECT_EQ(file.rows().texts, (std::vector<std::string>{"one", "two"}));
  ASSERT_EQ(file.rows().notices.size(), 2U);
  EXPECT_EQ(file.rows().notices[0], folder_.path("a.csv") + ": no usable rows: it is left out");
  EXPECT_EQ(error(DataFile(folder_.path("[ab].csv"), {})), "b.csv: no usable rows");
  EXPECT_EQ(error(DataFile(folder_.path("a.csv"), {})), "a.csv: no usable rows");
}

TEST_F(DataFiles, RowsThatAreAllTheSameCannotBeHeldOut) {
  const std::string same = folder_.put("same.txt", "hello\nhello\nhello\n");
  EXPECT_EQ(error(DataFile(same, {}, {.fraction = 0.1, .seed = 1})),
            "same.txt: all its rows are the same, so that none is left to train on where some are held out: got 3 "
            "rows, expected two different ones at least");
}

TEST_F(DataFiles, APartOfASplitFileIsSplitAnew) {
  std::vector<std::string> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back("row " + std::to_string(i));
  const Split split = split_rows(rows, 0.05, 42);
  for (const std::vector<std::string>& part : {split.train, split.valid}) {
    std::string text;
    for (const std::string& row : part) text += row + "\n" + row + "\n";
    DataFile file(folder_.put("part.txt", text), {}, {.fraction = 0.1, .seed = 42});
    const auto all = static_cast<double>(2 * part.size()), left = static_cast<double>(file.rows().texts.size());
    EXPECT_NEAR(left / all, 0.9, 0.02) << "neither none nor all of it";
    DataFile held_out = file.held_out();
    for (const std::string& row : held_out.rows().texts)
      EXPECT_EQ(std::ranges::count(file.rows().texts, row), 0) << "equal rows are on one side";
  }
}

TEST_F(DataFiles, ARowIsAlwaysLeft) {
  DataFile file(folder_.put("two.txt", "one\ntwo\n"), {}, {.fraction = 0.99, .seed = 1});
  EXPECT_EQ(file.rows().texts.size(), 1U);
}

}  // namespace
}  // namespace tvae
