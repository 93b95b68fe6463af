#include "tvae/nn/funnel.h"

#include <bit>
#include <charconv>
#include <cmath>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/mix64.h"
#include "tvae/base/strings.h"
#include "tvae/nn/batch_spans.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/on_device.h"

namespace tvae {

using torch::Tensor;

namespace {

constexpr double kInitializerRange = 0.1;  // of biases, kernels and segment embeddings: U(0, range), as published
constexpr double kMasked = 1e6;            // taken from the scores of padding

int64_t heads_of(const ModelConfig& config) {
  return config.funnel.num_heads > 0 ? config.funnel.num_heads : config.num_heads;
}

int64_t head_size_of(const ModelConfig& config) {
  return config.funnel.d_kv > 0 ? config.funnel.d_kv : config.d_kv;
}

FunnelLayer make_layer(const Scope& scope, const ModelConfig& config) {
  const int64_t d = config.d_model, heads = heads_of(config), k = head_size_of(config), inner = heads * k;
  const int64_t d_inner = config.funnel.d_inner > 0 ? config.funnel.d_inner : config.d_ff;
  const auto linear = [](const Scope& at, int64_t in, int64_t out, bool bias) {
    const auto weight = Init::normal(std::sqrt(1.0 / static_cast<double>(in + out)));
    return Linear(at, in, out, weight, bias ? std::optional(Init::constant(0.0)) : std::nullopt);
  };
  const auto one_sided = Init::uniform_above_zero(kInitializerRange);
  const Scope attention = scope / "attention", ffn = scope / "ffn";
  FunnelLayer layer;
  layer.q_head = linear(attention / "q_head", d, inner, false);
  layer.k_head = linear(attention / "k_head", d, inner, true);
  layer.v_head = linear(attention / "v_head", d, inner, true);
  layer.r_w_bias = attention.vector("r_w_bias", {heads, k}, one_sided);
  layer.r_r_bias = attention.vector("r_r_bias", {heads, k}, one_sided);
  layer.r_kernel = attention.matrix("r_kernel", {d, heads, k}, one_sided);
  layer.r_s_bias = attention.vector("r_s_bias", {heads, k}, one_sided);
  layer.seg_embed = attention.table("seg_embed", {2, heads, k}, one_sided);
  layer.post_proj = linear(attention / "post_proj", inner, d, true);
  layer.attention_norm_weight = (attention / "layer_norm").vector("weight", {d}, Init::constant(1.0));
  layer.attention_norm_bias = (attention / "layer_norm").vector("bias", {d}, Init::constant(0.0));
  layer.linear_1 = linear(ffn / "linear_1", d, d_inner, true);
  layer.linear_2 = linear(ffn / "linear_2", d_inner, d, true);
  layer.ffn_norm_weight = (ffn / "layer_norm").vector("weight", {d}, Init::constant(1.0));
  layer.ffn_norm_bias = (ffn / "layer_norm").vector("bias", {d}, Init::constant(0.0));
  return layer;
}

/// [n·L, H·k] → [n, H, L, k]
Tensor by_head(const Tensor& rows, int64_t count, int64_t heads) {
  return rows.view({count, -1, heads, rows.size(1) / heads}).transpose(1, 2);
}

}  // namespace

std::vector<int64_t> parse_block_sizes(const std::string& text, const std::string& key) {
  std::vector<int64_t> sizes;
  size_t start = 0;
  while (start <= text.size()) {
    const size_t end = std::min(text.find('_', start), text.size());
    int64_t size = 0;
    const auto [stop, error] = std::from_chars(text.data() + start, text.data() + end, size);
    if (error != std::errc() || stop != text.data() + end || size < 1 || size > 1024)
      throw ConfigError(key, "\"" + text + "\"", "a number a block, as 3_3_3");
    sizes.push_back(size);
    start = end + 1;
  }
  return sizes;
}

int64_t FunnelPooling::length(int64_t length) const {
  if (length <= (separate_cls ? 2 : 1)) return length;
  return separate_cls && !truncate_seq ? (length + 2) / 2 : (length + 1) / 2;
}

std::pair<int64_t, int64_t> FunnelPooling::window(int64_t pooled, int64_t length) const {
  if (!separate_cls) return {2 * pooled, std::min(2 * pooled + 1, length - 1)};
  if (pooled == 0) return {0, 0};
  const int64_t last = length - (truncate_seq ? 2 : 1);
  return {2 * pooled - 1, std::min(2 * pooled, last)};
}

namespace {

FunnelPooling pooling_of(const ModelConfig& config) {
  return {config.funnel.separate_cls, config.funnel.truncate_seq, config.funnel.pooling == "max"};
}

int64_t rows_after(const FunnelPooling& pooling, size_t halvings, int64_t length) {
  for (size_t i = 0; i < halvings; ++i) length = pooling.length(length);
  return length;
}

}  // namespace

int64_t funnel_rows(const ModelConfig& config, int64_t length) {
  return rows_after(pooling_of(config), parse_block_sizes(config.funnel.block_sizes).size() - 1, length);
}

FunnelEncoder::FunnelEncoder(const Scope& scope, const ModelConfig& config)
    : pooling_(pooling_of(config)),
      pool_q_only_(config.funnel.pool_q_only),
      factorized_(config.funnel.attention == "factorized"),
      d_model_(config.d_model),
      num_heads_(heads_of(config)),
      d_kv_(head_size_of(config)),
      hidden_dropout_(config.funnel.hidden_dropout),
      attention_dropout_(config.funnel.attention_dropout),
      activation_dropout_(config.funnel.activation_dropout),
      epsilon_(config.funnel.layer_norm_epsilon) {
  if (config.d_model % 2 != 0)
    throw ConfigError("model.d_model", std::to_string(config.d_model), "an even number (half sines, half cosines)");
  const std::vector<int64_t> sizes = parse_block_sizes(config.funnel.block_sizes);
  if (sizes.size() > 32 || int64_t{1} << (sizes.size() - 1) > config.sequence_length)
    throw ConfigError("model.funnel.block_sizes", "\"" + config.funnel.block_sizes + "\", which pools below one token",
                      "at most " + std::to_string(std::bit_width(static_cast<uint64_t>(config.sequence_length))) +
                          " blocks for data.max_tokens " + std::to_string(config.sequence_length),
                      "every block after the first halves the sequence");
  for (size_t block = 0; block < sizes.size(); ++block) {
    std::vector<FunnelLayer> layers;
    for (int64_t i = 0; i < sizes[block]; ++i)
      layers.push_back(make_layer(scope / "blocks" / std::to_string(block) / std::to_string(i), config));
    blocks_.push_back(std::move(layers));
  }
  repeats_.assign(sizes.size(), 1);
  if (!config.funnel.block_repeats.empty())
    repeats_ = parse_block_sizes(config.funnel.block_repeats, "model.funnel.block_repeats");
  if (repeats_.size() != sizes.size())
    throw ConfigError("model.funnel.block_repeats", config.funnel.block_repeats,
                      "as many numbers as model.funnel.block_sizes " + config.funnel.block_sizes);
}

int64_t FunnelEncoder::rows(int64_t length) const {
  return rows_after(pooling_, blocks_.size() - 1, length);
}

EncoderStates FunnelEncoder::forward(const Tensor& embeddings, const Spans& spans, const Spans& token_spans,
                                     const ForwardContext& given) const {
  const FunnelPositions positions =
      make_positions(given.share.longest_of(spans), embeddings, given.with_rows_a_sequence(0));
  Layout layout{spans, token_spans, std::vector<int64_t>(spans.size(), 0), given.share.whole};
  Tensor hidden = embeddings;
  for (size_t block = 0; block < blocks_.size(); ++block) {
    const int64_t repeats = repeats_[block], runs = repeats * static_cast<int64_t>(blocks_[block].size());
    for (int64_t run = 0; run < runs; ++run) {
      Layout queries = layout;
      Tensor query = hidden;
      if (block > 0 && run == 0) {
        queries = halve(layout);
        query = pool(hidden, layout, queries);
        if (!pool_q_only_) {
          layout = queries;
          hidden = query;
        }
      }
      hidden =
          layer(blocks_[block][static_cast<size_t>(run / repeats)], query, queries, hidden, layout, positions, given);
      layout = std::move(queries);
    }
  }
  return {hidden, layout.spans, layout.token_spans};
}

FunnelEncoder::Layout FunnelEncoder::halve(const Layout& layout) const {
  Layout halved;
  std::vector<LengthGroup> lengths;
  for (size_t b = 0; b < layout.spans.size(); ++b) {
    const int64_t length = layout.spans[b].length, tokens = layout.token_spans[b].length;
    const int64_t pooled = pooling_.length(length);
    int64_t pooled_tokens = tokens;
    if (pooled < length) {  // a pooled row is real where both of its rows are
      pooled_tokens = 0;
      while (pooled_tokens < pooled && pooling_.window(pooled_tokens, length).second < tokens) ++pooled_tokens;
    }
    lengths.push_back({pooled, 1});
    halved.token_spans.push_back({0, pooled_tokens});
    halved.halvings.push_back(layout.halvings[b] + (pooled < length));
  }
  halved.spans = spans_of(lengths);
  lengths.clear();
  for (const Span& sequence : layout.whole) lengths.push_back({pooling_.length(sequence.length), 1});
  halved.whole = spans_of(lengths);
  for (size_t b = 0; b < halved.spans.size(); ++b) halved.token_spans[b].start = halved.spans[b].start;
  return halved;
}

Tensor FunnelEncoder::pool(const Tensor& states, const Layout& from, const Layout& to) const {
  const int64_t rows = to.spans.empty() ? 0 : to.spans.back().start + to.spans.back().length;
  Tensor left = at::empty({rows}, at::kLong), right = at::empty({rows}, at::kLong);
  int64_t* left_rows = left.mutable_data_ptr<int64_t>();
  int64_t* right_rows = right.mutable_data_ptr<int64_t>();
  for (size_t b = 0; b < to.spans.size(); ++b) {
    const Span& span = from.spans[b];
    const bool halved = to.spans[b].length < span.length;
    for (int64_t i = 0; i < to.spans[b].length; ++i) {
      const auto [first, second] = halved ? pooling_.window(i, span.length) : std::pair(i, i);
      *left_rows++ = span.start + first;
      *right_rows++ = span.start + second;
    }
  }
  const Tensor a = states.index_select(0, on_device(left, states.device()));
  const Tensor b = states.index_select(0, on_device(right, states.device()));
  return pooling_.max ? at::maximum(a, b) : (a + b) * 0.5;
}

FunnelPositions FunnelEncoder::make_positions(int64_t longest, const Tensor& like,
                                              const ForwardContext& context) const {
  // Distances reach from -longest to twice that: see position_scores.
  const int64_t reach = 2 * longest + 4 * (int64_t{1} << blocks_.size());
  const Tensor frequencies = at::pow(10000.0, at::arange(0, d_model_ / 2, at::kDouble) / (-0.5 * d_model_));
  const Tensor angles = at::arange(-reach, reach + 1, at::kDouble).unsqueeze(1) * frequencies;
  const auto as_like = [&](const Tensor& x) { return on_device(x.to(like.scalar_type()), like.device()); };
  const Tensor sine = as_like(angles.sin()), cosine = as_like(angles.cos());
  const double p = context.rate(hidden_dropout_);
  FunnelPositions positions;
  positions.zero = reach;
  if (!factorized_) {
    positions.sinusoid = dropout(at::cat({sine, cosine}, 1), p, context.key());
    return positions;
  }
  const Tensor dropped_sine = dropout(sine, p, context.key()), dropped_cosine = dropout(cosine, p, context.key());
  positions.phi = at::cat({dropped_sine, dropped_sine}, 1);
  positions.pi = at::cat({dropped_cosine, dropped_cosine}, 1);
  positions.psi = at::cat({cosine, sine}, 1);
  positions.omega = at::cat({-sine, cosine}, 1);
  return positions;
}

Tensor FunnelEncoder::position_scores(const FunnelLayer& layer, const Tensor& query, const Group& group,
                                      const FunnelPositions& positions) const {
  const int64_t q = group.query_length, keys = group.key_length, d = d_model_;
  const Tensor kernel = layer.r_kernel.reshape({d, num_heads_ * d_kv_});
  if (factorized_) {
    // sin(i - j) = sin i cos j - cos i sin j, cos(i - j) = cos i cos j + sin i sin j
    const auto rows = [&](const Tensor& table, int64_t count, int64_t unit) {
      const int64_t first = pooling_.separate_cls ? 1 - unit : 0;
      return table.slice(0, positions.zero + first, positions.zero + first + (count - 1) * unit + 1, unit);
    };
    const int64_t query_unit = group.halved ? 2 * group.unit : group.unit;
    // [n, H, Q, k] · [H, k, d]
    const Tensor projected = at::matmul(query, layer.r_kernel.permute({1, 2, 0}));
    return at::matmul(projected * rows(positions.phi, q, query_unit), rows(positions.psi, keys, group.unit).t()) +
           at::matmul(projected * rows(positions.pi, q, query_unit), rows(positions.omega, keys, group.unit).t());
  }
  // Distance of query i to key j: unit (step i - j - lead). The column of distance unit (shift - lead - column) is
  // j - step i + shift, so that dropping `shift` scores and reading rows `step` shorter puts each (i, j) in its place.
  const int64_t step = group.halved ? 2 : 1, lead = group.halved && pooling_.separate_cls ? 1 : 0;
  const int64_t shift = step * (q - 1), columns = keys + shift + step;
  const int64_t first = positions.zero + group.unit * (shift - lead), last = first - group.unit * (columns - 1);
  TVAE_ASSERT(last >= 0 && first < positions.sinusoid.size(0), "the table holds every distance");
  const Tensor distances = positions.sinusoid.slice(0, last, first + 1, group.unit).flip(0);  // [columns, d]
  const Tensor r_head = at::matmul(distances, kernel).view({columns, num_heads_, d_kv_});
  const Tensor scores = at::matmul(query, r_head.permute({1, 2, 0}));  // [n, H, Q, columns]
  return scores.flatten(2)
      .narrow(2, shift, q * (columns - step))
      .view({group.count, num_heads_, q, columns - step})
      .narrow(3, 0, keys);
}

Tensor FunnelEncoder::layer(const FunnelLayer& layer, const Tensor& query, const Layout& queries, const Tensor& key,
                            const Layout& keys, const FunnelPositions& positions, const ForwardContext& given) const {
  const ForwardContext context = given.laid_out(queries.whole, queries.whole);
  const double scale = 1.0 / std::sqrt(static_cast<double>(d_kv_));
  const RandomKey attention_key = context.key();
  const Tensor q = layer.q_head(query) * scale, k = layer.k_head(key), v = layer.v_head(key);
  const auto bias = [&](const Tensor& weight) { return (weight * scale).unsqueeze(1); };  // [H, 1, k]

  std::vector<Tensor> attended;
  const size_t sequences = queries.spans.size();
  for (size_t begin = 0, end; begin < sequences; begin = end) {
    const auto alike = [&](size_t b) {
      return queries.spans[b].length == queries.spans[begin].length && keys.spans[b].length == keys.spans[begin].length;
    };
    for (end = begin + 1; end < sequences && alike(end);) ++end;
    const Group group{static_cast<int64_t>(end - begin),
                      queries.spans[begin].start,
                      queries.spans[begin].length,
                      keys.spans[begin].start,
                      keys.spans[begin].length,
                      int64_t{1} << keys.halvings[begin],
                      queries.spans[begin].length < keys.spans[begin].length};
    int64_t before = 0;  // sequences of the same lengths in the processes before this one
    for (size_t b = 0; b < static_cast<size_t>(given.share.first); ++b)
      before += queries.whole[b].length == group.query_length && keys.whole[b].length == group.key_length;
    const int64_t query_rows = group.count * group.query_length, key_rows = group.count * group.key_length;
    const Tensor qh = by_head(q.narrow(0, group.query_start, query_rows), group.count, num_heads_);
    const Tensor kh = by_head(k.narrow(0, group.key_start, key_rows), group.count, num_heads_);
    const Tensor vh = by_head(v.narrow(0, group.key_start, key_rows), group.count, num_heads_);

    Tensor relative =
        position_scores(layer, qh + bias(layer.r_r_bias), group, positions) +
        at::matmul(qh + bias(layer.r_s_bias), layer.seg_embed[1].unsqueeze(2));  // every token: one segment
    if (pooling_.separate_cls) {
      Tensor others = at::ones({group.query_length, group.key_length}, q.options().requires_grad(false));
      others.select(0, 0).zero_();
      others.select(1, 0).zero_();
      relative = relative * others;
    }
    Tensor scores = at::matmul(qh + bias(layer.r_w_bias), kh.transpose(2, 3)) + relative;
    Tensor mask;
    for (size_t b = begin; b < end; ++b) {
      const int64_t real = keys.token_spans[b].length, padding = group.key_length - real;
      if (padding == 0) continue;
      if (!mask.defined()) mask = at::zeros({group.count, 1, 1, group.key_length}, at::kFloat);
      mask[static_cast<int64_t>(b - begin)].narrow(2, real, padding).fill_(-kMasked);
    }
    if (scores.scalar_type() != at::kDouble) scores = scores.to(at::kFloat);  // as published, whatever q is
    if (mask.defined()) scores = scores + on_device(mask, scores.device());
    // A stream of numbers for every pair of lengths: groups are then the same in every part of a batch.
    const uint64_t stream =
        mix64(attention_key.key + static_cast<uint64_t>(group.query_length << 32 | group.key_length));
    const RandomKey own_stream(stream, before * num_heads_ * group.query_length);
    const Tensor probabilities =
        dropout(at::softmax(scores, -1).to(q.scalar_type()), context.rate(attention_dropout_), own_stream);
    attended.push_back(at::matmul(probabilities, vh).transpose(1, 2).reshape({query_rows, num_heads_ * d_kv_}));
  }
  const auto norm = [&](const Tensor& x, const Tensor& weight, const Tensor& norm_bias) {
    return at::layer_norm(x, {d_model_}, weight, norm_bias, epsilon_);
  };
  const double p = context.rate(hidden_dropout_);
  const Tensor mixed = norm(dropout_add(layer.post_proj(at::cat(attended)), query, p, context.key()),
                            layer.attention_norm_weight, layer.attention_norm_bias);
  const Tensor inner =
      dropout(at::gelu(layer.linear_1(mixed), "tanh"), context.rate(activation_dropout_), context.key());
  return norm(dropout_add(layer.linear_2(inner), mixed, p, context.key()), layer.ffn_norm_weight, layer.ffn_norm_bias);
}

}  // namespace tvae
