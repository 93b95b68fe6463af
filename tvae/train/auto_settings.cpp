#include "tvae/train/auto_settings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/data/column_guess.h"
#include "tvae/run/data_options.h"
#include "tvae/text/kneser_ney.h"
#include "tvae/train/column_choice.h"
#include "tvae/train/pilot.h"
#include "tvae/train/setup.h"
#include "tvae/validity/recognise.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

const std::string kChosen = "auto: ";  // origin of a value
constexpr uint64_t kSeed = 1;
constexpr double kDefaultMinutes = 20;

// Held-out rows that evaluations have use for, and the shares of the rows within which they are taken.
constexpr double kManyRows = 500;  // from which a space can be learnt
constexpr double kFewestRows = 20, kHeldOutRows = 2000, kLeastHeldOut = 0.002, kMostHeldOut = 0.1;
constexpr double kWorthTelling = 0.02;        // of the rows that pass a check
constexpr size_t kSampledTokens = 2'000'000;  // for lengths and entropy
constexpr double kCovered = 0.995;            // of the rows by max_tokens
constexpr int64_t kLongest = 1024;            // tokens, more of which take more memory and time than a first try should
constexpr double kManyOverlong = 0.02;        // from here on they are cut, since to drop them would lose a kind of row
/// The rate, in entropies of a row under a 5-gram model. After a short training rows come back far sooner at a higher
/// one; after a long one 1.5 to 2.1 are nearly the same, and draws are better at the lower ones (docs/auto.md).
constexpr double kHighRate = 5.0, kLowRate = 2.0;
constexpr double kShortTokens = 3e6, kLongTokens = 3e7;  // that a training sees
constexpr double kLeastRate = 4.0;                       // nats, of rows that hold next to nothing
constexpr double kFirstRate = 2.1;                       // in rates: where the target begins to fall
constexpr double kUnitsOfRate = 2.45;                    // units of the code a nat of the rate
constexpr double kMostCodes = 64;
constexpr int64_t kWidestCode = 32;
constexpr double kTokensAWeight = 3;       // that a model should see in training at least
constexpr double kPiecesOfRoot = 4;        // of a tokenizer, for the root of the text's bytes
constexpr double kPiecesOfCharacter = 64;  // and at most, in texts without blanks, for each of their characters
constexpr int64_t kBatchTokens = 2048;     // a step, but at least some sequences
constexpr double kLeastSequences = 12;
constexpr double kEvaluations = 10;
constexpr double kMostEpochs = 40;
constexpr double kMostSteps = 1e6;

std::string rounded(double value, int digits = 0) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// "about 12 minutes".
std::string duration_words(double minutes) {
  if (minutes < 0.95) return "about " + rounded(std::max(1.0, 60 * minutes)) + " seconds";
  return minutes < 1.5 ? "about a minute" : "about " + rounded(minutes) + " minutes";
}

std::string percent(double share) {
  return rounded(100 * share, (share > 0.0995 && share < 0.9905) || share == 1 ? 0 : 1) + "%";
}

struct Size {
  int64_t d_model, d_ff, heads, encoder_layers, decoder_layers;
};
constexpr Size kSizes[] = {{512, 1024, 8, 4, 6}, {256, 512, 4, 2, 3}, {192, 384, 3, 2, 2}};

class Chooser {
 public:
  Chooser(ResolvedConfig& resolved, DataFile& train, torch::Device device, Progress& progress)
      : resolved_(resolved), config_(resolved.config), train_(train), device_(device), progress_(progress) {}

  AutoSettings choose() {
    require_possible(config_);
    progress_.update("looking at the data", 0, 0);
    columns();
    held_out();
    rows();
    kind();
    tokenizer();
    lengths();
    largest_code();
    optimizer();
    size_and_steps();
    return std::move(settings_);
  }

 private:
  bool is_given(const std::string& key) const {
    const auto found = resolved_.origins.find(key);
    return found != resolved_.origins.end() && found->second != "preset " + kAutoPreset &&
           !found->second.starts_with(kChosen);
  }

  /// Unless the user has; whether it was set.
  bool set(const std::string& key, const Json& value, const std::string& reason) {
    if (is_given(key)) return false;
    set_field(config_, key, value);
    resolved_.origins[key] = kChosen + reason;
    settings_.chosen[key] = {{"value", value}, {"reason", reason}};
    return true;
  }

  void tell(const std::string& topic, const std::string& what) {
    settings_.told.push_back(topic + std::string(kToldTopic - topic.size(), ' ') + what);
  }

