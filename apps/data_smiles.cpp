// tvae data smiles: molecules out of .smi files and tables.
#include <memory>

#include "apps/data_verb.h"
#include "apps/text_io.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/validity/smiles.h"

namespace tvae::apps {
namespace {

void smiles(const TableOptions& options, const CommonOptions& common) {
  std::vector<std::string> molecules;
  int64_t refused = 0;
  ReadOptions read = options.read;
  if (read.column.empty() && is_table_name(options.path)) read.column = "smiles";
  for (const std::string& row : read_texts(options.path, read).texts) {
    const std::string line = strip(row);  // some tables have a line end inside the quotes
    const std::string molecule = line.substr(0, line.find_first_of(" \t"));  // .smi: a name may follow
    if (is_smiles(molecule))
      molecules.push_back(molecule);
    else
      ++refused;
  }
  if (refused > 0) log_warning(std::to_string(refused) + " rows of " + options.path + " are not SMILES");
  write_split(options.split, {options.path}, "txt", "SMILES in " + options.path, common, molecules);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<TableOptions>();
  command.add_option("FILE", options->path, ".smi, or a table")->required();
  command.add_option("--column", options->read.column, "column of a table, by name or number; default smiles")
      ->type_name("NAME");
  add_quotes_flag(command, options->read.quotes);
  add_split_options(command, options->split);
  add_examples(command, {"tvae data smiles molecules.smi --out runs/molecules",
                         "tvae data smiles molecules.csv --column SMILES --out runs/molecules"});
  return [options, &common] { smiles(*options, common); };
}

const Register<SetUpVerb> registered(data_makers(),
                                     {"smiles", "molecules as SMILES out of a .smi file or a table", set_up});

}  // namespace
}  // namespace tvae::apps
