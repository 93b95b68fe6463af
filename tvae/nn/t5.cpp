#include "tvae/nn/t5.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/ops/dropout.h"
#include "tvae/ops/on_device.h"
#include "tvae/ops/rms_norm.h"

namespace tvae {

using torch::Tensor;

int64_t relative_position_bucket(int64_t relative_position, bool bidirectional, int64_t num_buckets,
                                 int64_t max_distance) {
  int64_t base = 0, distance = 0;
  if (bidirectional) {
    num_buckets /= 2;
    base = relative_position > 0 ? num_buckets : 0;
    distance = std::abs(relative_position);
  } else {
    distance = std::max<int64_t>(-relative_position, 0);
  }
  const int64_t exact = num_buckets / 2;
  if (distance < exact) return base + distance;
  const float position = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
                         static_cast<float>(std::log(static_cast<double>(max_distance) / static_cast<double>(exact))) *
                         static_cast<float>(num_buckets - exact);
  return base + std::min<int64_t>(num_buckets - 1, exact + static_cast<int64_t>(position));
}

Tensor relative_position_bias(const Tensor& embedding, bool bidirectional, int64_t max_length, int64_t max_distance) {
  Tensor buckets = at::empty({2 * max_length - 1}, at::kLong);
  int64_t* bucket = buckets.data_ptr<int64_t>();
  for (int64_t i = 0; i < 2 * max_length - 1; ++i)
    bucket[i] = relative_position_bucket(i - (max_length - 1), bidirectional, embedding.size(0), max_distance);
  // In at least fp32: a bucket's gradient is the sum of thousands of numbers, and one in bf16 would stand still after
  // some hundred.
  const Tensor wide = at::isReducedFloatingType(embedding.scalar_type()) ? embedding.to(at::kFloat) : embedding;
  return at::embedding(wide, on_device(buckets, embedding.device())).t().contiguous();
}

T5Attention::T5Attention(const Scope& scope, const ModelConfig& config) : num_heads(config.num_heads) {
  const int64_t d = config.d_model, inner = config.num_heads * config.d_kv;
  const double f = config.initializer_factor;
  // With scaled scores the queries start larger by as much, so that the scores start the same.
  score_scale = config.scale_attention ? 1.0 / std::sqrt(static_cast<double>(config.d_kv)) : 1.0;
  q = Linear::without_bias(scope / "q", d, inner, f / std::sqrt(static_cast<double>(d * config.d_kv)) / score_scale);
  k = Linear::without_bias(scope / "k", d, inner, f / std::sqrt(static_cast<double>(d)));
  v = Linear::without_bias(scope / "v", d, inner, f / std::sqrt(static_cast<double>(d)));
  o = Linear::without_bias(scope / "o", inner, d, f / std::sqrt(static_cast<double>(inner)));
}

Tensor T5Attention::queries(const Tensor& hidden) const {
  const Tensor projected = q(hidden);
  if (score_scale == 1.0) return projected;
  return at::GradMode::is_enabled() ? projected * score_scale : projected.mul_(score_scale);
}

Tensor T5Attention::operator()(const Tensor& hidden, const Tensor& memory, const Tensor& relative_bias,
                               const Spans& query_spans, const Spans& keys, AttentionOptions options) const {
  options.num_heads = num_heads;
  return o(attention(queries(hidden), k(memory), v(memory), relative_bias, query_spans, keys, options));
}

T5FeedForward::T5FeedForward(const Scope& scope, const ModelConfig& config)
    : gated(config.feed_forward == "gated-gelu"), dropout_rate(config.dropout) {
  const double in_std = config.initializer_factor / std::sqrt(static_cast<double>(config.d_model));
  const double out_std = config.initializer_factor / std::sqrt(static_cast<double>(config.d_ff));
  if (gated) {
    wi_0 = Linear::without_bias(scope / "wi_0", config.d_model, config.d_ff, in_std);
    wi_1 = Linear::without_bias(scope / "wi_1", config.d_model, config.d_ff, in_std);
  } else {
    wi = Linear::without_bias(scope / "wi", config.d_model, config.d_ff, in_std);
  }
  wo = Linear::without_bias(scope / "wo", config.d_ff, config.d_model, out_std);
}

Tensor T5FeedForward::operator()(const Tensor& hidden, const ForwardContext& context) const {
  const double p = context.rate(dropout_rate);
  return wo(gated ? gated_gelu_dropout(wi_0(hidden), wi_1(hidden), p, context.key())
                  : relu_dropout(wi(hidden), p, context.key()));
}

namespace {

/// Of train.recompute.decoder: 1 = every layer, n = all but every n-th, 0 = none.
bool recomputes(size_t layer, int64_t rate) {
  return rate == 1 || (rate > 1 && static_cast<int64_t>(layer) % rate != 0);
}

}  // namespace

T5Stack::T5Stack(const Scope& scope, const ModelConfig& config, bool is_decoder, int64_t layers)
    : is_decoder_(is_decoder),
      dropout_(config.dropout),
      epsilon_(config.layer_norm_epsilon),
      max_distance_(config.relative_attention_max_distance) {
  if (is_decoder) windows_ = AttentionWindows(config);
  const auto norm_weight = [&](const Scope& at) {
    return (at / "layer_norm").vector("weight", {config.d_model}, Init::constant(config.initializer_factor));
  };
  for (int64_t i = 0; i < layers; ++i) {
    const Scope layer = scope / "block" / std::to_string(i) / "layer";
    T5Block block;
    block.self_attention = T5Attention(layer / "0" / "SelfAttention", config);
    if (i == 0)
      relative_attention_bias_ =
          (layer / "0" / "SelfAttention" / "relative_attention_bias")
              .vector("weight", {config.relative_attention_num_buckets, config.num_heads},
                      Init::normal(config.initializer_factor / std::sqrt(static_cast<double>(config.d_model))));
    block.self_norm = norm_weight(layer / "0");
    if (is_decoder) {
      block.cross_attention = T5Attention(layer / "1" / "EncDecAttention", config);
      block.cross_norm = norm_weight(layer / "1");
    }
    const Scope last = layer / (is_decoder ? "2" : "1");
    block.feed_forward = T5FeedForward(last / "DenseReluDense", config);
    block.feed_forward_norm = norm_weight(last);
    block.weights = (scope / "block" / std::to_string(i)).weights();
    blocks_.push_back(std::move(block));
  }
  final_norm_ =
      (scope / "final_layer_norm").vector("weight", {config.d_model}, Init::constant(config.initializer_factor));
}

Tensor T5Stack::relative_bias(int64_t max_length) const {
  return relative_position_bias(relative_attention_bias_, !is_decoder_, max_length, max_distance_);
}

Tensor T5Stack::norm(const Tensor& hidden, const Tensor& weight) const {
  return rms_norm(hidden, weight, epsilon_);
}

Tensor T5Stack::forward(const Tensor& embeddings, const Spans& queries, const Spans& keys, const Memory* memory,
                        const ForwardContext& context) const {
  TVAE_ASSERT(is_decoder_ == (memory != nullptr), "a decoder, and only a decoder, has a memory");
  const double p = context.rate(dropout_);
  const Tensor bias = relative_bias(windows_.size > 0 ? windows_.size : longest(queries));
  const Tensor memory_states = memory != nullptr ? memory->states : Tensor();
  std::vector<LayerView> views;  // of even and odd layers
  for (size_t parity : {0, 1}) {
    views.push_back(windows_.size > 0 ? windows(parity, queries, *memory, embeddings.device())
                                      : LayerView{{}, queries, keys, memory != nullptr ? memory->spans : Spans{}, {}});
    views.back().place = place_of(context.share, parity);
  }
  Tensor hidden = dropout(embeddings, p, context.key());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const LayerView& view = views[i % 2];
    const ForwardPart part = [this, i, view](const std::vector<Tensor>& inputs, const ForwardContext& part_context) {
      return block(blocks_[i], inputs[0], inputs[1], is_decoder_ ? inputs[2] : Tensor(), view, part_context);
    };
    std::vector<Tensor> inputs = {hidden, bias};
    if (is_decoder_) inputs.push_back(memory_states);
    hidden = is_decoder_ && recomputes(i, context.recompute.decoder)
                 ? recomputed(part, inputs, blocks_[i].weights, context)
                 : part(inputs, context);
  }
  return dropout(norm(hidden, final_norm_), p, context.key());
}

