// The verbs that go between texts and codes, on one tiny model trained for two steps.
#include <filesystem>

#include "tests/apps/tiny_model_test.h"
#include "tvae/base/files.h"
#include "tvae/base/strings.h"
#include "tvae/data/reader.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;
using LatentVerbs = TinyModelTest;

TEST_F(LatentVerbs, DecodingWhatEncodeWroteIsReconstruction) {
  const std::string texts = "row 1\nanother row\nrow 2\n";
  const ProgramResult reconstructed = run({"reconstruct", model()}, texts);
  ASSERT_EQ(reconstructed.status, 0) << reconstructed.err;
  EXPECT_EQ(lines_of(reconstructed.out).size(), 3u);
  for (const std::string name : {"z.npy", "z.safetensors", "z.jsonl", "z.tsv"}) {
    const ProgramResult encoded = run({"encode", model(), "-", "--out", path(name)}, texts);
    ASSERT_EQ(encoded.status, 0) << encoded.err;
    EXPECT_EQ(encoded.out, "");
    EXPECT_EQ(run({"decode", model(), path(name)}).out, reconstructed.out) << name;
  }
  const ProgramResult with_blank = run({"reconstruct", model()}, "row 1\n\nrow 2\n");
  EXPECT_EQ(std::count(with_blank.out.begin(), with_blank.out.end(), '\n'), 3) << "a row for each line";
  const ProgramResult piped = run({"encode", model(), put("in.txt", texts)});
  EXPECT_EQ(lines_of(piped.out).size(), 3u);
  EXPECT_EQ(run({"decode", model()}, piped.out).out, reconstructed.out);
  EXPECT_EQ(run({"decode", model(), "-"}, run({"encode", model(), "--json"}, texts).out).out, reconstructed.out);
}

TEST_F(LatentVerbs, ReconstructionInJson) {
  const ProgramResult result =
      run({"reconstruct", model(), "--json", "--column", "b", put("in.csv", "a,b\n1,row é\n2,row\n")});
  ASSERT_EQ(result.status, 0) << result.err;
  const std::vector<Json> rows = json_lines(result.out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["text"], "row é");
  for (const Json& row : rows) {
    EXPECT_EQ(row["exact"].get<bool>(), row["text"] == row["reconstruction"]);
    EXPECT_EQ(row["edit_distance"] == 0, row["exact"].get<bool>());
    EXPECT_FALSE(row["probability"].empty());
    for (const double probability : row["probability"])
      EXPECT_TRUE(probability >= 0 && probability <= 1) << probability;
  }
}

