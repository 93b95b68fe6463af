#include <gtest/gtest.h>

#include "tvae/corpus/demo_data.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

bool is_whole(const std::string& check, const std::string& text) {
  const auto syntax = make_bracket_syntax(check);
  for (const char c : text)
    if (!syntax->append(std::string(1, c))) return false;
  return syntax->missing() == 0;
}

TEST(BracketSyntax, TakesWhatPythonTakes) {
  for (const std::string line : {"",
                                 "x = (1, [2, {3: 4}])",
                                 "print(')')",
                                 "s = \"it's\"",
                                 "s = 'a\\'b'",
                                 "s = r'\\''",
                                 "x = ''",
                                 "x = '' + \"\"",
                                 "f('', '')",
                                 "s = ''''''",
                                 "s = '''a'b''c'''",
                                 "s = \"\"\"(\"\"\" + ')'",
                                 "x = 1  # it's (not) open [",
                                 "b'\\\\'",
                                 "s = '#('",
                                 "f(\n'a',\n)",
                                 "s = '''a\nb'''",
                                 "s = '''\\''''",
                                 "x = 1 + \\\n2",
                                 "f'{a[0]}'"})
    EXPECT_TRUE(is_whole("python", line)) << line;
  for (const std::string& line : make_demo_lines(2000, 3)) EXPECT_TRUE(is_whole("python", line)) << line;
}

TEST(BracketSyntax, RefusesWhatPythonNeverTakes) {
  for (const std::string line : {"f(", "f(]", ")", "x = 'a", "x = \"a'", "'''a''", "''''", "{(})", "x = 'a\nb'",
                                 "x = 1 \\", "'a\\'", "f(# )", "x = '\\"})
    EXPECT_FALSE(is_whole("python", line)) << line;
}

TEST(BracketSyntax, Smiles) {
  for (const std::string text : {"CC(C)C", "C1CC1", "C%12CC%12", "[NH4+].[Cl-]", "[13CH4]", "C1CC1C1CC1", "[C@@H](C)N",
                                 "c1ccc2ccccc2c1", "C%11CC1CC%11C1"})
    EXPECT_TRUE(is_whole("smiles", text)) << text;
  for (const std::string text : {"CC(C", "C)", "C1CC", "C%1", "C%12CC%13", "[NH4", "[[C]]", "C]", "C%a1"})
    EXPECT_FALSE(is_whole("smiles", text)) << text;
}

TEST(BracketSyntax, ARefusedPieceLeavesTheTextAsItWas) {
  const auto syntax = make_bracket_syntax("python");
  ASSERT_TRUE(syntax->append("f(['a'"));
  EXPECT_FALSE(syntax->append("]))"));
  EXPECT_EQ(syntax->missing(), 2);
  EXPECT_TRUE(syntax->append("])"));
  EXPECT_EQ(syntax->missing(), 0);
}

TEST(BracketSyntax, NoMoreIsOpenedThanCanBeClosed) {
  const auto python = make_bracket_syntax("python");
  ASSERT_TRUE(python->append("f([", 2));
  EXPECT_FALSE(python->append("x", 1));
  EXPECT_FALSE(python->append("'", 2));
  EXPECT_TRUE(python->append("]", 1));
  const auto missing = [](const std::string& check, const std::string& text) {
    const auto syntax = make_bracket_syntax(check);
    EXPECT_TRUE(syntax->append(text)) << text;
    return syntax->missing();
  };
  EXPECT_EQ(missing("python", "f('a\\"), 3);
  EXPECT_EQ(missing("python", "x = \"\"\"a\""), 2);
  EXPECT_EQ(missing("python", "f(# a"), 2);
  EXPECT_EQ(missing("smiles", "C1CC(C%12C[NH"), 6);
  EXPECT_EQ(missing("smiles", "C%1"), 4);
}

TEST(BracketSyntax, OtherChecksHaveNone) {
  EXPECT_EQ(make_bracket_syntax("none"), nullptr);
  EXPECT_EQ(make_bracket_syntax("mnist"), nullptr);
}

}  // namespace
}  // namespace tvae