Tensor T5Stack::block(const T5Block& block, const Tensor& hidden, const Tensor& bias, const Tensor& memory,
                      const LayerView& view, const ForwardContext& whole_context) const {
  ForwardContext context = whole_context;
  context.rows_before = view.place.rows;
  const double p = context.rate(dropout_);
  const auto attention_options = [&](bool causal, int64_t pairs_before) {
    AttentionOptions options;
    options.causal = causal;
    options.dropout = p;
    options.dropout_key = context.key().key;
    options.dropout_first = block.self_attention.num_heads * pairs_before;
    return options;
  };
  Tensor x = view.rows.defined() ? hidden.index_select(0, view.rows) : hidden;
  const Tensor normed = norm(x, block.self_norm);
  x = dropout_add(block.self_attention(normed, normed, bias, view.queries, view.keys,
                                       attention_options(is_decoder_, view.place.pairs)),
                  x, p, context.key());
  if (is_decoder_) {
    const int64_t memory_rows = longest(view.memory);  // as many for every sequence
    // An alias, so that the gradients of keys and values are added here first, as they are in a recomputed block.
    x = dropout_add(block.cross_attention(norm(x, block.cross_norm), memory.alias(), {}, view.queries, view.memory,
                                          attention_options(false, view.place.rows * memory_rows)),
                    x, p, context.key());
  }
  x = dropout_add(block.feed_forward(norm(x, block.feed_forward_norm), context), x, p, context.key());
  return view.rows.defined() ? hidden.index_copy(0, view.rows, x) : x;
}