TEST_F(LatentVerbs, RowsAreToldByTheirNumbersAndLabels) {
  const std::string table = put("in.csv", "b,kind\nrow 1,up\nrow 2\nrow 3,down\n"), codes = path("z.npy");
  const std::vector<std::string> columns = {"--column", "b", "--label-column", "kind"};
  const auto with_columns = [&](std::vector<std::string> command) {
    command.insert(command.end(), columns.begin(), columns.end());
    return run(command);
  };
  for (const std::string verb : {"encode", "reconstruct"}) {
    const std::vector<Json> rows = json_lines(with_columns({verb, model(), table, "--json"}).out);
    ASSERT_EQ(rows.size(), 2u) << verb;
    EXPECT_EQ(rows[1]["row"], 2) << verb << ": the second could not be used";
    EXPECT_EQ(rows[1]["label"], "down") << verb;
  }
  const std::vector<Json> near =
      json_lines(with_columns({"neighbors", model(), "row 3", "--corpus", table, "--json"}).out);
  ASSERT_EQ(near.size(), 2u);
  for (const Json& row : near) EXPECT_EQ(row["label"], row["row"] == 2 ? "down" : "up");

  const ProgramResult refused = with_columns({"encode", model(), table, "--out", codes});
  EXPECT_EQ(refused.status, 3);
  EXPECT_NE(refused.err.find("--skip-bad"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(codes));
  EXPECT_EQ(with_columns({"encode", model(), table, "--out", codes, "--skip-bad"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(path("z.rows.npy")));
}

TEST_F(LatentVerbs, TablesOnStdin) {
  for (const std::string table : {"a,b\n1,row 7\n", "a\tb\n1\trow 7\n", "{\"a\": 1, \"b\": \"row 7\"}\n"}) {
    const ProgramResult result = run({"encode", model(), "--json", "--column", "b"}, table);
    ASSERT_EQ(result.status, 0) << result.err;
    ASSERT_EQ(json_lines(result.out).size(), 1u) << table;
    EXPECT_EQ(json_lines(result.out)[0]["text"], "row 7");
  }
  expect_failure({"encode", model(), "--column", "b"}, 3, "stdin: text lines have no columns: got column b", "row 7\n");
  const ProgramResult lines = run({"encode", model()}, "{\"text\": \"row 7\"}\n");
  EXPECT_EQ(lines.status, 0);
  EXPECT_NE(lines.err.find("the first looks like a table's"), std::string::npos) << lines.err;
}

TEST_F(LatentVerbs, ReconstructionSearchesForTheTextOfTheCode) {
  const std::string texts = numbered_lines(20);
  const auto changed_by = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> command = {"reconstruct", model(), "--json"};
    command.insert(command.end(), flags.begin(), flags.end());
    const ProgramResult result = run(command, texts);
    EXPECT_EQ(result.status, 0) << result.err;
    int64_t changed = 0;
    for (const Json& row : json_lines(result.out)) changed += !row.contains("probability");
    return changed;
  };
  EXPECT_EQ(changed_by({}), 0);
  EXPECT_GT(changed_by({"--candidates", "20", "--search-radius", "10"}), 0)
      << "a nearer text than the plain one is kept";
  const ProgramResult evaluated = run({"eval", model(), "--candidates", "4", "--only", "reconstruction", "--json"});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const Json report = Json::parse(evaluated.out)["reconstruction"];
  EXPECT_TRUE(report["searched_exact_match"].is_number());
  EXPECT_EQ(report["searched_exact_match_95"].size(), 2u);
}

TEST_F(LatentVerbs, LongTextsAreCutAndCounted) {
  const ProgramResult result = run({"reconstruct", model()}, std::string(100, 'x') + "\nrow\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(lines_of(result.out).size(), 2u);
  EXPECT_NE(result.err.find("cut at the model's 24 tokens: 1 of 2 texts"), std::string::npos) << result.err;
}

TEST_F(LatentVerbs, PathsStartAndEndAtTheReconstructions) {
  const std::vector<std::string> ends = lines_of(run({"reconstruct", model()}, "row 1\nsomething\n").out);
  ASSERT_EQ(ends.size(), 2u);
  for (const std::string path : {"slerp", "lerp", "token-slerp"}) {
    const ProgramResult result =
        run({"interpolate", model(), "--from", "row 1", "--to", "something", "--steps", "5", "--path", path, "--json"});
    const std::vector<Json> points = json_lines(result.out);
    ASSERT_EQ(points.size(), 5u) << result.err;
    EXPECT_EQ(points[0]["text"], ends[0]);
    EXPECT_EQ(points[4]["text"], ends[1]);
    EXPECT_EQ(points[1]["ratio"], 0.25);
  }
  const std::string pairs = put("pairs.tsv", "row 1\tsomething\nsomething\trow 1\n");
  EXPECT_EQ(lines_of(run({"interpolate", model(), "--pairs", pairs}).out).size(), 22u);
  const std::string table = put("pairs.csv", "id,b,a\n1,row 1,something\n");
  EXPECT_EQ(run({"interpolate", model(), "--pairs", table, "--column", "a", "--column", "b", "--steps", "2"}).out,
            run({"interpolate", model(), "--from", "something", "--to", "row 1", "--steps", "2"}).out);
  expect_failure({"interpolate", model(), "--pairs", table, "--column", "a"}, 2, "--column: got 1 name, expected two");
  const std::vector<Json> points =
      json_lines(run({"interpolate", model(), "--pairs", pairs, "--steps", "2", "--json"}).out);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[2]["pair"], 1);
  EXPECT_EQ(points[2]["text"], ends[1]);
}

TEST_F(LatentVerbs, SamplesAreSeededAndUseTheFittedPriorOnceThereIsOne) {
  expect_failure({"sample", model(), "--prior", "fitted"}, 3, "tvae prior fit");
  const ProgramResult normal = run({"sample", model(), "-n", "7"});
  EXPECT_EQ(lines_of(normal.out).size(), 7u) << normal.err;
  EXPECT_NE(normal.err.find("no fitted prior"), std::string::npos) << normal.err;
  EXPECT_EQ(run({"sample", model(), "-n", "7", "--prior", "normal"}).out, normal.out);
  EXPECT_EQ(lines_of(run({"sample", model()}).out).size(), 20u);

  const ProgramResult fitted = run({"prior", "fit", model(), "--kind", "gmm", "--components", "2", "--json"});
  ASSERT_EQ(fitted.status, 0) << fitted.err;
  EXPECT_EQ(Json::parse(fitted.out)["components"], 2);
  const ProgramResult sampled =
      run({"sample", model(), "-n", "5", "--prior", "fitted", "--json", "--temperature", "2", "--seed", "3"});
  ASSERT_EQ(json_lines(sampled.out).size(), 5u) << sampled.err;
  EXPECT_EQ(run({"sample", model(), "-n", "5", "--json", "--temperature", "2", "--seed", "3"}).out, sampled.out);
  EXPECT_NE(run({"sample", model(), "-n", "5", "--json", "--temperature", "2", "--seed", "4"}).out, sampled.out);
  std::filesystem::remove_all(model() + "/latent");
}

TEST_F(LatentVerbs, SamplesNearATextAtRadiusZeroAreItsReconstruction) {
  const std::string reconstructed = run({"reconstruct", model()}, "row 5\n").out;
  EXPECT_EQ(run({"sample", model(), "-n", "2", "--near", "row 5", "--radius", "0"}).out, reconstructed + reconstructed);
}

TEST_F(LatentVerbs, EvaluationPrintsATableAndWritesAReport) {
  const ProgramResult table = run({"eval", model(), "--samples", "20"});
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_NE(table.out.find("exact_match"), std::string::npos) << table.out;
  const Json report = Json::parse(get(model() + "/eval/report.json"));
  for (const char* section : {"reconstruction", "interpolation", "prior", "shape"})
    EXPECT_TRUE(report.contains(section)) << section;
  EXPECT_TRUE(report["prior"]["normal"].contains("novel"));
  EXPECT_NE(table.err.find("eval/report.json and " + model() + "/eval/report.html"), std::string::npos) << table.err;
  const std::string page = get(model() + "/eval/report.html");
  for (const char* part : {"id=\"training\"", "id=\"reconstruction\"", "id=\"shape\"", "valid.txt",
                           "\"valid_cross_entropy\":[[", "</html>"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  const ProgramResult one = run({"eval", model(), "--data", put("own.txt", numbered_lines(10)), "--only",
                                 "reconstruction", "--json", "--out", path("r.json")});
  EXPECT_EQ(Json::parse(one.out), Json::parse(get(path("r.json")))) << one.err;
  EXPECT_EQ(Json::parse(one.out)["reconstruction"]["n"], 10);
  EXPECT_NE(get(path("r.html")).find("own.txt"), std::string::npos);
}

TEST_F(LatentVerbs, TheCardHoldsScoresOnTheTextsThatItsOwnRunHeldOutOnly) {
  const std::string train = put("train.txt", numbered_lines(40)), valid = put("valid.txt", numbered_lines(20)),
                    others = put("others.txt", numbered_lines(10)), a = path("a"), b = path("b");
  ASSERT_EQ(run(train_command(train, valid, a)).status, 0);
  ASSERT_EQ(run(train_command(train, others, b)).status, 0);
  const auto has_scores = [&](const std::string& model) {
    return get(model + "/README.md").find("exact_match") != std::string::npos;
  };
  const ProgramResult fewer_draws = run({"eval", a, "--importance-samples", "1"});
  ASSERT_EQ(fewer_draws.status, 0) << fewer_draws.err;
  EXPECT_FALSE(has_scores(a)) << "draws for the perplexity are part of the protocol";
  put("a/README.md", "# Mine\n" + get(a + "/README.md") + "Also mine.\n");
  const ProgramResult both = run({"eval", a, b});
  ASSERT_EQ(both.status, 0) << both.err;
  EXPECT_TRUE(has_scores(a));
  EXPECT_EQ(get(a + "/README.md").find("# Mine\n"), 0u);
  EXPECT_TRUE(get(a + "/README.md").ends_with("Also mine.\n"));
  EXPECT_FALSE(has_scores(b)) << "measured on the lines of the other";
  EXPECT_NE(both.err.find(b + " is measured on " + valid + ", which its training may have seen"), std::string::npos);

  const std::string card = get(a + "/README.md");
  put("valid.txt", numbered_lines(21));
  put("train.txt", numbered_lines(41));
  const ProgramResult changed = run({"eval", a});
  ASSERT_EQ(changed.status, 0) << changed.err;
  EXPECT_EQ(get(a + "/README.md"), card);
  EXPECT_NE(changed.err.find("holds other sequences than its run held out"), std::string::npos) << changed.err;
  EXPECT_NE(changed.err.find("is of the whole protocol and will be replaced"), std::string::npos) << changed.err;
  const Json report = Json::parse(get(a + "/eval/report.json"));
  EXPECT_FALSE(report["prior"]["normal"].contains("novel")) << "of which file?";
  EXPECT_NE(report["skipped"]["prior.novel"].get<std::string>().find("other sequences"), std::string::npos);

  put("valid.txt", numbered_lines(20));
  put("train.txt", numbered_lines(40));
  put("a/README.md", "Mine alone.\n");
  const ProgramResult left_alone = run({"eval", a});
  EXPECT_EQ(get(a + "/README.md"), "Mine alone.\n");
  EXPECT_NE(left_alone.err.find("README.md lacks the marks"), std::string::npos) << left_alone.err;
  const ProgramResult rounded = run({"quantize", a, "--out", path("small")});
  EXPECT_NE(rounded.err.find("so the rounded model gets a new card"), std::string::npos) << rounded.err;
  EXPECT_NE(get(path("small/README.md")).find("rounded to int8"), std::string::npos);
  fs::remove(a + "/README.md");
  ASSERT_EQ(run({"eval", a}).status, 0);
  EXPECT_TRUE(has_scores(a)) << "a new card";
  ASSERT_EQ(run({"quantize", a, "--out", path("small"), "--overwrite"}).status, 0);
  EXPECT_FALSE(has_scores(path("small"))) << "they were those of other weights";

  const ProgramResult seen = run({"eval", b, "--data", put("train.txt", numbered_lines(40)), "--only", "shape"});
  EXPECT_NE(seen.err.find("which it was trained on"), std::string::npos) << seen.err;
}

TEST_F(LatentVerbs, EvaluationFindsMistakesBeforeItMeasures) {
  const auto fails = [&](std::vector<std::string> flags, int status, const std::string& message) {
    flags.insert(flags.begin(), {"eval", model(), "--samples", "5"});
    const ProgramResult result = run(flags);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("measuring"), std::string::npos) << result.err;
  };
  fails({"--out", "/proc/nowhere/r.json"}, 3, "/proc/nowhere");
  fails({"--out", path("")}, 3, "directory");
  fails({"--only", "shape,probe"}, 2, "a probe needs labels");
  fails({model()}, 2, "twice");
}

TEST_F(LatentVerbs, TheReportGoesWhereItIsAskedFor) {
  const std::vector<std::string> command = {"eval", model(), "--samples", "5", "--only", "reconstruction", "--out"};
  const auto with = [&](const std::string& out) {
    std::vector<std::string> all = command;
    all.push_back(out);
    return run(all);
  };
  const ProgramResult piped = with("-");
  EXPECT_EQ(Json::parse(piped.out)["reconstruction"]["n"], 5) << piped.err;
  EXPECT_EQ(piped.err.find("written to"), std::string::npos) << piped.err;
  ASSERT_EQ(with(path("page.html")).status, 0);
  EXPECT_EQ(Json::parse(get(path("page.json")))["samples"], 5);
  EXPECT_NE(get(path("page.html")).find("</html>"), std::string::npos);
}

/// Label, tab, text; the text tells the label.
std::string labelled_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i)
    lines += (i % 2 ? "ODD\tsecond row " : "EVEN\tfirst row ") + std::to_string(i * 37 % 101) + "\n";
  return lines;
}

TEST_F(LatentVerbs, EvaluationProbesLabelsOfTheDataItIsGiven) {
  const std::string data = put("labelled.tsv", labelled_lines(40));
  const ProgramResult result = run({"eval", model(), "--data", data, "--column", "2", "--label-column", "1", "--only",
                                    "probe", "--out", path("r.json")});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("tfidf.svm"), std::string::npos) << result.out;
  const Json probe = Json::parse(get(path("r.json")))["probe"];
  EXPECT_EQ(probe["train_rows"], 28) << "the model's training file has no labels, so the data is split";
  EXPECT_EQ(probe["tfidf"]["logistic"]["all"]["mean"], 1.0);
}

