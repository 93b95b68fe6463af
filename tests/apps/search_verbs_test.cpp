// The verbs that move in latent space and search it: analogy, direction, neighbors, optimize.
#include <set>

#include "tests/apps/tiny_model_test.h"

namespace tvae {
namespace {

constexpr int kUsage = 2, kData = 3;

/// Texts that begin alike, each with a number.
std::string texts(const std::string& begin, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += begin + std::to_string(i * 37 % 101) + "\n";
  return lines;
}

class SearchVerbs : public TinyModelTest {
 protected:
  std::string reconstruction(const std::string& text) const { return run({"reconstruct", model()}, text + "\n").out; }

  /// A copy of the model whose weights are all the same byte: 0 makes it collapse, 0xff is NaN.
  std::string model_of_bytes(const std::string& name, char byte) const {
    std::filesystem::copy(model(), path(name), std::filesystem::copy_options::recursive);
    const std::string file = path(name) + "/model.safetensors";
    std::string content = get(file);
    uint64_t header = 0;
    std::memcpy(&header, content.data(), sizeof header);
    std::fill(content.begin() + static_cast<std::ptrdiff_t>(8 + header), content.end(), byte);
    std::ofstream(file, std::ios::binary) << content;
    return path(name);
  }

  ProgramResult fit_direction(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"direction",
                                        model(),
                                        "fit",
                                        "--name",
                                        name,
                                        "--positive",
                                        put("p.txt", texts("zzzzzzzz ", 20)),
                                        "--negative",
                                        put("n.txt", texts("a ", 30))};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  }

  void TearDown() override {
    std::filesystem::remove_all(model() + "/latent");
    TinyModelTest::TearDown();
  }
};

TEST_F(SearchVerbs, AnAnalogyWithoutAChangeIsTheReconstruction) {
  const std::string expected = reconstruction("row 7");
  EXPECT_EQ(run({"analogy", model(), "row 1", "row 1", "row 7"}).out, expected);
  EXPECT_EQ(run({"analogy", model(), "row 1", "xyz", "row 7", "--strength", "0"}).out, expected);
  EXPECT_EQ(run({"analogy", model(), "row 7", "something", "row 7"}).out, reconstruction("something"));
}

TEST_F(SearchVerbs, AnAnalogyTakesSeveralStrengths) {
  const ProgramResult result =
      run({"analogy", model(), "row 1", "xyz", "row 7", "--strength", "-2,0", "--strength", "0.5", "--json"});
  const std::vector<Json> rows = json_lines(result.out);
  ASSERT_EQ(rows.size(), 3u) << result.err;
  EXPECT_EQ(rows[0]["strength"], -2.0);
  EXPECT_EQ(rows[2]["strength"], 0.5);
  EXPECT_EQ(rows[1]["text"].get<std::string>() + "\n", reconstruction("row 7"));
  EXPECT_FALSE(rows[0].contains("valid")) << "this data has no check";
  expect_failure({"analogy", model(), "a", "b"}, kUsage, "C is required");
  expect_failure({"analogy", model(), "a", "b", "c", "--strength", "nan"}, kUsage,
                 "got nan, expected -1000000 to 1000000");
  expect_failure({"analogy", path("none"), "a", "b", "c"}, kData, "none");
}

TEST_F(SearchVerbs, ADirectionIsFittedListedAndApplied) {
  const ProgramResult empty = run({"direction", model(), "list"});
  EXPECT_EQ(empty.status, 0);
  EXPECT_EQ(empty.out, "");
  const ProgramResult fitted = fit_direction("z", {"--json"});
  ASSERT_EQ(fitted.status, 0) << fitted.err;
  const Json facts = Json::parse(fitted.out);
  EXPECT_EQ(facts["name"], "z");
  EXPECT_EQ(facts["positive"], 20);
  EXPECT_EQ(facts["held_out"], 10);
  EXPECT_EQ(facts["held_out_majority"], 0.6);
  EXPECT_GT(facts["held_out_accuracy"], 0.75) << "ten texts that begin differently";
  EXPECT_NE(fit_direction("y", {"--method", "logistic"}).out.find("held_out_accuracy = "), std::string::npos);

  const std::vector<Json> known = json_lines(run({"direction", model(), "list", "--json"}).out);
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0]["method"], "logistic");
  EXPECT_EQ(known[1], facts);
  EXPECT_EQ(lines_of(run({"direction", "list", model()}).out).size(), 2u) << "in either order";

  for (const std::string name : {"y", "z"}) {
    const std::vector<Json> moved = json_lines(
        run({"direction", model(), "apply", "--name", name, "--text", "row 7", "--strength", "-1,0,1", "--json"}).out);
    ASSERT_EQ(moved.size(), 3u) << name;
    EXPECT_LT(moved[0]["logit"], moved[1]["logit"]);
    EXPECT_LT(moved[1]["logit"], moved[2]["logit"]);
    EXPECT_EQ(moved[1]["text"].get<std::string>() + "\n", reconstruction("row 7"));
    EXPECT_EQ(moved[1]["source"], "row 7");
  }
  EXPECT_EQ(lines_of(run({"direction", model(), "apply", "--name", "z", "--text", ""}).out).size(), 1u);
  const std::string file = put("in.txt", "row 7\n\nrow 8\n");
  const ProgramResult from_file =
      run({"direction", model(), "apply", file, "--name", "z", "--strength", "0", "--strength", "1"});
  EXPECT_EQ(lines_of(from_file.out).size(), 6u) << from_file.err;
  EXPECT_EQ(run({"direction", model(), "apply", "--name", "z", "--strength", "0,1"}, get(file)).out, from_file.out);
}

