#include "tvae/eval/held_out.h"

#include <unordered_map>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/config/model_folder.h"
#include "tvae/data/file_set.h"
#include "tvae/latent/codec.h"
#include "tvae/run/data_options.h"
#include "tvae/run/run_record.h"

namespace tvae {

RecordedData recorded_data(const std::string& model_directory) {
  const auto record = read_run_record(model_directory);
  if (!record) return {};
  const DataConfig& data = record->config.data;
  RecordedData recorded;
  const ReadOptions read = read_options(data);
  recorded.train = {data.train, record->train.fingerprint, read, held_out_part(data, record->config.train.seed)};
  const std::string fingerprint = record->valid ? record->valid->fingerprint : "";
  recorded.valid = {data.valid, fingerprint, fit_options(data)};
  if (data.valid.empty() && record->valid)
    recorded.valid = {model_directory + "/" + kHeldOutFile,
                      fingerprint,
                      {.column = "text", .label_column = data.label_column.empty() ? "" : "label"}};
  recorded.tokenize = tokenize_options(data);
  recorded.cache_dir = data.cache_dir;
  return recorded;
}

void require_recorded_file(const std::string& what, const std::string& path, const std::string& hint) {
  const std::string file = "the " + what + " file " + path + " of the model's run.json ";
  if (files_can_be_read_again(path)) return;
  if (!file_exists(path)) throw with_remedy(DataError(file + "is not there", "", "", hint), Remedy::kGiveTexts);
  throw with_remedy(ConfigError(file + "was a pipe", "", "", hint), Remedy::kGiveTexts);
}

Rows training_rows(const std::string& model_directory) {
  const RecordedData recorded = recorded_data(model_directory);
  if (recorded.train.path.empty())
    throw with_remedy(
        ConfigError("the model does not say what it was trained on", "", "", "give texts like those it was trained on"),
        Remedy::kGiveTexts);
  require_recorded_file("training", recorded.train.path, "give texts like those it was trained on");
  Rows rows = recorded.train.rows();
  for (const std::string& line : describe_reading(rows, recorded.train.path)) log_warning(line);
  return rows;
}

bool has_changed(const RecordedFile& file, const RecordedData& recorded, const Tokenizer& tokenizer) {
  if (file.fingerprint.empty()) return false;
  if (!files_can_be_read_again(file.path)) return true;  // a pipe gives its rows once
  try {
    DataFile again(file.path, file.read, file.without);
    const TokenDataset now = TokenDataset::from_file(again, tokenizer, recorded.tokenize, recorded.cache_dir);
    return hex(now.fingerprint()) != file.fingerprint;
  } catch (const DataError&) {
    if (!file.read.strict) throw;
    return true;  // with a bad row the run would have ended
  }
}

namespace {

/// 0 … count - 1 in random order.
std::vector<size_t> random_order(size_t count, uint64_t seed) {
  Rng rng(seed);
  const torch::Tensor order = at::randperm(static_cast<int64_t>(count), rng.generator(), at::kLong);
  return {order.const_data_ptr<int64_t>(), order.const_data_ptr<int64_t>() + order.numel()};
}

}  // namespace

HeldOut sample_held_out(const Model& model, const std::string& path, const Rows& rows, int64_t samples, uint64_t seed) {
  HeldOut held_out;
  held_out.path = path;
  for (const size_t row : random_order(rows.texts.size(), seed)) {
    if (static_cast<int64_t>(held_out.texts.size()) == samples) break;
    const std::string& text = rows.texts[row];
    const bool has_ids = !rows.ids.empty();  // the file's own (pretokenized.h), of which the text is written
    bool too_long = has_ids && static_cast<int64_t>(rows.ids[row].size()) >= model.max_tokens;
    std::vector<int32_t> ids = has_ids ? rows.ids[row] : model_ids(model, text, &too_long);
    if (has_ids) ids.push_back(model.tokenizer.eos_id());
    if (too_long) {
      ++held_out.overlong;
    } else if (!has_ids && !model.tokenizer.round_trips(text)) {
      ++held_out.untokenizable;
    } else {
      held_out.texts.push_back(text);
      if (!rows.labels.empty()) held_out.labels.push_back(rows.labels[row]);
      held_out.ids.push_back(std::move(ids));
    }
  }
  if (held_out.texts.empty())
    throw DataError("no sequence of " + path + " can be used",
                    std::to_string(held_out.overlong) + " longer than " + std::to_string(model.max_tokens) +
                        " tokens and " + std::to_string(held_out.untokenizable) + " that the tokenizer cannot write");
  return held_out;
}

LabelledTexts sample_labelled(const std::string& path, const Rows& rows, int64_t most_a_label, int64_t most,
                              uint64_t seed) {
  LabelledTexts sample{path, {}, {}};
  if (rows.labels.empty()) return sample;
  std::unordered_map<std::string, int64_t> taken;
  for (const size_t row : random_order(rows.texts.size(), seed)) {
    if (static_cast<int64_t>(sample.texts.size()) == most) break;
    if (++taken[rows.labels[row]] > most_a_label) continue;
    sample.texts.push_back(rows.texts[row]);
    sample.labels.push_back(rows.labels[row]);
  }
  return taken.size() < 2 ? LabelledTexts{path, {}, {}} : sample;
}

TextSet::TextSet(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) hashes_.insert(hash_bytes(text));
}

bool TextSet::contains(const std::string& text) const {
  return hashes_.contains(hash_bytes(text));
}

}  // namespace tvae
