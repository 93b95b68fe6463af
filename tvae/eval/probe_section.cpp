// How well linear classifiers read labels from frozen codes, beside baselines that read the same
// texts.
//
// Keys: trained_on, train_rows, classes, majority (share of the commonest class in training), accuracies (how to read
// what follows), and {codes, encoder_states, tfidf}.{svm, logistic}.{"1", "10", "100", "1000", "all"}: accuracy at so
// many labels a class, {mean, std} over draws, or the mean alone for all of them. published: the probe of
// Transformer-VAE (2021), {accuracy, random_accuracy, train_rows, test_rows}. n is the rows tested on.
//
// Codes and mean encoder states are standardised by the mean and deviation of the rows to train on, whatever their
// labels; TF-IDF takes its words from the same rows. The published probe takes codes as they are.
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "tvae/base/error.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/tfidf.h"
#include "tvae/latent/linear_probe.h"
#include "tvae/latent/probe.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using torch::Tensor;

constexpr size_t kDraws = 5;
constexpr int64_t kLabelsAClass[] = {1, 10, 100, 1000};
constexpr std::pair<const char*, LinearClassifier::Kind> kClassifiers[] = {
    {"svm", LinearClassifier::Kind::kSvm}, {"logistic", LinearClassifier::Kind::kLogistic}};

/// Texts to train and to test on, with the numbers of their classes.
struct ProbeData {
  std::string trained_on;
  std::vector<std::string> train_texts, test_texts;
  std::vector<int64_t> train_classes, test_classes;
  int64_t class_count = 0;
};

/// Whether some text to test has a label that can be learned: the files may name their classes differently.
bool share_labels(const std::vector<std::string>& training, const std::vector<std::string>& held_out) {
  const std::set<std::string> known(training.begin(), training.end());
  return std::any_of(held_out.begin(), held_out.end(), [&](const std::string& label) { return known.contains(label); });
}

/// Labelled training texts and all held-out ones, or, without the former, 70% and 30% of the latter.
ProbeData split(const Evaluation& evaluation) {
  const HeldOut& held_out = evaluation.held_out;
  const LabelledTexts& training = evaluation.options.labelled_training_texts;
  ProbeData data;
  std::vector<std::string> labels = held_out.labels;
  auto tested = static_cast<std::ptrdiff_t>(held_out.texts.size());
  if (share_labels(training.labels, held_out.labels)) {
    data.trained_on = training.path;
    data.train_texts = training.texts;
    labels.insert(labels.end(), training.labels.begin(), training.labels.end());
  } else {
    data.trained_on = "70% of the held-out texts: there are no training texts with such labels";
    tested = tested * 3 / 10;
    data.train_texts.assign(held_out.texts.begin() + tested, held_out.texts.end());
  }
  data.test_texts.assign(held_out.texts.begin(), held_out.texts.begin() + tested);
  const ClassLabels classes = number_labels(labels);
  data.test_classes.assign(classes.numbers.begin(), classes.numbers.begin() + tested);
  data.train_classes.assign(classes.numbers.begin() + tested, classes.numbers.end());
  data.class_count = static_cast<int64_t>(classes.names.size());
  return data;
}

struct Features {
  std::string name;
  std::vector<FeatureRow> train, test;
};

/// Both with mean 0 and deviation 1 over the rows to train on; columns that do not vary there become 0.
Features standardised(const std::string& name, const Tensor& train, const Tensor& test) {
  const Tensor mean = train.mean(0), deviation = train.std(0, /*unbiased=*/false);
  const Tensor scale = at::where(deviation > 0, deviation.reciprocal(), at::zeros_like(deviation));
  return {name, feature_rows((train - mean) * scale), feature_rows((test - mean) * scale)};
}

std::vector<Features> all_features(const Evaluation& evaluation, const ProbeData& data) {
  const TfIdf tfidf(data.train_texts);
  return {standardised("codes", evaluation.encode(data.train_texts).mean.flatten(1),
                       evaluation.encode(data.test_texts).mean.flatten(1)),
          standardised("encoder_states", mean_encoder_states(evaluation.model, data.train_texts, evaluation.progress),
                       mean_encoder_states(evaluation.model, data.test_texts, evaluation.progress)),
          {"tfidf", tfidf.rows(data.train_texts), tfidf.rows(data.test_texts)}};
}

/// Rows to train on, drawn once for all features and classifiers.
struct Draw {
  std::string labels_a_class;
  std::vector<size_t> rows;
};

/// The first rows of each class in a random order, up to `a_class` of them.
std::vector<size_t> draw_rows(const std::vector<int64_t>& classes, int64_t class_count, int64_t a_class, Rng& rng) {
  const Tensor order = at::randperm(static_cast<int64_t>(classes.size()), rng.generator(), at::kLong);
  std::vector<int64_t> taken(static_cast<size_t>(class_count));
  std::vector<size_t> rows;
  for (int64_t i = 0; i < order.numel(); ++i) {
    const auto row = static_cast<size_t>(order.const_data_ptr<int64_t>()[i]);
    if (++taken[static_cast<size_t>(classes[row])] <= a_class) rows.push_back(row);
  }
  return rows;
}

