// A whole run through the library: settings in, a folder out.
#include "tvae/train/train.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/config/presets.h"
#include "tvae/io/safetensors.h"
#include "tvae/run/model_directory.h"

namespace tvae::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Stops the work at one of its stages.
class StopAt : public Progress {
 public:
  explicit StopAt(std::string what, int64_t done = 0) : what_(std::move(what)), done_(done) {}
  void update(const char* what, int64_t done, int64_t) override {
    if (what == what_ && done >= done_) throw Interrupted("enough");
  }

 private:
  std::string what_;
  int64_t done_;
};

class WholeRun : public testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::kQuiet);
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += "x = " + std::to_string(i * 7) + "\n";
    folder_.put("train.txt", lines);
  }
  TrainOptions options(const std::string& out, const std::vector<std::string>& more = {}) const {
    TrainOptions run;
    run.out = folder_.path(out);
    run.assignments = {"data.train=" + folder_.path("train.txt"),
                       "data.valid=" + folder_.path("train.txt"),
                       "data.cache_dir=" + folder_.path("cache"),
                       "data.tokenizer_kind=byte",
                       "data.max_tokens=12",
                       "model.d_model=16",
                       "model.d_kv=8",
                       "model.d_ff=24",
                       "model.num_heads=2",
                       "model.encoder_layers=1",
                       "model.decoder_layers=2",
                       "model.latent_tokens=2",
                       "model.latent_size=4",
                       "train.previews=false",
                       "train.batch_size=8",
                       "train.steps=2"};
    run.assignments.insert(run.assignments.end(), more.begin(), more.end());
    return run;
  }
  TrainOptions resume(const std::string& out, const std::vector<std::string>& assignments = {}) const {
    TrainOptions run;
    run.out = folder_.path(out);
    run.mode = StartMode::kResume;
    run.assignments = assignments;
    return run;
  }
  /// The message of the ConfigError, CheckpointError or DataError that a run ends with.
  static std::string error_of(const TrainOptions& run, ExitCode code) {
    try {
      train(run);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), code) << error.what();
      return error.what();
    }
    return "no error";
  }
  /// run.json's model section, and config.json without what that lacks.
  void expect_run_json_describes_the_model(const std::string& out) const {
    const Json run = Json::parse(folder_.get(out + "/run.json")),
               model = Json::parse(folder_.get(out + "/config.json"));
    ASSERT_FALSE(run["config"]["model"].empty());
    for (const auto& [name, value] : run["config"]["model"].items())
      EXPECT_EQ(model[name], value) << out << " " << name;
  }

  TemporaryFolder folder_;
};

TEST_F(WholeRun, RunJsonDescribesTheModelThatIsTrained) {
  const TrainedRun trained = train(options("a"));
  EXPECT_EQ(trained.steps, 2);
  expect_run_json_describes_the_model("a");
  EXPECT_EQ(Json::parse(folder_.get("a/run.json"))["config"]["model"]["sequence_length"], 12);

  TrainOptions from = options("b");
  // Another shape in the configuration than the starting model has.
  std::erase_if(from.assignments, [](const std::string& text) { return text.starts_with("model."); });
  from.from = folder_.path("a");
  train(from);
  expect_run_json_describes_the_model("b");
  EXPECT_EQ(Json::parse(folder_.get("b/run.json"))["config"]["model"]["d_model"], 16);
  EXPECT_EQ(train(resume("b")).steps, 2) << "the open values are kept too";
  from.mode = StartMode::kResume;
  EXPECT_EQ(train(from).steps, 2);
  EXPECT_NE(folder_.get("b/README.md").find("- started from: a\n  - training data: train.txt, 30 sequences"),
            std::string::npos)
      << folder_.get("b/README.md");
}

