#include "tvae/run/model_card.h"

#include <sstream>

#include "tvae/base/strings.h"

namespace tvae {
namespace {

constexpr char kStart[] = "<!-- scores -->\n", kEnd[] = "<!-- end of scores -->\n";

std::string number(double value, int digits) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(digits);
  out << value;
  return out.str();
}

std::string data_line(const DataRecord& data) {
  return "- training data: " + last_part(data.path) + ", " + std::to_string(data.sequences) + " sequences, " +
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

}  // namespace

std::string model_card(const RunRecord& record) {
  const ModelConfig& model = record.config.model;
  std::ostringstream card;
  card << "# A Transformer-VAE\n\nMade by tvae " << (record.version.empty() ? TVAE_VERSION : record.version) << ".\n\n"
       << "- weights: " << record.parameters << ", encoder " << model.encoder << " (" << model.encoder_layers
       << " layers), bottleneck " << model.bottleneck << ", decoder " << model.decoder_layers << " layers, width "
       << model.d_model << "\n"
       << "- code: " << model.latent_tokens << " x " << model.latent_size << "\n"
       << "- vocabulary: " << record.vocabulary << " pieces; longest sequence: " << record.config.data.max_tokens
       << " tokens\n"
       << data_line(record.train) << steps_line(record.training);
  if (record.valid && record.training.held_out)
    card << "- held out (" << last_part(record.valid->path) << "): cross-entropy "
         << number(record.training.held_out->cross_entropy, 3) << " nats a token, teacher-forced token accuracy "
         << number(record.training.held_out->token_accuracy, 3) << "\n";
  card << past(record)
       << "\nA folder like this is a model to encode, decode, interpolate and sample with. The whole configuration is "
          "in "
          "run.json.\n";
  return card.str();
}

std::string without_scores(const std::string& card) {
  const size_t start = card.find(kStart);
  const size_t end = card.find(kEnd, start);
  if (end == std::string::npos) return card;
  return card.substr(0, start) + card.substr(end + std::size(kEnd) - 1);
}

std::string with_scores(const std::string& card, const std::vector<std::string>& table) {
  const size_t found = card.find(kStart);
  const std::string rest = without_scores(card);
  const size_t place = rest.size() == card.size() ? rest.size() : found;  // where earlier scores were, or at the end
  return rest.substr(0, place) + kStart + "\n## Scores\n\nOn held-out texts; [ ] are 95% intervals.\n\n```\n" +
         join(table, "\n") + "\n```\n" + kEnd + rest.substr(place);
}

}  // namespace tvae
