#include "tvae/base/wrap.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(Wrap, LinesOfATerminal) {
  const std::string words = "word word word word word word word word word word word word word word word word word";
  EXPECT_EQ(wrapped("one\n\ntwo"), "one\n\ntwo\n");
  EXPECT_EQ(wrapped(words, 2), "  " + words.substr(0, 74) + "\n  word word\n");
  EXPECT_EQ(wrapped("  " + words), "  " + words.substr(0, 74) + "\n      word word\n");
}

TEST(Wrap, EntriesKeepTheirColumn) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped_entry("data     short", 9), (Lines{"data     short"}));
  EXPECT_EQ(wrapped_entry("data     " + std::string(60, 'a') + " " + std::string(20, 'b'), 9),
            (Lines{"data     " + std::string(60, 'a'), "         " + std::string(20, 'b')}));
  EXPECT_EQ(wrapped_entry("rate", 9), (Lines{"rate"}));
}

}  // namespace
}  // namespace tvae
