#include "tvae/run/data_options.h"

namespace tvae {

ReadOptions read_options(const DataConfig& data) {
  return {.column = data.column,
          .label_column = data.label_column,
          .escapes = data.escapes,
          .strict = data.strict,
          .quotes = data.quotes};
}

TokenizeOptions tokenize_options(const DataConfig& data) {
  TokenizeOptions options;
  options.max_tokens = data.max_tokens;
  options.cut = data.overlong == "cut";
  return options;
}

}  // namespace tvae
