#include "tvae/ops/attention.h"

#include "tests/support/gradient_check.h"
#include "tvae/ops/rng.h"

namespace tvae {
namespace {

using test::random_double;
using torch::Tensor;

constexpr int64_t kHeads = 2, kWidth = 3;

struct Case {
  const char* name;
  Spans queries, keys;
  int64_t query_rows, key_rows, longest_distance;
  bool causal = false;
};

std::vector<Case> cases() {
  const Spans mixed = {{0, 1}, {1, 4}, {5, 4}, {9, 6}};
  std::vector<Case> all;
  all.push_back({"self", mixed, mixed, 15, 15, 6});
  all.push_back({"causal", mixed, mixed, 15, 15, 6, true});
  all.push_back({"memory", mixed, equal_spans(4, 5), 15, 20, 6});
  all.push_back({"padded queries", {{0, 6}, {6, 6}}, {{0, 2}, {6, 5}}, 12, 12, 6});
  all.push_back({"cached step", equal_spans(3, 1), {{0, 4}, {14, 2}, {7, 3}}, 3, 21, 4, true});
  all.push_back({"windows of one memory", {{0, 3}, {3, 2}, {5, 4}}, {{0, 5}, {0, 5}, {5, 3}}, 9, 8, 5});
  all.push_back({"rows in no span", {{1, 2}, {4, 3}}, {{1, 2}, {4, 3}}, 8, 8, 3});
  return all;
}

TEST(Attention, KernelEqualsComposedOperations) {
  for (const Case& c : cases())
    for (const bool with_bias : {false, true}) {
      AttentionOptions options;
      options.num_heads = kHeads;
      options.causal = c.causal;
      const Tensor q = random_double({c.query_rows, kHeads * kWidth}, 1),
                   k = random_double({c.key_rows, kHeads * kWidth}, 2);
      const Tensor v = random_double({c.key_rows, kHeads * kWidth}, 3);
      const Tensor bias = with_bias ? random_double({kHeads, 2 * c.longest_distance - 1}, 4) : Tensor();
      const Tensor ours = attention(q, k, v, bias, c.queries, c.keys, options);
      const Tensor reference = attention_composed(q, k, v, bias, c.queries, c.keys, options);
      EXPECT_LT((ours - reference).abs().max().item<double>(), 1e-12) << c.name;
      const Tensor in_float = attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat),
                                        with_bias ? bias.to(at::kFloat) : bias, c.queries, c.keys, options);
      EXPECT_LT((in_float - reference).abs().max().item<double>(), 1e-5) << c.name;
    }
}

TEST(Attention, SingleQueriesOfEveryWidthEqualComposedOperations) {
  const Spans queries = equal_spans(4, 1), keys = {{0, 1}, {30, 17}, {7, 3}, {50, 16}};
  for (const int64_t width : {8, 16, 32, 64, 128, 24})
    for (const bool with_bias : {false, true}) {
      AttentionOptions options;
      options.num_heads = kHeads;
      options.causal = true;
      const Tensor q = random_double({4, kHeads * width}, 1) * 0.3, k = random_double({66, kHeads * width}, 2);
      const Tensor v = random_double({66, kHeads * width}, 3);
      const Tensor bias = with_bias ? random_double({kHeads, 33}, 4) : Tensor();
      const Tensor reference = attention_composed(q, k, v, bias, queries, keys, options);
      const torch::NoGradGuard no_grad;
      EXPECT_LT((attention(q, k, v, bias, queries, keys, options) - reference).abs().max().item<double>(), 1e-12);
      const Tensor in_float = attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat),
                                        with_bias ? bias.to(at::kFloat) : bias, queries, keys, options);
      EXPECT_LT((in_float - reference).abs().max().item<double>(), 2e-5) << width;
    }
}