TEST_F(SearchVerbs, MistakesAboutDirectionsAreOneClearLine) {
  const std::string p = put("p.txt", texts("zz ", 20)), n = put("n.txt", texts("a ", 20)), none = put("none.txt", "");
  const auto fit = [&](const std::string& positive, const std::string& negative, const std::string& name = "d") {
    return std::vector<std::string>{"direction",  model(),  "fit",        "--name", name,
                                    "--positive", positive, "--negative", negative};
  };
  expect_failure(fit(none, n), kData, "none.txt");
  expect_failure(fit(p, put("two.txt", "a\nb\nb\nb\nb\n")), kData, "too few different negative texts");
  expect_failure(fit(p, path("absent.txt")), kData, "absent.txt");
  expect_failure(fit(p, n, "../up"), kUsage, "name of a direction");
  expect_failure(fit("-", "-"), kUsage, "both stdin");
  std::vector<std::string> odd = fit(p, n);
  odd.insert(odd.end(), {"--method", "median"});
  expect_failure(odd, kUsage, "\"median\"");
  const ProgramResult same = run(fit(p, p));
  EXPECT_EQ(same.status, kData);
  EXPECT_NE(same.err.find("20 texts are of both kinds"), std::string::npos) << same.err;
  expect_failure({"direction", model(), "apply", "--name", "d", "--text", "x"}, kUsage,
                 "fit one first: tvae direction MODEL fit");
  ASSERT_EQ(fit_direction("comment").status, 0);
  expect_failure({"direction", model(), "apply", "--name", "coment", "--text", "x"}, kUsage, "did you mean comment?");
  expect_failure({"direction", model(), "fti"}, kUsage, "did you mean fit?");
  expect_failure({"direction", model()}, kUsage, "a verb is missing");
  expect_failure({"direction", "list"}, kUsage, "MODEL is required");
  expect_failure({"direction", path("absent"), "list"}, kData, "absent");
  std::ofstream(model() + "/latent/directions/comment.safetensors") << "nothing";
  expect_failure({"direction", model(), "apply", "--name", "comment", "--text", "x"}, kData, "comment.safetensors");
  ASSERT_EQ(fit_direction("whole").status, 0);
  const ProgramResult listed = run({"direction", model(), "list"});
  EXPECT_EQ(lines_of(listed.out).size(), 1u) << "the others are listed";
  EXPECT_NE(listed.err.find("comment.safetensors"), std::string::npos) << listed.err;
}

