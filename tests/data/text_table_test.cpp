#include "tvae/data/text_table.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

TEST(TextTable, LinesEndAsTheyDoInDataFiles) {
  const test::TemporaryFolder folder;
  set_log_handler([](LogLevel, bool, const std::string&) {});
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const auto pairs = read_text_pairs(folder.put("pairs.tsv", "a\tb" + end + "c\td" + end), false);
    EXPECT_EQ(pairs, (std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", "d"}}));
    const TextValues table =
        read_text_values(folder.put("values.tsv", "text\tlogP" + end + "a\t1" + end + "b\t2"), false);
    EXPECT_EQ(table.texts, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(table.values, (std::vector<double>{1, 2}));
  }
  set_log_handler(nullptr);
}

}  // namespace
}  // namespace tvae
