#include "tvae/data/text_table.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

class TextTable : public testing::Test {
 protected:
  void expect_values(const std::string& name, const std::string& content, const ReadOptions& options = {}) const {
    SCOPED_TRACE(name + ": " + content);
    const TextValues table = read_text_values(folder_.put(name, content), options);
    EXPECT_EQ(table.texts, (std::vector<std::string>{"a, b", "c"}));
    EXPECT_EQ(table.values, (std::vector<double>{1.5, -2.0}));
  }
  void expect_pairs(const std::string& name, const std::string& content) const {
    SCOPED_TRACE(name + ": " + content);
    EXPECT_EQ(read_text_pairs(folder_.put(name, content)),
              (std::vector<std::pair<std::string, std::string>>{{"a, b", "c"}, {"d", ""}}));
  }
  std::string message(const std::string& name, const std::string& content, bool pairs = false) const {
    const std::string path = folder_.put(name, content);
    try {
      if (pairs)
        read_text_pairs(path);
      else
        read_text_values(path);
    } catch (const DataError& error) {
      return std::string(error.what()).substr(folder_.path().size() + 1);
    }
    return "no error";
  }

  const test::TemporaryFolder folder_;
};

TEST_F(TextTable, NumbersOfTextsAreReadOfEveryFormat) {
  expect_values("v.tsv", "a, b\t1.5\nc\t-2\n");
  expect_values("v.tsv", "text\tlength\na, b\t1.5\n\nc\t-2\n");
  expect_values("v.tsv", "value\ttext\n1.5\ta, b\n-2\tc\n");
  expect_values("v.tsv", "\xEF\xBB\xBFtext\tvalue\na, b\t1.5\nc\t-2\n");
  expect_values("v.txt", "a, b\t+1.5\nc\t-2e0\n");
  expect_values("v", "a, b\t1.5\nc\t-2\nc\t-2\n");
  expect_values("v.csv", "\"a, b\",1.5\nc,-2\n");
  expect_values("v.csv", "text,value\n\"a, b\",1.5\nc, -2\n");
  expect_values("v.csv", "text;value\na, b;1.5\nc;-2\n");
  expect_values("v.csv", "smiles,logp\n\"a, b\",1.5\nc,-2\n", {.column = "smiles"});
  expect_values("v.csv", "id,logp,smiles\n1,1.5,\"a, b\"\n2,-2,c\n", {.column = "smiles", .label_column = "logp"});
  expect_values("v.jsonl", R"({"text": "a, b", "value": 1.5})"
                           "\n"
                           R"({"value": "-2", "text": "c"})"
                           "\n");
  expect_values("v.json", R"([{"t": "a, b", "v": 1.5}, {"t": "c", "v": -2}])", {.column = "t", .label_column = "v"});
  expect_values("v", R"({"text": "a, b", "value": 1.5})"
                     "\n"
                     R"({"text": "c", "value": -2})"
                     "\n");
}

TEST_F(TextTable, LinesEndAsTheyDoInDataFiles) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_EQ(read_text_pairs(folder_.put("pairs.tsv", "a\tb" + end + "c\td" + end)),
              (std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"c", "d"}}));
    const TextValues table = read_text_values(folder_.put("values.tsv", "text\tlogP" + end + "a\t1" + end + "b\t2"));
    EXPECT_EQ(table.texts, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(table.values, (std::vector<double>{1, 2}));
  }
}

TEST_F(TextTable, PairsAreReadOfEveryFormat) {
  expect_pairs("p.tsv", "a, b\tc\nd\t\n");
  expect_pairs("p.tsv", "from\tto\na, b\tc\nd\t\n");
  expect_pairs("p", "a, b\tc\nd\t\n");
  EXPECT_EQ(read_text_pairs(folder_.put("n.tsv", "2\t1\n"))[0], (std::pair<std::string, std::string>{"2", "1"}));
  expect_pairs("p.csv", "to,from\nc,\"a, b\"\n,d\n");
  expect_pairs("p.csv", "\"a, b\",c\nd,\n");
  expect_pairs("p.jsonl", R"({"to": "c", "from": "a, b"})"
                          "\n"
                          R"({"to": "", "from": "d"})"
                          "\n");
  const std::string escaped = folder_.put("e.tsv", "a\\n\tb\\\\\n");
  EXPECT_EQ(read_text_pairs(escaped, {.escapes = true})[0], (std::pair<std::string, std::string>{"a\n", "b\\"}));
}