/// Drops what `mask` [H, Lq, Lk] of each sequence says, by hand.
Tensor dropped_by_hand(const Tensor& q, const Tensor& k, const Tensor& v, const Spans& spans, double p,
                       const std::function<Tensor(size_t sequence, int64_t length)>& kept) {
  std::vector<Tensor> rows;
  for (size_t b = 0; b < spans.size(); ++b) {
    const auto heads = [&](const Tensor& x) {
      return x.narrow(0, spans[b].start, spans[b].length).view({spans[b].length, kHeads, kWidth}).transpose(0, 1);
    };
    const Tensor probabilities = at::softmax(at::matmul(heads(q), heads(k).transpose(1, 2)), -1);
    const Tensor dropped = probabilities * kept(b, spans[b].length).to(probabilities) / (1.0 - p);
    rows.push_back(at::matmul(dropped, heads(v)).transpose(0, 1).reshape({spans[b].length, kHeads * kWidth}));
  }
  return at::cat(rows);
}

TEST(Attention, TheKernelDropsByTheHashOfAProbabilitysPlace) {
  const Spans spans = {{0, 3}, {3, 5}, {8, 5}};
  const Tensor q = random_double({13, kHeads * kWidth}, 1), k = random_double({13, kHeads * kWidth}, 2),
               v = random_double({13, kHeads * kWidth}, 3);
  AttentionOptions options;
  options.num_heads = kHeads;
  options.dropout = 0.4;
  options.dropout_key = 99;
  const auto kept = [&](size_t sequence, int64_t length) {
    int64_t first = 0;
    for (size_t b = 0; b < sequence; ++b) first += kHeads * spans[b].length * spans[b].length;
    Tensor mask = at::empty({kHeads, length, length}, at::kDouble);
    for (int64_t i = 0; i < mask.numel(); ++i)
      mask.data_ptr<double>()[i] =
          random_bits(options.dropout_key, static_cast<uint32_t>(first + i)) >= drop_threshold(options.dropout);
    return mask;
  };
  const Tensor expected = dropped_by_hand(q, k, v, spans, options.dropout, kept);
  EXPECT_LT((attention(q, k, v, {}, spans, spans, options) - expected).abs().max().item<double>(), 1e-12);
}

/// The composed path draws other masks than the kernel (one key a group of equal lengths), of the same share: each is
/// the outcome of a mask that is 0 or 1 / (1 - p), and on average both are attention without dropout.
TEST(Attention, ComposedDropoutHasTheMeanAndSpreadOfTheKernels) {
  const Spans spans = {{0, 3}, {3, 5}, {8, 5}};
  const Tensor q = random_double({13, kHeads * kWidth}, 1), k = random_double({13, kHeads * kWidth}, 2),
               v = random_double({13, kHeads * kWidth}, 3);
  AttentionOptions options;
  options.num_heads = kHeads;
  const Tensor plain = attention(q, k, v, {}, spans, spans, options);
  options.dropout = 0.3;
  constexpr int kDraws = 4000;
  const auto moments = [&](const auto& function) {
    std::vector<Tensor> draws;
    for (int draw = 0; draw < kDraws; ++draw) {
      options.dropout_key = mix64(static_cast<uint64_t>(draw));
      draws.push_back(function(q, k, v, Tensor(), spans, spans, options));
    }
    const Tensor all = at::stack(draws);
    return std::pair(all.mean(0), all.std(0));
  };
  const auto [kernel_mean, kernel_std] = moments(attention);
  const auto [composed_mean, composed_std] = moments(attention_composed);
  // Five standard errors of a mean, and of a standard deviation of draws that are not far from normal.
  const double errors = 5.0 / std::sqrt(static_cast<double>(kDraws));
  EXPECT_TRUE(((kernel_mean - plain).abs() < errors * kernel_std).all().item<bool>());
  EXPECT_TRUE(((composed_mean - plain).abs() < errors * composed_std).all().item<bool>());
  EXPECT_TRUE(((composed_std / kernel_std - 1.0).abs() < 2.0 * errors).all().item<bool>());
}

TEST(Attention, ComposedDropoutsGradientsAgreeWithFiniteDifferences) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    AttentionOptions options;
    options.num_heads = kHeads;
    options.causal = c.causal;
    options.dropout = 0.4;
    options.dropout_key = 99;
    test::check_gradients(
        [&](const std::vector<Tensor>& x) {
          return attention_composed(x[0], x[1], x[2], x[3], c.queries, c.keys, options);
        },
        {random_double({c.query_rows, kHeads * kWidth}, 1), random_double({c.key_rows, kHeads * kWidth}, 2),
         random_double({c.key_rows, kHeads * kWidth}, 3), random_double({kHeads, 2 * c.longest_distance - 1}, 4)});
  }
}

