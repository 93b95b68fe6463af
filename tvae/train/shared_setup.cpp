#include "tvae/train/shared_setup.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/strings.h"
#include "tvae/config/model_folder.h"
#include "tvae/run/data_options.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

std::string process(const Communicator& communicator, int rank) {
  return "process " + std::to_string(rank) + " of " + std::to_string(communicator.size());
}

/// A folder that lives as long as the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tvae-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw DataError("cannot make a folder in " + name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Json tokenizer_to_json(const Tokenizer& tokenizer) {
  const ScratchFolder folder;
  tokenizer.save(folder.path());
  Json files = Json::object();
  for (const std::string& name : tokenizer_files()) {
    const std::string path = folder.path() + "/" + name;
    if (!file_exists(path)) continue;
    const std::string content = read_file(path);
    files[name] = Json::binary({content.begin(), content.end()});
  }
  return files;
}

Tokenizer tokenizer_from_json(const Json& files) {
  const ScratchFolder folder;
  for (const auto& [name, content] : files.items()) {
    const auto& bytes = content.get_binary();
    write_file_atomically(folder.path() + "/" + name, std::string(bytes.begin(), bytes.end()));
  }
  return Tokenizer::load(folder.path());
}

/// Of two lists what the first has and the second has not; anything else whole.
std::string without(const Json& list, const Json& other) {
  if (!list.is_array() || !other.is_array()) return list.dump();
  std::vector<std::string> own;
  for (const Json& item : list)
    if (std::find(other.begin(), other.end(), item) == other.end()) own.push_back(item.get<std::string>());
  return own.empty() ? "none of them" : join(own, ", ");
}

std::string packed(const Json& json) {
  const std::vector<uint8_t> bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

void require_same_command(const TrainOptions& options, Communicator& communicator) {
  if (communicator.is_alone()) return;
  const Json own = {{"version", TVAE_VERSION},
                    {"presets", options.presets},
                    {"assignments", options.assignments},
                    {"from", options.from},
                    {"mode", static_cast<int>(options.mode)},
                    {"device", options.device.is_cuda() ? "cuda" : "cpu"}};
  const std::vector<std::string> all =
      communicator.texts_of_all(own.dump(-1, ' ', false, Json::error_handler_t::replace));
  const Json first = Json::parse(all.front());
  for (int rank = 1; rank < communicator.size(); ++rank) {
    const Json other = Json::parse(all[static_cast<size_t>(rank)]);
    for (const auto& [key, value] : first.items())
      if (other.at(key) != value)
        throw ConfigError(process(communicator, rank) + " was started with other " + key, without(other.at(key), value),
                          without(value, other.at(key)) + ", as process 0",
                          "all processes of a run are started with the same command");
  }
}

void share_setup(const TrainingSetup& setup, Communicator& communicator) {
  if (communicator.is_alone()) return;
  const Json told = {{"config", to_json(setup.config)},
                     {"model", model_config_to_json(setup.model.vae.config())},
                     {"tokenizer", tokenizer_to_json(setup.model.tokenizer)},
                     {"data", hex(setup.train.fingerprint())}};
  communicator.text_of_first(packed(told));
}

TrainingSetup shared_setup(torch::Device device, Communicator& communicator) {
  const Json told = Json::from_cbor(communicator.text_of_first(""));
  const RunConfig config = run_config_from_json(told.at("config"));
  const ModelConfig model = model_config_from_json(told.at("model"));
  Tokenizer tokenizer = tokenizer_from_json(told.at("tokenizer"));
  DataFile file(config.data.train, read_options(config.data), held_out_part(config.data, config.train.seed));
  TokenDataset train = TokenDataset::from_file(file, tokenizer, tokenize_options(config.data), config.data.cache_dir);
  if (hex(train.fingerprint()) != told.at("data").get<std::string>())
    throw DataError("the training data of " + process(communicator, communicator.rank()), config.data.train,
                    "the rows that process 0 has under that name");
  Rng rng(static_cast<uint64_t>(config.train.seed));
  TransformerVae vae(model, rng);
  vae.parameters().to(device, at::kFloat);
  Model trained{"", std::move(tokenizer), std::move(vae), config.data.max_tokens, config.data.check};
  return {config, std::move(trained), std::move(train), std::nullopt, {}};
}

std::optional<Checkpoint> shared_checkpoint(std::optional<Checkpoint> of_first, Communicator& communicator) {
  if (communicator.is_alone()) return of_first;
  Json told;
  if (of_first) {
    told["state"] = of_first->state;
    for (const auto& [name, tensor] : of_first->tensors)
      told["tensors"].push_back({name, tensor.sizes().vec(), static_cast<int>(tensor.scalar_type())});
  }
  told = Json::from_cbor(communicator.text_of_first(packed(told)));
  if (told.is_null()) return std::nullopt;
  Checkpoint checkpoint;
  if (of_first) checkpoint = std::move(*of_first);
  checkpoint.state = told.at("state");
  for (const Json& described : told.at("tensors")) {
    torch::Tensor& tensor = checkpoint.tensors[described.at(0).get<std::string>()];
    if (!tensor.defined())
      tensor = at::empty(described.at(1).get<std::vector<int64_t>>(),
                         static_cast<torch::ScalarType>(described.at(2).get<int>()));
    if (tensor.numel() > 0) communicator.broadcast({tensor}, 0);
  }
  return checkpoint;
}

}  // namespace tvae
