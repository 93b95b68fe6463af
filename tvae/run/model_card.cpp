#include "tvae/run/model_card.h"

#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

constexpr char kStart[] = "<!-- rendered by tvae, and again when something changes: text of your own goes outside -->";
constexpr char kEnd[] = "<!-- end of what tvae renders -->";

std::string number(double value, int digits) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(digits);
  out << value;
  return out.str();
}

std::string data_line(const DataRecord& data) {
  return "- training data: " + file_names(data.path) + ", " + std::to_string(data.sequences) + " sequences, " +
         std::to_string(data.tokens) + " tokens\n";
}

std::string steps_line(const TrainingRecord& training) {
  std::string line = "- steps: " + std::to_string(training.steps);
  if (training.planned_steps > 0) line += " of " + std::to_string(training.planned_steps);
  if (training.seconds > 0) line += ", " + number(training.seconds / 60.0, 1) + " minutes";
  return line + "\n";
}

/// Each ancestor is a point below the model that started from it.
std::string past(const RunRecord& record) {
  std::string lines, indent;
  for (const AncestorRecord& ancestor : record.ancestors) {
    lines += indent + "- started from: " + ancestor.name + "\n";
    indent += "  ";
    if (!ancestor.data.path.empty()) lines += indent + data_line(ancestor.data);
    if (ancestor.training.steps > 0) lines += indent + steps_line(ancestor.training);
  }
  for (const std::string& line : split(record.older_past, '\n'))
    if (!line.empty()) lines += indent + line + "\n";
  return lines;
}

/// What stands between the marks.
std::string rendered(const RunRecord& record, const CardScores& scores) {
  const ModelConfig& model = record.config.model;
  std::ostringstream card;
  if (!scores.verdict.empty()) card << join(scores.verdict, " ") << "\n\n";
  card << "Made by tvae " << (record.version.empty() ? TVAE_VERSION : record.version) << ".\n\n"
       << "- weights: " << record.parameters << ", encoder " << model.encoder << " (" << model.encoder_layers
       << " layers), bottleneck " << model.bottleneck << ", decoder " << model.decoder_layers << " layers, width "
       << model.d_model << "\n"
       << "- code: " << model.latent_tokens << " x " << model.latent_size << "\n"
       << "- vocabulary: " << record.vocabulary << " pieces; longest sequence: " << record.config.data.max_tokens
       << " tokens\n"
       << data_line(record.train) << steps_line(record.training);
  if (record.valid && record.training.held_out)
    card << "- held out (" << file_names(record.valid->path) << "): cross-entropy "
         << number(record.training.held_out->cross_entropy, 3) << " nats a token, teacher-forced token accuracy "
         << number(record.training.held_out->token_accuracy, 3) << "\n";
  card << past(record)
       << "\nA folder like this is a model to encode, decode, interpolate and sample with. The whole configuration is "
          "in run.json.\n";
  if (!record.weights.empty())
    for (const std::string& kind : split(record.weights, ','))
      card << "\nIts weights were rounded to " << strip(kind) << ".\n";
  if (!scores.table.empty())
    card << "\n## Scores\n\nOn held-out texts; [ ] are 95% intervals.\n\n```\n"
         << join(scores.table, "\n") << "\n```\n";
  return card.str();
}

/// Where the rendered part of a card begins and ends, marks included; nullopt where one of them is missing.
std::optional<std::pair<size_t, size_t>> rendered_part(const std::string& card) {
  const size_t start = card.find(kStart), end = card.find(kEnd, start);
  if (end == std::string::npos) return std::nullopt;
  return std::pair(start, end + std::string_view(kEnd).size());
}

std::string card_file(const std::string& folder) {
  return folder + "/README.md";
}

}  // namespace

std::string model_card(const RunRecord& record, const CardScores& scores, const std::string& earlier) {
  const std::string part = std::string(kStart) + "\n" + rendered(record, scores) + kEnd;
  const auto place = rendered_part(earlier);
  if (!place) return "# A Transformer-VAE\n\n" + part + "\n";
  return earlier.substr(0, place->first) + part + earlier.substr(place->second);
}

std::string read_model_card(const std::string& folder) {
  return file_exists(card_file(folder)) ? read_file(card_file(folder)) : "";
}

bool is_own_card(const std::string& card) {
  return !card.empty() && !rendered_part(card);
}

void write_model_card(const std::string& folder, const RunRecord& record, const CardScores& scores) {
  const std::string earlier = read_model_card(folder);
  if (!is_own_card(earlier)) write_file_atomically(card_file(folder), model_card(record, scores, earlier));
}

void warn_of_own_card(const std::string& folder) {
  if (is_own_card(read_model_card(folder)))
    log_warning(card_file(folder) +
                " lacks the marks of what is rendered, so it stays as it is (without it, there will be a new one)");
}

}  // namespace tvae
