#include "tvae/run/data_options.h"

#include <filesystem>

#include "tvae/base/compression.h"
#include "tvae/config/model_folder.h"
#include "tvae/run/run_record.h"

namespace tvae {

ReadOptions read_options(const DataConfig& data) {
  return {.column = data.column,
          .label_column = data.label_column,
          .escapes = data.escapes,
          .strict = data.strict,
          .format = data.format == "auto" ? "" : data.format,
          .quotes = data.quotes,
          .header = data.header,
          .tokens = data.tokens == "none" ? "" : data.tokens,
          .tokenizer = data.tokens == "text" ? data.tokens_tokenizer : data.tokenizer};
}

ReadOptions fit_options(const DataConfig& data) {
  ReadOptions options = read_options(data);
  options.fit = true;
  return options;
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

ReadOptions read_as_run(const std::string& model, const std::string& path, const ReadOptions& given, bool labels) {
  const auto record = read_run_record(model);
  ReadOptions read = given;
  read.fit = path != "-" && given.column.empty() && given.label_column.empty() && given.format.empty();
  if (!record) return read;
  const DataConfig& data = record->config.data;
  ReadOptions run = read_options(data);
  read.escapes |= run.escapes;
  if (path == "-") return read;
  const std::filesystem::path own = without_compression_suffix(data.train), file = without_compression_suffix(path);
  read.quotes |= run.quotes;
  if (!read.fit && read.format.empty() && own.extension() == file.extension()) read.format = run.format;
  if (!read.column.empty()) return read;  // another file than the run's
  if (file.filename() == kHeldOutFile)
    run = {.column = "text", .label_column = run.label_column.empty() ? "" : "label"};
  if (!run.tokens.empty() && read.format.empty() && own.extension() == file.extension()) {  // ids, as the run's own
    read.tokens = run.tokens;
    read.tokenizer = run.tokens == "text" ? run.tokenizer : model;
    return read;
  }
  read.column = run.column;
  if (labels && read.label_column.empty()) read.label_column = run.label_column;
  return read;
}

}  // namespace tvae
