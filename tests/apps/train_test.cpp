// tvae train as a user runs it: what it writes, what it refuses, and runs that are interrupted.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/apps/program.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

std::string code_lines(int count, int from) {
  std::string lines;
  for (int i = from; i < from + count; ++i)
    lines += std::string(1, static_cast<char>('a' + i % 26)) + " = " + std::to_string(i * 37 % 101) + "\n";
  return lines;
}

/// Logged lines without what depends on the clock.
std::vector<Json> metrics_of(const std::string& run) {
  std::vector<Json> lines;
  std::ifstream file(run + "/logs/metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    lines.push_back(Json::parse(line));
    for (const char* timing : {"seconds", "tokens_per_second"}) lines.back().erase(timing);
  }
  return lines;
}

int64_t count_lines(const std::string& path) {
  std::ifstream file(path);
  return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
}

bool is_unfinished(const fs::path& path) {
  return path.filename().string().find(".tmp.") != std::string::npos;
}

bool is_saving(const std::string& run) {
  std::error_code ignored;  // folders come and go
  for (const std::string& folder : {run, run + "/checkpoint"})
    for (auto entry = fs::directory_iterator(folder, ignored); entry != fs::directory_iterator();
         entry.increment(ignored))
      if (is_unfinished(entry->path())) return true;
  return false;
}

class Train : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    put("train.txt", code_lines(60, 0));
    put("valid.txt", code_lines(20, 60));
  }

  /// The demo preset, tiny.
  std::vector<std::string> command(const std::string& out, const std::vector<std::string>& settings,
                                   const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = {"train",           "demo",  "--train", path("train.txt"), "--valid",
                                          path("valid.txt"), "--out", path(out), "--device",        "cpu",
                                          "--threads",       "1"};
    std::vector<std::string> all = {
        "data.tokenizer_kind=byte", "data.max_tokens=12",  "data.cache_dir=" + path("cache"),
        "model.d_model=16",         "model.d_kv=8",        "model.d_ff=24",
        "model.num_heads=2",        "model.dropout=0.1",   "model.latent_tokens=2",
        "model.latent_size=4",      "train.batch_size=16", "train.warmup_steps=4",
        "train.log_steps=1",        "train.eval_steps=6",  "train.save_steps=5"};
    all.insert(all.end(), settings.begin(), settings.end());
    for (const std::string& setting : all) arguments.insert(arguments.end(), {"--set", setting});
    return with_arguments(arguments, flags);
  }

  void expect_same_run(const std::string& a, const std::string& b) const {
    EXPECT_EQ(metrics_of(path(a)), metrics_of(path(b)));
    EXPECT_TRUE(get(path(a) + "/model.safetensors") == get(path(b) + "/model.safetensors")) << b;
    EXPECT_EQ(get(path(a) + "/config.json"), get(path(b) + "/config.json"));
    for (const auto& entry : fs::recursive_directory_iterator(path(b)))
      EXPECT_FALSE(is_unfinished(entry.path())) << entry.path();
  }
};

// GPT-2's has one id for pad, end and start. The model's folder holds the tokenizer in its own layout.
TEST_F(Train, TakesTokenizersOfHuggingFace) {
  const std::vector<std::pair<std::string, std::string>> kinds = {{"gpt2", "merges.txt"}, {"bert_cased", "vocab.txt"}};
  for (const auto& [kind, file] : kinds) {
    const ProgramResult result =
        run(command(kind, {"train.steps=3", "data.tokenizer=" TVAE_TEST_DATA "/tokenizer_" + kind}));
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(fs::is_regular_file(path(kind) + "/" + file));
    const Json config = Json::parse(get(path(kind) + "/config.json"));
    EXPECT_EQ(config["decoder_start_token_id"], config["pad_token_id"]);
    EXPECT_EQ(config["pad_token_id"] == config["eos_token_id"], kind == "gpt2");
    const ProgramResult texts = run({"reconstruct", path(kind)}, "a = 1\n");
    EXPECT_EQ(texts.status, 0) << texts.err;
    ASSERT_EQ(run({"train", "--resume", "--out", path(kind), "--set", "train.steps=4"}).status, 0);
  }
}

