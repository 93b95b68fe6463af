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

TEST_F(Reader, RowsKnowTheirNumbers) {
  const Rows lines = read("a.txt", "one\n\ntwo\n\xff\nthree\n");
  EXPECT_EQ(lines.numbers, (std::vector<int64_t>{0, 2, 4})) << "bad ones are counted too";
  const Rows table = read("a.csv", "text\n\"one\nrow\"\nx,y\ntwo\n");
  EXPECT_EQ(table.numbers, (std::vector<int64_t>{0, 2})) << "of rows, not lines";
  const Rows json = read("a.jsonl", "{\"text\": \"one\"}\nno\n{\"text\": \"two\"}\n");
  EXPECT_EQ(json.numbers, (std::vector<int64_t>{0, 2}));
}

TEST_F(Reader, FieldsOfObjectsInObjects) {
  const std::string rows =
      "{\"id\": 1, \"a\": {\"text\": \"one\", \"b\": {\"c\": \"deep\"}}}\n{\"id\": 2, \"a\": {}}\n";
  EXPECT_EQ(read("z.jsonl", rows, {.column = "a.text"}).texts, (Strings{"one"}));
  EXPECT_EQ(read("z.jsonl", rows, {.column = "a.b.c", .label_column = "a.text"}).labels, (Strings{"one"}));
  EXPECT_EQ(read("z.jsonl", "{\"a.b\": \"own\", \"a\": {\"b\": \"inner\"}}\n", {.column = "a.b"}).texts,
            (Strings{"own"}));
  EXPECT_NE(error("z.jsonl", rows, {.column = "a"}).find("column a is an object with a.text, a.b"), std::string::npos);
}

TEST_F(Reader, WhatExcelWrites) {
  const Rows rows = read("z.csv", "\xEF\xBB\xBFsep=;\r\nnr;text\r\n1;\"a;b\"\r\n2;c\r\n");
  EXPECT_EQ(rows.texts, (Strings{"a;b", "c"}));
  EXPECT_EQ(read("z.csv", "text\nsep=;\n").texts, (Strings{"sep=;"})) << "only a first line says it";
  std::string latin;
  for (int i = 0; i < 200; ++i) latin += i % 2 ? "Br\xF6tchen\n" : "Brot\n";
  EXPECT_NE(error("z.txt", latin).find("100 rows of 200 in other bytes, expected UTF-8 text (iconv -f WINDOWS-1252"),
            std::string::npos)
      << error("z.txt", latin);
}

TEST_F(Reader, EmptyLinesOnRequest) {
  EXPECT_EQ(read("a.txt", "a\n\nb\n", {.keep_empty = true}).texts, (Strings{"a", "", "b"}));
}

TEST_F(Reader, EndingsInEverySpelling) {
  const ReadOptions options{.column = "t", .label_column = "n"};
  for (const char* name : {"a.csv", "a.CSV", "a.Csv"}) EXPECT_EQ(read(name, "n,t\n1,x\n", options).texts, Strings{"x"});
  for (const char* name : {"a.tsv", "a.TSV", "a.tab", "a.TAB"})
    EXPECT_EQ(read(name, "n\tt\n1\tx\n", options).texts, Strings{"x"}) << name;
  for (const char* name : {"a.jsonl", "a.JSONL", "a.ndjson", "a.NDJSON", "a.json", "a.JSON"})
    EXPECT_EQ(read(name, "{\"n\": 1, \"t\": \"x\"}\n", options).labels, Strings{"1"}) << name;
  EXPECT_TRUE(is_table_name("deep.er/a.NDJSON.Gz"));
  for (const char* name : {"a.txt", "a.smi", "a", "-", "a.csv/b"}) EXPECT_FALSE(is_table_name(name)) << name;
}

