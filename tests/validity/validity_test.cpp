#include "tvae/validity/validity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/threads.h"
#include "tvae/validity/python_check.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;
using Answers = std::vector<bool>;

/// Sets an environment variable for the life of the object.
class ScopedVariable {
 public:
  ScopedVariable(const std::string& name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name.c_str())) old_ = old;
    setenv(name.c_str(), value.c_str(), 1);
  }
  ~ScopedVariable() {
    if (old_)
      setenv(name_.c_str(), old_->c_str(), 1);
    else
      unsetenv(name_.c_str());
  }

 private:
  std::string name_;
  std::optional<std::string> old_;
};

void expect_answers(const std::string& check, const std::vector<std::string>& texts, bool expected) {
  const Answers answers = make_validity_check(check)->valid(texts);
  ASSERT_EQ(answers.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(answers[i], expected) << check << ": " << texts[i];
}

TEST(Validity, RegistryMakesEveryCheck) {
  EXPECT_EQ(make_validity_check("none"), nullptr);
  for (const std::string& name : text_kinds().names()) {
    if (name == "none") continue;
    const auto check = make_validity_check(name);
    ASSERT_NE(check, nullptr) << name;
    EXPECT_FALSE(check->describe().empty());
    EXPECT_EQ(check->valid({}).size(), 0u);
    EXPECT_FALSE(check->valid({"$( not valid anywhere"})[0]);
  }
  try {
    make_validity_check("pyton");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("python"), std::string::npos);
  }
}

TEST(Validity, PythonLines) {
  expect_answers("python", {"x = 1", "return y", "for i in x: pass", "f'{x!r}'", "s = \"\xC3\xA4\"", "if a:\n  b\n"},
                 true);
  expect_answers(
      "python",
      {"x = ", "", " \n", " x = 1", "for i in x:", "(", std::string("a\0b", 3), "'\xFF'", "if a:\nb", "\"\\x\""},
      false);
}

TEST(Validity, PythonNeverRuns) {
  const test::TemporaryFolder folder;
  expect_answers("python", {"open('" + folder.path("ran") + "', 'w').write('x')"}, true);
  EXPECT_FALSE(fs::exists(folder.path("ran")));
}

TEST(Validity, PythonManyTextsInOrder) {
  std::vector<std::string> texts;
  Answers expected;
  for (int i = 0; i < 3000; ++i) {
    expected.push_back(i % 3 != 0 && i % 7 != 0);
    texts.push_back(expected.back() ? "a = " + std::to_string(i) : i % 3 == 0 ? "a = = 1" : "'\xFF'");
  }
  const auto check = make_validity_check("python");
  EXPECT_EQ(check->valid(texts), expected);
  EXPECT_EQ(check->valid(texts), expected);
}

TEST(Validity, PythonSurvivesDeepNesting) {
  const std::string deep(100000, '('), minus(100000, '-');
  std::string attributes = "x";
  for (int i = 0; i < 100000; ++i) attributes += ".a";
  const Answers answers = make_validity_check("python")->valid({"a", deep, "b", minus, "c", attributes, "d"});
  for (const size_t i : {0, 2, 4, 6}) EXPECT_TRUE(answers[i]) << i;
  EXPECT_FALSE(answers[1]);
}

// A python3 of our own that dies of the text "crash".
TEST(Validity, PythonCrashCountsForOneText) {
  const test::TemporaryFolder folder;
  const std::string fake = folder.put("python3",
                                      "#!/bin/sh\n"
                                      "printf r\n"
                                      "while read -r line; do\n"
                                      "  IFS=,; for text in $line; do\n"
                                      "    case $text in *crash*) kill -9 $$;; *bad*) printf 0;; *) printf 1;; esac\n"
                                      "  done\n"
                                      "done\n");
  fs::permissions(fake, fs::perms::owner_all);
  const ScopedVariable path("PATH", folder.path());
  const auto check = make_validity_check("python");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->valid({"a", "crash", "bad", "b", "crash"}), (Answers{true, false, false, true, false}));
  EXPECT_EQ(check->valid({"crash", "a"}), (Answers{false, true}));
  fs::remove(fake);
  EXPECT_EQ(check->valid({"a"}), Answers{true}) << "the worker still runs";
  EXPECT_THROW(check->valid({"crash", "a"}), DataError) << "and cannot be replaced";
}

/// A python3 of our own: `judge` is shell that answers for $text, and knows its own folder as $here.
class FakePython {
 public:
  explicit FakePython(const std::string& judge, const std::string& at_start = "")
      : path_("PATH", folder_.path() + ":" + std::getenv("PATH")) {
    const std::string script =
        folder_.put("python3", "#!/bin/sh\nhere=" + folder_.path() + "\n" + at_start +
                                   "\nprintf r\nwhile read -r line; do\n  IFS=,; for text in $line; do\n" + judge +
                                   "\n  done\ndone\n");
    fs::permissions(script, fs::perms::owner_all);
  }

