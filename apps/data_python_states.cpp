// tvae data python-states: the statements of a table of Python state changes, as T5-VAE (2020) was trained on.
#include <memory>

#include "apps/data_verb.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/data/records.h"
#include "tvae/validity/validity.h"

namespace tvae::apps {
namespace {

void python_states(const TableOptions& options, const CommonOptions& common) {
  const auto python = make_validity_check("python");
  if (!python) throw ConfigError("python-states needs a working python3", "none on PATH");
  std::vector<std::string> statements;
  ReadOptions read = options.read;
  if (read.column.empty() && is_table_name(options.path)) read.column = "code";
  for (const std::string& code : read_texts(options.path, read).texts)
    for_each_line(code, [&](std::string_view line, int64_t) {
      if (const std::string statement = strip(line); !statement.empty()) statements.push_back(statement);
    });
  const std::vector<bool> valid = python->valid(statements);
  std::vector<std::string> kept;
  for (size_t i = 0; i < statements.size(); ++i)
    if (valid[i]) kept.push_back(statements[i]);
  write_split(options.split, {options.path}, "txt", "Python statements", common, kept);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<TableOptions>();
  command.add_option("FILE", options->path, "a table with the columns start, code and end, or lines of code")
      ->required();
  command.add_option("--column", options->read.column, "column of the code, by name or number; default code")
      ->type_name("NAME");
  add_quotes_flag(command, options->read.quotes);
  add_split_options(command, options->split);
  add_examples(command, {"tvae data python-states states.jsonl --out runs/states",
                         "tvae data python-states code.csv --column code --valid-fraction 0.1 --out runs/states"});
  return [options, &common] { python_states(*options, common); };
}

const Register<SetUpVerb> registered(data_makers(),
                                     {"python-states", "the statements of a table of Python state changes, a line each",
                                      set_up});

}  // namespace
}  // namespace tvae::apps