TEST_F(LatentVerbs, EvaluationProbesLabelsThatTheTrainingFileLacks) {
  std::string train = "text\n", valid = "text,label\n";
  for (int i = 0; i < 30; ++i) {
    train += "line " + std::to_string(i) + "\n";
    valid += "line " + std::to_string(i) + (i % 2 == 0 ? " a,A\n" : " b,B\n");
  }
  const std::string out = path("model_of_tables");
  ASSERT_EQ(run(train_command(put("train.csv", train), put("valid.csv", valid), out)).status, 0);
  const ProgramResult result = run({"eval", out, "--label-column", "label", "--only", "probe"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("its labels are not used"), std::string::npos) << result.err;
  EXPECT_EQ(Json::parse(get(out + "/eval/report.json"))["probe"]["train_rows"], 21);
}

TEST_F(LatentVerbs, EvaluationProbesLabelsOfTheRunsOwnFiles) {
  const std::string train = put("train.tsv", labelled_lines(50)), out = path("labelled_model");
  std::vector<std::string> command = train_command(train, put("valid.tsv", labelled_lines(20)), out);
  command.insert(command.end(), {"--column", "2"});
  ASSERT_EQ(run(command).status, 0);
  const auto probe = [&] { return Json::parse(get(out + "/eval/report.json"))["probe"]; };
  ASSERT_EQ(run({"eval", out, "--label-column", "1", "--only", "probe"}).status, 0);
  EXPECT_EQ(probe()["trained_on"], train) << "flags without --data are about the run's files";
  command.insert(command.end(), {"--label-column", "1", "--overwrite"});
  ASSERT_EQ(run(command).status, 0);
  ASSERT_EQ(run({"eval", out, "--only", "probe"}).status, 0);
  EXPECT_EQ(probe()["trained_on"], train);
  EXPECT_EQ(probe()["train_rows"], 50);
  EXPECT_EQ(probe()["n"], 20);
}

TEST_F(LatentVerbs, MistakesAreOneClearLine) {
  expect_failure({"encode", model(), "-"}, 3, "stdin");
  expect_failure({"encode", model(), "--out", path("z.txt")}, 2, "z.txt", "row\n");
  expect_failure({"decode", model()}, 3, "got 3 numbers, expected 2 × 4", "1\t2\t3\n");
  expect_failure({"decode", model()}, 3, "not finite", "1\t2\t3\t4\t5\t6\t7\tnan\n");
  expect_failure({"decode", model()}, 3, "the decoder gives numbers that are not finite",
                 "3e38\t-3e38\t3e38\t-3e38\t3e38\t-3e38\t3e38\t-3e38\n");
  expect_failure({"decode", path("nowhere")}, 3, "nowhere");
  expect_failure({"interpolate", model(), "--from", "a", "--to", "b", "--path", "slurp"}, 2, "did you mean slerp?");
  expect_failure({"interpolate", model(), "--from", "a"}, 2, "--to");
  EXPECT_EQ(run({"interpolate", model(), "--from", "a", "--to", "", "--steps", "2"}).status, 0);  // a text too
  expect_failure({"interpolate", model(), "--pairs", put("p.tsv", "a\tb\nc\n")}, 3, "line 2");
  expect_failure({"interpolate", model(), "--pairs", put("p.txt", "row 1, row 2\nrow 3, row 4\n")}, 3,
                 "lines of text have no columns");
  expect_failure({"interpolate", model(), "--pairs", put("p.csv", "id,a,b,c\n1,row 1,row 2,row 3\n")}, 3,
                 "--column twice names them");
  expect_failure({"sample", model(), "--prior", "odd"}, 2, "--prior: got \"odd\", expected one of fitted, normal");
  expect_failure({"prior", "fit", model(), "--kind", "gausian"}, 2, "did you mean gaussian?");
  expect_failure({"prior", "fit", model(), "--data", put("few.txt", "a\nb\n")}, 3, "too few codes");
  expect_failure({"eval", model(), "--only", "shap"}, 2, "did you mean shape?");
  expect_failure({"eval", model(), "--data", path("none.txt")}, 3, "none.txt");
}

// One rule for all verbs: what is not a whole model is replaced, and a line says so.
TEST_F(LatentVerbs, WhatIsReplacedIsSaid) {
  fs::copy(model(), path("m"), fs::copy_options::recursive);
  fs::remove_all(path("m/latent"));
  const std::string m = path("m"), texts = put("texts.txt", numbered_lines(30));
  const auto twice = [&](const std::vector<std::string>& command, const std::string& line) {
    const ProgramResult first = run(command);
    EXPECT_EQ(first.status, 0) << first.err;
    EXPECT_EQ(first.err.find("replaced"), std::string::npos) << first.err;
    const ProgramResult second = run(command);
    EXPECT_EQ(second.status, 0) << second.err;
    const std::vector<std::string> lines = lines_of(second.err);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), line), 1) << second.err;
    std::vector<std::string> quiet = command;
    quiet.emplace_back("--quiet");
    EXPECT_EQ(run(quiet).err, "");
  };
  twice({"prior", "fit", m, "--data", texts}, "replaced the former prior of " + m + " (gaussian)");
  twice({"encode", m, texts, "--out", path("z.npy")}, "replaced the former " + path("z.npy"));
  twice({"data", "demo", "--out", path("d"), "--lines", "40"}, "replaced the former " + path("d/train.txt"));
  twice({"tokenizer", "train", "--kind", "byte", "--out", path("t"), texts},
        "replaced the former tokenizer in " + path("t"));
  twice({"eval", m, "--samples", "5", "--only", "shape", "--data", texts, "--out", path("r.json")},
        path("r.json") + " will be replaced by what is measured now");
  for (const char* own : {"latent/prior.safetensors", "latent/z.npy", "logs/z.npy", "model.safetensors"})
    expect_failure({"encode", m, texts, "--out", m + "/" + own}, 2, "another one than the model's own");
  const std::string prior = run({"sample", m, "-n", "2"}).out;
  EXPECT_FALSE(prior.empty()) << "the prior is still there";
  ASSERT_EQ(run({"quantize", m, "--out", path("q")}).status, 0);
  expect_failure({"quantize", m, "--out", path("q")}, 2, "(--overwrite replaces it)");
  const ProgramResult again = run({"quantize", m, "--out", path("q"), "--overwrite"});
  EXPECT_EQ(again.err, "replaced the former model in " + path("q") + "\n");
}

