#include "tvae/data/reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

using Strings = std::vector<std::string>;

class Reader : public testing::Test {
 protected:
  Rows read(const std::string& name, const std::string& content, const ReadOptions& options = {}) {
    return read_rows(folder_.put(name, content), options);
  }
  std::string error(const std::string& name, const std::string& content, const ReadOptions& options = {}) {
    try {
      read(name, content, options);
    } catch (const DataError& e) {
      return std::string(e.what()).substr(folder_.path().size() + 1);
    }
    return "no error";
  }
  test::TemporaryFolder folder_;
};

/// "line:reason" of every bad row.
Strings bad(const Rows& rows) {
  Strings all;
  for (const BadRow& row : rows.bad) all.push_back(std::to_string(row.line) + ":" + row.reason);
  EXPECT_EQ(rows.bad_count, static_cast<int64_t>(all.size()));
  return all;
}

TEST_F(Reader, TextKeepsEverythingButLineEnds) {
  const Rows rows = read("a.txt", "\xEF\xBB\xBFone\r\n  two \t\n\nthree\xFF\n\xC3\xA4, \"q\"");
  EXPECT_EQ(rows.texts, (Strings{"one", "  two \t", "\xC3\xA4, \"q\""}));
  EXPECT_EQ(bad(rows), (Strings{"3:empty", "4:bad UTF-8"}));
  EXPECT_TRUE(rows.labels.empty());
}

TEST_F(Reader, EmptyLinesOnRequest) {
  EXPECT_EQ(read("a.txt", "a\n\nb\n", {.keep_empty = true}).texts, (Strings{"a", "", "b"}));
}

TEST_F(Reader, UnknownExtensionsAreTextAndColumnsDoNotMatter) {
  EXPECT_EQ(read("lines", "a,b\n", {.column = "headline", .label_column = "x"}).texts, Strings{"a,b"});
}

TEST_F(Reader, CompressedFilesGoByTheNameInside) {
  const std::string path = folder_.path("a.csv.gz");
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_GT(gzputs(file, "id,text\n1,hello\n"), 0);
  ASSERT_EQ(gzclose(file), Z_OK);
  EXPECT_EQ(read_rows(path).texts, Strings{"hello"});
}

TEST_F(Reader, EscapesOnRequest) {
  const std::string line = "a\\nb\\tc\\\\nd\\e\\";
  EXPECT_EQ(read("a.txt", line).texts, Strings{line});
  EXPECT_EQ(read("a.txt", line, {.escapes = true}).texts, Strings{"a\nb\tc\\nd\\e\\"});
  for (const std::string text : {"a\nb\tc\\nd", "\\", "\\\\n", "\n\n\t"})
    EXPECT_EQ(unescape_line(escape_line(text)), text);
}

TEST_F(Reader, CsvQuotes) {
  const Rows rows =
      read("a.csv", "text,n\n\"a,\"\"b\"\"\nc\",1\r\n\"\",2\nplain \"q\",3\n\"last\"", {.label_column = "n"});
  EXPECT_EQ(rows.texts, (Strings{"a,\"b\"\nc", "plain \"q\""}));
  EXPECT_EQ(rows.labels, (Strings{"1", "3"}));
  EXPECT_EQ(bad(rows), (Strings{"4:empty", "6:missing column n"}));
}

TEST_F(Reader, CsvUnbalancedQuoteLosesOneLineOnly) {
  const Rows rows = read("a.csv", "text\none\n\"two\nthree\n\"four\"x\nfive\n\"six\n");
  EXPECT_EQ(rows.texts, (Strings{"one", "three", "five"}));
  EXPECT_EQ(bad(rows), (Strings{"3:unbalanced quote", "5:unbalanced quote", "7:unbalanced quote"}));
}

TEST_F(Reader, CsvRowsOfOtherWidths) {
  const Rows rows = read("a.csv", "id,text\n1\n2,b\n3,c,d\n\n4,e\n");
  EXPECT_EQ(rows.texts, (Strings{"b", "e"}));
  EXPECT_EQ(bad(rows), (Strings{"2:missing column text", "4:more fields than the first row's 2", "5:empty"}));
}

