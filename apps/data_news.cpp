// tvae data news: headlines with their category, as in the data set news-category-dataset of Transformer-VAE (2021).
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/data_verb.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"

namespace tvae::apps {
namespace {

void news(const TableOptions& options, const CommonOptions& common) {
  const Rows rows = read_texts(options.path, options.read);
  std::map<std::string, int64_t> numbers;  // in alphabetical order
  int64_t without = 0;
  for (const std::string& label : rows.labels) {
    if (label.empty())
      ++without;
    else
      numbers[label] = 0;
  }
  if (without > 0) log_warning(counted(without, "row") + " of " + options.path + " skipped: no category");
  if (numbers.size() < 2)
    throw DataError(options.path + ": column " + options.read.label_column,
                    "one class, \"" + rows.labels.front() + "\"", "at least two");
  int64_t next = 0;
  for (auto& [label, number] : numbers) number = next++;
  std::vector<std::string> lines;
  for (size_t i = 0; i < rows.texts.size(); ++i) {
    if (rows.labels[i].empty()) continue;
    lines.push_back(nlohmann::ordered_json{
        {"headline", rows.texts[i]}, {"category", rows.labels[i]}, {"category_num", numbers.at(rows.labels[i])}}
                        .dump());
  }
  write_split(options.split, {options.path}, "jsonl", "headlines", common, lines);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<TableOptions>();
  options->read.column = "headline";
  options->read.label_column = "category";
  options->split.valid_fraction = 0.1;
  command.add_option("FILE", options->path, "a table of headlines: .csv, .tsv, .json or .jsonl")->required();
  command.add_option("--column", options->read.column, "column of the headline, by name or number")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--label-column", options->read.label_column, "column of the category")
      ->type_name("NAME")
      ->capture_default_str();
  add_quotes_flag(command, options->read.quotes);
  add_split_options(command, options->split);
  add_examples(command, {"tvae data news headlines.csv --out runs/news",
                         "tvae data news news.jsonl --column title --label-column topic --out runs/news"});
  return [options, &common] { news(*options, common); };
}

const Register<SetUpVerb> registered(data_makers(), {"news", "headlines with their category, numbered", set_up});

}  // namespace
}  // namespace tvae::apps