TEST(Attention, GradientsAgreeWithFiniteDifferences) {
  for (const Case& c : cases())
    for (const double dropout : {0.0, 0.4}) {
      SCOPED_TRACE(std::string(c.name) + ", dropout " + std::to_string(dropout));
      AttentionOptions options;
      options.num_heads = kHeads;
      options.causal = c.causal;
      options.dropout = dropout;
      options.dropout_key = 99;
      test::check_gradients(
          [&](const std::vector<Tensor>& x) { return attention(x[0], x[1], x[2], x[3], c.queries, c.keys, options); },
          {random_double({c.query_rows, kHeads * kWidth}, 1), random_double({c.key_rows, kHeads * kWidth}, 2),
           random_double({c.key_rows, kHeads * kWidth}, 3), random_double({kHeads, 2 * c.longest_distance - 1}, 4)});
    }
}

/// Sizes at which every path of the blocked products is taken, leftover rows and columns included.
TEST(Attention, LongSequencesAndWideHeadsEqualComposedOperations) {
  constexpr int64_t kWideHead = 21, kLongest = 37;
  const Spans lengths = {{0, 19}, {19, 37}, {56, 16}, {72, 2}}, memory = {{0, 5}, {5, 33}, {38, 8}, {46, 17}};
  for (const bool causal : {false, true})
    for (const bool self : {false, true}) {
      SCOPED_TRACE(std::string(causal ? "causal, " : "not causal, ") + (self ? "self" : "memory"));
      AttentionOptions options;
      options.num_heads = kHeads;
      options.causal = causal;
      const Spans& keys = self ? lengths : memory;
      const int64_t key_rows = keys.back().start + keys.back().length;
      const auto gradients = [&](const auto& function) {
        std::vector<Tensor> x = {
            random_double({74, kHeads * kWideHead}, 1), random_double({key_rows, kHeads * kWideHead}, 2),
            random_double({key_rows, kHeads * kWideHead}, 3), random_double({kHeads, 2 * kLongest - 1}, 4)};
        for (Tensor& tensor : x) tensor.requires_grad_(true);
        const Tensor output = function(x[0], x[1], x[2], x[3], lengths, keys, options);
        output.square().sum().backward();
        std::vector<Tensor> all = {output.detach().flatten()};
        for (const Tensor& tensor : x) all.push_back(tensor.grad().flatten());
        return at::cat(all);
      };
      const Tensor difference = gradients(attention) - gradients(attention_composed);
      EXPECT_LT(difference.abs().max().item<double>(), 1e-9);
    }
}

TEST(Attention, DoesNotDependOnTheNumberOfThreads) {
  Spans spans;
  for (int64_t i = 0, start = 0; i < 40; ++i) {
    spans.push_back({start, 1 + i % 9});
    start += 1 + i % 9;
  }
  const int64_t rows = spans.back().start + spans.back().length;
  const auto gradients = [&](int threads, const Spans& keys) {
    at::set_num_threads(threads);
    std::vector<Tensor> x;
    for (uint64_t seed = 0; seed < 3; ++seed)
      x.push_back(random_double({rows, 8}, seed).to(at::kFloat).requires_grad_(true));
    x.push_back(random_double({4, 17}, 5).to(at::kFloat).requires_grad_(true));
    AttentionOptions options;
    options.num_heads = 4;
    attention(x[0], x[1], x[2], x[3], spans, keys, options).square().sum().backward();
    std::vector<Tensor> all;
    for (const Tensor& tensor : x) all.push_back(tensor.grad().flatten());
    return at::cat(all);
  };
  const int before = at::get_num_threads();
  const Spans one_memory(spans.size(), Span{3, 9});
  for (const Spans& keys : {spans, one_memory}) {
    const Tensor one = gradients(1, keys);
    for (int run = 0; run < 20; ++run) EXPECT_TRUE(at::equal(one, gradients(2, keys)));
  }
  at::set_num_threads(before);
}

}  // namespace
}  // namespace tvae