  void columns() {
    const ColumnChoice choice = choose_columns(config_.data, train_);
    if (!choice.warning.empty()) log_warning(choice.warning);
    columns_ = choice.told;
    if (!choice.format.empty()) set("data.format", choice.format, "its rows look like that");
    if (!choice.column.empty()) set("data.column", choice.column, choice.reason);
    if (choice.header) set("data.header", true, "the first row looks like names");
    if (!choice.label_column.empty()) set("data.label_column", choice.label_column, "few different short values");
    if (!config_.data.label_column.empty()) columns_ += "; labels in " + config_.data.label_column;
    std::vector<std::string> others = choice.other_labels;
    std::erase(others, config_.data.label_column);
    if (!others.empty()) columns_ += "; could be labels too: " + join(others, ", ");
    if (!choice.json && has_written_breaks(train_.sample().content) &&
        set("data.escapes", true, "nearly every row has a \\n"))
      columns_ += std::string(columns_.empty() ? "" : "; ") + "with \\n for line breaks";
  }

  void held_out() {
    train_.set_options(read_options(config_.data));
    if (!config_.data.valid.empty() || is_given("data.valid_fraction")) return;
    const auto count = static_cast<double>(train_.rows().texts.size());
    if (count < kFewestRows) return;
    set("data.valid_fraction", std::clamp(kHeldOutRows / count, kLeastHeldOut, kMostHeldOut),
        "no other held-out rows were given");
    train_.hold_out(held_out_part(config_.data, config_.train.seed));
  }

  void rows() {
    const Rows& rows = train_.rows();
    train_.tell_reading();
    std::unordered_set<std::string_view> different(rows.texts.begin(), rows.texts.end());
    const double count = static_cast<double>(rows.texts.size()),
                 repeated = 1 - static_cast<double>(different.size()) / count;
    std::string seen = counted(rows.texts.size(), "row");
    if (!columns_.empty()) seen += ", " + columns_;
    if (repeated > 0.005) seen += ", " + percent(repeated) + " repeated";
    if (count < kManyRows) seen += "; few, of which little can be learnt";
    tell("data", seen);
    if (config_.data.valid.empty() && config_.data.valid_fraction > 0) tell_held_out(count);
    size_t with_blanks = 0;
    for (const std::string& text : rows.texts) {
      bytes_ += text.size();
      with_blanks += text.find(' ') != std::string::npos;
    }
    words_ = 2 * with_blanks > rows.texts.size();
    for (size_t i = 0; i < rows.texts.size(); i += 1 + rows.texts.size() / 20000)
      for (const std::string_view character : utf8_characters(rows.texts[i])) alphabet_.insert(std::string(character));
  }

  /// The share is that of different rows; of rows that repeat, all copies are held out or none.
  void tell_held_out(double rows) {
    const size_t held_out = train_.held_out().rows().texts.size();
    const double share = static_cast<double>(held_out) / (static_cast<double>(held_out) + rows);
    const bool uneven = std::abs(share - config_.data.valid_fraction) > 0.3 * config_.data.valid_fraction;
    tell("held out", counted(held_out, "row") + " (" + percent(share) +
                         (uneven ? ", where " + percent(config_.data.valid_fraction) +
                                       " was meant: rows that are alike stay together"
                                 : "") +
                         "), kept with the run");
  }

  void kind() {
    if (is_given("data.check")) return;
    const RecognisedKind kind = recognise_kind(train_.rows().texts, kSeed);
    std::vector<std::string> shares;
    for (const auto& [name, share] : kind.shares)
      if (share >= kWorthTelling) shares.push_back(name + ": " + percent(share));
    const bool also_shuffled =
        kind.name == "none" && std::any_of(kind.shares.begin(), kind.shares.end(),
                                           [](const auto& share) { return share.second >= kRecognisedShare; });
    const std::string reason =
        shares.empty() ? "no known kind of text"
                       : join(shares, ", ") + " of the rows pass" + (also_shuffled ? ", and so do shuffled ones" : "");
    set("data.check", kind.name, reason);
    tell("check", kind.name == "none" ? "none: " + reason : reason);
  }