 private:
  test::TemporaryFolder folder_;
  ScopedVariable path_;
};

// What the system does to a judge under load is not what the text is.
TEST(Validity, AJudgeThatDiedOnceHasNotSaidInvalid) {
  const FakePython python(
      "case $text in *once*) [ -e $here/once ] || { touch $here/once; kill -9 $$; };; esac; printf 1");
  EXPECT_EQ(make_validity_check("python")->valid({"a", "once", "b"}), (Answers{true, true, true}));
}

TEST(Validity, AJudgeThatRanOutOfTimeIsAskedAgainAlone) {
  const FakePython python(
      "case $text in *once*) [ -e $here/once ] || { touch $here/once; exec sleep 1000; };; esac; printf 1");
  JudgePatience patience;
  patience.among_others = std::chrono::milliseconds(300);
  EXPECT_EQ(make_python_check(patience)->valid({"a", "once", "b"}), (Answers{true, true, true}));
}

TEST(Validity, NoAnswerIsAnError) {
  const FakePython python("case $text in *never*) exec sleep 1000;; esac; printf 1");
  JudgePatience patience;
  patience.among_others = std::chrono::milliseconds(300);
  patience.alone = std::chrono::milliseconds(1500);
  const auto check = make_python_check(patience);
  EXPECT_THROW(check->valid({"a", "never"}), DataError);
  EXPECT_EQ(check->valid({"a", "b"}), (Answers{true, true}));
}

TEST(Validity, ATextThatTakesEndlessWorkIsInvalid) {
  const FakePython python("case $text in *loop*) while :; do :; done;; esac; printf 1");
  JudgePatience patience;
  patience.among_others = std::chrono::milliseconds(300);
  patience.processor_seconds_alone = 1;
  EXPECT_EQ(make_python_check(patience)->valid({"a", "loop", "b"}), (Answers{true, false, true}));
}