TEST_F(Train, WritesAModelDirectoryTheSameTwiceAndKeepsIt) {
  const ProgramResult first = run(command("a", {"train.steps=12"}));
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, path("a") + "\n");
  for (const char* name : {"config.json", "model.safetensors", "tokenizer_config.json", "run.json", "README.md",
                           "checkpoint/state.safetensors", "logs/metrics.jsonl"})
    EXPECT_TRUE(fs::is_regular_file(path("a") + "/" + name)) << name;
  EXPECT_EQ(Json::parse(get(path("a") + "/config.json"))["model_type"], "transformer_vae");

  std::ifstream file(path("a") + "/logs/metrics.jsonl");
  int64_t training = 0, held_out = 0;
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    held_out += json.contains("valid_cross_entropy");
    if (!json.contains("loss")) continue;
    EXPECT_EQ(json["step"], ++training);
    for (const char* key :
         {"step", "loss", "cross_entropy", "regularizer", "learning_rate", "tokens_per_second", "seconds"})
      EXPECT_TRUE(json.contains(key) && json[key].is_number()) << key << " in " << line;
  }
  EXPECT_EQ(training, 12);
  EXPECT_EQ(held_out, 2);

  const ProgramResult second = run(command("b", {"train.steps=12"}, {"--json"}));
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_EQ(Json::parse(second.out), (Json{{"out", path("b")}, {"steps", 12}}));
  expect_same_run("a", "b");

  // Neither refused commands nor the resumption of a finished run change it.
  const std::string weights = get(path("a") + "/model.safetensors"), log = get(path("a") + "/logs/metrics.jsonl");
  const ProgramResult again = run(command("a", {"train.steps=12"}));
  EXPECT_EQ(again.status, 2);
  EXPECT_EQ(again.err,
            "tvae: " + path("a") + " already holds a run (--resume continues it, --overwrite starts afresh)\n");
  const ProgramResult other =
      run(command("a", {"train.steps=12", "train.learning_rate=0.5", "model.d_ff=32"}, {"--resume"}));
  EXPECT_EQ(other.status, 2);
  EXPECT_EQ(other.err,
            "tvae: a run goes on with the settings that it began with: got model.d_ff=32, train.learning_rate=0.5, "
            "expected model.d_ff=24, train.learning_rate=0.07 (without them --resume goes on; --from with another "
            "--out starts a new run from its model)\n");
  const ProgramResult both = run(command("a", {}, {"--resume", "--overwrite"}));
  EXPECT_EQ(both.status, 2);
  const ProgramResult missing = run({"train", "demo", "--train", path("none.txt"), "--out", path("a"), "--overwrite"});
  EXPECT_EQ(missing.status, 3) << missing.err;
  const ProgramResult finished = run({"train", "--resume", "--out", path("a"), "--set", "train.save_steps=3"});
  EXPECT_EQ(finished.status, 0) << finished.err;
  EXPECT_EQ(finished.out, path("a") + "\n");
  EXPECT_EQ(
      finished.err,
      path("a") + " is finished at step 12 of 12; --resume --minutes N, or --set train.steps=N, trains it further\n");
  EXPECT_TRUE(get(path("a") + "/model.safetensors") == weights);
  EXPECT_EQ(get(path("a") + "/logs/metrics.jsonl"), log);

  const ProgramResult fresh = run(command("a", {"train.steps=2", "train.seed=7"}, {"--overwrite"}));
  EXPECT_EQ(fresh.status, 0) << fresh.err;
  EXPECT_FALSE(get(path("a") + "/model.safetensors") == weights);
  EXPECT_EQ(metrics_of(path("a")).size(), 3u);
}

TEST_F(Train, StartsFromAModelAndResumesWithoutBeingTold) {
  ASSERT_EQ(run(command("start", {"train.steps=2"})).status, 0);
  const std::vector<std::string> from = {"--from", path("start")};
  ASSERT_EQ(run(command("whole", {"train.steps=4"}, from)).status, 0);
  EXPECT_EQ(Json::parse(get(path("whole") + "/config.json"))["d_ff"], 24);
  EXPECT_EQ(Json::parse(get(path("whole") + "/run.json"))["from"], path("start"));
  const ProgramResult resumed = run({"train", "--resume", "--out", path("whole")});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(Json::parse(get(path("whole") + "/run.json"))["from"], path("start"));

  const ProgramResult other_shape = run(command("other", {"model.d_ff=40"}, from));
  EXPECT_EQ(other_shape.status, 2);
  EXPECT_NE(other_shape.err.find("model.d_ff: got 40, expected 24"), std::string::npos) << other_shape.err;
  const ProgramResult with_head = run(command("head", {"train.steps=2", "loss.bag_of_words.weight=0.5"}, from));
  EXPECT_EQ(with_head.status, 0) << with_head.err;

  const ProgramResult onto_itself = run(command("start", {"train.steps=2"}, {"--from", path("start"), "--overwrite"}));
  EXPECT_EQ(onto_itself.status, 2);
  EXPECT_TRUE(fs::exists(path("start") + "/model.safetensors"));

  fs::rename(path("start"), path("elsewhere"));  // once there is a checkpoint the start is needed no more
  const ProgramResult without_start = run({"train", "--resume", "--out", path("whole")});
  EXPECT_EQ(without_start.status, 0) << without_start.err;
}