TEST_F(WholeRun, TheCardKeepsWhatPeopleWrite) {
  StopAt progress("training", 2);
  EXPECT_THROW(train(options("a", {"train.steps=4"}), progress), Interrupted);
  folder_.put("a/README.md", "# Birds\n" + folder_.get("a/README.md") + "Mine.\n");
  StopAt again("training", 3);
  EXPECT_THROW(train(resume("a"), again), Interrupted);
  const std::string card = folder_.get("a/README.md");
  EXPECT_EQ(card.find("# Birds\n"), 0u) << card;
  EXPECT_TRUE(card.ends_with("Mine.\n")) << card;
  EXPECT_NE(card.find("- steps: 3 of 4"), std::string::npos) << card;
  folder_.put("a/README.md", "Mine alone.\n");
  static std::vector<std::string> warnings;
  warnings.clear();
  set_log_handler([](LogLevel, bool warning, const std::string& message) {
    if (warning) warnings.push_back(message);
  });
  EXPECT_EQ(train(resume("a")).steps, 4);
  set_log_handler(nullptr);
  EXPECT_EQ(folder_.get("a/README.md"), "Mine alone.\n");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("README.md lacks the marks of what is rendered, so it stays as it is"), std::string::npos);
}

TEST_F(WholeRun, ANewRunIsAModelFromItsFirstMomentOn) {
  for (int64_t stage = 0; stage <= 3; ++stage) {
    StopAt progress("preparing", stage);
    EXPECT_THROW(train(options("a"), progress), Interrupted);
    EXPECT_FALSE(fs::exists(folder_.path("a"))) << "stopped before it began";
  }
  StopAt progress("training", 2);
  EXPECT_THROW(train(options("stopped", {"train.steps=4"}), progress), Interrupted);
  EXPECT_EQ(Json::parse(folder_.get("stopped/run.json"))["training"]["steps"], 2);
  EXPECT_EQ(train(resume("stopped")).steps, 4);
  EXPECT_EQ(error_of(options("a", {"train.learning_rate=1000", "train.warmup_steps=0", "train.steps=200",
                                   "train.save_steps=0", "train.clip_norm=0", "train.optimizer=adamw"}),
                     ExitCode::kData)
                .find("training diverged"),
            0u);
  EXPECT_NO_THROW(load_model(folder_.path("a"))) << "as it was before the first step";
}

TEST_F(WholeRun, DataThatMovedIsTheSameData) {
  train(options("a"));
  fs::create_directory(folder_.path("new"));
  fs::rename(folder_.path("train.txt"), folder_.path("new/moved.txt"));
  const std::string old_place = error_of(resume("a"), ExitCode::kData);
  EXPECT_NE(old_place.find("train.txt of this run is not there"), std::string::npos) << old_place;
  const std::string moved = folder_.path("new/moved.txt");
  EXPECT_EQ(train(resume("a", {"data.train=" + moved, "data.valid=" + moved})).steps, 2);
  EXPECT_EQ(Json::parse(folder_.get("a/run.json"))["data"]["train"]["path"], moved);
  EXPECT_EQ(train(resume("a")).steps, 2) << "the new place is kept";
  const std::string other = folder_.put("other.txt", "y = 1\ny = 2\n");
  const std::string changed = error_of(resume("a", {"data.train=" + other}), ExitCode::kData);
  EXPECT_NE(changed.find("the data changed since the run began"), std::string::npos) << changed;
  EXPECT_NE(changed.find(other), std::string::npos) << changed;
  EXPECT_EQ(Json::parse(folder_.get("a/run.json"))["data"]["train"]["path"], moved);
}

TEST_F(WholeRun, SaysWhetherItWasFinishedBefore) {
  const TrainedRun first = train(options("a")), again = train(resume("a"));
  EXPECT_FALSE(first.was_finished);
  EXPECT_TRUE(again.was_finished);
  EXPECT_EQ(again.steps, 2);
  EXPECT_EQ(again.planned_steps, 2);
}

