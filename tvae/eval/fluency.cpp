#include "tvae/eval/fluency.h"

#include <set>

#include "tvae/base/parallel.h"

namespace tvae {
namespace {

using Sequences = FluencyJudge::Sequences;

torch::Tensor nats_under(const KneserNey& model, const Sequences& texts) {
  torch::Tensor rows = torch::zeros({static_cast<int64_t>(texts.size()), 2}, at::kDouble);
  auto* const numbers = rows.mutable_data_ptr<double>();
  parallel_for(texts.size(), [&](size_t i) {
    for (const double of_token : model.nats(texts[i])) numbers[2 * i] += of_token;
    numbers[2 * i + 1] = static_cast<double>(texts[i].size());
  });
  return rows;
}

double ratio(const torch::Tensor& rows) {
  const torch::Tensor sums = rows.sum(0);
  return sums[0].item<double>() / sums[1].item<double>();
}

Sequences first(const Sequences& texts, size_t count) {
  return {texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

FluencyJudge::FluencyJudge(Sequences training, Sequences held_out, int64_t vocabulary)
    : training_(std::move(training)),
      held_out_(std::move(held_out)),
      vocabulary_(vocabulary),
      model_(training_, {.vocabulary = vocabulary}),
      held_out_nats_(ratio(nats_under(model_, held_out_))) {}

torch::Tensor FluencyJudge::nats(const Sequences& texts) const {
  return nats_under(model_, texts);
}

double FluencyJudge::reverse(const Sequences& texts) const {
  const size_t count = std::min(texts.size(), training_.size());
  const KneserNey of_training(first(training_, count), {.vocabulary = vocabulary_});
  const KneserNey of_texts(first(texts, count), {.vocabulary = vocabulary_});
  return ratio(nats_under(of_training, held_out_)) / ratio(nats_under(of_texts, held_out_));
}

torch::Tensor repeated_pairs(const Sequences& texts) {
  std::vector<double> numbers;
  for (const std::vector<int32_t>& text : texts) {
    std::set<std::pair<int32_t, int32_t>> pairs;
    for (size_t i = 1; i < text.size(); ++i) pairs.emplace(text[i - 1], text[i]);
    const size_t all = text.empty() ? 0 : text.size() - 1;
    numbers.push_back(static_cast<double>(all - pairs.size()));
    numbers.push_back(static_cast<double>(all));
  }
  return torch::tensor(numbers, at::kDouble).reshape({-1, 2});
}

double distinct_ngrams(const Sequences& texts, size_t n, size_t most_tokens) {
  std::set<std::vector<int32_t>> different;
  size_t tokens = 0, all = 0;
  for (const std::vector<int32_t>& text : texts) {
    if (tokens >= most_tokens) break;
    tokens += text.size();
    for (size_t i = n; i <= text.size(); ++i, ++all)
      different.emplace(text.begin() + static_cast<std::ptrdiff_t>(i - n),
                        text.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return all == 0 ? 0.0 : static_cast<double>(different.size()) / static_cast<double>(all);
}

}  // namespace tvae