  /// Pieces grow with the text there is to learn them from; in texts without words they are few anyway, and grow with
  /// the characters that these are written in.
  void tokenizer() {
    if (config_.data.tokenizer.empty()) {
      const double characters = static_cast<double>(alphabet_.size());
      const double by_text = std::exp2(std::round(std::log2(kPiecesOfRoot * std::sqrt(static_cast<double>(bytes_)))));
      const double by_alphabet = words_ ? by_text : kPiecesOfCharacter * characters;
      const double most = std::max(8192.0, 2 * characters);
      const double size = std::clamp(std::max(std::min(by_text, by_alphabet), 300 + 1.2 * characters), 320.0, most);
      set("data.tokenizer_kind", characters <= 8 ? "char" : "unigram", counted(alphabet_.size(), "character"));
      set("data.vocab_size", static_cast<int64_t>(std::round(size / 16) * 16),
          rounded(static_cast<double>(bytes_) / 1000) + " kB of text of " + counted(alphabet_.size(), "character"));
    }
    settings_.tokenizer = make_tokenizer(config_.data, train_, progress_);
  }

  void lengths() {
    const std::vector<std::string>& texts = train_.rows().texts;
    std::vector<int64_t> lengths;
    size_t tokens = 0;
    Rng rng(kSeed);
    const torch::Tensor drawn = at::randperm(static_cast<int64_t>(texts.size()), rng.generator(), at::kLong);
    const auto* const at = drawn.const_data_ptr<int64_t>();
    for (size_t i = 0; i < texts.size() && tokens < kSampledTokens; ++i) {
      std::vector<int32_t> ids = settings_.tokenizer->encode(texts[static_cast<size_t>(at[i])]);
      ids.push_back(settings_.tokenizer->eos_id());
      tokens += ids.size();
      lengths.push_back(static_cast<int64_t>(ids.size()));
      sample_.push_back(std::move(ids));
    }
    std::vector<int64_t> sorted = lengths;
    std::sort(sorted.begin(), sorted.end());
    const int64_t covering = sorted[static_cast<size_t>(kCovered * static_cast<double>(sorted.size() - 1))];
    const int64_t whole = std::min<int64_t>((covering + 7) / 8 * 8, std::max<int64_t>(sorted.back(), 8));
    set("data.max_tokens", std::min(whole, kLongest),
        "covers " + percent(kCovered) + " of the rows, up to " + std::to_string(kLongest));
    const int64_t longest = config_.data.max_tokens;
    const auto longer = static_cast<double>(std::count_if(lengths.begin(), lengths.end(),
                                                          [&](int64_t length) { return length > longest; })) /
                        static_cast<double>(lengths.size());
    set("data.overlong", longer > kManyOverlong ? "cut" : "drop",
        longer > kManyOverlong ? "many rows are longer" : "few rows are longer");
    for (std::vector<int32_t>& ids : sample_)
      if (static_cast<int64_t>(ids.size()) > longest) {
        ids.resize(static_cast<size_t>(longest));
        ids.back() = settings_.tokenizer->eos_id();
      }
    double used = 0;
    for (const auto& ids : sample_) used += static_cast<double>(ids.size());
    mean_tokens_ = used / static_cast<double>(sample_.size());
    tell("tokens", config_.data.tokenizer_kind + " of " + std::to_string(settings_.tokenizer->size()) +
                       " pieces: " + rounded(mean_tokens_, 1) + " tokens a row, at most " + std::to_string(longest) +
                       (longer > 0 ? "; longer ones (" + (longer < 0.0005 ? "hardly any" : percent(longer)) + ") are " +
                                         (config_.data.overlong == "cut" ? "cut" : "dropped")
                                   : ""));
  }

  /// Of a row under an n-gram model of the others.
  double entropy() const {
    const size_t judged = std::clamp<size_t>(sample_.size() / 10, 1, 2000);
    const KneserNey::Sequences counted_ones(sample_.begin() + static_cast<std::ptrdiff_t>(judged), sample_.end());
    const KneserNey model(counted_ones.empty() ? sample_ : counted_ones, {.vocabulary = settings_.tokenizer->size()});
    double nats = 0;
    for (size_t i = 0; i < judged; ++i)
      for (const double of_token : model.nats(sample_[i])) nats += of_token;
    return nats / static_cast<double>(judged);
  }

  /// How many entropies a training that sees so many tokens has time to make smooth.
  static double rate_after(double tokens) {
    const double share = std::log(tokens / kShortTokens) / std::log(kLongTokens / kShortTokens);
    return kHighRate + (kLowRate - kHighRate) * std::clamp(share, 0.0, 1.0);
  }

  /// The rate and the code of a short training: with the larger code the speed is measured, from which it follows how
  /// much a training sees.
  void largest_code() {
    if (config_.loss.regularizer != "kl") return;
    if (!is_given("loss.kl.target")) {
      entropy_ = entropy();
      set_rate(kHighRate);
    }
    code();
  }