TEST_F(WholeRun, SeveralFilesAreReadAsOne) {
  const std::string more = folder_.put("more.txt", "y = 1\ny = 2\n\xff\n"), whole = folder_.path("train.txt");
  TrainOptions both = options("a", {"data.train=" + whole + "|" + more});
  train(both);
  Json record = Json::parse(folder_.get("a/run.json"));
  EXPECT_EQ(record["data"]["train"]["sequences"], 32);
  EXPECT_EQ(train(resume("a")).steps, 2);
  train(options("d", {"data.train=" + more + "|" + folder_.path("*r*.txt") + "|" + more}));
  record = Json::parse(folder_.get("d/run.json"));
  EXPECT_EQ(record["data"]["train"]["sequences"], 32) << "each file once";
  train(options("b", {"data.train=" + folder_.path("*r*.txt")}));
  record = Json::parse(folder_.get("b/run.json"));
  EXPECT_EQ(record["data"]["train"]["sequences"], 32) << "more.txt and train.txt";
  const std::string none = error_of(options("c", {"data.train=" + folder_.path("*.csv")}), ExitCode::kData);
  EXPECT_NE(none.find("no file of such a name"), std::string::npos) << none;
  const std::string folder = error_of(options("c", {"data.train=" + folder_.path("a")}), ExitCode::kData);
  EXPECT_NE(folder.find("/*.txt' takes its files"), std::string::npos) << folder;
}

TEST_F(WholeRun, ARunFromOneWithHeldOutRowsHoldsRowsOutToo) {
  std::string rows, held_out;
  for (int i = 0; i < 30; ++i) rows += "x = " + std::to_string(i) + "\n";
  train(options(
      "a", {"data.train=" + folder_.put("many.txt", rows), "data.valid=" + folder_.put("few.txt", "x = 1\ny = 2\n")}));
  TrainOptions further = options("b", {"data.train=" + folder_.path("many.txt"), "data.valid="});
  std::erase_if(further.assignments, [](const std::string& text) { return text.starts_with("model."); });
  further.from = folder_.path("a");
  train(further);
  const Json data = Json::parse(folder_.get("b/run.json"))["data"];
  EXPECT_GT(data["valid"]["sequences"], 0);
  EXPECT_EQ(data["valid"]["sequences"].get<int>() + data["train"]["sequences"].get<int>(), 30);
  EXPECT_TRUE(file_exists(folder_.path("b/held_out.jsonl")));
}

TEST_F(WholeRun, AnExtensionThatWasCutOffGoesOn) {
  train(options("a"));
  const std::string checkpoint = folder_.path("a/checkpoint"), kept = folder_.path("kept");
  fs::copy(checkpoint, kept, fs::copy_options::recursive);
  train(resume("a", {"train.steps=5"}));
  fs::remove_all(checkpoint);
  fs::rename(kept, checkpoint);  // as a session that ended before its first save leaves them: the old state, new steps
  EXPECT_EQ(train(resume("a")).steps, 5);
  fs::remove_all(checkpoint);
  EXPECT_GE(train(resume("a", {"train.minutes=0.001"})).steps, 10) << "with no state there is no speed but a new one";
}

TEST_F(WholeRun, AFinishedRunIsExtended) {
  train(options("a", {"train.schedule=cosine", "train.early_stop_evaluations=1"}));
  const TrainedRun longer = train(resume("a", {"train.steps=5"}));
  EXPECT_EQ(longer.steps, 5);
  EXPECT_FALSE(longer.was_finished);
  const Json record = Json::parse(folder_.get("a/run.json"));
  EXPECT_EQ(record["config"]["train"]["steps"], 5);
  EXPECT_TRUE(train(resume("a")).was_finished) << "with the steps that it has now";
  const std::string fewer = error_of(resume("a", {"train.steps=4"}), ExitCode::kUsage);
  EXPECT_NE(fewer.find("train.steps: got 4, expected more than the 5 done"), std::string::npos) << fewer;
  EXPECT_GE(train(resume("a", {"train.minutes=0.01"})).steps, 10) << "ten at least";
  EXPECT_TRUE(train(resume("a", {"train.minutes=0.01"})).was_finished) << "as the same command again";
}

