// tvae data smiles: molecules out of .smi files and tables.
#include <memory>

#include "apps/data_verb.h"
#include "apps/text_io.h"
#include "tvae/base/log.h"
#include "tvae/validity/smiles.h"

namespace tvae::apps {
namespace {

void smiles(const TableOptions& options, const CommonOptions& common) {
  std::vector<std::string> molecules;
  int64_t refused = 0;
  for (const std::string& row : read_texts(options.path, options.read).texts) {
    const std::string molecule = row.substr(0, row.find_first_of(" \t"));  // .smi: a name may follow
    if (is_smiles(molecule))
      molecules.push_back(molecule);
    else
      ++refused;
  }
  if (refused > 0) log_warning(std::to_string(refused) + " rows of " + options.path + " are not SMILES");
  write_split(options.split, "txt", "SMILES in " + options.path, common, molecules);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<TableOptions>();
  command.add_option("FILE", options->path, ".smi, or a table")->required();
  options->read.column = "smiles";
  command.add_option("--column", options->read.column, "column of a table; a number is a place")->capture_default_str();
  add_split_options(command, options->split);
  return [options, &common] { smiles(*options, common); };
}

const RegisterDataMaker registered({"smiles", "molecules as SMILES out of a .smi file or a table", set_up});

}  // namespace
}  // namespace tvae::apps
