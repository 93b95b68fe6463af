// tvae data ...
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"

namespace tvae {
namespace {

using DataVerb = ProgramTest;

int64_t count_lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

TEST_F(DataVerb, DemoIsDeterministicAndSplit) {
  const ProgramResult result = run({"data", "demo", "--out", path("a"), "--lines", "200", "--seed", "3"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, path("a/train.txt") + ": 190 lines\n" + path("a/valid.txt") + ": 10 lines\n");
  EXPECT_EQ(count_lines(get(path("a/train.txt"))), 190);
  EXPECT_EQ(count_lines(get(path("a/valid.txt"))), 10);
  ASSERT_EQ(run({"data", "demo", "--seed", "3", "--lines", "200", "--out", path("b")}).status, 0);
  EXPECT_EQ(get(path("a/train.txt")), get(path("b/train.txt")));
  EXPECT_EQ(get(path("a/valid.txt")), get(path("b/valid.txt")));
}

TEST_F(DataVerb, PythonLines) {
  put("code.py", "import os\nx = [\n  1]\nimport os\ny = 2\n");
  const ProgramResult result = run({"data", "python-lines", folder_, "--out", path("lines.txt"), "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out), (nlohmann::json{{"out", path("lines.txt")}, {"lines", 2}}));
  EXPECT_EQ(get(path("lines.txt")), "import os\ny = 2\n");
  EXPECT_EQ(run({"data", "python-lines", path("code.py"), "--out", "-"}).out, "import os\ny = 2\n");

  ASSERT_EQ(run({"data", "python-lines", path("code.py"), "--out", path("train"), "--valid", path("valid"),
                 "--valid-fraction", "0.5"})
                .status,
            0);
  EXPECT_EQ(count_lines(get(path("train"))) + count_lines(get(path("valid"))), 2);
}

TEST_F(DataVerb, NewsHeadlinesGetNumbers) {
  put("news.csv", "category,headline\nSPORT,A win\nARTS,A book\nSPORT,A loss\nSPORT,A win\n");
  const ProgramResult result = run({"data", "news", path("news.csv"), "--out", path("news"), "--valid-fraction", "0"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(get(path("news/train.jsonl")),
            "{\"headline\":\"A win\",\"category\":\"SPORT\",\"category_num\":1}\n"
            "{\"headline\":\"A book\",\"category\":\"ARTS\",\"category_num\":0}\n"
            "{\"headline\":\"A loss\",\"category\":\"SPORT\",\"category_num\":1}\n");
  put("news.tsv", "SPORT\tA win\nARTS\tA book\n");
  EXPECT_EQ(
      run({"data", "news", path("news.tsv"), "--column", "2", "--label-column", "1", "--out", path("tsv")}).status, 0);
  put("gaps.csv", "category,headline\nSPORT,A win\n,A draw\nARTS,A book\n");
  const ProgramResult gaps = run({"data", "news", path("gaps.csv"), "--out", path("gaps"), "--valid-fraction", "0"});
  EXPECT_NE(gaps.err.find("1 row of"), std::string::npos) << gaps.err;
  EXPECT_EQ(count_lines(get(path("gaps/train.jsonl"))), 2);
  EXPECT_EQ(run({"data", "news", path("news.csv"), "--out", path("x"), "--valid-fraction", "1"}).status, 3);
  put("one.csv", "category,headline\nSPORT,A win\n");
  for (const std::string& bad : {path("one.csv"), put("lines.txt", "A win\n"), put("other.csv", "text,label\na,b\n")}) {
    const ProgramResult refused = run({"data", "news", bad, "--out", path("x")});
    EXPECT_EQ(refused.status, 3) << bad;
    EXPECT_EQ(count_lines(refused.err), 1) << refused.err;
  }
}

TEST_F(DataVerb, MoleculesSentencesAndStatements) {
  const auto make = [&](const std::string& kind, const std::string& file) {
    const ProgramResult result = run({"data", kind, file, "--out", path(kind), "--valid-fraction", "0"});
    EXPECT_EQ(result.status, 0) << result.err;
    return get(path(kind + "/train.txt"));
  };
  EXPECT_EQ(make("smiles", put("a.smi", "CCO ethanol\nC1CC\nc1ccccc1\tbenzene\nCCO again\n")), "CCO\nc1ccccc1\n");
  EXPECT_EQ(make("smiles", put("a.csv", "name,smiles\nethanol,CCO\n")), "CCO\n");
  EXPECT_EQ(make("smiles", put("b.CSV", "smiles,logP\n\"CCO\n\",1\n\" CC\n\",2\n")), "CCO\nCC\n")
      << "as in ZINC's table";
  EXPECT_EQ(make("smiles", put("b.smi", "  CCO ethanol\n\tCC\n")), "CCO\nCC\n");
  EXPECT_EQ(make("smiles", put("b.smi", "CCO\n")), "CCO\n") << "lines have no column smiles, and need none";
  EXPECT_EQ(make("wikipedia", put("articles", "A title\nThe rain fell on the town for days. Then it ended.\n")),
            "The rain fell on the town for days.\n");
  EXPECT_EQ(
      make("python-states", put("states.csv", "start,code,end\ng = 1,g += 1,g = 2\ni = 2,\"i = 3\nfor\",i = 3\n")),
      "g += 1\ni = 3\n");
  EXPECT_EQ(run({"data", "smiles", put("none.smi", "hello\n"), "--out", path("x")}).status, 3);
}

std::string idx_images(int count, int side, char value) {
  return std::string("\0\0\x08\x03\0\0\0", 7) + static_cast<char>(count) + std::string(3, '\0') +
         static_cast<char>(side) + std::string(3, '\0') + static_cast<char>(side) +
         std::string(static_cast<size_t>(count * side * side), value);
}

std::string idx_labels(int count, char label) {
  return std::string("\0\0\x08\x01\0\0\0", 7) + static_cast<char>(count) +
         std::string(static_cast<size_t>(count), label);
}

TEST_F(DataVerb, MnistTextWithItsTokenizer) {
  put("images", idx_images(1, 28, '\xff'));
  put("labels", idx_labels(1, 7));
  for (const auto& [size, ids] : {std::pair{"7", 56}, {"9", 90}, {"14", 210}, {"28", 812}}) {
    const ProgramResult result =
        run({"data", "mnist-text", "--images", path("images"), "--labels", path("labels"), "--valid-images",
             path("images"), "--valid-labels", path("labels"), "--size", size, "--out", path(size)});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(count_lines(get(path(size) + "/train.jsonl")), 2);
    const std::string lines = get(path(size) + "/valid.jsonl");
    const auto digit = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
    EXPECT_EQ(digit["label"], 7);
    const std::string text = digit["text"].get<std::string>();
    EXPECT_EQ(text.substr(0, 15), "00 down a a a a");
    const size_t start = lines.find("00 down"), end = lines.find("\",\"label");
    put("text.txt", lines.substr(start, end - start) + "\n");  // JSON's \n is that of --escapes
    const ProgramResult encoded =
        run({"tokenizer", "encode", path(size) + "/tokenizer", path("text.txt"), "--escapes"});
    ASSERT_EQ(encoded.status, 0) << encoded.err;
    const std::string first = encoded.out.substr(0, encoded.out.find('\n'));
    EXPECT_EQ(std::count(first.begin(), first.end(), ' ') + 1, ids);
  }
}

TEST_F(DataVerb, MnistTextHoldsDigitsOut) {
  put("images", idx_images(100, 14, 'a'));
  put("labels", idx_labels(100, 3));
  ASSERT_EQ(run({"data", "mnist-text", "--images", path("images"), "--labels", path("labels"), "--limit", "50",
                 "--valid-fraction", "0.3", "--size", "7", "--out", path("out")})
                .status,
            0);
  const int64_t held = count_lines(get(path("out/valid.jsonl")));
  EXPECT_EQ(held % 2, 0) << "both directions of a digit";
  EXPECT_GT(held, 0);
  EXPECT_EQ(count_lines(get(path("out/train.jsonl"))) + held, 100);
}

TEST_F(DataVerb, MnistTextBadImages) {
  put("labels", idx_labels(1, 7));
  const auto make = [&](const std::string& images) {
    return run({"data", "mnist-text", "--images", path(images), "--labels", path("labels"), "--out", path("out")});
  };
  put("small", idx_images(1, 2, 'a'));
  put("odd", idx_images(1, 20, 'a'));
  put("cut", idx_images(1, 28, 'a').substr(0, 500));
  for (const auto& [name, part] :
       {std::pair{"small", "2 x 2 pixels"}, {"odd", "20 x 20 pixels"}, {"cut", "got 484 bytes, expected 784"}}) {
    const ProgramResult result = make(name);
    EXPECT_EQ(result.status, 3) << result.err;
    EXPECT_EQ(count_lines(result.err), 1) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(path("out"))) << name;
  }
}

TEST_F(DataVerb, FoldersWithLinksToThemselves) {
  std::filesystem::create_directory(path("tree"));
  std::filesystem::create_symlink("loop", path("tree/loop"));
  put("tree/a.py", "a = 1\n");
  const ProgramResult result = run({"data", "python-lines", path("tree"), "--out", "-"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "a = 1\n");
  EXPECT_NE(result.err.find("tree/loop (Too many levels of symbolic links)"), std::string::npos) << result.err;
}

TEST_F(DataVerb, ErrorsAreOneLineWithAStatus) {
  const std::vector<std::pair<std::vector<std::string>, int>> cases = {
      {{"data"}, 2},
      {{"data", "demo"}, 2},
      {{"data", "dmeo", "--out", path("a")}, 2},
      {{"data", "demo", "--out", path("a"), "--lines", "-5"}, 2},
      {{"data", "demo", "--out", "/dev/null/a", "--lines", "20"}, 3},
      {{"data", "python-lines", path("absent.py"), "--out", path("x")}, 3},
      {{"data", "wikipedia", put("dump.xml.bz2", "BZh9"), "--out", path("x")}, 3},
      {{"data", "smiles", put("raw.smi", "CC\n"), "--column", "smiles", "--out", path("x")}, 3},
      {{"data", "news", path("raw.smi"), "--out", path("x")}, 3},
      {{"data", "mnist-text", "--images", put("no.idx", "x"), "--labels", path("no.idx"), "--out", path("x")}, 3},
      {{"data", "mnist-text", "--images", path("no.idx"), "--labels", path("no.idx"), "--size", "8", "--out", "x"}, 2},
  };
  for (const auto& [arguments, status] : cases) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.status, status) << arguments.back() << ": " << result.err;
    EXPECT_EQ(count_lines(result.err), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

}  // namespace
}  // namespace tvae