TEST_F(WholeRun, MissingFilesAreFoundBeforeAnythingElseIsDone) {
  class Stages : public Progress {
   public:
    int heard = 0;

   private:
    void update(const char*, int64_t, int64_t) override { ++heard; }
  };
  const std::string none = folder_.path("none.txt"), folder = folder_.path();
  for (const std::string key : {"data.train=", "data.valid="})
    for (const std::string& path : {none, folder}) {
      Stages stages;
      try {
        train(options("a", {key + path}), stages);
        ADD_FAILURE() << key << path;
      } catch (const DataError& error) {
        EXPECT_EQ(std::string(error.what()).find("cannot read " + path), 0u) << error.what();
      }
      EXPECT_EQ(stages.heard, 0) << key << path;
      EXPECT_FALSE(fs::exists(folder_.path("a")));
    }
}

TEST_F(WholeRun, WindowsOfAStartingModelEndWhereItsSequencesDid) {
  train(options("a", {"model.attention_window.size=5"}));
  TrainOptions longer = options("b", {"data.max_tokens=20"}), same = options("c"),
               shorter = options("d", {"data.max_tokens=8"});
  for (TrainOptions* run : {&longer, &same, &shorter}) {
    std::erase_if(run->assignments, [](const std::string& text) { return text.starts_with("model."); });
    run->from = folder_.path("a");
  }
  const std::string refused = error_of(longer, ExitCode::kUsage);
  EXPECT_NE(refused.find("data.max_tokens: got 20, expected 12 at most"), std::string::npos) << refused;
  EXPECT_NO_THROW(train(same));
  EXPECT_NO_THROW(train(shorter));
}

TEST_F(WholeRun, AModelThatTrainingMakesWorseIsKept) {
  train(options("a"));
  TrainOptions worse = options("b", {"train.learning_rate=5", "train.warmup_steps=0", "train.eval_steps=1"});
  std::erase_if(worse.assignments, [](const std::string& text) { return text.starts_with("model."); });
  worse.from = folder_.path("a");
  EXPECT_TRUE(train(worse).with_verdict);
  const std::string log = folder_.get("b/logs/metrics.jsonl");
  EXPECT_EQ(Json::parse(log.substr(0, log.find('\n')))["step"], 0) << log;
  const TensorMap before = load_safetensors(folder_.path("a/model.safetensors")),
                  after = load_safetensors(folder_.path("b/model.safetensors"));
  for (const auto& [name, weights] : before) EXPECT_TRUE(weights.equal(after.at(name))) << name;
}

TEST_F(WholeRun, AModelToStartFromHasComeDownToItsRate) {
  train(options("a", {"loss.regularizer=kl", "loss.kl.target=8", "loss.kl.target_start=20", "loss.kl.target_floor=4"}));
  const auto kl_of = [&](const std::string& out, const std::vector<std::string>& more) {
    TrainOptions run = options(out, more);
    std::erase_if(run.assignments, [](const std::string& text) { return text.starts_with("model."); });
    run.from = folder_.path("a");
    train(run);
    return Json::parse(folder_.get(out + "/run.json"))["config"]["loss"]["kl"];
  };
  const Json same = kl_of("b", {}), other = kl_of("c", {"loss.kl.target=6"});
  EXPECT_EQ(same["target_start"], 8);
  EXPECT_EQ(same["target_descent"], 0);
  EXPECT_EQ(same["target_floor"], 4);
  EXPECT_EQ(other["target_floor"], 0) << "what is given is not to fall";
}

TEST_F(WholeRun, AModelToStartFromIsTrainedOnATableWithOtherNames) {
  std::string ours = "id;ingredient;aisle\n", theirs = "what\n", objects;
  for (int i = 0; i < 30; ++i) {
    const std::string text = "x = " + std::to_string(i * 7), n = std::to_string(i);
    ours += n + ";" + text + ";" + (i % 2 ? "meat" : "milk") + "\n";
    theirs += text + "\n";
    objects += R"({"event": {"message": ")" + text + R"("}, "n": )" + n + "}\n";
  }
  folder_.put("ours.csv", ours);
  folder_.put("theirs.csv", theirs);
  folder_.put("objects.jsonl", objects);
  const auto run_of = [&](const std::string& out, const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"data.train=" + folder_.path(file), "data.valid="});
    return options(out, more);
  };
  train(run_of("a", "ours.csv", {"data.column=ingredient", "data.label_column=aisle"}));
  for (const auto& [file, column] : {std::pair("theirs.csv", "what"), {"objects.jsonl", "event.message"}}) {
    const std::string out = std::string("from_") + file;
    TrainOptions run = run_of(out, file);
    std::erase_if(run.assignments, [](const std::string& text) { return text.starts_with("model."); });
    run.from = folder_.path("a");
    ASSERT_NO_THROW(train(run)) << file;
    const Json data = Json::parse(folder_.get(out + "/run.json"))["config"]["data"];
    EXPECT_EQ(data["column"], column);
    EXPECT_EQ(data["label_column"], "");
  }
}

