// Which columns of a training file are read where its user does not say.
#pragma once

#include <string>
#include <vector>

#include "tvae/config/run_config.h"
#include "tvae/data/data_file.h"

namespace tvae {

struct ColumnChoice {
  std::string column, label_column;       // data.column, data.label_column; empty = none
  std::string format;                     // data.format, where the file's name tells another; else empty
  bool header = false;                    // data.header
  bool json = false;                      // whether the file's rows are JSON
  std::string reason;                     // of the column, where it was open
  std::string told;                       // for people: "column said (the longest texts that differ) of id, said"
  std::vector<std::string> other_labels;  // columns that might be labels, too
  std::string warning;                    // or empty
};

/// By the beginning of the file, and by what of data.column, data.label_column and data.format is not empty, or "auto".
/// Throws DataError.
ColumnChoice choose_columns(const DataConfig& data, DataFile& train);

}  // namespace tvae
