#include "tvae/train/column_choice.h"

#include "tvae/base/strings.h"
#include "tvae/data/column_guess.h"
#include "tvae/data/row_collector.h"
#include "tvae/data/table_rows.h"

namespace tvae {

ColumnChoice choose_columns(const DataConfig& data, DataFile& train) {
  if (data.tokens != "none") {
    ColumnChoice none;
    none.json = true;
    return none;
  }
  const auto [path, content] = train.sample();
  const bool open_format = data.format == "auto";
  const TableSketch table = sketch_table(path, content, open_format ? "" : data.format);
  ColumnChoice choice;
  choice.json = table.format == RowFormat::kJson || table.format == RowFormat::kJsonLines;
  if (table.names.empty()) {
    choice.column = data.column;
    if (table.format == RowFormat::kLines && has_bars(content))
      choice.warning = path +
                       " is read as lines of text, and each has the same number of bars, |, as a table's (a header, or "
                       "the ending .csv, makes it one)";
    return choice;
  }
  const ColumnGuess guess = guess_columns(table);
  choice.column = data.column.empty() ? guess.column : data.column;
  if (choice.column.empty()) return choice;
  if (open_format && format_by_name(path) != table.format) choice.format = name_of(table.format);
  const std::string names = join(table.names, ", ");
  choice.told = "column " + choice.column;
  if (data.column.empty()) {
    choice.reason = guess.reason;
    choice.told += " (" + guess.reason + ")";
    if (guess.texts.empty() && table.names.size() > 1)
      choice.warning = path + ": column " + choice.column + " is taken, since none looks like texts, of " + names +
                       " (data.column names another)";
  }
  choice.told += " of " + names;
  choice.label_column = guess.label_column == choice.column ? "" : guess.label_column;
  if (!data.label_column.empty()) choice.label_column = data.label_column;
  choice.header = table.header && (is_place(choice.column) || is_place(choice.label_column));
  choice.other_labels = guess.other_labels;
  return choice;
}

}  // namespace tvae
