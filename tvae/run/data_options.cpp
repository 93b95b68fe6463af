#include "tvae/run/data_options.h"

namespace tvae {

ReadOptions read_options(const DataConfig& data) {
  return {.column = data.column,
          .label_column = data.label_column,
          .escapes = data.escapes,
          .strict = data.strict,
          .format = data.format == "auto" ? "" : data.format,
          .quotes = data.quotes};
}

HeldOutPart held_out_part(const DataConfig& data, int64_t seed) {
  return {data.valid.empty() ? data.valid_fraction : 0.0, static_cast<uint64_t>(seed)};
}

TokenizeOptions tokenize_options(const DataConfig& data) {
  TokenizeOptions options;
  options.max_tokens = data.max_tokens;
  options.cut = data.overlong == "cut";
  return options;
}

}  // namespace tvae
