// The front door of measuring: models in, reports out. Which texts are held out, whether they have changed since
// training and what belongs into a model's card is decided here; what is measured, in protocol.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tvae/base/progress.h"
#include "tvae/data/reader.h"
#include "tvae/eval/protocol.h"
#include "tvae/latent/space.h"
#include "tvae/run/model_card.h"

namespace tvae {

struct EvaluateOptions {
  std::string data;  // held-out texts; empty = those of the (first) model's run
  ReadOptions read;  // of `data`; without it, what differs from how the run read its own
  /// Where the report is written, with its page beside it: X.json and X.html for either of them, X and X.html for other
  /// names; empty = MODEL/eval/report.json. With `write` off, nothing is written.
  std::string out;
  bool write = true;
  EvaluationOptions protocol;  // training_texts and labelled_training_texts are filled in
};

/// A report as it stands in the card of the model: without the folders of this machine.
CardScores card_scores(nlohmann::ordered_json report);

/// Renders the card of a model with the verdict of a report, without its figures; leaves one that is a person's own.
/// Throws DataError.
void write_verdict_to_card(const std::string& directory, const nlohmann::ordered_json& report);

/// Measures models on one file and gives their reports (docs/evaluation.md), in order. A report of some sections leaves
/// those that the file has besides, where they are of the same weights, texts and settings; where they are not, or
/// where it is less than the whole protocol and the file is of that, the file stays as it is (report_file.h) unless
/// `out` names it. A report by the whole protocol of the texts that a model's own run held out (no `data`, `out` or
/// column given) also goes into its card, unless that is a person's own (model_card.h). Throws ConfigError (no held-out
/// texts, a model named twice, a section, path or file that cannot be), DataError, CheckpointError; all that can be
/// known before minutes of work is.
std::vector<nlohmann::ordered_json> evaluate(const std::vector<std::string>& models, const EvaluateOptions& options,
                                             torch::Device device = torch::kCPU, Progress& progress = Progress::none());
/// The same of a model that is loaded.
nlohmann::ordered_json evaluate(const LatentSpace& space, const EvaluateOptions& options,
                                Progress& progress = Progress::none());

}  // namespace tvae