TEST_F(LatentVerbs, NoVerbWritesOverWhatItReadsOrIntoAModel) {
  fs::copy(model(), path("m"), fs::copy_options::recursive);
  const std::string m = path("m"), texts = put("texts.jsonl", "{\"text\": \"row 1\"}\n");
  fs::create_directory(path("d"));
  put("d/train.txt", "CCO\nC\nCC\n");
  const std::string config = get(m + "/config.json"), tokenizer = get(m + "/tokenizer_config.json");
  expect_failure({"encode", m, texts, "--out", texts}, 2, "another one than the file that is read");
  expect_failure({"encode", m, put("a.txt", "a\n"), "--out", m + "/model.safetensors"}, 2, "than the model's own");
  expect_failure({"eval", m, "--data", texts, "--out", path("texts.jsonl")}, 2, "another file than the texts");
  expect_failure({"eval", m, "--data", texts, "--out", m + "/config.json"}, 2, "than the model's own");
  expect_failure({"data", "smiles", path("d/train.txt"), "--out", path("d")}, 2,
                 "another one than the file that is read");
  expect_failure({"data", "python-lines", put("x.py", "x = 1\n"), "--out", path("l"), "--valid", path("l")}, 2,
                 "two files");
  expect_failure({"tokenizer", "train", "--kind", "byte", "--out", m, texts}, 2, "which holds a model");
  EXPECT_EQ(get(texts), "{\"text\": \"row 1\"}\n");
  EXPECT_EQ(get(path("d/train.txt")), "CCO\nC\nCC\n");
  EXPECT_EQ(get(m + "/config.json"), config);
  EXPECT_EQ(get(m + "/tokenizer_config.json"), tokenizer);
}

