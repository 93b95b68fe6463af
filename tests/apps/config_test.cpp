// The verbs `presets` and `config`: what a name stands for, and where a value came from.
#include <nlohmann/json.hpp>

#include "tests/apps/program.h"
#include "tvae/config/presets.h"

namespace tvae {
namespace {

using Json = nlohmann::json;

std::vector<Json> json_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<Json> objects;
  for (std::string line; std::getline(stream, line);) objects.push_back(Json::parse(line));
  return objects;
}

using PresetsVerb = ProgramTest;
using ConfigVerb = ProgramTest;

TEST_F(PresetsVerb, ListsEveryPresetAndPrintsOne) {
  const ProgramResult listed = run({"presets", "--all"}), folded = run({"presets"});
  ASSERT_EQ(listed.status, 0) << listed.err;
  EXPECT_EQ(folded.out.find("for any file\n  auto "), 0U) << "what is for people comes first";
  EXPECT_NE(folded.out.find("2021 experiments: 43 presets (tvae presets --all lists them)"), std::string::npos)
      << folded.out;
  EXPECT_EQ(json_lines(run({"presets", "--json"}).out).size(), all_presets().size());
  for (const Preset& preset : all_presets()) {
    EXPECT_NE(listed.out.find("  " + preset.name + " "), std::string::npos) << preset.name;
    EXPECT_EQ(Json::parse(run({"presets", preset.name, "--json"}).out)["set"], Json(preset.set)) << preset.name;
  }
  EXPECT_NE(run({"presets", "t5_vae_2020"}).out.find("model.bottleneck = \"fc\"\n"), std::string::npos);
}

TEST_F(ConfigVerb, LaterWinsAndEveryKeySaysWhereItCameFrom) {
  const ProgramResult resolved = run({"config", "lines_small", "--set", "train.steps=7", "--set", "train.seed=3"});
  ASSERT_EQ(resolved.status, 0) << resolved.err;
  const Json config = Json::parse(resolved.out);
  EXPECT_EQ(config["train"]["steps"], 7);
  EXPECT_EQ(config["train"]["seed"], 3);
  EXPECT_EQ(config["model"]["bottleneck"], "queries");

  std::map<std::string, Json> explained;
  for (const Json& line :
       json_lines(run({"config", "lines_small", "--set", "train.steps=7", "--explain", "--json"}).out))
    explained[line["key"]] = line;
  EXPECT_EQ(explained["train.steps"]["origin"], "--set");
  EXPECT_EQ(explained["model.bottleneck"]["origin"], "preset lines_small");
  EXPECT_EQ(explained["train.seed"]["origin"], "default");
  for (const auto& [key, line] : explained) EXPECT_FALSE(line["help"].get<std::string>().empty()) << key;
}

TEST_F(ConfigVerb, PrintedConfigurationIsThatOfTheRun) {
  const Json printed = Json::parse(run({"config", "demo", "--json"}).out);
  const Json again =
      Json::parse(run({"config", "demo", "--json", "--set", "train.steps=" + printed["train"]["steps"].dump()}).out);
  EXPECT_EQ(printed, again);
}

}  // namespace
}  // namespace tvae