TEST_F(TextTable, WhatIsWrongIsToldWithItsLine) {
  EXPECT_EQ(message("v.tsv", "a\t1\n\nb\tx\n"), "v.tsv line 3: got \"x\", expected a finite number");
  EXPECT_EQ(message("v.csv", "text,value\na,1\nb,inf\n"), "v.csv line 3: got \"inf\", expected a finite number");
  EXPECT_EQ(message("v.csv", "mine,logp\na,b\n"),
            "v.csv line 1: got \"logp\", expected a finite number (a first row that is a header has a column text or "
            "value, or one that is named)");
  EXPECT_EQ(message("v.tsv", "a\t1\nb\n"), "v.tsv line 2: got missing column 2, expected a text and a number");
  EXPECT_EQ(message("v.tsv", "a\t1\nb\tc\t2\n"),
            "v.tsv line 2: got more fields than the first row's 2, expected a text and a number");
  EXPECT_EQ(message("v.jsonl", "{\"text\": \"a\", \"value\": 1}\n{\"text\": \"b\"}\n"),
            "v.jsonl line 2: got missing column value, expected a text and a number");
  EXPECT_EQ(message("v.tsv", "a\t1e200\n"), "v.tsv line 1: got \"1e200\", expected 0 or a size of 1e-100 to 1e+100");
  EXPECT_EQ(message("p.tsv", "a\tb\n\nc\td\n", true), "p.tsv line 2: got empty, expected two texts");
  EXPECT_EQ(message("p.tsv", "a\tb\nc\n", true), "p.tsv line 2: got missing column 2, expected two texts");
  EXPECT_TRUE(message("v.tsv", "").starts_with("v.tsv: no usable rows"));
}

TEST_F(TextTable, AHeaderOfOtherNamesIsNoRow) {
  expect_values("v.csv", "smiles,logp\n\"a, b\",1.5\nc,-2\n");
  expect_values("v.csv", "instr;time\na, b;1.5\nc;-2\n");
  expect_values("v.jsonl", R"({"instr": "a, b", "time": 1.5})"
                           "\n"
                           R"({"instr": "c", "time": -2})"
                           "\n");
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const Pairs pairs = {{"Bake 3 g", "Fry 3"}, {"Chop 3", "Roast 3"}};
  EXPECT_EQ(read_text_pairs(folder_.put("p.CSV", "a;b;c\n1;Bake 3 g;Fry 3\n2;Chop 3;Roast 3\n")), pairs)
      << "the two columns of texts";
  EXPECT_EQ(read_text_pairs(folder_.put("p.json", R"({"n": 2, "rows": [{"x": "Bake 3 g", "y": "Fry 3"},
                                                                       {"x": "Chop 3", "y": "Roast 3"}]})")),
            pairs);
}

TEST_F(TextTable, ColumnsThatNothingTellsAreAskedFor) {
  const std::string three = "id,one,two,three\n1,some words,other words,more words\n2,a word,a line,a row\n";
  EXPECT_EQ(message("p.csv", three, true),
            "p.csv: which columns are from and to is not clear: got columns id, one, two, three, expected columns of "
            "these names, or two alone (--column twice names them)");
  EXPECT_EQ(message("v.csv", "text,a,b\nx,1,2\n"),
            "v.csv: which columns are text and value is not clear: got columns text, a, b, expected columns of these "
            "names, or two alone (--column and --label-column name them)");
}

TEST_F(TextTable, LinesWithCommasAreNoPairs) {
  const std::string addresses = "12 Oak Road, Leeds, A1 9BG\n7 Elm Lane, Bath, B2 3AH\n";
  for (const char* name : {"p.txt", "p"})
    EXPECT_EQ(message(name, addresses, true),
              std::string(name) +
                  ": lines of text have no columns: got no tab in the first line, expected two columns a row (between "
                  "tabs, or in a .csv, .tsv, .json or .jsonl)");
}

TEST_F(TextTable, AFirstLineThatNamesTheSeparator) {
  expect_pairs("p.csv", "sep=;\nn;to;from\n1;c;a, b\n2;;d\n");
  expect_values("v.csv", "sep=;\ntext;value\na, b;1.5\nc;-2\n");
}

}  // namespace
}  // namespace tvae