TEST(Validity, ChecksShareTheirWorkersAndAnswerSeveralThreads) {
  const FakePython python("echo x >> $here/asked; case $text in *bad*) printf 0;; *) printf 1;; esac");
  std::vector<std::thread> threads;
  std::vector<int> wrong(8, 0);
  for (int& count : wrong)
    threads.emplace_back([&count] {
      const auto check = make_validity_check("python");
      for (int i = 0; i < 20; ++i) count += check->valid({"a", "bad", "b"}) != Answers{true, false, true};
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

TEST(Validity, TheWorkersThatStartDoTheWork) {
  const FakePython python("case $text in *bad*) printf 0;; *) printf 1;; esac",
                          "[ -e $here/started ] && exit 1; touch $here/started");
  set_max_threads(4);
  Answers expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 2000; ++i) {
    expected.push_back(i % 3 != 0);
    texts.push_back(expected.back() ? "good" : "bad");
  }
  EXPECT_EQ(make_validity_check("python")->valid(texts), expected);
  set_max_threads(0);
}

TEST(Validity, PythonAbsentOrBroken) {
  const test::TemporaryFolder folder;
  const ScopedVariable path("PATH", folder.path());
  for (const bool broken : {false, true}) {
    if (broken) fs::permissions(folder.put("python3", "#!/bin/sh\nexit 1\n"), fs::perms::owner_all);
    testing::internal::CaptureStderr();
    EXPECT_EQ(make_validity_check("python"), nullptr);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("warning: "), std::string::npos);
  }
}

// A python3 whose RDKit takes everything but the letter Q, and is a module of our own.
TEST(Validity, SmilesAsksRdkitWherePythonHasIt) {
  const test::TemporaryFolder folder;
  folder.put("modules/rdkit/__init__.py", "");
  folder.put("modules/rdkit/RDLogger.py", "def DisableLog(name): pass\n");
  folder.put("modules/rdkit/Chem.py", "def MolFromSmiles(text): return None if 'Q' in text else text\n");
  const std::string fake = folder.put(
      "bin/python3", "#!/bin/sh\n[ \"$1 $2\" = '-E -c' ] || exit 1\nexec /usr/bin/env PATH='" +
                         std::string(std::getenv("PATH")) +
                         "' python3 -I -c 'import sys; sys.path.insert(0, sys.argv[1]); exec(sys.argv[2])' '" +
                         folder.path("modules") + "' \"$3\"\n");
  fs::permissions(fake, fs::perms::owner_all);
  const ScopedVariable path("PATH", folder.path("bin"));
  const auto check = make_validity_check("smiles");
  EXPECT_EQ(check->describe(), "RDKit MolFromSmiles");
  EXPECT_EQ(check->valid({"CC", "CQ", "", "C C", "C\xFF", "C((C"}), (Answers{true, false, false, false, false, true}));
  EXPECT_EQ(check->valid({"CC\u00e9", "CC\u3000", "C\tC", "C\x01", std::string("C\0C", 3)}), Answers(5, false))
      << "RDKit passes over some ends";
}

TEST(Validity, SmilesGrammarWithoutRdkit) {
  const test::TemporaryFolder folder;
  const ScopedVariable path("PATH", folder.path());
  EXPECT_EQ(make_validity_check("smiles")->describe(), "SMILES grammar without valences");
  expect_answers("smiles",
                 {"C[C@H]1CCC[C@@H](C)N1C(=O)NCc1ccnc(-n2cccn2)c1",
                  "[NH4+].[Cl-]",
                  "F/C=C/F",
                  "C1CC1",
                  "C%12CC%12",
                  "c1ccccc1",
                  "[13CH4]",
                  "C(C)(C)C",
                  "[Fe+++]",
                  "[Fe++]",
                  "[O-2]",
                  "N#N",
                  "[CH3:1]C",
                  "*C",
                  "C=1CCCCC1",
                  "C=1CCCCC=1",
                  "F/C1=C/CCCC1",
                  "[se]1cccc1",
                  "BrC",
                  "ClCl",
                  "C1CC1C1CC1",
                  "N[C@TH1](F)(Cl)Br",
                  "C[C@TH2H](F)Cl",
                  "F[Co@OH12](Cl)(Br)(I)(N)O",
                  "F[As@TB20](Cl)(Br)(N)O",
                  "F[Pt@SP3](Cl)(Br)N",
                  "FC(Cl)=[C@AL1]=C(F)Cl",
                  "C12CCC1C2",
                  "C1.C1",
                  "C(C1)C1"},
                 true);
  expect_answers("smiles", {"",        "C(",      "C)",    "C()C",       "(C)C",    "C1CC",     "C11",     "C==C",
                            "C=",      "=C",      "C(=)C", "[C",         "C]",      "[]",       "[Xx]",    "X",
                            "C%1CC%1", "C.",      ".C",    "C..C",       "C((C))C", "C(1CC1)",  "C=1CC#1", "1CC1",
                            "C C",     "C12CC12", "C1C1",  "C(C12)CC12", "[C@TH3]", "[C@OH31]", "[C@TB0]", "[C@SP]",
                            "[C@XX1]", "[CH3:]",  "C-=C",  "Q",          "[C@@@H]", "C(C.)C"},
                 false);
}

TEST(Validity, MnistText) {
  const std::string down = "00 down ! a !\n01 down ! ! 1\n02 down ` ! !", up = "02 up ` ! !\n01 up ! ! 1\n00 up ! a !";
  expect_answers("mnist", {down, up}, true);
  expect_answers(
      "mnist",
      {"", "\n", "00 down", "00 down !", "00 down ! !\n01 down ! !", down + "\n", down + "\n03 down ! ! !",
       "00 down ! a\n01 up ! a", "01 down ! a\n00 down ! a", "00 up ! a\n01 up ! a", "00 down ! b\n01 down ! !",
       "00 down ! a !\n01 down ! !", "00 down !! a\n01 down ! a", "00 left ! a\n01 left ! a"},
      false);
}

TEST(Validity, Json) {
  expect_answers("json", {"{}", "[1, \"a\"]", "{\"a\": {\"b\": null}}", "3", " true "}, true);
  expect_answers("json", {"", "{", "{'a': 1}", "[1,]", "nul", "{} {}", std::string(5000, '[') + std::string(5000, ']')},
                 false);
}

TEST(Validity, AbcTunes) {
  const std::string head = "X: 7\nT:Red Haired Boy\nM:4/4\nL:1/4\nK:A\n";
  expect_answers("abc",
                 {head + "A/2F/2|\"A\"EA A/2B/2|\\\n\"A\"e/2d/2 =G3/2F/2|", head + "|:(3abc [CEG]2 z4 ^f'>_B, :|",
                  head + "{ag}a2-a [1\"E7\"BcB:|[2 d2||\nK:G\n(GA)B|]", "X:1\nK:C\n% notes\n[M:3/4]!trill!C3 |1,3 D",
                  head + "(ab\nc)d|"},
                 true);
  expect_answers("abc",
                 {"", head, "T:no number\nK:C\nabc|", "X:1\nT:no key\nabc|", head + "abc hij|", head + "\"open|",
                  head + "[CEG|", head + "{ab|", head + "ab)c", head + "abc|\n\nabc|", "X:1 K:C abc"},
                 false);
}

}  // namespace
}  // namespace tvae