TEST_F(Train, ReadsColumnsOfATable) {
  put("table.csv", "kind,line\na,x = 1\nb,y = 2\na,z = 3\n");
  const std::vector<std::string> columns = {"--train", path("table.csv"), "--column", "line", "--label-column", "kind"};
  const ProgramResult lines = run(command("table", {"train.steps=1"}, columns));
  EXPECT_EQ(lines.status, 3);
  EXPECT_NE(lines.err.find("valid.txt: text lines have no columns"), std::string::npos) << lines.err;
  std::vector<std::string> tables = columns;
  tables.insert(tables.end(), {"--valid", path("table.csv"), "--set", "train.preview.probe=false"});
  const ProgramResult result = run(command("table", {"train.steps=1"}, tables));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Json::parse(get(path("table") + "/run.json"))["data"]["train"]["sequences"], 3);
}

/// A table as pandas writes it, whose texts are in the column "recipe".
std::string table_of_recipes() {
  std::string rows = ",recipe,kind\n";
  for (int i = 0; i < 60; ++i)
    rows += std::to_string(i) + ",mix " + std::to_string(i * 37 % 101) + "," + (i % 2 ? "a" : "b") + "\n";
  return rows;
}

TEST_F(Train, APresetTakesTheColumnOfTexts) {
  const std::string table = put("table.csv", table_of_recipes());
  const auto with_valid = [&](const std::string& valid) {
    return run(command("r", {"train.steps=1"}, {"--train", table, "--valid", valid, "--overwrite"}));
  };
  const auto held_out = [&] {
    return Json::parse(get(path("r") + "/run.json"))["data"]["valid"]["sequences"].get<int64_t>();
  };
  const ProgramResult trained = with_valid(table);
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_NE(trained.err.find("table.csv: column recipe (the longest texts that differ) of , recipe, kind"),
            std::string::npos)
      << trained.err;
  const Json record = Json::parse(get(path("r") + "/run.json"));
  EXPECT_EQ(record["config"]["data"]["column"], "recipe");
  EXPECT_EQ(record["data"]["train"]["sequences"], 60);
  EXPECT_EQ(held_out(), 60) << "the header is no row";
  ASSERT_EQ(with_valid(put("v.jsonl", "{\"recipe\": \"mix 1\"}\n{\"recipe\": \"mix 2\"}\n")).status, 0);
  EXPECT_EQ(held_out(), 2);
  ASSERT_EQ(with_valid(put("v.txt", "id,recipe\n1,mix 1\n")).status, 0);
  EXPECT_EQ(held_out(), 1);
  const ProgramResult lines = with_valid(path("valid.txt"));
  EXPECT_EQ(lines.status, 3);
  EXPECT_NE(lines.err.find("valid.txt: text lines have no columns: got column recipe"), std::string::npos) << lines.err;
  EXPECT_EQ(with_valid(put("v.csv", "id,body\n1,mix 1\n")).status, 3);
}

TEST_F(Train, WhatARunKnowsOfColumnsIsNotAskedOfLines) {
  const std::string table = put("table.csv", table_of_recipes());
  ASSERT_EQ(run(command("m", {"train.steps=1"}, {"--train", table, "--valid", table})).status, 0);
  const ProgramResult from = run({"train", "--from", path("m"), "--train", path("train.txt"), "--valid",
                                  path("valid.txt"), "--out", path("n"), "--device", "cpu"});
  ASSERT_EQ(from.status, 0) << from.err;
  EXPECT_NE(from.err.find("train.txt holds lines of text: the column recipe of the model's run is not asked for"),
            std::string::npos)
      << from.err;
  EXPECT_EQ(Json::parse(get(path("n") + "/run.json"))["config"]["data"]["column"], "");

  const std::string plain = put("plain.txt", "mix 1, 2\nmix 3, 4\n"),
                    other = put("o.txt", "id,body\n1,mix 1\n2,mix 2\n");
  const ProgramResult back = run({"reconstruct", path("m"), plain, "--json"});
  ASSERT_EQ(back.status, 0) << back.err;
  EXPECT_NE(back.out.find("\"mix 1, 2\""), std::string::npos) << back.out;
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"reconstruct", path("m"), other},
                                             {"encode", path("m"), other},
                                             {"neighbors", path("m"), "mix 1", "--corpus", other},
                                             {"prior", "fit", path("m"), "--data", other},
                                             {"eval", path("m"), "--data", other, "--only", "reconstruction"}}) {
    const ProgramResult refused = run(verb);
    EXPECT_EQ(refused.status, 3) << verb[0];
    EXPECT_NE(refused.err.find("o.txt: no column recipe"), std::string::npos) << refused.err;
  }
  const ProgramResult piped = run({"reconstruct", path("m")}, "id,recipe\n1,mix 2\n");
  EXPECT_EQ(piped.status, 0);
  EXPECT_NE(piped.err.find("stdin is read as lines of text, and the first looks like a table's"), std::string::npos)
      << piped.err;
}

