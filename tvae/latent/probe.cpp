#include "tvae/latent/probe.h"

#include <libsvm/svm.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>

#include "tvae/base/assert.h"

namespace tvae {
namespace {

using torch::Tensor;

/// The published test rows: the first 30%.
size_t published_test_rows(size_t rows) {
  return rows * 3 / 10;
}

/// The rows of a matrix as libsvm takes them: every value with its column from 1, each row ended by -1.
class SvmRows {
 public:
  explicit SvmRows(const Tensor& features) : width_(static_cast<size_t>(features.size(1)) + 1) {
    const Tensor values = features.to(at::kCPU, at::kDouble).contiguous();
    const double* value = values.const_data_ptr<double>();
    nodes_.reserve(static_cast<size_t>(values.size(0)) * width_);
    for (int64_t row = 0; row < values.size(0); ++row) {
      for (int64_t column = 1; column <= values.size(1); ++column)
        nodes_.push_back({static_cast<int>(column), *value++});
      nodes_.push_back({-1, 0.0});
    }
  }
  svm_node* row(size_t index) { return nodes_.data() + index * width_; }
  size_t size() const { return nodes_.size() / width_; }

 private:
  size_t width_;
  std::vector<svm_node> nodes_;
};

/// 1/(F · variance), as scikit-learn's gamma="scale"; 1 where nothing varies.
double scaled_gamma(const Tensor& features) {
  const double variance = features.to(at::kCPU, at::kDouble).var(/*unbiased=*/false).item<double>();
  return variance > 0.0 ? 1.0 / (static_cast<double>(features.size(1)) * variance) : 1.0;
}

}  // namespace

ClassLabels number_labels(const std::vector<std::string>& labels) {
  const std::set<std::string> names(labels.begin(), labels.end());
  ClassLabels classes{{names.begin(), names.end()}, {}};
  for (const std::string& label : labels)
    classes.numbers.push_back(std::lower_bound(classes.names.begin(), classes.names.end(), label) -
                              classes.names.begin());
  return classes;
}

std::vector<int64_t> rbf_svm_predictions(const Tensor& train, const std::vector<int64_t>& classes, const Tensor& test) {
  TVAE_ASSERT(train.size(0) == static_cast<int64_t>(classes.size()) && train.size(1) == test.size(1),
              "one class a row, as many columns");
  svm_set_print_string_function([](const char*) {});
  SvmRows train_rows(train), test_rows(test);

  // libsvm counts classes in the order of their first row, and a tie of votes goes to the first: by number, as in
  // scikit-learn, if rows are sorted by it.
  std::vector<size_t> order(classes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return classes[a] < classes[b]; });
  std::vector<svm_node*> rows;
  std::vector<double> targets;
  for (const size_t row : order) {
    rows.push_back(train_rows.row(row));
    targets.push_back(static_cast<double>(classes[row]));
  }
  const svm_problem problem{static_cast<int>(rows.size()), targets.data(), rows.data()};
  svm_parameter settings{};
  settings.svm_type = C_SVC;
  settings.kernel_type = RBF;
  settings.gamma = scaled_gamma(train);
  settings.cache_size = 200;
  settings.eps = 1e-3;
  settings.C = 1;
  settings.shrinking = 1;
  const char* wrong = svm_check_parameter(&problem, &settings);
  TVAE_ASSERT(wrong == nullptr, wrong);
  const auto free_model = [](svm_model* model) { svm_free_and_destroy_model(&model); };
  const std::unique_ptr<svm_model, decltype(free_model)> model(svm_train(&problem, &settings), free_model);

  std::vector<int64_t> predictions;
  for (size_t row = 0; row < test_rows.size(); ++row)
    predictions.push_back(static_cast<int64_t>(svm_predict(model.get(), test_rows.row(row))));
  return predictions;
}

std::optional<DataError> why_no_probe(const std::vector<std::string>& labels, const std::string& source) {
  const size_t test = published_test_rows(labels.size());
  if (test == 0)
    return DataError(source + ": too few labelled rows for a probe", std::to_string(labels.size()), "at least 4");
  const std::set<std::string> all(labels.begin(), labels.end());
  if (all.size() < 2)
    return DataError(source + ": the label column has one class", "\"" + *all.begin() + "\"", "at least two",
                     "is it the right column? Without one there is no probe");
  if (all.size() == labels.size())
    return DataError(source + ": the label column",
                     "a label of its own in each of " + std::to_string(all.size()) + " rows",
                     "labels that several rows share", "is it the right column?");
  const std::set<std::string> trained(labels.begin() + static_cast<std::ptrdiff_t>(test), labels.end());
  if (trained.size() > 1) return std::nullopt;
  return DataError(source + ": after the first 30%, which test a probe, all labels are one class",
                   "\"" + *trained.begin() + "\"", "", "shuffle the rows");
}

PublishedProbe published_probe(const Tensor& codes, const std::vector<std::string>& labels, Rng& rng) {
  TVAE_ASSERT(codes.size(0) == static_cast<int64_t>(labels.size()), "one label a row");
  if (const auto error = why_no_probe(labels, "published probe")) throw *error;
  const ClassLabels classes = number_labels(labels);
  const auto all = static_cast<int64_t>(labels.size());
  const auto test = static_cast<int64_t>(published_test_rows(labels.size()));
  const Tensor features = codes.flatten(1);
  const std::vector<int64_t> expected(classes.numbers.begin(), classes.numbers.begin() + test);
  const std::vector<int64_t> train_classes(classes.numbers.begin() + test, classes.numbers.end());
  const std::vector<int64_t> predicted =
      rbf_svm_predictions(features.narrow(0, test, all - test), train_classes, features.narrow(0, 0, test));
  const auto class_count = static_cast<int64_t>(classes.names.size());
  const Tensor guesses = at::randint(class_count, {test}, rng.generator(), at::kLong);

  const auto share_right = [&](const int64_t* answers) {
    int64_t right = 0;
    for (int64_t i = 0; i < test; ++i) right += answers[i] == expected[static_cast<size_t>(i)];
    return static_cast<double>(right) / static_cast<double>(test);
  };
  return {share_right(predicted.data()), share_right(guesses.const_data_ptr<int64_t>()), all - test, test, class_count};
}

}  // namespace tvae
