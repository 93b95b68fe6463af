#include "tvae/train/setup.h"

#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/config/model_folder.h"
#include "tvae/data/data_file.h"
#include "tvae/data/file_set.h"
#include "tvae/latent/probe.h"
#include "tvae/model/bottleneck.h"
#include "tvae/run/data_options.h"
#include "tvae/run/model_directory.h"
#include "tvae/train/checkpoint.h"
#include "tvae/train/objective.h"

namespace tvae {
namespace {

constexpr uint64_t kProbeSeed = 1;

Tokenizer with_missing_characters(Tokenizer tokenizer, DataFile& train) {
  if (tokenizer.writes_anything()) return tokenizer;
  const int64_t added = tokenizer.add_tokens(tokenizer.unwritable_characters(train.rows().texts));
  if (added > 0)
    log_info(std::to_string(added) + " characters that the tokenizer cannot write got tokens of their own");
  return tokenizer;
}

/// A resumed run's own tokenizer, else the one that is there, the given one, the starting model's, or a new one.
Tokenizer choose_tokenizer(const DataConfig& data, TrainingInput& input, const std::string& from,
                           const RunDirectory& run, Progress& progress) {
  if (run.resumed()) return Tokenizer::load(run.path());
  if (input.tokenizer) return *input.tokenizer;
  if (data.tokenizer.empty() && from.empty()) return make_tokenizer(data, input.train, progress);
  return with_missing_characters(Tokenizer::load(data.tokenizer.empty() ? from : data.tokenizer), input.train);
}

TokenDataset tokenize(DataFile& file, const RunConfig& config, const Tokenizer& tokenizer, Progress& progress) {
  const TokenizeOptions options = tokenize_options(config.data);
  TokenDataset dataset = TokenDataset::from_file(file, tokenizer, options, config.data.cache_dir, progress);
  const std::string& path = file.path();
  if (dataset.overlong() > 0) {
    const int64_t all = dataset.size() + (options.cut ? 0 : dataset.overlong());
    const std::string message = std::to_string(dataset.overlong()) + " of " + std::to_string(all) + " sequences of " +
                                path + " are longer than " + std::to_string(config.data.max_tokens) +
                                " tokens and were " + (options.cut ? "cut" : "dropped") +
                                " (a larger data.max_tokens keeps them whole)";
    constexpr double kMany = 0.01;
    if (static_cast<double>(dataset.overlong()) > kMany * static_cast<double>(all))
      log_warning(message);
    else
      log_info(message);
  }
  if (dataset.untokenizable() > 0)
    log_info(std::to_string(dataset.untokenizable()) + " rows of " + path + " change on the way through the tokenizer");
  if (dataset.size() == 0)
    throw DataError(path + " has no usable sequence", "", "",
                    "data.max_tokens is " + std::to_string(config.data.max_tokens));
  return dataset;
}

/// For the probe that previews show: data.max_valid sequences from all over the file, in a random order, since it may
/// be sorted by label; none where nobody asks for it.
LabelledSequences probe_of(const TokenDataset& valid, DataFile& file, const RunConfig& config) {
  if (config.data.label_column.empty() || !config.train.previews || !config.train.preview.probe) return {};
  const std::vector<std::string>& of_rows = file.rows().labels;
  const int64_t limit = config.data.max_valid, count = limit > 0 ? std::min(limit, valid.size()) : valid.size();
  Rng rng(kProbeSeed);
  const torch::Tensor order = at::randperm(valid.size(), rng.generator(), at::kLong);
  LabelledSequences probe;
  probe.sequences.assign(order.const_data_ptr<int64_t>(), order.const_data_ptr<int64_t>() + count);
  for (const int64_t sequence : probe.sequences)
    probe.labels.push_back(of_rows.at(static_cast<size_t>(valid.source_row(sequence))));
  if (const auto why = why_no_probe(probe.labels, file.path())) {
    log_warning(std::string("previews have no probe: ") + why->what());
    return {};
  }
  return probe;
}

/// The parts that this run's losses ask for besides the model proper.
void add_heads(ModelConfig& model, const RunConfig& config) {
  if (config.model.bag_of_words || config.loss.bag_of_words.weight > 0) model.bag_of_words = true;
  if (model.critic_block_sizes.empty()) model.critic_block_sizes = config.model.critic_block_sizes;
  if (model.critic_block_sizes.empty() && config.loss.critic.score != "none")
    model.critic_block_sizes = config.model.funnel.block_sizes;
}

/// Fills in what follows from the data and the tokenizer.
ModelConfig complete(const RunConfig& config, const Tokenizer& tokenizer) {
  ModelConfig model = complete_model_config(config, tokenizer.size());
  model.pad_token_id = model.decoder_start_token_id = tokenizer.pad_id();
  model.eos_token_id = tokenizer.eos_id();
  model.unk_token_id = tokenizer.unk_id();
  return model;
}

/// The starting model's, but for what the data, the noise and the losses of this run ask for.
ModelConfig continued(const ModelConfig& start, const RunConfig& config, const Tokenizer& tokenizer) {
  if (bottleneck_traits(start).fixed_length && start.sequence_length != config.data.max_tokens)
    throw ConfigError("data.max_tokens", std::to_string(config.data.max_tokens),
                      std::to_string(start.sequence_length) + ", the fixed length of the starting model");
  if (start.pad_inputs && start.sequence_length < config.data.max_tokens)
    throw ConfigError("data.max_tokens", std::to_string(config.data.max_tokens),
                      std::to_string(start.sequence_length) + " at most, to which the starting model pads its inputs");
  if (start.attention_window.size > 0 && start.sequence_length < config.data.max_tokens)
    throw ConfigError("data.max_tokens", std::to_string(config.data.max_tokens),
                      std::to_string(start.sequence_length) + " at most, which the starting model's windows divide");
  ModelConfig model = start;
  model.vocab_size = std::max(start.vocab_size, tokenizer.size());
  model.dropout = config.model.dropout;
  for (const auto field :
       {&FunnelConfig::hidden_dropout, &FunnelConfig::attention_dropout, &FunnelConfig::activation_dropout})
    model.funnel.*field = config.model.funnel.*field;
  add_heads(model, config);
  return model;
}

/// Before anything else is done, whose announcements would stand above the error.
void require_files(const ResolvedConfig& resolved, const RunRecord* resumed) {
  const DataConfig& data = resolved.config.data;
  if (data.train.empty())
    throw with_remedy(ConfigError("no training data", "", "data.train, a file of one sequence a line", resolved.wants),
                      Remedy::kGiveTrainingTexts);
  std::vector<std::string> files;
  for (const std::string& path : {data.train, data.valid}) {
    if (resumed && !path.empty() && !file_exists(path) && !files_can_be_read_again(path)) throw MovedData(path);
    for (const std::string& file : files_of(path)) files.push_back(file);
  }
  for (const std::string& path : files) {
    if (path.empty()) continue;
    if (resumed && !file_exists(path)) throw MovedData(path);
    const bool pipe = path == "-" || (file_exists(path) && !can_be_read_again(path) && !directory_exists(path));
    if (pipe && std::count(files.begin(), files.end(), path) > 1)
      throw ConfigError("training and held-out data", "the pipe " + path + " twice", "a file for one of them");
    if (resumed && pipe)
      throw ConfigError("training data", "the pipe " + path, "a file",
                        "a run reads its data again when it is resumed, and a pipe gives it once");
    require_no_folder(path);
    if (!pipe) LineReader{path};  // says why where it cannot be opened
  }
}

/// A resumed run goes on with the rows that it began with, wherever they lie now.
void require_same_rows(const DataRecord& begun, const std::string& path, const TokenDataset& data) {
  if (begun.fingerprint.empty() || begun.fingerprint == hex(data.fingerprint())) return;
  throw CheckpointError("the data changed since the run began", path, "the rows that were in " + begun.path + " then");
}

DataRecord describe(const std::string& path, const TokenDataset& data) {
  return {path, data.size(), data.tokens(), data.overlong(), data.untokenizable(), hex(data.fingerprint())};
}

/// What run.json will say: of a resumed run what it said, but for what may change between two sessions.
RunRecord record_of(const ResolvedConfig& resolved, const std::string& from, const RunRecord* resumed,
                    const TrainingSetup& setup) {
  RunRecord record = resumed ? *resumed : RunRecord();
  if (!resumed && !from.empty()) {
    const auto parent = read_run_record(from);
    record.from = from;
    record.ancestors = ancestors_with(from, parent ? &*parent : nullptr);
    if (parent) record.older_past = parent->older_past;
  }
  record.version = record.libtorch = "";  // those that write it
  record.requested = record.config = resolved.config;
  record.config.model = setup.model.vae.config();
  record.parameters = setup.model.vae.parameters().count();
  record.vocabulary = setup.model.tokenizer.size();
  record.train = describe(resolved.config.data.train, setup.train);
  record.valid.reset();
  const std::string& valid = resolved.config.data.valid;
  if (setup.valid) record.valid = describe(valid.empty() ? kHeldOutFile : valid, *setup.valid);
  return record;
}

/// Throws ConfigError where bottleneck and losses do not fit, before hours of work on the data.
void require_parts(ModelConfig model, const LossConfig& loss) {
  Rng rng(0);
  Parameters scratch(rng);
  make_bottleneck(Scope(scratch), model);
  model.bag_of_words = true;  // the heads are added where the losses ask for them
  if (model.critic_block_sizes.empty()) model.critic_block_sizes = model.funnel.block_sizes;
  Objective(loss, model);
}

/// Throws ConfigError for a model that cannot be, before a tokenizer is trained for it. The vocabulary does not matter.
void require_model(const RunConfig& config) {
  Rng rng(0);
  constexpr int64_t kSomeVocabulary = 8;
  TransformerVae(complete_model_config(config, kSomeVocabulary), rng, torch::kMeta);
}

}  // namespace

void require_possible(const RunConfig& config) {
  require_parts(config.model, config.loss);
  require_model(config);
}

TrainingInput open_training_files(const ResolvedConfig& resolved, const RunRecord* resumed) {
  require_files(resolved, resumed);
  const DataConfig& data = resolved.config.data;
  TrainingInput input{DataFile(data.train, read_options(data), held_out_part(data, resolved.config.train.seed)), {}};
  if (!data.valid.empty()) input.valid.emplace(data.valid, fit_options(data));
  return input;
}

Tokenizer make_tokenizer(const DataConfig& data, DataFile& train, Progress& progress) {
  if (!data.tokenizer.empty()) return with_missing_characters(Tokenizer::load(data.tokenizer), train);
  const std::string beside = std::filesystem::path(files_of(data.train).front()).parent_path() / "tokenizer";
  if (data.check == "mnist" && directory_exists(beside)) {  // tvae data mnist-text makes it
    log_info("taking the tokenizer " + beside);
    return Tokenizer::load(beside);
  }
  const std::vector<std::string>& texts = train.rows().texts;  // what is wrong with the file is said first
  log_info("training a tokenizer (" + data.tokenizer_kind + ", " + std::to_string(data.vocab_size) + " pieces) on " +
           data.train);
  TokenizerTraining training;
  training.kind = data.tokenizer_kind;
  training.vocab_size = data.vocab_size;
  training.progress = &progress;
  return train_tokenizer(texts, training);
}

ModelConfig complete_model_config(const RunConfig& config, int64_t vocabulary) {
  ModelConfig model = config.model;
  model.vocab_size = std::max(model.vocab_size, vocabulary);
  model.sequence_length = config.data.max_tokens;
  add_heads(model, config);
  settle_latent_tokens_and_padding(model);
  return model;
}

TrainingSetup prepare_training(const ResolvedConfig& resolved, TrainingInput input, const std::string& from,
                               const RunDirectory& run, torch::Device device, Progress& progress) {
  const RunConfig& config = resolved.config;
  const RunRecord* const resumed = run.resumed();
  const bool has_model = resumed && has_checkpoint(run.path());  // then the starting model is needed no more
  std::optional<Model> start;
  if (!from.empty() && !has_model) start.emplace(load_model(from));
  require_parts(start ? start->vae.config() : config.model, config.loss);
  if (!start && !has_model) require_model(config);
  constexpr int kStages = 3;
  progress.update("preparing", 0, kStages);
  Tokenizer tokenizer = choose_tokenizer(config.data, input, from, run, progress);
  progress.update("preparing", 1, kStages);
  ModelConfig model = has_model ? load_model_config(run.path())
                      : start   ? continued(start->vae.config(), config, tokenizer)
                                : complete(config, tokenizer);
  require_agreement(model, resolved, start ? "the starting model decides it" : "the data and the tokenizer decide it");
  if (has_model) require_checkpoint_of(model, run.path());
  Rng rng(static_cast<uint64_t>(config.train.seed));
  TransformerVae vae(model, rng);
  if (start) {
    TensorMap weights = start->vae.parameters().to_map();
    for (const auto& [name, fresh] : vae.parameters().to_map())
      if ((name.starts_with("vae.bag_of_words.") || name.starts_with("vae.critic.")) && !weights.contains(name))
        weights[name] = fresh.clone();
    load_with_fresh_rows(vae, std::move(weights), start->vae.config().vocab_size, from);
  }
  vae.parameters().to(device, at::kFloat);
  TokenDataset train = tokenize(input.train, config, tokenizer, progress);
  if (resumed) require_same_rows(resumed->train, config.data.train, train);
  progress.update("preparing", 2, kStages);
  std::optional<TokenDataset> valid;
  LabelledSequences probe;
  Rows split_off;
  if (!input.valid && config.data.valid_fraction > 0) {
    input.valid = input.train.held_out();
    split_off = input.valid->rows();
  }
  if (input.valid) {
    valid = tokenize(*input.valid, config, tokenizer, progress);
    if (resumed && resumed->valid) require_same_rows(*resumed->valid, input.valid->path(), *valid);
    probe = probe_of(*valid, *input.valid, config);
  }
  progress.update("preparing", 3, kStages);
  Model trained{run.path(), std::move(tokenizer), std::move(vae), config.data.max_tokens, config.data.check};
  TrainingSetup setup{config, std::move(trained), std::move(train), std::move(valid), std::move(probe)};
  setup.split_off = std::move(split_off);
  setup.record = record_of(resolved, from, resumed, setup);
  return setup;
}

}  // namespace tvae
