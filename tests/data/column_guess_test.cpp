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

/// Rows of an index, recipes and a label, under a header.
std::string recipes(const std::string& header, const std::string& separator = ",") {
  return table(header, separator, {"number", "text", "label"});
}

TEST(ColumnGuess, HeadersOfEveryKindAreNoRows) {
  struct Case {
    std::string header, separator, column, label;
  };
  for (const auto& [header, separator, column, label] : std::vector<Case>{
           {",text,label", ",", "text", "label"},
           {",recipe,kind", ",", "recipe", "kind"},
           {"Unnamed: 0,Review Text,Class Name", ",", "Review Text", "Class Name"},
           {"Nr;Überschrift;Größe", ";", "Überschrift", "Größe"},
           {"号;标题;种类", ";", "标题", "种类"},
           {"id,recipe (en),course/type", ",", "recipe (en)", "course/type"},
           {"#\trecipe\tcourse", "\t", "recipe", "course"},
           {"id,text,id", ",", "text", "3"},
           {"x,x,x", ",", "2", "3"},
           {"a,,", ",", "2", "3"},
           {",0,1", ",", "2", "3"},
       }) {
    const TableSketch sketch = sketch_table(separator == "\t" ? "x.tsv" : "x.csv", recipes(header, separator));
    EXPECT_TRUE(sketch.header) << header;
    const ColumnGuess found = guess_columns(sketch);
    EXPECT_EQ(found.column, column) << header;
    EXPECT_EQ(found.label_column, label) << header;
  }
  EXPECT_EQ(guess("x.csv", recipes("Nr,Gr\xF6\xDF"
                                   "e,kind"))
                .column,
            "2")
      << "a name in other bytes cannot be written down";
  EXPECT_EQ(guess("x.csv", table("uuid,kind,words", ",", {"id", "label", "text"})).column, "words");
  EXPECT_EQ(guess("x.csv", table("tweetText,userName", ",", {"text", "id"})).column, "tweetText");
  EXPECT_EQ(guess("x.csv", table("poem", ",", {"text"})).column, "poem") << "one column";
  EXPECT_TRUE(sketch_table("x.csv", "id,text\n").header) << "a header alone";
}

TEST(ColumnGuess, FirstRowsOfTextsAreNoHeaders) {
  for (const std::vector<std::string>& kinds : std::vector<std::vector<std::string>>{{"label", "text"},
                                                                                     {"number", "text"},
                                                                                     {"id", "text"},
                                                                                     {"text", "text"},
                                                                                     {"text"},
                                                                                     {"date", "text", "label"}})
    EXPECT_FALSE(sketch_table("x.csv", table("", ",", kinds)).header) << join(kinds, ", ");
  EXPECT_FALSE(sketch_table("x.tsv", "bread\tBake it well.\nsoup\tStir it.\ndessert\tChill it.\n").header);
  const std::string answers = "y\tit rains\nn\tit shines\ny\tit snows\nn\tit hails\n";
  EXPECT_FALSE(sketch_table("x.tsv", answers).header) << "a label that comes again is no name";
}

TEST(ColumnGuess, NamesOfShortColumnsGiveWayToLongOnes) {
  const auto rows = [](const std::string& header, int columns) {
    std::string content = header + "\n";
    for (int i = 0; i < 40; ++i) {
      const std::string n = std::to_string(i);
      const std::vector<std::string> fields = {"Pie " + n, "salt and butter " + n,
                                               "Bake it for " + n + " minutes and then let it cool down by the window"};
      content += fields[0] + (columns == 3 ? "," + fields[1] : "") + "," + fields[2] + "\n";
    }
    return content;
  };
  EXPECT_EQ(guess("x.csv", rows("code,description", 2)).column, "description");
  EXPECT_EQ(guess("x.csv", rows("title,abstract", 2)).column, "abstract");
  EXPECT_EQ(guess("x.csv", rows("name,notes", 2)).column, "notes");
  EXPECT_EQ(guess("x.csv", rows("name,ingredients,instructions", 3)).column, "instructions");
  const ColumnGuess named = guess("x.csv", rows("text,notes", 2));
  EXPECT_EQ(named.column, "text");
  EXPECT_EQ(named.reason, "by its name, though those of notes are much longer");
}

TEST(ColumnGuess, WordsOfANameCountAndNotItsLetters) {
  for (const char* name : {"update", "candidate_answer", "hurl", "Paid work"})
    EXPECT_EQ(guess("x.csv", table(std::string(name) + ",user_id", ",", {"text", "id"})).column, name);
}

