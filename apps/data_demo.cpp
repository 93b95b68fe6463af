// tvae data demo: random lines that look like Python.
#include <memory>

#include "apps/data_verb.h"
#include "tvae/corpus/demo_data.h"

namespace tvae::apps {
namespace {

struct DemoOptions {
  std::string out;
  int64_t lines = 20000;
};

void demo(const DemoOptions& options, const CommonOptions& common) {
  std::vector<std::string> train = make_demo_lines(options.lines, static_cast<uint64_t>(common.seed));
  const auto valid_begin = train.end() - options.lines / 20;  // as random as any others
  const std::vector<std::string> valid(valid_begin, train.end());
  train.erase(valid_begin, train.end());
  write_lines(options.out + "/train.txt", common, train);
  write_lines(options.out + "/valid.txt", common, valid);
}

RunVerb set_up_demo(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<DemoOptions>();
  command.add_option("--out", options->out, "folder to write train.txt and valid.txt to")->type_name("DIR")->required();
  command.add_option("--lines", options->lines, "lines in all; one in twenty is held out")
      ->check(in_range(20, 1e7))
      ->capture_default_str();
  add_examples(command, {"tvae data demo --out runs/data", "tvae data demo --lines 1000 --out runs/data"});
  return [options, &common] { demo(*options, common); };
}

const Register<SetUpVerb> registered(data_makers(),
                                     {"demo", "random lines that look like Python, for a first try", set_up_demo});

}  // namespace
}  // namespace tvae::apps