TEST_F(SearchVerbs, ADirectionOfOtherWeightsIsUsedWithAWarning) {
  ASSERT_EQ(fit_direction("z").status, 0);
  std::filesystem::copy(model(), path("copy"), std::filesystem::copy_options::recursive);
  std::string weights = get(path("copy") + "/model.safetensors");
  weights.back() = static_cast<char>(weights[weights.size() - 5]);
  weights[weights.size() - 2] = weights[weights.size() - 6];
  std::ofstream(path("copy") + "/model.safetensors", std::ios::binary) << weights;
  const ProgramResult result = run({"direction", path("copy"), "apply", "--name", "z", "--text", "x"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("other weights"), std::string::npos) << result.err;
}

TEST_F(SearchVerbs, ATextOfTheCorpusIsItsOwnNearestNeighbour) {
  const std::string corpus = put("corpus.txt", "row 1\n\nrow 2\nabc\nrow 1\nlonger than these\n");
  for (const std::string metric : {"cosine", "l2"})
    for (const std::string search : {"exact", "graph"}) {
      const std::vector<Json> found = json_lines(
          run({"neighbors", model(), "abc", "--corpus", corpus, "--metric", metric, "--search", search, "--json"}).out);
      ASSERT_EQ(found.size(), 4u) << "the repeated text and the empty one are left out";
      EXPECT_EQ(found[0]["text"], "abc");
      EXPECT_EQ(found[0]["row"], 3);
      EXPECT_LT(found[0]["distance"], 1e-5);
      EXPECT_FALSE(found[0].contains("query"));
      for (size_t i = 1; i < 4; ++i) EXPECT_LE(found[i - 1]["distance"], found[i]["distance"]);
    }
  const ProgramResult lines = run({"neighbors", model(), "--corpus", corpus, "-n", "2"}, "abc\nrow 2\n");
  ASSERT_EQ(lines_of(lines.out).size(), 4u) << lines.err;
  EXPECT_EQ(lines_of(lines.out)[2].substr(lines_of(lines.out)[2].find('\t')), "\trow 2");
  const std::vector<Json> many =
      json_lines(run({"neighbors", model(), "-", "--corpus", corpus, "-n", "1", "--json"}, "abc\nrow 2\n").out);
  ASSERT_EQ(many.size(), 2u);
  EXPECT_EQ(many[1]["query"], "row 2");
  expect_failure({"neighbors", model(), "--corpus", "-"}, kUsage, "both stdin");
  expect_failure({"neighbors", model(), "x"}, kUsage, "--corpus is required");
  expect_failure({"neighbors", model(), "x", "--corpus", path("absent.txt")}, kData, "absent.txt");
  expect_failure({"neighbors", model(), "x", "--corpus", corpus, "--metric", "taxi"}, kUsage, "--metric");
}

TEST_F(SearchVerbs, TheCodesOfACorpusAreKeptUntilItChanges) {
  std::filesystem::copy(model(), path("m"), std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(path("m") + "/neighbors");
  const std::string corpus = put("corpus.tsv", "text\tkind\nabc\tletters\n12\tdigits\nabd\tletters\n");
  const std::vector<std::string> command = {"neighbors",      path("m"), "abc",    "--corpus", corpus,
                                            "--label-column", "kind",    "--json", "--search", "exact"};
  const ProgramResult first = run(command), second = run(command);
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_NE(first.err.find("the codes are kept in " + path("m") + "/neighbors/"), std::string::npos) << first.err;
  EXPECT_EQ(second.err, "");
  EXPECT_EQ(second.out, first.out);
  ASSERT_EQ(json_lines(first.out).size(), 3u);
  EXPECT_EQ(json_lines(first.out)[0]["label"], "letters");
  EXPECT_EQ(json_lines(first.out)[0]["row"], 0);
  put("corpus.tsv", "text\tkind\nabc\tletters\n13\tdigits\nabd\tletters\n");
  const ProgramResult third = run(command);
  EXPECT_NE(third.err.find("the codes are kept in "), std::string::npos) << "another text: " << third.err;
  EXPECT_NE(third.out.find("\"13\""), std::string::npos) << third.out;
  std::vector<std::string> without_labels = command;
  without_labels.erase(without_labels.begin() + 5, without_labels.begin() + 7);
  const ProgramResult otherwise = run(without_labels);
  EXPECT_FALSE(json_lines(otherwise.out)[0].contains("label")) << otherwise.out;
  EXPECT_NE(run({"neighbors", path("m"), "abc", "--corpus", "-"}, "abc\n12\n").out.find("abc"), std::string::npos);
  // Names of files and columns need not be UTF-8.
  const ProgramResult named = run({"neighbors", path("m"), "abc", "--corpus", put("caf\xE9.txt", "abc\n12\n")});
  EXPECT_EQ(named.status, 0) << named.err;
  const ProgramResult of_no_column = run({"neighbors", path("m"), "abc", "--corpus", corpus, "--column", "\xFF"});
  EXPECT_EQ(of_no_column.status, 3) << of_no_column.err;
}

/// The length of a text, which even an untrained encoder tells.
std::string lengths(int count) {
  std::string lines = "text\tlength\n";
  for (int i = 0; i < count; ++i) {
    const std::string text(static_cast<size_t>(2 + i % 15), static_cast<char>('a' + i % 7));
    lines += text + std::to_string(i) + "\t" + std::to_string(text.size()) + "\n";
  }
  return lines;
}

TEST_F(SearchVerbs, OptimizingClimbsAPropertyAndPrintsEachTextOnce) {
  const std::string file = put("lengths.tsv", lengths(60));
  const std::vector<std::string> command = {"optimize", model(), "--text", "abc", "--property", file, "--steps", "60"};
  std::vector<std::string> with_json = command;
  with_json.push_back("--json");
  const ProgramResult result = run(with_json);
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("60 texts: R²"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("on 12 held-out texts"), std::string::npos) << result.err;
  const std::vector<Json> path = json_lines(result.out);
  ASSERT_GE(path.size(), 1u);
  EXPECT_EQ(path[0]["step"], 0);
  EXPECT_EQ(path[0]["text"].get<std::string>() + "\n", reconstruction("abc"));
  std::set<std::string> seen;
  for (size_t i = 0; i < path.size(); ++i) {
    EXPECT_TRUE(seen.insert(path[i]["text"]).second);
    if (i > 0) {
      EXPECT_GT(path[i]["objective"], path[i - 1]["objective"]);
    }
  }
  EXPECT_EQ(lines_of(run(command).out).size(), path.size());
  EXPECT_EQ(run(with_json).out, result.out);
}

TEST_F(SearchVerbs, APropertyIsReadOfEveryTable) {
  const auto path_by = [&](const std::string& file, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {"optimize", model(), "--text", "abc", "--property", file, "--steps", "30"};
    command.insert(command.end(), more.begin(), more.end());
    const ProgramResult result = run(command);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_NE(result.err.find("property of 60 texts"), std::string::npos) << result.err;
    return result.out;
  };
  std::string csv = "length,name\n", json;
  for (const std::string& line : lines_of(lengths(60))) {
    const std::string text = line.substr(0, line.find('\t')), number = line.substr(line.find('\t') + 1);
    if (text == "text") continue;
    csv += number + "," + text + "\n";
    json += Json{{"text", text}, {"value", std::stoi(number)}}.dump() + "\n";
  }
  const std::string expected = path_by(put("p.tsv", lengths(60)));
  EXPECT_EQ(path_by(put("p.jsonl", json)), expected);
  EXPECT_EQ(path_by(put("p.csv", csv), {"--column", "name"}), expected);
  EXPECT_EQ(path_by(put("q.csv", csv), {"--column", "2", "--label-column", "length"}), expected);
}

TEST_F(SearchVerbs, AFittedDirectionTellsWhichOneItReplaces) {
  const ProgramResult first = fit_direction("z");
  EXPECT_EQ(first.err.find("replaced"), std::string::npos) << first.err;
  const std::string line = "replaced the former direction z of " + model() + " (mean of 20 and 30 texts)";
  const ProgramResult second = fit_direction("z", {"--method", "logistic"});
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_NE(second.err.find(line), std::string::npos) << second.err;
  EXPECT_EQ(fit_direction("other").err.find("replaced"), std::string::npos);
}

TEST_F(SearchVerbs, OptimizingFollowsADirectionUpAndDown) {
  ASSERT_EQ(fit_direction("z").status, 0);
  ASSERT_EQ(run({"prior", "fit", model()}).status, 0);
  const auto ends = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"optimize", model(), "--text", "abc", "--direction", "z", "--steps", "20"};
    command.insert(command.end(), more.begin(), more.end());
    const std::string err = run(command).err;
    double from = 0, to = 0;
    const size_t start = err.find("from ");
    EXPECT_EQ(std::sscanf(err.c_str() + (start == std::string::npos ? 0 : start), "from %lf to %lf", &from, &to), 2)
        << err;
    return to - from;
  };
  const double free = ends({"--prior-weight", "0"});
  EXPECT_GT(free, 0.0);
  EXPECT_LT(ends({"--prior-weight", "0", "--downhill"}), 0.0);
  EXPECT_GT(free, ends({"--prior-weight", "0", "--text-weight", "5"}));
  EXPECT_NE(free, ends({"--prior-weight", "100"})) << "the fitted prior is part of it";
}

