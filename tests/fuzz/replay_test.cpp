// Every fuzz target over its corpus: inputs of each kind, and those that once broke a reader.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/fuzz/fuzz.h"
#include "tvae/base/files.h"

namespace tvae::test {

Registry<FuzzTarget>& fuzz_targets() {
  static Registry<FuzzTarget> registry("fuzz target");
  return registry;
}

namespace {

namespace fs = std::filesystem;

class Replay : public testing::TestWithParam<std::string> {};

TEST_P(Replay, Corpus) {
  const FuzzTarget target = fuzz_targets().find(GetParam());
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(TVAE_FUZZ_CORPUS + ("/" + GetParam()))) inputs.push_back(entry);
  std::sort(inputs.begin(), inputs.end());
  EXPECT_FALSE(inputs.empty());
  for (const fs::path& path : inputs) {
    SCOPED_TRACE(path.filename().string());
    EXPECT_NO_THROW(run_fuzz_target(target, read_file(path)));
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, testing::ValuesIn(fuzz_targets().names()),
                         [](const auto& target) { return target.param; });

}  // namespace
}  // namespace tvae::test
