#include "tvae/train/model_files.h"

#include "tvae/base/files.h"
#include "tvae/config/model_folder.h"
#include "tvae/run/model_card.h"
#include "tvae/run/model_directory.h"
#include "tvae/run/run_record.h"

namespace tvae {
namespace {

RunRecord record_now(const TrainingSetup& setup, const TrainingState& state) {
  RunRecord record = setup.record;
  record.training = {state.position.step, state.position.total_steps, state.seconds, std::nullopt};
  if (state.last_scores)
    record.training.held_out = {state.last_scores->cross_entropy, state.last_scores->token_accuracy};
  return record;
}

}  // namespace

void write_model_files(const std::string& folder, const TrainingSetup& setup, const TensorMap& weights,
                       const TrainingState& state) {
  const DataConfig& data = setup.config.data;
  save_model(folder, setup.model.vae.config(), data.max_tokens, data.check, weights, setup.model.tokenizer);
  const RunRecord record = record_now(setup, state);
  write_run_record(folder, record);
  write_model_card(folder, record);
}

void write_held_out_rows(const std::string& folder, const Rows& rows) {
  write_file_atomically(folder + "/" + kHeldOutFile, [&](const Sink& sink) {
    for (size_t i = 0; i < rows.texts.size(); ++i) {
      nlohmann::ordered_json row = {{"text", rows.texts[i]}};
      if (!rows.labels.empty()) row["label"] = rows.labels[i];
      sink(row.dump());
      sink("\n");
    }
  });
}

}  // namespace tvae