TEST_F(LatentVerbs, RoundingWhatIsRoundedIsTold) {
  const auto warning = [&](const std::string& from, const std::string& to, const std::string& kind) {
    const ProgramResult result = run({"quantize", path(from), "--out", path(to), "--weights", kind});
    EXPECT_EQ(result.status, 0) << result.err;
    return result.err;
  };
  fs::copy(model(), path("m"), fs::copy_options::recursive);
  EXPECT_EQ(warning("m", "int8", "int8"), "");
  EXPECT_EQ(warning("m", "fp16", "fp16"), "");
  EXPECT_EQ(warning("fp16", "half_and_eighth", "int8"), "") << "that is smaller";
  EXPECT_EQ(warning("int8", "twice", "int8"), "warning: " + path("int8") +
                                                  " has int8 weights already: as int8 they become neither smaller nor "
                                                  "better (round the model that was trained)\n");
  EXPECT_NE(warning("int8", "larger", "fp16").find("has int8 weights already"), std::string::npos);
  EXPECT_NE(warning("fp16", "same", "fp16").find("has fp16 weights already"), std::string::npos);
}

TEST_F(LatentVerbs, EveryVerbTakesAQuantizedModel) {
  const std::string texts = "row 1\nanother row\nrow 2\n";
  for (const std::string kind : {"int8", "fp16"}) {
    const std::string small = path(kind);
    const ProgramResult result = run({"quantize", model(), "--out", small, "--weights", kind, "--json"});
    ASSERT_EQ(result.status, 0) << result.err;
    const Json facts = Json::parse(result.out);
    EXPECT_LT(facts["bytes"].get<double>(), facts["bytes_before"].get<double>() * (kind == "int8" ? 0.5 : 0.6));
    EXPECT_NE(read_file(small + "/README.md").find("rounded to " + kind), std::string::npos);
    EXPECT_EQ(lines_of(run({"reconstruct", small}, texts).out).size(), 3u);
    EXPECT_EQ(lines_of(run({"encode", small}, texts).out).size(), 3u);
    const ProgramResult fitted = run({"prior", "fit", small});
    ASSERT_EQ(fitted.status, 0) << fitted.err;
    EXPECT_EQ(run({"sample", small, "--prior", "fitted", "-n", "2"}).status, 0);
    EXPECT_EQ(run({"interpolate", small, "--from", "row 1", "--to", "row 2"}).status, 0);
    const ProgramResult evaluated = run({"eval", small, "--samples", "5", "--only", "reconstruction"});
    EXPECT_EQ(evaluated.status, 0) << evaluated.err;
    const auto scored = [&small] { return read_file(small + "/README.md").find("exact_match") != std::string::npos; };
    EXPECT_FALSE(scored()) << "a part of the protocol is not for the card";
    if (kind == "int8") {
      EXPECT_EQ(run({"eval", small}).status, 0);
      EXPECT_TRUE(scored());
    }
    const ProgramResult trained = run({"train", "--from", small, "--resume", "--out", path("on-" + kind), "--set",
                                       "train.steps=1", "--train", put("more.txt", texts)});
    EXPECT_EQ(trained.status, 0) << trained.err;
    const std::string past = "- started from: " + kind + "\n  - training data: ";
    EXPECT_NE(read_file(path("on-" + kind) + "/README.md").find(past), std::string::npos);
    fs::rename(small, path("moved"));
    EXPECT_EQ(run({"train", "--resume", "--out", path("on-" + kind)}).status, 0);
    EXPECT_NE(read_file(path("on-" + kind) + "/README.md").find(past), std::string::npos) << "kept with the run";
    fs::rename(path("moved"), small);
    ASSERT_EQ(run({"quantize", small, "--out", path("again-" + kind)}).status, 0);
    const std::string card = read_file(path("again-" + kind) + "/README.md"), note = "rounded to int8";
    EXPECT_EQ(card.find(note), card.rfind(note)) << card;
    EXPECT_NE(card.find(note), std::string::npos) << card;
    EXPECT_NE(card.find("rounded to " + kind), std::string::npos) << card;
    expect_failure({"quantize", model(), "--out", small}, 2, "already holds a model (--overwrite replaces it)");
    expect_failure({"train", "--resume", "--out", small}, 2, "rounded model");
    expect_failure({"train", "--out", small, "--train", put("more.txt", texts)}, 2,
                   "already holds a model (--overwrite replaces it)");
  }
  expect_failure({"quantize", model(), "--out", model(), "--overwrite"}, 2, "another folder");
  expect_failure({"quantize", model(), "--out", path("int4"), "--weights", "int4"}, 2, "int4");
}

