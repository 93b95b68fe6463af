#include "apps/data_verb.h"

#include <algorithm>

#include "apps/output_file.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/split.h"

namespace tvae::apps {

Registry<SetUpVerb>& data_makers() {
  static Registry<SetUpVerb> registry("data set");
  return registry;
}

void write_lines(const std::string& path, const CommonOptions& common,
                 const std::function<void(const WriteLine&)>& write) {
  int64_t count = 0;
  if (path == "-") return write([](const std::string& line) { print_line(line); });
  check_output_file(path);
  write_output(path, [&] {
    write_file_atomically(path, [&](const Sink& sink) {
      write([&](const std::string& line) {
        sink(line);
        sink("\n");
        ++count;
      });
    });
  });
  if (common.json)
    print_json({{"out", path}, {"lines", count}});
  else
    print_line(path + ": " + counted(count, "line"));
}

void write_lines(const std::string& path, const CommonOptions& common, const std::vector<std::string>& lines) {
  write_lines(path, common, [&](const WriteLine& write) { std::for_each(lines.begin(), lines.end(), write); });
}

void add_split_options(CLI::App& command, SplitOptions& options) {
  command.add_option("--out", options.out, "folder for the training and the held-out file")
      ->type_name("DIR")
      ->required();
  command.add_option("--valid-fraction", options.valid_fraction, "share that is held out")
      ->check(in_range(0, 1))
      ->capture_default_str();
}

void write_split(const SplitOptions& options, const std::vector<std::string>& read, const std::string& extension,
                 const std::string& what, const CommonOptions& common, const std::vector<std::string>& lines) {
  const std::string train_path = options.out + "/train." + extension, valid_path = options.out + "/valid." + extension;
  for (const std::string& path : {train_path, valid_path}) check_output_file(path, read);
  if (lines.empty()) throw DataError("no " + what + " found");
  const auto [train, valid] = split_rows(lines, options.valid_fraction, static_cast<uint64_t>(common.seed));
  if (train.empty())
    throw DataError("all " + std::to_string(valid.size()) + " " + what + " are held out", "", "",
                    "a lower --valid-fraction, or another --seed");
  if (valid.empty() && options.valid_fraction > 0)
    log_warning("nothing is held out of " + counted(train.size(), "line") + "; a higher --valid-fraction would");
  write_lines(train_path, common, train);
  write_lines(valid_path, common, valid);
}

namespace {

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  const RunVerb run = set_up_below(command, common, data_makers().entries());
  add_examples(command, {"tvae data demo --out runs/data", "tvae data python-lines src --out runs/train.txt"});
  return run;
}

const Register<SetUpVerb> registered(verbs(),
                                     {"data", "make a data set from local files, or a demonstration one", set_up});

}  // namespace
}  // namespace tvae::apps
