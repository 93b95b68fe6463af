#include "tvae/base/printable.h"

#include <gtest/gtest.h>

#include "tvae/base/error.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

TEST(Printable, TextStaysAsItIs) {
  for (const std::string text : {"", "plain", "caf\u00e9 \u4f60\u597d \U0001F600 \u00a0|"})
    EXPECT_EQ(printable_line(text), text);
}

TEST(Printable, ControlCharactersBecomeVisible) {
  EXPECT_EQ(printable_line("\x1b[31mred\x7f"), "\\x1b[31mred\\x7f");
  EXPECT_EQ(printable_line(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable_line("a\nb\r\nc\td"), "a b  c d");
  EXPECT_EQ(printable_line("\u0085 \u009b1m \u202ereversed \u2028 \u2066 \u200f"),
            "\\u0085 \\u009b1m \\u202ereversed \\u2028 \\u2066 \\u200f");
}

TEST(Printable, WhatIsNoUtf8IsRepaired) {
  EXPECT_EQ(printable_line("caf\xe9"), "caf\uFFFD");
  EXPECT_EQ(printable_line("\xe2\x82|"), "\uFFFD|");
}

TEST(Printable, ErrorsAndLogsAreOneLineOfText) {
  const std::string raw = std::string("\x1b[2J\0caf\xe9\n", 10);
  EXPECT_STREQ(DataError("file " + raw, raw, raw, raw).what(),
               "file \\x1b[2J\\x00caf\uFFFD : got \\x1b[2J\\x00caf\uFFFD , expected \\x1b[2J\\x00caf\uFFFD  "
               "(\\x1b[2J\\x00caf\uFFFD )");
  testing::internal::CaptureStderr();
  log_warning(raw);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: \\x1b[2J\\x00caf\uFFFD \n");
}

}  // namespace
}  // namespace tvae
