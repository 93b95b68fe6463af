#include "tvae/eval/verdict.h"

#include <cmath>
#include <optional>

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

// From here on rows come back, and texts between two are good ones, so that a person finds little to mend; from the
// lower ones on the space is fit to be explored.
constexpr double kComesBack = 0.8, kValid = 0.9, kFluent = 0.95, kFairlyValid = 0.7, kFairlyFluent = 0.85;
constexpr double kRough = 100;  // rows, with fewer of which figures say little
// Of the training: so few rows are learnt by heart before held-out ones come back, once they were seen so often.
constexpr double kFewRows = 5000, kManyPasses = 10;
// Plainer than real texts, and teaching little of them.
constexpr double kReached = 0.9;  // of loss.kl.target, by codes that carry what they were meant to
constexpr double kPlainFluency = 1.15, kTeachesLittle = 0.6;

std::optional<double> figure(const Json& report, const std::string& path) {
  const Json::json_pointer pointer(path);
  if (!report.contains(pointer) || !report[pointer].is_number()) return std::nullopt;
  return report[pointer].get<double>();
}

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f%%", share > 0.995 && share < 1 ? 99.0 : std::round(100 * share));
  return text;
}

std::string two_digits(double value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

/// Of texts that nobody wrote, `which`: whether a check passes them, else whether they read like held-out ones.
enum class Grade { kPlain, kPoor, kFair, kGood };
struct Goodness {
  Grade grade = Grade::kPoor;
  std::string words;
};
Grade grade(double value, double fair, double good) {
  return value >= good ? Grade::kGood : value >= fair ? Grade::kFair : Grade::kPoor;
}
std::optional<Goodness> goodness(const Json& report, const std::string& which, const std::string& of_check,
                                 const std::string& of_fluency) {
  const auto valid = figure(report, of_check + "/valid"), fluency = figure(report, of_fluency + "/fluency");
  const double reverse = figure(report, of_fluency + "/reverse_fluency").value_or(1);
  const bool plain = fluency && (*fluency > kPlainFluency || (*fluency >= kFairlyFluent && reverse < kTeachesLittle));
  if (valid) {
    const std::string words = percent(*valid) + " of the texts " + which + " are valid";
    if (!plain) return Goodness{grade(*valid, kFairlyValid, kValid), words};
    return Goodness{Grade::kPlain, words + ", but plainer than real ones (fluency " + two_digits(*fluency) +
                                       ", the other way " + two_digits(reverse) + "; real ones have 1)"};
  }
  if (!fluency) return std::nullopt;
  const Grade found = plain ? Grade::kPlain : grade(*fluency, kFairlyFluent, kFluent);
  const std::string reads = plain                   ? " are plainer than"
                            : found == Grade::kGood ? " read like"
                            : found == Grade::kFair ? " read nearly like"
                                                    : " read worse than";
  const std::string figures = "fluency " + two_digits(*fluency) +
                              (plain ? ", the other way " + two_digits(reverse) : "") + "; real ones have 1";
  return Goodness{found, "the texts " + which + reads + " real ones (" + figures + ")"};
}

std::string about_reconstruction(double exact, double similarity) {
  const std::string unchanged = percent(exact) + " of the held-out ones unchanged";
  if (exact >= kComesBack) return "Rows come back: " + unchanged + ".";
  if (exact == 0)
    return "No row comes back as it was: of all characters of the held-out ones " + percent(similarity) + ".";
  return std::string(exact >= 0.5 ? "Most rows come back: " : "Few rows come back as they were: ") + unchanged +
         ", and of all their characters " + percent(similarity) + ".";
}

std::string space_in_words(Grade smoothness) {
  return smoothness == Grade::kGood    ? "The space is smooth: "
         : smoothness == Grade::kFair  ? "The space is mostly smooth: "
         : smoothness == Grade::kPlain ? "The space says little: "
                                       : "The space has holes: ";
}

std::string advice(bool comes_back, bool smooth, const std::optional<double>& rate, const std::optional<double>& target,
                   const std::optional<double>& training_rows, const std::optional<double>& passes) {
  const std::string now = rate ? " (its codes carry " + std::to_string(std::lround(*rate)) + " nats now)" : "";
  if (comes_back && smooth) return "Good to explore as it is.";
  if (comes_back && rate) return "A lower rate makes it smoother: set loss.kl.target lower" + now + ".";
  if (comes_back) return "A stronger regularizer makes it smoother (loss.regularizer_weight).";
  if (training_rows && *training_rows < kFewRows && passes.value_or(kManyPasses) >= kManyPasses)
    return "More rows would help most: it has seen each of its " + std::to_string(std::lround(*training_rows)) +
           " often. Or it starts from a model of texts of a like kind.";
  if (smooth)
    return "A longer training brings back more (train.minutes)" +
           (rate && *rate >= kReached * target.value_or(0) ? ", or a higher loss.kl.target" + now : std::string()) +
           ".";
  return "It needs more training (train.minutes), more rows, or shorter ones (data.max_tokens).";
}

}  // namespace

std::vector<std::string> verdict(const Json& report) {
  if (report.contains("defect"))
    return {"The code tells nothing of the texts: what comes out does not depend on what went in.",
            "Train it anew with a larger loss.kl.target."};
  std::vector<std::string> sentences;
  const auto exact = figure(report, "/reconstruction/exact_match");
  if (exact)
    sentences.push_back(about_reconstruction(*exact, figure(report, "/reconstruction/edit_similarity").value_or(0)));
  const auto between = goodness(report, "between two rows", "/interpolation", "/fluency/paths");
  if (between) sentences.push_back(space_in_words(between->grade) + between->words + ".");
  for (const auto& [prior, which] :
       {std::pair("fitted", "drawn from the fitted prior"), {"normal", "drawn from N(0, I)"}}) {
    const auto drawn = goodness(report, which, std::string("/prior/") + prior, std::string("/fluency/") + prior);
    if (!drawn) continue;
    const bool could_be_fitted = drawn->grade <= Grade::kPoor && prior == std::string("normal");
    sentences.push_back("Samples: " + drawn->words +
                        (could_be_fitted ? "; those of a prior fitted to the codes may be better." : "."));
    break;
  }
  if (const auto texts = figure(report, "/data/n"); texts && *texts < kRough)
    sentences.push_back("All this is rough: only " + std::to_string(std::lround(*texts)) + " rows were measured.");
  if (exact && between)
    sentences.push_back(advice(*exact >= kComesBack, between->grade != Grade::kPoor, figure(report, "/shape/rate_nats"),
                               figure(report, "/rate_target"), figure(report, "/training_rows"),
                               figure(report, "/training_passes")));
  return sentences;
}

}  // namespace tvae