TEST_F(Reader, ContentTellsWhereTheNameDoesNot) {
  const ReadOptions named{.column = "t", .label_column = "n"}, placed{.column = "2", .label_column = "1"};
  for (const char* name : {"table", "table.data", "table.2024"}) {
    EXPECT_EQ(read(name, "n,t\n1,\"x, y\"\n", named).texts, Strings{"x, y"});
    EXPECT_EQ(read(name, "n\tt\n1\tx, y\n", named).texts, Strings{"x, y"});
    EXPECT_EQ(read(name, "n;t\n1;x, y\n", named).texts, Strings{"x, y"});
    EXPECT_EQ(read(name, "1,x\n", placed).texts, Strings{"x"});
    EXPECT_EQ(read(name, "1\tx, y\n", placed).texts, Strings{"x, y"});
    EXPECT_EQ(read(name, "{\"n\": 1, \"t\": \"x\"}\n{\"n\": 1, \"t\": \"y\"}\n", named).texts, (Strings{"x", "y"}));
    EXPECT_EQ(read(name, "[{\"n\": 1, \"t\": \"x\"}]", named).texts, Strings{"x"});
    EXPECT_EQ(read(name, "{\n \"n\": 1,\n \"t\": \"x\"\n}\n", named).texts, Strings{"x"});
  }
  EXPECT_EQ(read("lines", "a,b\n").texts, Strings{"a,b"});
  EXPECT_TRUE(read("lines", "a,b\nreturn text\n").notices.empty());
  for (const char* table : {"{\"text\": \"x\"}\n", "[{\"text\": \"x\"}]\n", "id,text\n1,x\n", "text\tid\nx\t1\n"}) {
    const Rows rows = read("lines", table);
    EXPECT_EQ(rows.texts.front() + "\n", std::string(table).substr(0, rows.texts.front().size() + 1));
    ASSERT_EQ(rows.notices.size(), 1u) << table;
    EXPECT_NE(rows.notices[0].find("is read as lines of text, and the first looks like a table's"), std::string::npos);
  }
}

TEST_F(Reader, AColumnOfWhatIsNoTableIsAnError) {
  for (const ReadOptions& options : {ReadOptions{.column = "headline"}, ReadOptions{.label_column = "headline"}}) {
    EXPECT_EQ(error("a.txt", "a,b\n", options),
              "a.txt: text lines have no columns: got column headline, expected a table: .csv, .tsv, .json or .jsonl");
    EXPECT_EQ(error("lines", "a,b\n", options),
              "lines: text lines have no columns: got column headline, expected a table: .csv, .tsv, .json or .jsonl "
              "(its first line is neither JSON nor a header with that column)");
  }
  EXPECT_NE(error("lines", "plain\n", {.column = "1"}), "no error");
  EXPECT_NE(error("a.jsonl", "{\"event\": {\"message\": \"x\"}, \"n\": 1}\n", {.column = "event.mesage"})
                .find("missing column event.mesage; did you mean event.message?"),
            std::string::npos);
  EXPECT_NE(error("a.csv", "id;aisle\n1;x\n", {.column = "aisl"}).find("first row id, aisle (did you mean aisle?)"),
            std::string::npos);
  EXPECT_NE(error("a.jsonl", "{\"a\": \"x\"}\n", {.column = "b"}).find("missing column b"), std::string::npos);
  EXPECT_NE(error("a.csv", "a,b\n1,2\n", {.label_column = "c"}).find("no column c"), std::string::npos);
}

TEST_F(Reader, OtherSeparatorsAreReadOrHintedAt) {
  const std::string semicolons = "id;text\n1;\"a; b\"\n2;c, d\n";
  const Rows rows = read("a.csv", semicolons);
  EXPECT_EQ(rows.texts, (Strings{"a; b", "c, d"}));
  ASSERT_EQ(rows.notices.size(), 1u);
  EXPECT_NE(rows.notices[0].find("is read as a table with semicolons between its fields"), std::string::npos);
  EXPECT_EQ(read("a.csv", semicolons, {.column = "2", .label_column = "1"}).labels, (Strings{"id", "1", "2"}));
  EXPECT_EQ(read("b.csv", "id\ttext\n1\ta, b\n").texts, Strings{"a, b"});
  EXPECT_EQ(read("b.tsv", "id,text\n1,\"a\tb\"\n").texts, Strings{"a\tb"});
  EXPECT_NE(error("a.csv", semicolons, {.column = "body"}).find("it has semicolons where its separator is expected"),
            std::string::npos);
  const Rows one = read("c.csv", "x; y\nz\n");
  EXPECT_EQ(one.texts, (Strings{"x; y", "z"}));
  ASSERT_EQ(one.notices.size(), 1u);
  EXPECT_NE(one.notices[0].find("its first row has semicolons"), std::string::npos);
}