TEST_F(SearchVerbs, MistakesAboutPropertiesAreOneClearLine) {
  std::string numbers;
  for (int i = 0; i < 30; ++i) numbers += "row " + std::to_string(i) + "\t+" + std::to_string(i) + "\n";
  const auto optimize = [&](const std::string& content) {
    return std::vector<std::string>{"optimize", model(), "--text", "abc", "--property", put("f.tsv", content)};
  };
  expect_failure(optimize("a\t1\nb\n"), kData, "f.tsv line 2: got missing column 2");
  expect_failure(optimize("a\t1\nb\t+-1\n"), kData, "f.tsv line 2: got \"+-1\"");
  const ProgramResult twice =
      run(optimize("\xef\xbb\xbf"
                   "text\tnumber\n" +
                   numbers + "row 1\t+1\nrow 1\t99\n"));
  EXPECT_EQ(twice.status, 0) << twice.err;
  EXPECT_NE(twice.err.find("1 rows repeat a text with another number"), std::string::npos) << twice.err;
  expect_failure(optimize("a\t1\nb\tmany\n"), kData, "f.tsv line 2: got \"many\"");
  expect_failure(optimize("a\t1\n\nb\tx\n"), kData, "f.tsv line 3");
  expect_failure(optimize("a\t1\nb\tnan\n"), kData, "f.tsv line 2: got \"nan\"");
  expect_failure(optimize("a\t1\nb\t1e999\n"), kData, "f.tsv line 2: got \"1e999\"");
  expect_failure(optimize("a\t1\nb\t1e306\n"), kData, "f.tsv line 2: got \"1e306\"");
  expect_failure(optimize("a\t1\nb\t-inf\n"), kData, "f.tsv line 2: got \"-inf\"");
  expect_failure(optimize("caf\xe9\t1\n"), kData, "bad UTF-8 (line 1)");
  expect_failure(optimize(""), kData, "no usable rows");
  expect_failure(optimize("a\t1\nb\t2\n"), kData, "too few texts");
  std::string equal;
  for (int i = 0; i < 30; ++i) equal += "row " + std::to_string(i) + "\t5\n";
  expect_failure(optimize(equal), kData, "the same for all texts");
  expect_failure({"optimize", model(), "--text", "abc"}, kUsage, "--direction or --property: got neither");
  expect_failure({"optimize", model(), "--text", "abc", "--direction", "d", "--property", "f"}, kUsage, "got both");
  expect_failure({"optimize", model(), "--text", "abc", "--direction", "d"}, kUsage, "unknown direction");
  expect_failure({"optimize", model(), "--text", "abc", "--property", path("absent.tsv")}, kData, "absent.tsv");
  expect_failure({"optimize", model(), "--text", "abc", "--direction", "d", "--steps", "0"}, kUsage, "--steps");
}