StreamPlace T5Stack::place_of(const BatchShare& share, size_t layer) const {
  Spans queries(share.whole.begin(), share.whole.begin() + share.first), keys = share.keys;
  if (windows_.size > 0) keys = queries = windows(layer, queries, {{}, queries, {}}, torch::kCPU).queries;
  StreamPlace place;
  for (size_t b = 0; b < queries.size(); ++b) {
    place.rows += queries[b].length;
    place.pairs += queries[b].length * keys[b].length;
  }
  return place;
}

LayerView T5Stack::windows(size_t layer, const Spans& sequences, const Memory& memory, torch::Device device) const {
  LayerView view;
  std::vector<int64_t> rows;
  for (size_t b = 0; b < sequences.size(); ++b) {
    int64_t open = -1;  // the window being filled
    for (int64_t position = 0; position < sequences[b].length; ++position) {
      const int64_t window = windows_.window_of(position, layer);
      if (window < 0) continue;
      if (window != open) {
        view.queries.push_back({static_cast<int64_t>(rows.size()), 0});
        view.memory.push_back(memory.spans[b]);
        open = window;
      }
      rows.push_back(sequences[b].start + position);
      ++view.queries.back().length;
    }
  }
  view.keys = view.queries;
  view.rows = on_device(rows, device);
  return view;
}

AttentionWindows::AttentionWindows(const ModelConfig& config)
    : size(config.attention_window.size), sequence_length(config.sequence_length) {
  if (size == 0) return;
  if (size >= sequence_length)
    throw ConfigError("model.attention_window.size", std::to_string(size),
                      "less than data.max_tokens, " + std::to_string(sequence_length));
  if (!config.attention_window.shift) return;
  shift = config.attention_window.overlap;
  if (shift == 0) shift = sequence_length % size;
  if (shift == 0) shift = (size + 1) / 2;  // windows that divide the sequence would never overlap
}

int64_t AttentionWindows::window_of(int64_t position, size_t layer) const {
  const int64_t first = layer % 2 == 1 ? shift : 0;
  if (position < first) return -1;
  const int64_t start = first + (position - first) / size * size;
  return start + size <= sequence_length ? start : -1;
}

namespace {

/// table[places[i]] = rows[i]. index_copy_() of few long rows takes several times as long as copying them.
void put_rows(const Tensor& table, const Tensor& places, const Tensor& rows) {
  if (!table.is_cpu()) {
    table.index_copy_(0, places, rows);
    return;
  }
  TVAE_ASSERT(table.is_contiguous() && rows.is_contiguous() && rows.scalar_type() == table.scalar_type() &&
                  rows.size(1) == table.size(1),
              "rows are of the table");
  const auto row_bytes = static_cast<size_t>(table.size(1)) * table.element_size();
  auto* to = static_cast<std::byte*>(table.data_ptr());
  const auto* from = static_cast<const std::byte*>(rows.const_data_ptr());
  const int64_t* place = places.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    TVAE_ASSERT(place[i] >= 0 && place[i] < table.size(0), "places are of the table");
    std::memcpy(to + static_cast<size_t>(place[i]) * row_bytes, from + static_cast<size_t>(i) * row_bytes, row_bytes);
  }
}

}  // namespace