TEST(ColumnGuess, WhereNothingLooksLikeTextsTheFirstIsNamed) {
  const ColumnGuess found = guess("x.csv", table("a,b", ",", {"number", "number"}));
  EXPECT_EQ(found.column, "a");
  EXPECT_EQ(found.reason, "none looks like texts");
  EXPECT_TRUE(found.texts.empty());
}

// Whatever shape JSON has, what is guessed is a column of the rows that are read.
TEST(ColumnGuess, JsonInEveryShape) {
  std::string items, split, by_columns, by_index, lists;
  const std::vector<std::string> keys = {"id", "said", "kind"};
  std::vector<std::string> of_column(3), of_list(3);
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i), comma = i ? "," : "";
    const std::vector<std::string> values = {"\"u" + n + "\"", "\"word " + n + " and more\"",
                                             i % 2 ? "\"a\"" : "\"b\""};
    std::string object, row;
    for (size_t k = 0; k < 3; ++k) {
      object += std::string(k ? ", \"" : "\"") + keys[k] + "\": " + values[k];
      row += (k ? "," : "") + values[k];
      of_column[k] += comma + "\"" + n + "\": " + values[k];
      of_list[k] += comma + values[k];
    }
    items += comma + "{" + object + "}";
    split += comma + "[" + row + "]";
    by_index += comma + "\"" + n + "\": {" + object + "}";
  }
  for (size_t k = 0; k < 3; ++k) {
    by_columns += std::string(k ? "," : "") + "\"" + keys[k] + "\": {" + of_column[k] + "}";
    lists += std::string(k ? "," : "") + "\"" + keys[k] + "\": [" + of_list[k] + "]";
  }
  for (const std::string& content :
       {"{\"meta\": {\"v\": 1}, \"items\": [" + items + "]}", "{\n\"items\": [\n" + items + "\n]\n}\n",
        "{\"data\": {\"n\": 2, \"items\": [" + items + "]}}", "[" + items + "]",
        "{\"schema\": {\"fields\": [{\"name\": \"said\"}]}, \"data\": [" + items + "]}",
        "{\"columns\": [\"id\", \"said\", \"kind\"], \"index\": [0], \"data\": [" + split + "]}",
        "{" + by_columns + "}", "{" + by_index + "}", "{" + lists + "}"})
    for (const char* path : {"x.json", "x"}) {
      const ColumnGuess found = guess(path, content);
      EXPECT_EQ(found.column, "said") << content.substr(0, 60);
      EXPECT_EQ(found.label_column, "kind") << content.substr(0, 60);
      const Rows rows = parse_rows("x.json", content, {.column = found.column, .label_column = found.label_column});
      EXPECT_EQ(rows.texts.size(), 40U) << content.substr(0, 60);
      EXPECT_EQ(rows.texts.back(), "word 39 and more");
    }
}

TEST(ColumnGuess, BarsMakeATableOnlyBelowAHeader) {
  std::string rows;
  for (int i = 0; i < 30; ++i)
    rows += std::to_string(i) + "|Bake it, and then " + std::to_string(i) + " more, well|soup\n";
  for (const char* path : {"x.txt", "x", "x.csv"}) {
    const std::string content = "id|body|kind\n" + rows;
    EXPECT_EQ(guess(path, content).column, "body") << path;
    EXPECT_EQ(parse_rows("x.csv", content, {.column = "body"}).texts.back(), "Bake it, and then 29 more, well") << path;
  }
  EXPECT_EQ(sketch_table("x.txt", rows).format, RowFormat::kLines);
  EXPECT_TRUE(has_bars(rows));
  EXPECT_EQ(sketch_table("x.txt", "id|body|kind\n" + rows + "a line\n").format, RowFormat::kLines) << "every row";
  EXPECT_FALSE(has_bars(rows + "a line\n"));
}

TEST(ColumnGuess, LinesWithTabsBeforeThemAreNoTable) {
  EXPECT_EQ(sketch_table("x.txt", "\tx = 1\n\ty = 2\n\tz = x\n").format, RowFormat::kLines);
}

TEST(ColumnGuess, BreaksThatNearlyEveryLineHasAreBreaks) {
  EXPECT_TRUE(has_written_breaks("X:1\\nK:C\\nabc\nX:2\\nK:D\\nabc\n\n"));
  EXPECT_FALSE(has_written_breaks("print('a\\n')\nx = 1\ny = 2\n"));
  EXPECT_FALSE(has_written_breaks(""));
}

}  // namespace
}  // namespace tvae
