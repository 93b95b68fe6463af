// What the program says of a command line: help that fits a terminal, and one line for what is wrong with it.
#include <algorithm>
#include <map>
#include <sstream>

#include "tests/apps/program.h"

namespace tvae {
namespace {

constexpr int kUsage = 2;
constexpr size_t kWidth = 80;

std::vector<std::string> lines_in(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Messages : public ProgramTest {
 protected:
  /// The verbs below a verb, as its help lists them.
  std::vector<std::vector<std::string>> below(const std::vector<std::string>& verb) const {
    std::vector<std::vector<std::string>> found;
    bool listed = false;
    for (const std::string& line : lines_in(help(verb))) {
      if (listed && line.empty()) break;
      if (listed && line.starts_with("  ") && line[2] != ' ') {
        found.push_back(verb);
        found.back().push_back(line.substr(2, line.find(' ', 2) - 2));
      }
      listed |= line == "Verbs:";
    }
    return found;
  }
  std::string help(const std::vector<std::string>& verb) const {
    static std::map<std::vector<std::string>, std::string> pages;  // each costs a start of the program
    if (const auto known = pages.find(verb); known != pages.end()) return known->second;
    std::vector<std::string> command = verb;
    command.emplace_back("--help");
    const ProgramResult result = run(command);
    EXPECT_EQ(result.status, 0) << result.err;
    return pages[verb] = result.out;
  }
  /// Every verb, and every verb below one.
  std::vector<std::vector<std::string>> all_verbs() const {
    std::vector<std::vector<std::string>> all = below({});
    for (size_t i = 0; i < all.size(); ++i)
      for (const std::vector<std::string>& verb : below(all[i])) all.push_back(verb);
    return all;
  }
  void expect_line(const std::vector<std::string>& command, const std::string& line) const {
    const ProgramResult result = run(command);
    EXPECT_EQ(result.status, kUsage) << result.err;
    EXPECT_EQ(result.err, "tvae: " + line + "\n");
  }
};

TEST_F(Messages, HelpFitsATerminalAndSaysWhatEveryFlagMeans) {
  std::vector<std::vector<std::string>> verbs = all_verbs();
  ASSERT_GT(verbs.size(), 30u);
  verbs.emplace_back();
  for (const std::vector<std::string>& verb : verbs) {
    const std::string name = verb.empty() ? "tvae" : verb.back();
    std::vector<std::string> lines = lines_in(help(verb));
    for (size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(lines[i].size(), kWidth) << name << ": " << lines[i];
      EXPECT_TRUE(lines[i].empty() || lines[i].back() != ' ') << name << ": " << lines[i];
      if (!lines[i].starts_with("  -")) continue;
      const bool beside = lines[i].find("  ", 3) != std::string::npos;
      EXPECT_TRUE(beside || (i + 1 < lines.size() && lines[i + 1].starts_with("      "))) << name << ": " << lines[i];
    }
  }
}

TEST_F(Messages, HelpSaysTheOrderTheLimitsAndTheDefaults) {
  const std::string apply = help({"direction", "apply"});
  EXPECT_NE(apply.find("Usage: tvae direction MODEL apply [FILE] --name NAME [flags]"), std::string::npos) << apply;
  EXPECT_NE(apply.find("--quiet"), std::string::npos) << "flags of every verb, below verbs too";
  const std::string sample = help({"sample"});
  EXPECT_NE(sample.find("--prior fitted|normal"), std::string::npos) << sample;
  EXPECT_NE(sample.find("[1 to 100000000; default 20]"), std::string::npos) << sample;
  EXPECT_NE(sample.find("needs --near]"), std::string::npos) << sample;
}

TEST_F(Messages, AMisspeltFlagIsToldWithTheNearestInEveryVerb) {
  for (std::vector<std::string> verb : all_verbs()) {
    if (!below(verb).empty()) continue;
    const std::string name = verb.back();
    verb.insert(verb.end(), {"--qiuet", "3"});
    SCOPED_TRACE(name);
    expect_line(verb, "unknown flag --qiuet; did you mean --quiet?");
  }
  expect_line({"eval", "m", "--sampels", "3"}, "unknown flag --sampels; did you mean --samples?");
  expect_line({"eval", "m", "--sampels=3"}, "unknown flag --sampels; did you mean --samples?");
  expect_line({"eval", "m", "-samples", "3"}, "unknown flag -samples; did you mean --samples?");
  expect_line({"direction", "m", "apply", "--nmae", "d"}, "unknown flag --nmae; did you mean --name?");
  expect_line({"eval", "m", "--zzzzzz"}, "unknown flag --zzzzzz (see tvae eval --help)");
  expect_line({"analogy", "m", "a", "b", "-c d"},
              "unknown flag -c d (a text that begins with - goes after --; see tvae analogy --help)");
  expect_line({"--vresion"}, "unknown flag --vresion; did you mean --version?");
}

TEST_F(Messages, FlagsBeforeTheirVerbAreToldSo) {
  EXPECT_EQ(run({"--json", "--threads", "1", "presets"}).out, run({"presets", "--json"}).out) << "flags of every verb";
  expect_line({"prior", "--kind", "flow", "fit", "m"},
              "--kind stands before fit: expected tvae prior fit MODEL [flags]");
}

TEST_F(Messages, AMisspeltVerbIsToldWithTheNearest) {
  expect_line({"evla", "m"}, "unknown verb: got \"evla\" (did you mean eval?)");
  expect_line({"tokenizer", "tarin", "x"}, "unknown verb: got \"tarin\" (did you mean train?)");
  expect_line({"data", "dmeo", "--out", "x"}, "unknown verb: got \"dmeo\" (did you mean demo?)");
  expect_line({"direction", "m", "aply", "--name", "d"}, "unknown verb: got \"aply\" (did you mean apply?)");
  expect_line({"direction", "aply", "m", "--name", "d"}, "unknown verb: got \"aply\" (did you mean apply?)");
  expect_line({"direction", "m"},
              "a verb is missing: expected tvae direction MODEL fit|apply|list [flags] (see tvae direction --help)");
}

TEST_F(Messages, AloneItShowsTheWay) {
  const ProgramResult guide = run({});
  EXPECT_EQ(guide.status, 0) << guide.err;
  EXPECT_NE(guide.out.find("tvae train --train FILE --out MODEL"), std::string::npos) << guide.out;
  EXPECT_EQ(run({"help"}).out, guide.out);
  EXPECT_EQ(run({"help", "help"}).out, guide.out);
  EXPECT_EQ(run({"help", "eval"}).out, run({"eval", "--help"}).out);
  EXPECT_EQ(run({"help", "direction", "fit"}).status, run({"direction", "fit", "--help"}).status);
  expect_line({"help", "evla"}, "unknown verb: got \"evla\" (did you mean eval?)");
  for (size_t start = 0, end = 0; (end = guide.out.find('\n', start)) != std::string::npos; start = end + 1)
    EXPECT_LE(end - start, 80U);
}

TEST_F(Messages, ArgumentsInAnotherOrderAreToldTheRightOne) {
  const std::string apply = "tvae direction MODEL apply [FILE] --name NAME [flags]";
  expect_line({"direction", "apply", "m", "--name", "d", "--text", "x"},
              "MODEL is required before apply: expected " + apply);
  expect_line({"direction", "apply", "--name", "d"}, "MODEL is required before apply: expected " + apply);
  expect_line({"direction", "list"}, "MODEL is required before list: expected tvae direction MODEL list [flags]");
  expect_line({"direction", "m", "apply"}, "--name is required: expected " + apply);
  expect_line({"direction", "m", "apply", "f", "--name", "d", "--text", "x"},
              "--text goes without FILE: expected " + apply);
  expect_line({"prior", "m", "fit"},
              "unexpected argument: got \"m\" before fit, expected tvae prior fit MODEL [flags]");
  expect_line({"prior", "fit", "m", "n"}, "unexpected argument: got \"n\", expected tvae prior fit MODEL [flags]");
  expect_line({"prior", "fit"}, "MODEL is required: expected tvae prior fit MODEL [flags]");
  expect_line({"export", "m", "o"}, "unexpected argument: got \"o\", expected tvae export MODEL --out DIR [flags]");
}

TEST_F(Messages, ValuesAreToldTheirRange) {
  expect_line({"eval", "m", "--samples", "0"}, "--samples: got 0, expected 1 to 10000000 (see tvae eval --help)");
  expect_line({"eval", "m", "--samples", "1.5"},
              "--samples: got \"1.5\", expected a whole number (see tvae eval --help)");
  expect_line({"eval", "m", "--samples"}, "--samples needs a value (see tvae eval --help)");
  expect_line({"eval", "m", "--samples", "1", "--samples", "2"},
              "--samples: got several values, expected one (see tvae eval --help)");
  expect_line({"sample", "m", "--top-p", "nan"}, "--top-p: got nan, expected 1e-09 to 1 (see tvae sample --help)");
  expect_line({"sample", "m", "--radius", "1"}, "--radius needs --near (see tvae sample --help)");
  expect_line({"analogy", "m", "a", "b", "c", "--strength", "1e9"},
              "--strength: got 1e9, expected -1000000 to 1000000 (see tvae analogy --help)");
  expect_line({"quantize", "m", "--out", "o", "--weights", "int4"},
              "--weights: got \"int4\", expected one of int8, fp16 (did you mean int8?) (see tvae quantize --help)");
  expect_line({"data", "demo", "--out", "o", "--lines", "3"},
              "--lines: got 3, expected 20 to 10000000 (see tvae data demo --help)");
}

TEST_F(Messages, OtherMisspeltNamesAreToldTheNearest) {
  expect_line({"config", "dmeo"}, "unknown preset: got \"dmeo\" (did you mean demo?)");
  expect_line({"config", "demo", "--set", "train.steps=3", "train.seed=4"},
              "unknown preset: got \"train.seed=4\" (a setting is given by: --set KEY=VALUE)");
  const ProgramResult unlike = run({"config", "xylophone"});
  EXPECT_TRUE(unlike.err.ends_with(" are known: tvae presets)\n")) << "not a list of all of them: " << unlike.err;
  expect_line({"tokenizer", "train", "--quiet", "--kind", "bpee", "--out", path("t"), put("f.txt", "a\nb\n")},
              "--kind: got \"bpee\", expected one of unigram, bpe, char, byte (did you mean bpe?) (see tvae tokenizer "
              "train --help)");
  const ProgramResult key = run({"config", "--set", "train.stepz=3"});
  EXPECT_NE(key.err.find("did you mean train.steps?"), std::string::npos) << key.err;
}

TEST_F(Messages, EveryHelpEndsWithExamplesOfItsOwnFlags) {
  for (const std::vector<std::string>& verb : all_verbs()) {
    const std::vector<std::string> lines = lines_in(help(verb));
    const auto start = std::find(lines.begin(), lines.end(), "For example:");
    ASSERT_NE(start, lines.end()) << verb.back();
    std::string page;
    for (auto line = lines.begin(); line != start; ++line) page += *line + "\n";
    for (const std::vector<std::string>& lower : below(verb)) page += help(lower);
    int examples = 0;
    for (auto line = start + 1; line != lines.end(); ++line) {
      std::istringstream words(*line);
      for (std::string word; words >> word;) {
        examples += word.ends_with("tvae");  // also <(tvae ...
        EXPECT_TRUE(!word.starts_with("--") || page.find(word) != std::string::npos) << verb.back() << ": " << word;
      }
    }
    EXPECT_GE(examples, 2) << verb.back();
  }
}

TEST_F(Messages, ShellsAndManAreTold) {
  const std::string bash = run({"completion", "bash"}).out, fish = run({"completion", "fish"}).out,
                    zsh = run({"completion", "zsh"}).out, man = run({"completion", "man"}).out;
  for (const std::vector<std::string>& below_none : below({})) {
    const std::string& verb = below_none.front();
    EXPECT_NE(bash.find("'|" + verb + "')"), std::string::npos) << verb;
    EXPECT_NE(zsh.find("'|" + verb + "')"), std::string::npos) << verb;
    EXPECT_NE(fish.find(" -a " + verb + " "), std::string::npos) << verb;
    EXPECT_NE(man.find("TVAE " + verb), std::string::npos) << verb;
  }
  expect_line({"completion", "csh"},
              "KIND: got \"csh\", expected one of bash, fish, man, zsh, json (did you mean zsh?) (see "
              "tvae completion --help)");
  const auto completed = [&](const std::string& words, int at) {
    put("try.bash",
        bash + "COMP_WORDS=(" + words + ")\nCOMP_CWORD=" + std::to_string(at) + "\n_tvae\necho \"${COMPREPLY[*]}\"\n");
    put("run.sh", "bash '" + path("try.bash") + "' > '" + path("said") + "'\n");
    EXPECT_EQ(std::system(("sh '" + path("run.sh") + "'").c_str()), 0);
    return get(path("said"));
  };
  EXPECT_EQ(completed("tvae ev", 1), "eval\n");
  EXPECT_EQ(completed("tvae prior f", 2), "fit\n");
  EXPECT_EQ(completed("tvae prior fit m --comp", 4), "--components\n");
  EXPECT_EQ(completed("tvae neighbors m --metric ''", 4), "cosine l2\n");
  EXPECT_EQ(completed("tvae train lines_sm", 2), "lines_small\n");
}

}  // namespace
}  // namespace tvae
