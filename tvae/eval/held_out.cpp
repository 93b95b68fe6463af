#include "tvae/eval/held_out.h"

#include <nlohmann/json.hpp>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/latent/codec.h"

namespace tvae {

RecordedData recorded_data(const std::string& model_directory) {
  const std::string path = model_directory + "/run.json";
  if (!file_exists(path)) return {};
  const auto run = nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  try {
    const auto& data = run.at("config").at("data");
    RecordedData recorded{data.value("train", ""), data.value("valid", ""), {}};
    recorded.read.column = data.value("column", "");
    recorded.read.label_column = data.value("label_column", "");
    recorded.read.escapes = data.value("escapes", false);
    return recorded;
  } catch (const nlohmann::json::exception&) {
    throw CheckpointError(path + " holds no configuration", "", "what tvae train writes");
  }
}

HeldOut sample_held_out(const Model& model, const std::string& path, const std::vector<std::string>& texts,
                        int64_t samples, uint64_t seed) {
  HeldOut held_out;
  held_out.path = path;
  Rng rng(seed);
  const torch::Tensor order = at::randperm(static_cast<int64_t>(texts.size()), rng.generator(), at::kLong);
  for (int64_t i = 0; i < order.numel() && static_cast<int64_t>(held_out.texts.size()) < samples; ++i) {
    const std::string& text = texts[order.const_data_ptr<int64_t>()[i]];
    bool too_long = false;
    std::vector<int32_t> ids = model_ids(model, text, &too_long);
    if (too_long) {
      ++held_out.overlong;
    } else if (!model.tokenizer.round_trips(text)) {
      ++held_out.untokenizable;
    } else {
      held_out.texts.push_back(text);
      held_out.ids.push_back(std::move(ids));
    }
  }
  if (held_out.texts.empty())
    throw DataError("no sequence of " + path + " can be used",
                    std::to_string(held_out.overlong) + " longer than " + std::to_string(model.max_tokens) +
                        " tokens and " + std::to_string(held_out.untokenizable) + " that the tokenizer cannot write");
  return held_out;
}

TextSet::TextSet(const std::string& path, const ReadOptions& read) {
  for (const std::string& text : read_rows(path, read).texts) hashes_.insert(hash_bytes(text));
}

bool TextSet::contains(const std::string& text) const {
  return hashes_.contains(hash_bytes(text));
}

}  // namespace tvae