TEST_F(Train, APipeIsReadOnce) {
  ASSERT_EQ(run(command("file", {"train.steps=2"})).status, 0);
  const std::string train = path("train.pipe"), valid = path("valid.pipe");
  ASSERT_EQ(mkfifo(train.c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(valid.c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream(train) << get(path("train.txt"));
    std::ofstream(valid) << get(path("valid.txt"));
  });
  const ProgramResult piped = run(command("pipe", {"train.steps=2"}, {"--train", train, "--valid", valid}));
  writer.join();
  ASSERT_EQ(piped.status, 0) << piped.err;
  EXPECT_TRUE(get(path("pipe") + "/model.safetensors") == get(path("file") + "/model.safetensors"));
  const ProgramResult resumed = run({"train", "--resume", "--out", path("pipe")});
  EXPECT_EQ(resumed.status, 2);
  EXPECT_NE(resumed.err.find("got the pipe " + train), std::string::npos) << resumed.err;
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"eval", path("pipe")}, {"prior", "fit", path("pipe")}}) {
    const ProgramResult again = run(verb);  // and none waits for a writer that does not come
    EXPECT_EQ(again.status, 2) << again.err;
    EXPECT_NE(again.err.find("was a pipe"), std::string::npos) << again.err;
  }
}

TEST_F(Train, AMissingFileOfDataIsTheSameErrorEverywhere) {
  ASSERT_EQ(run(command("a", {"train.steps=2"})).status, 0);
  const std::string none = path("none.txt"), there = path("train.txt");
  const auto expect_one_line = [&](const std::vector<std::string>& arguments, const std::string& name) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.status, 3) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(name), std::string::npos) << result.err;
  };
  expect_one_line({"train", "demo", "--out", path("b"), "--train", none}, none);
  expect_one_line({"train", "demo", "--out", path("b"), "--train", there, "--valid", none}, none);
  expect_one_line({"train", "demo", "--out", path("b"), "--train", put("empty.txt", "")}, "empty.txt");
  expect_one_line({"eval", path("a"), "--data", none}, none);
  expect_one_line({"prior", "fit", path("a"), "--data", none}, none);
  expect_one_line({"reconstruct", path("a"), none}, none);
  expect_one_line({"encode", path("a"), none, "--out", path("codes.npy")}, none);
  expect_one_line({"tokenizer", "train", none, "--out", path("t")}, none);
  fs::remove(path("train.txt"));
  fs::remove(path("valid.txt"));
  expect_one_line({"train", "--resume", "--out", path("a")}, "train.txt of this run is not there");
  expect_one_line({"eval", path("a")},
                  "the held-out file " + path("valid.txt") + " of the model's run.json is not there");
  expect_one_line({"prior", "fit", path("a")},
                  "the training file " + path("train.txt") + " of the model's run.json is not there");
}

TEST_F(Train, FlagsAreOtherSpellingsOfSettings) {
  put("rows.tsv", "kind\tline\na\t\"x = 1\"\nb\ty = 2\n");
  const std::string rows = path("rows.tsv");
  const ProgramResult flags = run(command("flags", {"train.steps=1", "train.seed=8", "train.preview_probe=false"},
                                          {"--train", rows, "--valid", rows, "--column", "line", "--label-column",
                                           "kind", "--escapes", "--strict", "--quotes", "--seed", "9"}));
  ASSERT_EQ(flags.status, 0) << flags.err;
  const ProgramResult set =
      run(command("set",
                  {"train.steps=1", "train.seed=9", "train.preview_probe=false", "data.column=line",
                   "data.label_column=kind", "data.escapes=true", "data.strict=true", "data.quotes=true"},
                  {"--train", rows, "--valid", rows}));
  ASSERT_EQ(set.status, 0) << set.err;
  EXPECT_EQ(Json::parse(get(path("flags") + "/run.json"))["config"],
            Json::parse(get(path("set") + "/run.json"))["config"]);
  EXPECT_TRUE(get(path("flags") + "/model.safetensors") == get(path("set") + "/model.safetensors"));
}