T5Cache T5Stack::make_cache(const Memory& memory, int64_t capacity) const {
  T5Cache cache;
  cache.capacity = capacity;
  cache.memory_spans = memory.spans;
  cache.relative_bias = relative_bias(windows_.size > 0 ? windows_.size : capacity);
  const auto rows = static_cast<int64_t>(memory.spans.size());
  for (const T5Block& block : blocks_) {
    T5Cache::Layer layer;
    layer.self_key = at::empty({rows * capacity, block.self_attention.k.outputs()}, memory.states.options());
    layer.self_value = at::empty_like(layer.self_key);
    layer.cross_key = block.cross_attention.k(memory.states);
    layer.cross_value = block.cross_attention.v(memory.states);
    cache.layers.push_back(std::move(layer));
  }
  return cache;
}

void T5Stack::replace_rows(T5Cache& cache, const std::vector<int64_t>& rows, const Memory& memory) const {
  std::vector<int64_t> places;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Span& place = cache.memory_spans[rows[i]];
    TVAE_ASSERT(place.length == memory.spans[i].length, "the memory fits the place of the one before it");
    for (int64_t j = 0; j < place.length; ++j) places.push_back(place.start + j);
  }
  const Tensor index = on_device(places, memory.states.device());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    cache.layers[i].cross_key.index_copy_(0, index, blocks_[i].cross_attention.k(memory.states));
    cache.layers[i].cross_value.index_copy_(0, index, blocks_[i].cross_attention.v(memory.states));
  }
}

Tensor T5Stack::step(const Tensor& embeddings, const std::vector<int64_t>& rows, const std::vector<int64_t>& positions,
                     T5Cache& cache) const {
  const size_t active = rows.size();
  std::vector<int64_t> places(active);
  Spans keys(active), memory(active);
  for (size_t i = 0; i < active; ++i) {
    places[i] = rows[i] * cache.capacity + positions[i];
    keys[i] = {rows[i] * cache.capacity, positions[i] + 1};
    memory[i] = cache.memory_spans[rows[i]];
  }
  const auto tensor_of = [&](const std::vector<int64_t>& numbers) { return on_device(numbers, embeddings.device()); };
  const Tensor all_places = tensor_of(places);
  Tensor hidden = embeddings;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (windows_.size == 0) {
      hidden = step_block(blocks_[i], hidden, cache.relative_bias, all_places, keys, memory, cache.layers[i]);
      continue;
    }
    // Of the rows that are in a window of this layer, the keys from its first position on.
    std::vector<int64_t> inside, inside_places;
    Spans inside_keys, inside_memory;
    for (size_t row = 0; row < active; ++row) {
      const int64_t first = windows_.window_of(positions[row], i);
      if (first < 0) continue;
      inside.push_back(static_cast<int64_t>(row));
      inside_places.push_back(places[row]);
      inside_keys.push_back({keys[row].start + first, keys[row].length - first});
      inside_memory.push_back(memory[row]);
    }
    if (inside.empty()) continue;
    const Tensor index = tensor_of(inside);
    hidden = hidden.index_copy(0, index,
                               step_block(blocks_[i], hidden.index_select(0, index), cache.relative_bias,
                                          tensor_of(inside_places), inside_keys, inside_memory, cache.layers[i]));
  }
  return norm(hidden, final_norm_);
}

Tensor T5Stack::step_block(const T5Block& block, Tensor hidden, const Tensor& bias, const Tensor& places,
                           const Spans& keys, const Spans& memory, T5Cache::Layer& layer) const {
  const Spans queries = equal_spans(static_cast<int64_t>(keys.size()), 1);
  AttentionOptions causal, cross;
  causal.num_heads = cross.num_heads = block.self_attention.num_heads;
  causal.causal = true;
  Tensor normed = norm(hidden, block.self_norm);
  put_rows(layer.self_key, places, block.self_attention.k(normed));
  put_rows(layer.self_value, places, block.self_attention.v(normed));
  hidden = hidden + block.self_attention.o(attention(block.self_attention.queries(normed), layer.self_key,
                                                     layer.self_value, bias, queries, keys, causal));
  normed = norm(hidden, block.cross_norm);
  hidden = hidden + block.cross_attention.o(attention(block.cross_attention.queries(normed), layer.cross_key,
                                                      layer.cross_value, {}, queries, memory, cross));
  return hidden + block.feed_forward(norm(hidden, block.feed_forward_norm), {});
}

}  // namespace tvae