/// Five draws of each size that leaves out rows of some class, and all rows once.
std::vector<Draw> all_draws(const ProbeData& data, const std::vector<int64_t>& class_sizes, Rng& rng) {
  std::vector<Draw> draws;
  for (const int64_t a_class : kLabelsAClass)
    if (a_class < *std::max_element(class_sizes.begin(), class_sizes.end()))
      for (size_t i = 0; i < kDraws; ++i)
        draws.push_back({std::to_string(a_class), draw_rows(data.train_classes, data.class_count, a_class, rng)});
  std::vector<size_t> all(data.train_classes.size());
  std::iota(all.begin(), all.end(), size_t{0});
  draws.push_back({"all", std::move(all)});
  return draws;
}

double accuracy(LinearClassifier::Kind kind, const Features& features, const ProbeData& data, const Draw& draw) {
  const Tensor scores =
      linear_scores({kind}, features.train, data.train_classes, draw.rows, data.class_count, features.test);
  const Tensor chosen = scores.argmax(1), right = torch::tensor(data.test_classes, at::kLong);
  return chosen.eq(right).to(at::kDouble).mean().item<double>();
}

/// Accuracies of one classifier on one kind of features, one a draw, as figures by labels a class.
Json figures(const std::vector<Draw>& draws, const double* accuracies) {
  Json result;
  for (size_t i = 0; i < draws.size(); i += kDraws) {
    if (draws[i].labels_a_class == "all") {
      result["all"] = {{"mean", accuracies[i]}};
      break;
    }
    double sum = 0.0, squares = 0.0;
    for (size_t k = i; k < i + kDraws; ++k) sum += accuracies[k];
    const double mean = sum / kDraws;
    for (size_t k = i; k < i + kDraws; ++k) squares += (accuracies[k] - mean) * (accuracies[k] - mean);
    result[draws[i].labels_a_class] = {{"mean", mean}, {"std", std::sqrt(squares / (kDraws - 1))}};
  }
  return result;
}

}  // namespace

void require_labels(const Evaluation& evaluation) {
  const HeldOut& held_out = evaluation.held_out;
  if (held_out.labels.empty())
    throw ConfigError("a probe needs labels", held_out.path + " without them", "",
                      "train with --label-column NAME, or name a table and its column: --data FILE --label-column NAME");
  if (const auto error = why_no_probe(held_out.labels, held_out.path)) throw *error;
}

Json measure_probe(Evaluation& evaluation, Rng& rng) {
  try {
    require_labels(evaluation);
  } catch (const Error& reason) {
    evaluation.skip("probe", reason.what());
    return nullptr;
  }
  const HeldOut& held_out = evaluation.held_out;
  const ProbeData data = split(evaluation);
  std::vector<int64_t> class_sizes(static_cast<size_t>(data.class_count));
  for (const int64_t number : data.train_classes) ++class_sizes[static_cast<size_t>(number)];
  const auto commonest = std::max_element(class_sizes.begin(), class_sizes.end()) - class_sizes.begin();
  const auto of_commonest = std::count(data.test_classes.begin(), data.test_classes.end(), commonest);
  Json result = {{"trained_on", data.trained_on},
                 {"train_rows", data.train_texts.size()},
                 {"classes", data.class_count},
                 {"majority", static_cast<double>(of_commonest) / static_cast<double>(data.test_classes.size())},
                 {"accuracies", "by labels a class, mean ± deviation of " + std::to_string(kDraws) + " draws"}};

  const std::vector<Features> features = all_features(evaluation, data);
  const std::vector<Draw> draws = all_draws(data, class_sizes, rng);
  const size_t rows = features.size() * std::size(kClassifiers);
  std::vector<double> accuracies(rows * draws.size());
  std::atomic<size_t> left = accuracies.size();  // the largest fits come first, and threads take one at a time
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    for (size_t next = left--; next > 0 && next <= accuracies.size(); next = left--) {
      const size_t draw = (next - 1) / rows, row = (next - 1) % rows;
      accuracies[row * draws.size() + draw] =
          accuracy(kClassifiers[row % 2].second, features[row / 2], data, draws[draw]);
    }
  });
  for (size_t row = 0; row < rows; ++row)
    result[features[row / 2].name][kClassifiers[row % 2].first] = figures(draws, &accuracies[row * draws.size()]);

  const PublishedProbe published = published_probe(evaluation.codes().mean, held_out.labels, rng);
  result["published"] = {{"accuracy", published.accuracy},
                         {"random_accuracy", published.random_accuracy},
                         {"train_rows", published.train_rows},
                         {"test_rows", published.test_rows}};
  result["n"] = data.test_texts.size();
  return result;
}

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"probe",
     "Labels read from frozen codes by linear classifiers, beside baselines that read the same texts.",
     {measure_probe,
      {
          {"trained_on", "where the labelled texts to train on came from"},
          {"train_rows", "texts trained on"},
          {"test_rows", "texts tested on"},
          {"classes", "different labels"},
          {"majority", "accuracy of always answering with the commonest label"},
          {"accuracies", "how to read the tables below"},
          {"codes", "Accuracy from mean codes."},
          {"encoder_states", "Accuracy from the mean of the encoder's states: what the code could know."},
          {"tfidf", "Accuracy from TF-IDF weights of words: no model at all."},
          {"1", "with one label a class to train on"},
          {"10", "with 10 labels a class"},
          {"100", "with 100 labels a class"},
          {"1000", "with 1,000 labels a class"},
          {"all", "with all of them"},
          {"published",
           "The probe of Transformer-VAE (2021): an SVM with an RBF kernel on codes, 70 % to train and 30 % to test."},
          {"accuracy", "its accuracy"},
          {"random_accuracy", "that of answers drawn from all labels alike"},
      }},
     /*order=*/4});

}  // namespace

}  // namespace tvae