TEST_F(SearchVerbs, CollapsedAndBrokenModelsAreNamed) {
  const std::string collapsed = model_of_bytes("collapsed", 0), broken = model_of_bytes("broken", '\xff');
  const std::string p = put("p.txt", texts("zz ", 20)), n = put("n.txt", texts("a ", 20));
  const std::string property = put("lengths.tsv", lengths(40));
  const std::pair<std::string, std::string> cases[] = {{collapsed, "same code"}, {broken, "not finite"}};
  for (const auto& [bad, message] : cases) {
    expect_failure({"direction", bad, "fit", "--name", "d", "--positive", p, "--negative", n}, kData, message);
    EXPECT_FALSE(std::filesystem::exists(bad + "/latent/directions"));
    expect_failure({"neighbors", bad, "x", "--corpus", p}, kData, message);
    expect_failure({"optimize", bad, "--text", "x", "--property", property}, kData, message);
  }
  expect_failure({"analogy", broken, "a", "b", "c"}, kData, "not finite");
  const ProgramResult evaluated = run({"eval", collapsed, "--data", p, "--only", "reconstruction", "--json"});
  EXPECT_NE(evaluated.err.find("same code"), std::string::npos) << evaluated.err;
  EXPECT_NE(Json::parse(evaluated.out)["defect"].get<std::string>().find("same code"), std::string::npos);
  expect_failure({"eval", broken, "--data", p}, kData, "not finite");
}