TEST_F(WholeRun, NothingToResumeIsSaidSo) {
  EXPECT_NE(error_of(resume("nothing"), ExitCode::kUsage).find("no run to resume"), std::string::npos);
}

TEST_F(WholeRun, TextsThatAreNoUtf8AreRefusedBeforeAnythingIsTouched) {
  train(options("a"));
  const std::string weights = folder_.get("a/model.safetensors"), bad = "caf\xe9";
  for (const char* key :
       {"data.train", "data.valid", "data.tokenizer", "data.cache_dir", "data.column", "data.label_column"}) {
    TrainOptions run = options("a", {std::string(key) + "=" + bad});
    run.mode = StartMode::kOverwrite;
    EXPECT_NE(error_of(run, ExitCode::kUsage).find("no UTF-8"), std::string::npos) << key;
  }
  TrainOptions from = options("a");
  from.mode = StartMode::kOverwrite;
  from.from = folder_.path(bad);
  EXPECT_NE(error_of(from, ExitCode::kUsage).find("no UTF-8"), std::string::npos);
  fs::create_directory(folder_.path(bad));
  const fs::path here = fs::current_path();
  fs::current_path(folder_.path(bad));
  TrainOptions relative = options("a", {"data.train=train.txt"});
  relative.mode = StartMode::kOverwrite;
  EXPECT_NE(error_of(relative, ExitCode::kUsage).find("no UTF-8"), std::string::npos);
  fs::current_path(here);
  EXPECT_TRUE(folder_.get("a/model.safetensors") == weights);
}

TEST_F(WholeRun, AResumedRunMayNotBecomeAnother) {
  train(options("a"));
  const std::string other = error_of(resume("a", {"train.learning_rate=0.5", "train.save_steps=7"}), ExitCode::kUsage);
  EXPECT_EQ(other,
            "a run goes on with the settings that it began with: got train.learning_rate=0.5, expected "
            "train.learning_rate=0.15");
  TrainOptions preset = resume("a");
  preset.presets = {folder_.put("more.json", R"({"set": {"train.steps": 4}})")};
  const std::string longer = error_of(preset, ExitCode::kUsage);
  EXPECT_NE(longer.find("got train.steps=4, expected train.steps=2"), std::string::npos)
      << "steps of a preset extend nothing: " << longer;
  const std::string many =
      error_of(resume("a", {"model.d_model=8", "model.d_kv=4", "model.d_ff=9", "model.num_heads=1", "loss.kl_target=1",
                            "train.beta1=0.5", "train.beta2=0.5", "train.epochs=3", "train.clip_norm=4"}),
               ExitCode::kUsage);
  EXPECT_NE(many.find(" and 1 more, expected "), std::string::npos) << many;
  TrainOptions from_another = resume("a");
  from_another.from = folder_.path("b");
  const std::string start = error_of(from_another, ExitCode::kUsage);
  EXPECT_NE(start.find("got the starting model=\"" + folder_.path("b") + "\""), std::string::npos) << start;
  TrainOptions again = options("a");
  EXPECT_THROW(train(again), OccupiedFolder);
  again.assignments.push_back("train.seed=9100000000000000");
  EXPECT_NE(error_of(again, ExitCode::kUsage), "no error");
  again.out = folder_.path("b");
  EXPECT_NE(error_of(again, ExitCode::kUsage).find("train.seed"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.path("b")));
}

}  // namespace
}  // namespace tvae::test