TEST_F(Reader, CarriageReturnsAlone) {
  const Rows rows = read("a.txt", "one\rtwo\r");
  EXPECT_EQ(rows.texts, (Strings{"one", "two"}));
  ASSERT_EQ(rows.notices.size(), 1u);
  EXPECT_NE(rows.notices[0].find("has no line feeds"), std::string::npos);
  EXPECT_EQ(read("a.csv", "id,text\r1,x\r").texts, Strings{"x"});
  EXPECT_TRUE(read("b.txt", "one\r").notices.empty());
  EXPECT_EQ(read("c.txt", "one\rtwo\nthree\n").texts, (Strings{"one\rtwo", "three"}));
}

// The table of ZINC that many tutorials use.
TEST_F(Reader, LineEndsInsideFieldsAreKeptAndTold) {
  const Rows rows = read("z.csv", "smiles,logP\n\"CCO\n\",1\nCC,2\n\"C\r\nC\",3\n", {.column = "smiles"});
  EXPECT_EQ(rows.texts, (Strings{"CCO\n", "CC", "C\r\nC"}));
  ASSERT_EQ(rows.notices.size(), 1u);
  EXPECT_EQ(rows.notices[0].substr(0, 10), "2 rows of ");
  EXPECT_NE(rows.notices[0].find("z.csv with a line end inside the text, which is kept: \"CCO\\n\" (line 2)"),
            std::string::npos)
      << rows.notices[0];
  EXPECT_EQ(describe_reading(rows, "z.csv"), rows.notices);
}

// pandas: DataFrame({"text": ['say "hi"', "a\tb", "plain"], "n": [1, 2, 3]}).to_csv(sep="\t", index=False)
TEST_F(Reader, QuotesOfTabTables) {
  const std::string pandas = "text\tn\n\"say \"\"hi\"\"\"\t1\n\"a\tb\"\t2\nplain\t3\n";
  const Rows kept = read("a.tsv", pandas);
  EXPECT_EQ(kept.texts, (Strings{"\"say \"\"hi\"\"\"", "plain"}));
  ASSERT_EQ(kept.notices.size(), 1u);
  EXPECT_NE(kept.notices[0].find("with the text in quotes, which are kept (data.quotes takes them off)"),
            std::string::npos);
  const Rows taken = read("a.tsv", pandas, {.quotes = true});
  EXPECT_EQ(taken.texts, (Strings{"say \"hi\"", "a\tb", "plain"}));
  EXPECT_TRUE(taken.notices.empty());
  EXPECT_TRUE(read("b.tsv", "text\nsay \"hi\"\n\"a\" and \"b\"\n").notices.empty());
}

// A reader that tries every line to the end of the file would take hours.
TEST_F(Reader, BrokenQuotesTakeLinearTime) {
  std::string content = "text,n\n";
  constexpr int kLines = 1000001;
  for (int i = 0; i < kLines; ++i) content += "p\",\"\n";
  const Rows rows = parse_rows("a.csv", content + "last,1\n");
  EXPECT_EQ(rows.texts.back(), "last");
  EXPECT_GT(rows.bad_count, 0);
  std::string doubled = "text\n";
  for (int i = 0; i < kLines; ++i) doubled += "\"\"\"\n";
  EXPECT_GT(parse_rows("b.csv", doubled + "last\n").texts.size(), 0u);
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
  const Rows first = read("a.tsv", bare);
  EXPECT_EQ(first.texts, (Strings{"A", "B"}));
  ASSERT_EQ(first.notices.size(), 1u);
  EXPECT_NE(first.notices[0].find("first of 2 columns is taken"), std::string::npos);
  const Rows rows = read("a.tsv", bare, {.column = "2", .label_column = "1"});
  EXPECT_EQ(rows.texts, (Strings{"first \"x", "second"}));
  EXPECT_EQ(rows.labels, (Strings{"A", "B"}));
  EXPECT_EQ(error("a.tsv", bare, {.column = "headline"}),
            "a.tsv: no column headline: got first row A, first \"x (in a table without a header, columns go by number: "
            "1 to 2)");
  EXPECT_EQ(error("a.tsv", bare, {.column = "3"}).substr(0, 18), "a.tsv: no column 3");
  EXPECT_EQ(error("a.tsv", bare, {.column = "0"}).substr(0, 18), "a.tsv: no column 0");
}