TEST_F(Reader, TableHeaders) {
  const std::string named = "headline,kind\nh1,k1\n";
  EXPECT_EQ(read("a.csv", named, {.column = "headline"}).texts, Strings{"h1"});
  EXPECT_EQ(read("a.csv", named, {.label_column = "kind"}).labels, Strings{"k1"});
  EXPECT_EQ(read("a.csv", named, {.column = "2"}).texts, (Strings{"kind", "k1"})) << "numbers mean no header";
  const Rows numbers = read("a.tsv", "2\tgood\n1\tbad\n", {.column = "2", .label_column = "1"});
  EXPECT_EQ(numbers.texts, (Strings{"good", "bad"})) << "a number is a place even where it is a value too";
  EXPECT_EQ(numbers.labels, (Strings{"2", "1"}));
  const std::string bare = "A\tfirst \"x\nB\tsecond\n";
  testing::internal::CaptureStderr();
  EXPECT_EQ(read("a.tsv", bare).texts, (Strings{"A", "B"}));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("first of 2 columns is taken"), std::string::npos);
  const Rows rows = read("a.tsv", bare, {.column = "2", .label_column = "1"});
  EXPECT_EQ(rows.texts, (Strings{"first \"x", "second"}));
  EXPECT_EQ(rows.labels, (Strings{"A", "B"}));
  EXPECT_EQ(error("a.tsv", bare, {.column = "headline"}),
            "a.tsv: no column headline: got first row A, first \"x (in a table without a header, columns go by number: "
            "1 to 2)");
  EXPECT_EQ(error("a.tsv", bare, {.column = "3"}).substr(0, 18), "a.tsv: no column 3");
  EXPECT_EQ(error("a.tsv", bare, {.column = "0"}).substr(0, 18), "a.tsv: no column 0");
}

TEST_F(Reader, JsonLines) {
  const Rows rows =
      read("a.jsonl",
           "{\"id\": 1, \"text\": \"a\\nb\", \"label\": 5}\n{\"text\": 2.5, \"label\": true}\n\n{\"text\": \"c\"}\n"
           "{\"text\": null, \"label\": 1}\n{\"text\": \"d\", \"label\": [1]}\n{\"text\": \"e\n{\"text\": \"\xFF\"}\n",
           {.label_column = "label"});
  EXPECT_EQ(rows.texts, (Strings{"a\nb", "2.5"}));
  EXPECT_EQ(rows.labels, (Strings{"5", "true"}));
  EXPECT_EQ(bad(rows), (Strings{"3:empty", "4:missing column label", "5:column text is no text",
                                "6:column label is no label", "7:bad JSON", "8:bad UTF-8"}));
  EXPECT_EQ(read("b.jsonl", "{\"z\": \"first\", \"a\": \"second\"}\n\"a string\"\n").texts,
            (Strings{"first", "a string"}));
}

TEST_F(Reader, JsonArrays) {
  const std::string array =
      " [\n {\"text\": \"a, ]\\\" \"},\n\n{\"text\": {}}, \"plain\",\n {\"text\" \"x\"}, {\"text\":\"b\"}\n]\n";
  const Rows rows = read("a.json", array);
  EXPECT_EQ(rows.texts, (Strings{"a, ]\" ", "plain", "b"}));
  EXPECT_EQ(bad(rows), (Strings{"4:column text is no text", "5:bad JSON"}));
  EXPECT_EQ(bad(read("b.json", "[\"a\",\n{\"text\": \"b")), Strings{"2:bad JSON"});
  EXPECT_EQ(read("c.json", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n").texts, (Strings{"a", "b"})) << "line by line";
}

TEST_F(Reader, ClearErrors) {
  EXPECT_EQ(error("lines.txt", ""), "lines.txt: no usable rows");
  EXPECT_NE(error("lines.txt", "\n\n").find("no usable rows: got 2 rows of "), std::string::npos);
  EXPECT_EQ(error("a.txt", std::string("ELF\0\0", 5)), "a.txt: not a text file: got NUL bytes, expected UTF-8 text");
  EXPECT_EQ(error("a.parquet", "PAR1").substr(0, 38), "a.parquet: Parquet is not supported ye");
  EXPECT_EQ(error("a.txt", "ok\n\xFF\n", {.strict = true}).substr(0, 24), "a.txt line 2: bad UTF-8 ");
  EXPECT_EQ(error("a.json", "[]"), "a.json: no usable rows");
  EXPECT_THROW(read_rows(folder_.path("absent.txt")), DataError);
}

TEST_F(Reader, DescribesBadRows) {
  Rows rows;
  EXPECT_EQ(describe_bad_rows(rows, "lines.txt"), "");
  for (int64_t line : {1, 2, 3, 5, 8, 13}) rows.bad.push_back({line, "empty"});
  rows.bad.push_back({30, "bad UTF-8"});
  rows.bad_count = 7;
  EXPECT_EQ(describe_bad_rows(rows, "lines.txt"),
            "7 rows of lines.txt skipped: empty (line 1, 2, 3, 5, 8, ...), bad UTF-8 (line 30)");
}

TEST_F(Reader, KeepsTheFirstThousandBadRows) {
  const Rows rows = read("a.txt", std::string(1500, '\n') + "x\n");
  EXPECT_EQ(rows.bad.size(), 1000u);
  EXPECT_EQ(rows.bad_count, 1500);
}

}  // namespace
}  // namespace tvae
