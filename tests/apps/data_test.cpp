// tvae data ...
#include <gtest/gtest.h>

#include <algorithm>
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

TEST_F(DataVerb, MnistText) {
  const std::string images = std::string("\0\0\x08\x03\0\0\0\x01\0\0\0\x1c\0\0\0\x1c", 16) + std::string(784, '\xff');
  put("images", images);
  put("labels", std::string("\0\0\x08\x01\0\0\0\x01\x07", 9));
  const ProgramResult result = run({"data", "mnist-text", path("images"), path("labels"), "--side", "7", "--out", "-"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(count_lines(result.out), 2);
  const auto digit = nlohmann::json::parse(result.out.substr(0, result.out.find('\n')));
  EXPECT_EQ(digit["label"], 7);
  EXPECT_EQ(digit["text"].get<std::string>().substr(0, 21), "00 down a a a a a a a");

  put("small", std::string("\0\0\x08\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02"
                           "abcd",
                           20));
  EXPECT_EQ(run({"data", "mnist-text", path("small"), path("labels"), "--out", "-"}).status, 3);
}

TEST_F(DataVerb, ErrorsAreOneLineWithAStatus) {
  const std::vector<std::pair<std::vector<std::string>, int>> cases = {
      {{"data"}, 2},
      {{"data", "demo"}, 2},
      {{"data", "dmeo", "--out", path("a")}, 2},
      {{"data", "demo", "--out", path("a"), "--lines", "-5"}, 2},
      {{"data", "demo", "--out", "/dev/null/a", "--lines", "20"}, 3},
      {{"data", "python-lines", path("absent.py"), "--out", path("x")}, 3},
      {{"data", "mnist-text", put("no.idx", "x"), path("no.idx"), "--out", path("x")}, 3},
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