TEST_F(SearchVerbs, TextsThatAreNoUtf8AreRefused) {
  const std::string bad = "caf\xe9";
  const std::vector<std::vector<std::string>> commands = {
      {"sample", model(), "--near", bad},
      {"analogy", model(), "a", "b", bad},
      {"optimize", model(), "--direction", "d", "--text", bad},
      {"interpolate", model(), "--from", "a", "--to", bad},
      {"neighbors", model(), bad, "--corpus", put("corpus.txt", "a\nb\n")}};
  for (const std::vector<std::string>& command : commands) expect_failure(command, kUsage, "UTF-8");
  expect_failure({"interpolate", model(), "--pairs", put("pairs.tsv", "a\tb\na\t" + bad + "\n")}, kData,
                 "line 2: got bad");
}

TEST_F(SearchVerbs, NumbersThatAreNotFiniteAreRefused) {
  const std::vector<std::vector<std::string>> commands = {
      {"sample", model(), "--temperature", "nan"},
      {"sample", model(), "--prior-scale", "1e308"},
      {"sample", model(), "--near", "x", "--radius", "inf"},
      {"analogy", model(), "a", "b", "c", "--strength", "1e300"},
      {"optimize", model(), "--text", "x", "--step-size", "nan"},
      {"eval", model(), "--prior-scale", "nan"},
      {"eval", model(), "--candidates", "2", "--search-radius", "nan"}};
  for (const std::vector<std::string>& command : commands) expect_failure(command, kUsage, command.back());
}

}  // namespace
}  // namespace tvae