TEST_F(Train, WhatAStrictRunReadIsReadStrictlyAgain) {
  ASSERT_EQ(run(command("a", {"train.steps=1", "data.strict=true"})).status, 0);
  const auto add_bad_row = [&](const std::string& name) { put(name, get(path(name)) + "\n\xFF\xFE bad\n"); };
  add_bad_row("train.txt");
  const ProgramResult prior = run({"prior", "fit", path("a")});
  EXPECT_EQ(prior.status, 3) << prior.err;
  EXPECT_NE(prior.err.find("train.txt line "), std::string::npos) << prior.err;
  const ProgramResult changed = run({"eval", path("a"), "--samples", "10", "--only", "reconstruction"});
  EXPECT_EQ(changed.status, 0) << changed.err;
  EXPECT_NE(changed.err.find("holds other sequences"), std::string::npos) << changed.err;
  add_bad_row("valid.txt");
  const ProgramResult eval = run({"eval", path("a"), "--samples", "10", "--only", "reconstruction"});
  EXPECT_EQ(eval.status, 3) << eval.err;
  EXPECT_NE(eval.err.find("valid.txt line "), std::string::npos) << eval.err;
}

TEST_F(Train, AHeldOutFileMayBeSortedByLabel) {
  std::string rows = "kind,line\n";
  for (int i = 0; i < 10; ++i) rows += (i < 3 ? "a,x = " : "b,y = ") + std::to_string(i) + "\n";
  put("table.csv", rows);
  const ProgramResult result = run(command(
      "table", {"train.steps=1", "train.eval_steps=1", "train.preview.probe=true"},
      {"--train", path("table.csv"), "--valid", path("table.csv"), "--column", "line", "--label-column", "kind"}));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(get(path("table") + "/logs/metrics.jsonl").find("svm_classification_test_accuracy"), std::string::npos);
}

TEST_F(Train, AChangedHeldOutFileIsNoticed) {
  ASSERT_EQ(run(command("a", {"train.steps=2"})).status, 0);
  put("valid.txt", code_lines(20, 61));
  const ProgramResult result = run({"train", "--resume", "--out", path("a")});
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.err.find("the data changed since the run began"), std::string::npos) << result.err;
}

/// Interrupted and killed runs against one that was left alone. TVAE_TEST_KILLS says how many kills (CONTRIBUTING.md).
class InterruptedTrain : public Train {
 protected:
  static constexpr int kSteps = 150;

  std::vector<std::string> long_command(const std::string& out) const {
    return command(out, {"train.steps=" + std::to_string(kSteps), "train.save_steps=3"}, {"--resume"});
  }
  /// Waits until the run has logged this many lines or ended.
  void wait_for_lines(BackgroundProgram& program, const std::string& out, int64_t lines) const {
    while (program.running() && count_lines(path(out) + "/logs/metrics.jsonl") < lines) std::this_thread::yield();
  }
  void finish_and_compare(const std::string& out) const {
    const ProgramResult last = run(long_command(out));
    ASSERT_EQ(last.status, 0) << last.err;
    expect_same_run("whole", out);
  }
};

TEST_F(InterruptedTrain, EndsAsIfNothingHadHappened) {
  ASSERT_EQ(run(long_command("whole")).status, 0);
  ASSERT_EQ(metrics_of(path("whole")).size(), static_cast<size_t>(kSteps + kSteps / 6));

  {
    BackgroundProgram program(long_command("signalled"));
    wait_for_lines(program, "signalled", 20);
    program.send(SIGINT);
    ASSERT_EQ(program.wait(), 130);
  }
  finish_and_compare("signalled");

  const char* setting = std::getenv("TVAE_TEST_KILLS");
  const int kills = setting ? std::atoi(setting) : 4;
  std::mt19937 random(1);
  int killed = 0, killed_saving = 0, run_number = 0;
  while (killed < kills) {
    const std::string out = "killed" + std::to_string(run_number++);
    int64_t lines = 0;
    for (bool finished = false; !finished && killed < kills;) {
      BackgroundProgram program(long_command(out));
      lines += static_cast<int64_t>(random() % 40);
      wait_for_lines(program, out, lines);
      const bool aim_at_saving = random() % 2 == 0;
      while (aim_at_saving && program.running() && !is_saving(path(out))) {
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
      program.send(SIGKILL);
      finished = program.wait() == 0;
      if (finished) break;
      ++killed;
      killed_saving += is_saving(path(out));
    }
    finish_and_compare(out);
  }
  std::cout << killed << " kills, " << killed_saving << " of them left an unfinished file, in " << run_number
            << " runs\n";
}

}  // namespace
}  // namespace tvae