TEST_F(LatentVerbs, ConstrainedOutputsKeepBracketsInOrder) {
  const std::string python = path("python");
  fs::copy(model(), python, fs::copy_options::recursive);
  fs::remove_all(python + "/eval");  // a report of another test would be kept
  std::string config = read_file(python + "/config.json");
  const std::string none = "\"check\": \"none\"";
  ASSERT_NE(config.find(none), std::string::npos);
  put("python/config.json", config.replace(config.find(none), none.size(), "\"check\": \"python\""));
  const auto whole = [](const std::string& line) {
    const auto syntax = make_bracket_syntax("python");
    return syntax->append(unescape_line(line)) && syntax->missing() == 0;
  };
  const auto sampled = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {"sample", python, "-n", "200", "--prior", "normal", "--escapes", "--temperature", "3"});
    const ProgramResult result = run(flags);
    EXPECT_EQ(result.status, 0) << result.err;
    int64_t kept = 0;
    for (const std::string& line : lines_of(result.out)) kept += whole(line);
    return kept;
  };
  EXPECT_LT(sampled({}), 200);
  EXPECT_EQ(sampled({"--constrain"}), 200);
  ASSERT_EQ(run({"encode", python, put("texts", "row 1\n"), "--out", path("codes.npy")}).status, 0);
  ASSERT_EQ(run({"direction", python, "fit", "--name", "d", "--positive", put("p", numbered_lines(10)), "--negative",
                 put("n", "a\nb\nc\nd\ne\n")})
                .status,
            0);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"decode", python, path("codes.npy")},
                                             {"direction", python, "apply", "--name", "d", "--text", "row 1"},
                                             {"optimize", python, "--text", "row 1", "--direction", "d"},
                                             {"interpolate", python, "--from", "row 1", "--to", "row 2"},
                                             {"reconstruct", python, put("texts", "row 1\n")},
                                             {"analogy", python, "row 1", "row 2", "row 3"},
                                             {"eval", python, "--samples", "5", "--only", "reconstruction"}}) {
    std::vector<std::string> constrained = command;
    constrained.push_back("--constrain");
    const ProgramResult result = run(constrained);
    EXPECT_EQ(result.status, 0) << command[0] << result.err;
    if (command[0] == "eval") continue;
    for (const std::string& line : lines_of(result.out)) EXPECT_TRUE(whole(line)) << command[0] << ": " << line;
  }
  EXPECT_TRUE(Json::parse(read_file(python + "/eval/report.json"))["constrained"]);
  expect_failure({"sample", model(), "--constrain"}, 2, "data.check none");
}

}  // namespace
}  // namespace tvae
