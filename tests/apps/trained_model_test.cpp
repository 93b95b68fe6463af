// The trained model of the repository (models/python_lines), used as its card says.
#include "tests/apps/tiny_model_test.h"

namespace tvae {
namespace {

class TrainedModel : public ProgramTest {
 protected:
  static std::string model() { return TVAE_TEST_DATA "/../../models/python_lines"; }
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
  const ProgramResult result = run({"reconstruct", model(), put("lines", [&] {
                                      std::string text;
                                      for (const std::string& line : lines) text += line + "\n";
                                      return text;
                                    }())});
  const std::vector<std::string> back = lines_of(result.out);
  ASSERT_EQ(back.size(), lines.size()) << result.err;
  int64_t same = 0;
  for (size_t i = 0; i < lines.size(); ++i) same += back[i] == lines[i];
  EXPECT_GE(same, 6) << result.out;
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
