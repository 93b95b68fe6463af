// The trained model of the repository (models/python_lines), used as its card says.
#include "tests/apps/tiny_model_test.h"

namespace tvae {
namespace {

class TrainedModel : public ProgramTest {
 protected:
  static std::string model() { return TVAE_TEST_DATA "/../../models/python_lines"; }
  /// How many of the lines are reconstructed exactly.
  int64_t come_back(const std::vector<std::string>& lines, const std::vector<std::string>& flags) const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    std::vector<std::string> command = {"reconstruct", model(), put("lines", text)};
    command.insert(command.end(), flags.begin(), flags.end());
    const ProgramResult result = run(command);
    const std::vector<std::string> back = lines_of(result.out);
    EXPECT_EQ(back.size(), lines.size()) << result.err;
    int64_t same = 0;
    for (size_t i = 0; i < std::min(back.size(), lines.size()); ++i) same += back[i] == lines[i];
    return same;
  }
};

TEST_F(TrainedModel, GivesLinesBack) {
  const std::vector<std::string> lines = {"import tvae",
                                          "x = model.encode(line)",
                                          "return [row for row in rows if row]",
                                          "raise ValueError('no sequence')",
                                          "assert len(codes) == len(texts)",
                                          "for_all = True",
                                          "self.decoder = decoder",
                                          "print(name, end=' ')"};
  EXPECT_GE(come_back(lines, {}), 6);
}

TEST_F(TrainedModel, GivesLongLinesBackWithSearch) {
  const std::vector<std::string> lines = {"x = [value for key, value in sorted(table.items()) if key not in known]",
                                          "for index, (key, value) in enumerate(zip(names, values)):",
                                          "with open(os.path.join(directory, name), encoding=\"utf-8\") as file:",
                                          "return [int(part) for part in text.split(\",\") if part.strip()]",
                                          "parser.add_argument(\"--output\", default=None, help=\"where to write\")"};
  const int64_t searched = come_back(lines, {"--candidates", "16"});
  EXPECT_GE(searched, 3);
  EXPECT_GE(searched, come_back(lines, {}));
}

TEST_F(TrainedModel, WritesPythonBetweenLinesAndFromItsPrior) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"interpolate", model(), "--from", "import numpy as np", "--to", "return self.name", "--steps", "50"},
           {"sample", model(), "-n", "50", "--prior", "fitted"}}) {
    std::vector<std::string> judged = command;
    judged.insert(judged.end(), {"--candidates", "8", "--constrain", "--json"});
    const ProgramResult result = run(judged);
    const std::vector<Json> rows = json_lines(result.out);
    ASSERT_EQ(rows.size(), 50u) << result.err;
    int64_t valid = 0;
    for (const Json& row : rows) valid += row["valid"].get<bool>();
    EXPECT_GE(valid, 45) << result.out;
  }
}

}  // namespace
}  // namespace tvae
