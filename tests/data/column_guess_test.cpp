// Which columns are text and label (tvae/data/column_guess.h).
#include "tvae/data/column_guess.h"

#include <gtest/gtest.h>

#include "tvae/base/strings.h"

namespace tvae {
namespace {

std::string table(const std::string& header, const std::string& separator, const std::vector<std::string>& kinds) {
  std::string content = header.empty() ? "" : header + "\n";
  const std::vector<std::string> words = {"storm", "river", "garden", "letter", "engine", "window", "market"};
  for (size_t row = 0; row < 60; ++row) {
    std::vector<std::string> fields;
    for (const std::string& kind : kinds) {
      if (kind == "text")
        fields.push_back("the " + words[row % 7] + " saw a " + words[(row / 7) % 7] + " near house " +
                         std::to_string(row));
      if (kind == "id") fields.push_back("A" + std::to_string(100000 + row));
      if (kind == "number") fields.push_back(std::to_string(row) + ".5");
      if (kind == "label") fields.push_back(row % 3 ? "calm" : "wild");
      if (kind == "date") fields.push_back(row % 2 ? "2020-01-01" : "2020-01-02");
      if (kind == "url") fields.push_back("https://example.org/pages/and/more/pages/" + std::to_string(row));
    }
    content += join(fields, separator) + "\n";
  }
  return content;
}

ColumnGuess guess(const std::string& path, const std::string& content) {
  return guess_columns(sketch_table(path, content));
}

TEST(ColumnGuess, LabelTabTextWithoutAHeader) {
  for (const std::string path : {"x.tsv", "x.txt", "x", "-"}) {
    const ColumnGuess found = guess(path, table("", "\t", {"label", "text"}));
    EXPECT_EQ(found.column, "2") << path;
    EXPECT_EQ(found.label_column, "1") << path;
  }
}

TEST(ColumnGuess, IdentifiersNumbersAndAddressesAreNoText) {
  const ColumnGuess found =
      guess("x.csv", table("id,score,link,what,mood", ",", {"id", "number", "url", "text", "label"}));
  EXPECT_EQ(found.column, "what");
  EXPECT_EQ(found.label_column, "mood");
}

TEST(ColumnGuess, NamesDecide) {
  const ColumnGuess found = guess("x.csv", table("body,title,source,label", ",", {"text", "text", "label", "label"}));
  EXPECT_EQ(found.column, "title");
  EXPECT_EQ(found.label_column, "label");
  EXPECT_EQ(found.other_labels, std::vector<std::string>{"source"});
}

TEST(ColumnGuess, OfSeveralUnnamedLabelsNoneIsTaken) {
  const ColumnGuess found = guess("x.csv", table("text,a,b", ",", {"text", "label", "label"}));
  EXPECT_EQ(found.label_column, "");
  EXPECT_EQ(found.other_labels, (std::vector<std::string>{"a", "b"}));
}

TEST(ColumnGuess, SemicolonsAndUnknownEndings) {
  EXPECT_EQ(guess("x.csv", table("nr;text;mood", ";", {"number", "text", "label"})).column, "text");
  EXPECT_EQ(guess("x.dat", table("nr,text", ",", {"number", "text"})).column, "text");
}

TEST(ColumnGuess, DatesAreNoLabels) {
  EXPECT_EQ(guess("x.csv", table("text,day", ",", {"text", "date"})).label_column, "");
}

TEST(ColumnGuess, LinesStayLines) {
  EXPECT_EQ(guess("x.txt", table("", "\t", {"text"})).column, "");
  EXPECT_EQ(guess("x.dat", "one, two\nthree, four\nfive, six\n").column, "");
  EXPECT_EQ(sketch_table("x.txt", "").format, RowFormat::kLines);
}

TEST(ColumnGuess, KeysOfObjects) {
  std::string lines, array = "[";
  for (int i = 0; i < 40; ++i) {
    const std::string object = R"({"uid": "u)" + std::to_string(i) + R"(", "meta": {"a": 1}, "said": "word )" +
                               std::to_string(i) + R"( and more", "kind": )" + (i % 2 ? "true" : "false") + "}";
    lines += object + "\n";
    array += (i ? "," : "") + object;
  }
  for (const auto& [path, content] :
       {std::pair<std::string, std::string>{"x.jsonl", lines}, {"x.json", array + "]"}, {"x", lines}}) {
    EXPECT_EQ(guess(path, content).column, "said") << path;
    EXPECT_EQ(guess(path, content).label_column, "kind") << path;
  }
}

TEST(ColumnGuess, TheTextOfAnObjectInAnObject) {
  std::string rows;
  for (int i = 0; i < 30; ++i)
    rows += "{\"id\": " + std::to_string(i) + ", \"review\": {\"lang\": \"en\", \"text\": \"the food was " +
            std::to_string(i) + " times good\"}, \"stars\": {\"label\": \"" + (i % 2 ? "good" : "bad") + "\"}}\n";
  const ColumnGuess guess = guess_columns(sketch_table("rows.jsonl", rows));
  EXPECT_EQ(guess.column, "review.text");
  EXPECT_EQ(guess.label_column, "stars.label");
}

TEST(ColumnGuess, AFirstLineThatNamesTheSeparator) {
  std::string rows = "sep=;\nnr;text\n";
  for (int i = 0; i < 30; ++i) rows += std::to_string(i) + ";sentence, number " + std::to_string(i) + "\n";
  EXPECT_EQ(guess_columns(sketch_table("z.csv", rows)).column, "text");
}

TEST(ColumnGuess, TimesAreNoTexts) {
  std::string rows;
  for (int i = 10; i < 40; ++i)
    rows += "{\"ts\": \"2024-05-24T13:00:" + std::to_string(i) + "Z\", \"word\": \"w" + std::to_string(i) + "\"}\n";
  EXPECT_EQ(guess_columns(sketch_table("z.jsonl", rows)).column, "word");
}

TEST(ColumnGuess, BreaksThatNearlyEveryLineHasAreBreaks) {
  EXPECT_TRUE(has_written_breaks("X:1\\nK:C\\nabc\nX:2\\nK:D\\nabc\n\n"));
  EXPECT_FALSE(has_written_breaks("print('a\\n')\nx = 1\ny = 2\n"));
  EXPECT_FALSE(has_written_breaks(""));
}

}  // namespace
}  // namespace tvae
