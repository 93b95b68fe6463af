#include "tvae/train/setup.h"

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/data/reader.h"
#include "tvae/model/model_directory.h"

namespace tvae {
namespace {

ReadOptions read_options(const DataConfig& data) {
  return {data.column, data.label_column, data.escapes, data.strict};
}

/// A resumed run's own tokenizer, else the given one, else the starting model's, else one trained on the data.
Tokenizer choose_tokenizer(const DataConfig& data, const std::string& from, const RunDirectory& run) {
  if (run.resumes()) return Tokenizer::load(run.path());
  if (data.tokenizer.empty() && from.empty()) {
    log_info("training a tokenizer (" + data.tokenizer_kind + ", " + std::to_string(data.vocab_size) + " pieces) on " +
             data.train);
    const Rows rows = read_rows(data.train, read_options(data));
    TokenizerTraining training;
    training.kind = data.tokenizer_kind;
    training.vocab_size = data.vocab_size;
    return train_tokenizer(rows.texts, training);
  }
  Tokenizer tokenizer = Tokenizer::load(data.tokenizer.empty() ? from : data.tokenizer);
  if (!tokenizer.writes_anything()) {
    const Rows rows = read_rows(data.train, read_options(data));
    const int64_t added = tokenizer.add_tokens(tokenizer.unwritable_characters(rows.texts));
    if (added > 0)
      log_info(std::to_string(added) + " characters that the tokenizer cannot write got tokens of their own");
  }
  return tokenizer;
}

TokenDataset tokenize(const std::string& path, const RunConfig& config, const Tokenizer& tokenizer) {
  TokenizeOptions options;
  options.max_tokens = config.data.max_tokens;
  options.cut = config.data.overlong == "cut";
  TokenDataset dataset =
      TokenDataset::from_file(path, read_options(config.data), tokenizer, options, config.data.cache_dir);
  if (dataset.overlong() > 0)
    log_info(std::to_string(dataset.overlong()) + " sequences of " + path + " are longer than " +
             std::to_string(config.data.max_tokens) + " tokens and were " + (options.cut ? "cut" : "dropped"));
  if (dataset.untokenizable() > 0)
    log_info(std::to_string(dataset.untokenizable()) + " rows of " + path + " change on the way through the tokenizer");
  if (dataset.size() == 0)
    throw DataError(path + " has no usable sequence", "", "",
                    "data.max_tokens is " + std::to_string(config.data.max_tokens));
  return dataset;
}

/// Fills in what follows from the data and the tokenizer.
ModelConfig complete(const RunConfig& config, const Tokenizer& tokenizer) {
  ModelConfig model = config.model;
  model.vocab_size = std::max(model.vocab_size, tokenizer.size());
  model.sequence_length = config.data.max_tokens;
  model.pad_token_id = tokenizer.pad_id();
  model.eos_token_id = tokenizer.eos_id();
  if (config.loss.bag_of_words_weight > 0) model.bag_of_words = true;
  return model;
}

}  // namespace

TrainingSetup prepare_training(const RunConfig& config, const std::string& from, const RunDirectory& run,
                               torch::Device device) {
  if (config.data.train.empty())
    throw ConfigError("no training data", "", "--train FILE", "one sequence a line; tvae data demo makes some");
  Tokenizer tokenizer = choose_tokenizer(config.data, from, run);
  TokenDataset train = tokenize(config.data.train, config, tokenizer);
  std::optional<TokenDataset> valid;
  if (!config.data.valid.empty()) valid = tokenize(config.data.valid, config, tokenizer);
  Rng rng(static_cast<uint64_t>(config.train.seed));
  std::optional<Model> start;
  ModelConfig model = complete(config, tokenizer);
  if (!from.empty()) {
    start.emplace(load_model(from));
    const int64_t vocabulary = std::max(start->vae.config().vocab_size, model.vocab_size);
    model = start->vae.config();
    model.vocab_size = vocabulary;
    model.dropout = config.model.dropout;
    if (model.bottleneck == "fc" && model.sequence_length != config.data.max_tokens)
      throw ConfigError("data.max_tokens", std::to_string(config.data.max_tokens),
                        std::to_string(model.sequence_length) + ", the fixed length of " + from);
  }
  TransformerVae vae(model, rng);
  if (start) load_with_fresh_rows(vae, start->vae.parameters().to_map(), start->vae.config().vocab_size, from);
  vae.parameters().to(device, at::kFloat);
  return {config, std::move(tokenizer), std::move(vae), std::move(train), std::move(valid)};
}

nlohmann::ordered_json describe_data(const TrainingSetup& setup) {
  const auto describe = [](const std::string& path, const TokenDataset& data) {
    return nlohmann::ordered_json{{"path", path},
                                  {"sequences", data.size()},
                                  {"tokens", data.tokens()},
                                  {"overlong", data.overlong()},
                                  {"untokenizable", data.untokenizable()},
                                  {"fingerprint", hex(data.fingerprint())}};
  };
  nlohmann::ordered_json json = {{"train", describe(setup.config.data.train, setup.train)}};
  if (setup.valid) json["valid"] = describe(setup.config.data.valid, *setup.valid);
  return json;
}

}  // namespace tvae