  /// As large as the rate wants it.
  void code() {
    const double target = config_.loss.kl.target;
    if (config_.model.bottleneck != "queries") return;
    const double units = kUnitsOfRate * target;
    set("model.latent_size", units < 128 ? int64_t{16} : int64_t{kWidestCode}, "the rate");
    const double tokens =
        std::clamp(std::round(units / static_cast<double>(config_.model.latent_size)), 2.0, kMostCodes);
    set("model.latent_tokens", static_cast<int64_t>(tokens), "the rate");
  }

  /// What there is to say of it.
  std::string set_rate(double entropies) {
    const double most = std::floor(kMostCodes * kWidestCode / kUnitsOfRate);
    const double wanted = std::round(entropies * entropy_), target = std::clamp(wanted, kLeastRate, most);
    const std::string reason = rounded(entropies, 1) + " times the " + rounded(entropy_) +
                               " nats that a row holds under a 5-gram model" +
                               (wanted > most ? ", but no more than a code carries: long rows come back in part" : "");
    set("loss.kl.target", target, reason);
    return rounded(target) + " nats a row: " + reason;
  }

  /// Whether the training is told in time how held-out rows come back.
  bool evaluates() const {
    const TrainConfig& train = config_.train;
    return (!config_.data.valid.empty() || config_.data.valid_fraction > 0) && train.eval_steps > 0 &&
           (train.steps == 0 || train.eval_steps < train.steps / 2);
  }

  /// Once it is known how much a training sees.
  void rate(double tokens) {
    if (config_.loss.regularizer != "kl") return;
    if (!is_given("loss.kl.target")) {
      std::string told = set_rate(rate_after(tokens));
      const double lowest = std::max(kLeastRate, std::round(kLowRate * entropy_));
      if (lowest < config_.loss.kl.target && evaluates() &&
          set("loss.kl.target_floor", lowest, "as far as held-out rows come back"))
        told += "; down to " + rounded(lowest) + " as far as held-out rows come back";
      tell("rate", told);
      code();
    }
    set("loss.kl.target_start", std::round(kFirstRate * config_.loss.kl.target), "from where the target falls");
  }

  void optimizer() {
    const bool muon = config_.train.optimizer == "muon";
    set("train.learning_rate", muon ? 0.15 : 1e-3, "usual with " + config_.train.optimizer);
    if (!is_given("train.batch_size"))
      set("train.batch_tokens",
          static_cast<int64_t>(std::max<double>(kBatchTokens, std::round(kLeastSequences * mean_tokens_))),
          "batches of some " + rounded(std::max<double>(kBatchTokens / mean_tokens_, kLeastSequences)) + " rows");
  }

  void set_size(const Size& size, const std::string& reason) {
    set("model.d_model", size.d_model, reason);
    set("model.d_ff", size.d_ff, reason);
    set("model.num_heads", size.heads, reason);
    set("model.encoder_layers", size.encoder_layers, reason);
    set("model.decoder_layers", size.decoder_layers, reason);
  }

  PilotSpeed speed(const TokenDataset& data) {
    return measure_speed(config_, complete_model_config(config_, settings_.tokenizer->size()), data, device_,
                         progress_);
  }

  /// What follows from the number of steps.
  void pace(double steps, double evaluations) {
    // Fewer steps of warm-up than this, and the code is never learnt as well (docs/auto.md).
    set("train.warmup_steps", static_cast<int64_t>(std::clamp(std::round(steps / 6), 1.0, 100.0)), "the steps");
    set("train.log_steps", static_cast<int64_t>(std::clamp(steps / 100, 1.0, 100.0)), "the steps");
    set("train.eval_steps", static_cast<int64_t>(std::max(std::ceil(steps / evaluations), 1.0)),
        rounded(evaluations) + " evaluations");
    set("train.ema_decay", steps < 1000 ? 0.98 : steps < 3000 ? 0.995 : 0.998, "the steps");
  }