TEST_F(Reader, AHeaderThatIsSaidToBeOneIsNoRow) {
  const Rows rows = read("a.csv", ",,kind\n0,x,k1\n1,y,k2\n", {.column = "2", .label_column = "3", .header = true});
  EXPECT_EQ(rows.texts, (Strings{"x", "y"}));
  EXPECT_EQ(rows.labels, (Strings{"k1", "k2"}));
}

// How files are read that a run did not see.
TEST_F(Reader, WhatARunKnowsIsFittedToOtherFiles) {
  const ReadOptions named{.column = "instructions", .format = "csv", .fit = true};
  EXPECT_EQ(read("plain.txt", "Bake it, then\nFry it\n", named).texts, (Strings{"Bake it, then", "Fry it"}));
  for (const char* name : {"t.txt", "t", "t.csv"})
    EXPECT_EQ(read(name, "id,instructions\n1,Bake\n", named).texts, Strings{"Bake"}) << name;
  EXPECT_EQ(read("t.json", "{\"rows\": [{\"instructions\": \"Bake\"}]}", named).texts, Strings{"Bake"});
  for (const char* name : {"o.txt", "o", "o.csv"})
    EXPECT_NE(error(name, "id,body\n1,Bake\n2,Fry\n", named).find("no column instructions"), std::string::npos) << name;

  const ReadOptions second{.column = "2", .label_column = "1", .format = "tsv", .fit = true};
  const std::string addresses = "12 Oak Road, Leeds, A1\n7 Elm Lane, Bath, B2\n";
  for (const char* name : {"plain.txt", "plain"})
    EXPECT_EQ(read(name, addresses, second).texts, (Strings{"12 Oak Road, Leeds, A1", "7 Elm Lane, Bath, B2"})) << name;
  EXPECT_EQ(read("l.txt", "calm\tthe sea\nwild\tthe wind\n", second).texts, (Strings{"the sea", "the wind"}));
  for (const char* name : {"h.tsv", "h.txt"}) {
    const Rows rows = read(name, "label\ttext\ncalm\tthe sea\nwild\tthe wind\n", second);
    EXPECT_EQ(rows.texts, (Strings{"the sea", "the wind"})) << name;
    EXPECT_EQ(rows.labels, (Strings{"calm", "wild"})) << name;
  }
  EXPECT_NE(error("one.tsv", "calm\nwild\n", second).find("no column 2"), std::string::npos);

  const ReadOptions lines{.fit = true};
  EXPECT_EQ(read("plain.txt", addresses, lines).texts.size(), 2U);
  const Rows guessed = read("t.csv", "id,body\n1,Bake it\n2,Fry it\n", lines);
  EXPECT_EQ(guessed.texts, (Strings{"Bake it", "Fry it"}));
  ASSERT_EQ(guessed.notices.size(), 1U);
  EXPECT_NE(guessed.notices[0].find("t.csv: column body is taken for the texts"), std::string::npos);
}

