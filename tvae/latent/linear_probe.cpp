#include "tvae/latent/linear_probe.h"

#include <linear.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "tvae/base/assert.h"

namespace tvae {
namespace {

/// A row as liblinear takes it: columns from 1, then the intercept's, then an end.
std::vector<feature_node> nodes_of(const FeatureRow& row, int columns) {
  std::vector<feature_node> nodes;
  nodes.reserve(row.size() + 2);
  for (const auto& [column, value] : row)
    if (column < columns) nodes.push_back({column + 1, value});
  nodes.push_back({columns + 1, 1.0});
  nodes.push_back({-1, 0.0});
  return nodes;
}

struct Trained {
  std::unique_ptr<model, void (*)(model*)> classifier;
  int columns = 0;  // of the rows it was trained on
};

Trained train_classifier(const LinearClassifier& classifier, const std::vector<FeatureRow>& features,
                         const std::vector<int64_t>& classes, const std::vector<size_t>& train_rows) {
  static const bool silent = (set_print_string_function([](const char*) {}), true);
  TVAE_ASSERT(silent && features.size() == classes.size(), "one class a row");

  // In the order of their classes, so that liblinear, which counts classes by their first row, keeps that order.
  std::vector<size_t> order = train_rows;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return classes[a] < classes[b]; });
  TVAE_ASSERT(!order.empty() && classes[order.front()] != classes[order.back()], "two classes or more");
  int columns = 0;
  for (const size_t row : order)
    if (!features[row].empty()) columns = std::max(columns, features[row].back().first + 1);
  std::vector<std::vector<feature_node>> nodes;
  std::vector<feature_node*> rows;
  std::vector<double> targets;
  for (const size_t row : order) {
    nodes.push_back(nodes_of(features[row], columns));
    rows.push_back(nodes.back().data());
    targets.push_back(static_cast<double>(classes[row]));
  }
  const problem data{static_cast<int>(rows.size()), columns + 1, targets.data(), rows.data(), /*bias=*/1.0};
  parameter settings{};
  settings.solver_type = classifier.kind == LinearClassifier::Kind::kSvm ? L2R_L2LOSS_SVC : L2R_LR;
  settings.eps = classifier.stop;
  settings.C = 1.0;
  const char* wrong = check_parameter(&data, &settings);
  TVAE_ASSERT(wrong == nullptr, wrong);
  return {{train(&data, &settings), [](model* trained) { free_and_destroy_model(&trained); }}, columns};
}

}  // namespace

std::vector<FeatureRow> feature_rows(const torch::Tensor& features) {
  const torch::Tensor values = features.to(at::kCPU, at::kDouble).contiguous();
  const double* value = values.const_data_ptr<double>();
  std::vector<FeatureRow> rows(static_cast<size_t>(values.size(0)));
  for (FeatureRow& row : rows) {
    row.reserve(static_cast<size_t>(values.size(1)));
    for (int32_t column = 0; column < values.size(1); ++column) row.emplace_back(column, *value++);
  }
  return rows;
}

torch::Tensor linear_scores(const LinearClassifier& classifier, const std::vector<FeatureRow>& features,
                            const std::vector<int64_t>& classes, const std::vector<size_t>& train_rows,
                            int64_t class_count, const std::vector<FeatureRow>& test) {
  const auto [trained, columns] = train_classifier(classifier, features, classes, train_rows);
  const torch::Tensor scores =
      at::full({static_cast<int64_t>(test.size()), class_count}, -std::numeric_limits<double>::infinity(), at::kDouble);
  double* row_scores = scores.data_ptr<double>();
  std::vector<double> values(static_cast<size_t>(trained->nr_class));
  for (const FeatureRow& row : test) {
    predict_values(trained.get(), nodes_of(row, columns).data(), values.data());
    if (trained->nr_class == 2) values[1] = -values[0];  // it trains one classifier, for its first class
    for (int i = 0; i < trained->nr_class; ++i) row_scores[trained->label[i]] = values[static_cast<size_t>(i)];
    row_scores += class_count;
  }
  return scores;
}

LinearWeights linear_weights(const LinearClassifier& classifier, const torch::Tensor& features,
                             const std::vector<int64_t>& classes) {
  std::vector<size_t> all(classes.size());
  std::iota(all.begin(), all.end(), size_t{0});
  const auto [trained, columns] = train_classifier(classifier, feature_rows(features), classes, all);
  // liblinear's weights are those of its first class, which is 0, and the intercept's comes last.
  const torch::Tensor values =
      -torch::tensor(at::ArrayRef<double>(trained->w, static_cast<size_t>(columns) + 1), at::kDouble);
  return {values.narrow(0, 0, columns), values[columns].item<double>()};
}

}  // namespace tvae