  /// And the rate, which follows from how many tokens the training sees.
  void size_and_steps() {
    const double total = mean_tokens_ * train_.count_of_rows();
    const bool by_steps = is_given("train.steps") || is_given("train.epochs");
    const TokenizeOptions options = tokenize_options(config_.data);
    const std::vector<std::string>& texts = train_.rows().texts;
    const TokenDataset data = TokenDataset::from_texts(
        {texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(texts.size(), 4000))},
        *settings_.tokenizer, options);
    if (by_steps) {  // a decision without a clock, so that the same command makes the same model
      set_size(kSizes[1], "the middle one, where the steps are given");
      if (config_.train.steps > 0) pace(static_cast<double>(config_.train.steps), kEvaluations);
      const double a_step = config_.train.batch_tokens > 0
                                ? static_cast<double>(config_.train.batch_tokens)
                                : static_cast<double>(config_.train.batch_size) * mean_tokens_;
      rate(config_.train.steps > 0 ? static_cast<double>(config_.train.steps) * a_step : config_.train.epochs * total);
      tell("model", counted(config_.train.steps, "step") + ", width " + std::to_string(config_.model.d_model));
      return;
    }
    set("train.minutes", kDefaultMinutes, "a first try");
    const double minutes = config_.train.minutes;
    PilotSpeed pilot;
    for (const Size& size : kSizes) {
      const bool last = &size == std::end(kSizes) - 1;
      if (!last && device_.is_cpu() && &size == kSizes && config_.train.minutes < 60) continue;  // would take a day
      set_size(size, "what this machine trains in the time");
      pilot = speed(data);
      const double tokens = std::min(
          static_cast<double>(steps_within(minutes, pilot.seconds_a_step)) * pilot.tokens_a_step, kMostEpochs * total);
      if (tokens >= kTokensAWeight * static_cast<double>(pilot.parameters)) break;
    }
    const auto affordable = static_cast<double>(steps_within(minutes, pilot.seconds_a_step));
    const double useful = std::ceil(kMostEpochs * total / pilot.tokens_a_step);
    const double steps = std::clamp(std::min(affordable, useful), 10.0, kMostSteps);
    const double taken = minutes * steps / affordable;
    const bool few_rows = useful < affordable;
    set("train.steps", static_cast<int64_t>(steps),
        rounded(pilot.seconds_a_step, 2) + " seconds a step" + (few_rows ? ", and the data has few rows" : ""));
    pace(steps, few_rows ? 2 * kEvaluations : kEvaluations);
    if (few_rows && (!config_.data.valid.empty() || config_.data.valid_fraction > 0))
      set("train.early_stop_evaluations", int64_t{4}, "few rows are soon learnt by heart");
    set("train.save_steps", static_cast<int64_t>(std::clamp(60 / pilot.seconds_a_step, 1.0, 5000.0)), "a minute");
    settings_.plan = TimedPlan{static_cast<int64_t>(std::clamp(useful, 10.0, kMostSteps)), {}};
    for (const auto& [key, setting] :
         std::map<std::string, int64_t TrainConfig::*>{{"log_steps", &TrainConfig::log_steps},
                                                       {"eval_steps", &TrainConfig::eval_steps},
                                                       {"save_steps", &TrainConfig::save_steps}})
      if (!is_given("train." + key)) settings_.plan->paced.push_back(setting);
    rate(steps * pilot.tokens_a_step);
    const int64_t weights = pilot.parameters + settings_.tokenizer->size() * config_.model.d_model;
    tell("model", rounded(static_cast<double>(weights) / 1e6, 1) + " million weights, a code of " +
                      std::to_string(config_.model.latent_tokens) + " x " + std::to_string(config_.model.latent_size));
    tell("steps", counted(static_cast<int64_t>(steps), "step") + " of " + rounded(pilot.tokens_a_step) + " tokens, " +
                      rounded(steps * pilot.tokens_a_step / total, 1) + " passes over the data, " +
                      duration_words(taken) + " (" + rounded(pilot.seconds_a_step, 2) + " s a step" +
                      (few_rows ? "; more would learn the rows by heart)" : ")"));
  }

  ResolvedConfig& resolved_;
  RunConfig& config_;
  DataFile& train_;
  torch::Device device_;
  Progress& progress_;
  AutoSettings settings_;
  std::string columns_;  // what is told of them
  size_t bytes_ = 0;
  bool words_ = false;  // whether most rows have blanks
  std::unordered_set<std::string> alphabet_;
  KneserNey::Sequences sample_;
  double mean_tokens_ = 0, entropy_ = 0;
};

}  // namespace

bool asks_for_auto(const std::vector<std::string>& presets) {
  const std::vector<std::string> all = with_bases(presets);
  return std::find(all.begin(), all.end(), kAutoPreset) != all.end();
}

AutoSettings choose_settings(ResolvedConfig& resolved, DataFile& train, torch::Device device, Progress& progress) {
  return Chooser(resolved, train, device, progress).choose();
}

}  // namespace tvae