TEST_F(Reader, LinesThatLookLikeATableAreTold) {
  for (const char* table : {"id,instructions\n1,Bake\n", "id,recipe\n1,mix 2\n", "calm\tthe sea\nwild\tthe wind\n",
                            "{\"a\": {\"b\": 1}}\n"}) {
    const Rows rows = read("lines", table);
    ASSERT_EQ(rows.notices.size(), 1U) << table;
    EXPECT_NE(rows.notices[0].find("is read as lines of text, and the first looks like a table's"), std::string::npos);
  }
  for (const char* lines : {"12 Oak Road, Leeds\n7 Elm Lane, Bath\n", "if x:\treturn\n", "\tx = 1\n\ty = 2\n"})
    EXPECT_TRUE(read("lines", lines).notices.empty()) << lines;
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

// What json.dumps and pandas' to_json write.
TEST_F(Reader, JsonInOtherShapes) {
  const Strings two = {"x", "y"}, labels = {"1", "2"};
  const ReadOptions options{.column = "t", .label_column = "n"};
  for (const char* content :
       {"{\"data\": [{\"t\": \"x\", \"n\": 1}, {\"t\": \"y\", \"n\": 2}]}",
        "{\"version\": 1, \"fields\": [\"t\", \"n\"],\n \"rows\": [{\"t\": \"x\", \"n\": 1}, {\"t\": \"y\", \"n\": "
        "2}]}",
        "{\"n\": [1, 2], \"t\": [\"x\", \"y\"]}", "{\"n\": {\"0\": 1, \"1\": 2}, \"t\": {\"0\": \"x\", \"1\": \"y\"}}",
        "{\"0\": {\"n\": 1, \"t\": \"x\"}, \"1\": {\"n\": 2, \"t\": \"y\"}}",
        "{\"columns\": [\"n\", \"t\"], \"index\": [0, 1], \"data\": [[1, \"x\"], [2, \"y\"]]}",
        "{\"schema\": {\"fields\": [{\"name\": \"t\"}]}, \"data\": [{\"t\": \"x\", \"n\": 1}, {\"t\": \"y\", \"n\": "
        "2}]}"}) {
    const Rows rows = read("a.json", content, options);
    EXPECT_EQ(rows.texts, two) << content;
    EXPECT_EQ(rows.labels, labels) << content;
  }
  EXPECT_EQ(read("one.json", "{\n  \"t\": \"x\",\n  \"n\": 1\n}\n", options).texts, Strings{"x"});
  EXPECT_EQ(read("strings.json", "{\"version\": 2, \"data\": [\"x\", \"y\"]}").texts, two);
  EXPECT_EQ(read("a.jsonl", "[{\"t\": \"x\", \"n\": 1}, {\"t\": \"y\", \"n\": 2}]\n", options).texts, two);
  EXPECT_EQ(read("b.jsonl", "{\n\"t\": \"x\",\n\"n\": 1\n}\n", options).texts, Strings{"x"});
  const Rows gaps = read("gaps.json", "{\"n\": [1, 2, 3], \"t\": [\"x\", null, \"y\"]}", options);
  EXPECT_EQ(gaps.labels, (Strings{"1", "3"}));
  EXPECT_NE(describe_bad_rows(gaps, "gaps.json").find("column t is no text (row 2)"), std::string::npos);
  EXPECT_EQ(error("a.json", "{\"a\": [1], \"b\": {\"c\": 1}, \"d\": [2]}"),
            "a.json: one object that holds no rows: got keys a, b, d, expected an array of objects, objects line by "
            "line, rows under one key, or columns as lists");
  EXPECT_NE(error("b.json", "{\"0\": {\"a\": 1}, \"1\": {\"a\": 2}}").find("data.column names the column"),
            std::string::npos);
  EXPECT_EQ(bad(read("two.json", "[\"a\"]\n[\"b\"]\n")), Strings{"2:not an object with columns"})
      << "nothing behind an array is lost in silence";
  EXPECT_NE(error("deep.json", "{\"t\": " + std::string(100000, '[') + std::string(100000, ']') + ", \"u\": {}}"),
            "no error");
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_EQ(bad(read("deep.jsonl", "{\"text\": \"a\", \"n\": " + deep + ", \"u\": 1, \"v\": 2}\n{\"text\": \"b\"}\n")),
            Strings{"1:JSON that nests too deeply"});
}

TEST_F(Reader, JsonOfPython) {
  const Rows rows =
      read("a.jsonl",
           "{\"text\": \"a NaN\", \"n\": NaN}\n{\"text\": \"b\", \"n\": -Infinity}\n"
           "{\"text\": \"c\", \"n\": \"\\ud83d\"}\n{\"text\": \"\\ud83d\"}\n{\"text\": \"\\ud83d\\ude00\"}\n"
           "{\"text\": NaN}\n{\"text\": \"\\ude00 \\\\ud83d\"}\n");
  EXPECT_EQ(rows.texts, (Strings{"a NaN", "b", "c", "\U0001F600"}));
  EXPECT_EQ(bad(rows), (Strings{"4:half a surrogate pair", "6:column text is no text", "7:half a surrogate pair"}));
  EXPECT_EQ(read("a.json", "[{\"text\": \"a\", \"n\": NaN}]").texts, Strings{"a"});
}

TEST_F(Reader, Utf16IsNamed) {
  const std::string letters("a\0b\0c\0\n\0", 8);
  for (const std::string& content : {"\xFF\xFE" + letters, letters, "\xFE\xFF" + std::string("\0a\0\n", 4)})
    EXPECT_EQ(
        error("a.txt", content),
        "a.txt: not a text file in UTF-8: got UTF-16, expected UTF-8 text (iconv -f UTF-16 -t UTF-8 converts it)");
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
