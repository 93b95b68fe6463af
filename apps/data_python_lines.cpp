// tvae data python-lines: the lines of Python files that parse alone.
#include <memory>

#include "apps/data_verb.h"
#include "apps/output_file.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/corpus/python_lines.h"
#include "tvae/data/split.h"

namespace tvae::apps {
namespace {

struct PythonOptions {
  std::vector<std::string> paths;
  PythonLinesOptions gather;
  std::string out;
  std::string valid;
  double valid_fraction = 0.02;
};

void python_lines(const PythonOptions& options, const CommonOptions& common) {
  if (!options.valid.empty() && (options.valid == options.out || same_file(options.valid, options.out)))
    throw ConfigError("--out and --valid", "the same file", "two files");
  for (const std::string& path : {options.out, options.valid}) check_output_file(path, options.paths);
  const auto python = make_validity_check("python");
  if (!python) throw ConfigError("python-lines needs a working python3", "none on PATH");
  const PythonLines gathered = gather_python_lines(options.paths, options.gather, *python);
  log_info("read " + counted(gathered.files, "file"));
  if (gathered.not_utf8 > 0) log_warning("skipped " + counted(gathered.not_utf8, "line") + " of bad UTF-8");
  if (gathered.lines.empty()) throw DataError("no usable lines of Python", options.paths.front());
  if (options.valid.empty()) return write_lines(options.out, common, gathered.lines);
  const Split split = split_rows(gathered.lines, options.valid_fraction, static_cast<uint64_t>(common.seed));
  write_lines(options.out, common, split.train);
  write_lines(options.valid, common, split.valid);
}

RunVerb set_up_python_lines(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<PythonOptions>();
  command.add_option("PATH", options->paths, "Python files, and folders to search for *.py")->required();
  command
      .add_option("--exclude", options->gather.skipped_folders,
                  "name of folders to leave out, as site-packages; as often as needed")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->check([](const std::string& name) {
        return name.find('/') == std::string::npos ? std::string()
                                                   : "got " + name + ", expected the name of folders, no path";
      });
  command.add_option("--out", options->out, "file to write; - = stdout")->type_name("FILE")->required();
  command.add_option("--max-length", options->gather.max_length, "characters of the longest line")
      ->check(in_range(1))
      ->capture_default_str();
  command.add_option("--limit", options->gather.limit, "stop at so many lines; 0 = all")
      ->check(in_range(0))
      ->capture_default_str();
  command.add_option("--valid", options->valid, "also write held-out lines, to this file")->type_name("FILE");
  command.add_option("--valid-fraction", options->valid_fraction, "share of the lines that --valid holds out")
      ->check(in_range(0, 1))
      ->capture_default_str();
  add_examples(command, {"tvae data python-lines src --out runs/train.txt --valid runs/valid.txt",
                         "tvae data python-lines /usr/lib/python3 --exclude site-packages --limit 1000 --out -"});
  return [options, &common] { python_lines(*options, common); };
}

const Register<SetUpVerb> registered(data_makers(), {"python-lines", "single lines of Python out of source files",
                                                     set_up_python_lines});

}  // namespace
}  // namespace tvae::apps
