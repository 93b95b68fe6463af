// T5 (Raffel et al. 2020) on a token stream: v1.0 (relu) and v1.1 (gated-gelu), encoder and decoder. Parity reference:
// transformers' T5Stack. Weight names are Hugging Face's.
#pragma once

#include <optional>
#include <vector>

#include "tvae/config/run_config.h"
#include "tvae/nn/memory.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/attention.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// T5's bucket of a relative position key − query (T5Attention._relative_position_bucket).
int64_t relative_position_bucket(int64_t relative_position, bool bidirectional, int64_t num_buckets,
                                 int64_t max_distance);

/// Bias of every distance: [H, 2R-1] from the embedding [buckets, H], column r + R - 1 for key − query = r.
torch::Tensor relative_position_bias(const torch::Tensor& embedding, bool bidirectional, int64_t max_length,
                                     int64_t max_distance);

/// Projections and attention; no norm, no residual.
struct T5Attention {
  Linear q, k, v, o;
  int64_t num_heads = 1;
  double score_scale = 1.0;

  T5Attention() = default;
  T5Attention(const Scope& scope, const ModelConfig& config);
  /// q(hidden) · score_scale
  torch::Tensor queries(const torch::Tensor& hidden) const;
  /// hidden [Tq, d], memory [Tk, d] (hidden itself for self-attention) → [Tq, d]. `options` gives causal; the rest is
  /// set here.
  torch::Tensor operator()(const torch::Tensor& hidden, const torch::Tensor& memory, const torch::Tensor& relative_bias,
                           const Spans& query_spans, const Spans& keys, AttentionOptions options) const;
};

/// wo(drop(act(...))): relu(wi x) or gelu_new(wi_0 x) · wi_1 x.
struct T5FeedForward {
  Linear wi, wi_0, wi_1, wo;
  bool gated = false;
  double dropout_rate = 0.0;

  T5FeedForward() = default;
  T5FeedForward(const Scope& scope, const ModelConfig& config);
  torch::Tensor operator()(const torch::Tensor& hidden, const ForwardContext& context) const;
};

/// Pre-norm self-attention, [pre-norm cross-attention], pre-norm feed-forward, each with dropout and residual.
struct T5Block {
  torch::Tensor self_norm, cross_norm, feed_forward_norm;
  T5Attention self_attention, cross_attention;
  T5FeedForward feed_forward;
  std::vector<torch::Tensor> weights;  // all of them, for checkpointing
};

/// Decoder layers that attend within windows of the sequence (Transformer-VAE 2021). Even layers have theirs at 0,
/// size, 2 size, ...; odd ones are moved on by `shift`, so that every position sees both its neighbours' windows.
/// Positions that are in no whole window of the longest sequence pass a layer unchanged.
struct AttentionWindows {
  int64_t size = 0;             // 0 = no windows
  int64_t shift = 0;            // of odd layers
  int64_t sequence_length = 0;  // the longest sequence, which the windows divide

  AttentionWindows() = default;
  /// From model.attention_window. Throws ConfigError for a window as long as the sequence.
  explicit AttentionWindows(const ModelConfig& config);
  /// First position of the window a position is in, or -1.
  int64_t window_of(int64_t position, size_t layer) const;
};

/// What stands before this process's part of a batch (batch_share.h).
struct StreamPlace {
  int64_t rows = 0;
  int64_t pairs = 0;  // of a query and a key of its own sequence
};

/// What one layer sees of a stream.
struct LayerView {
  torch::Tensor rows;  // int64, the rows of the stream that take part; undefined = all
  Spans queries, keys, memory;
  StreamPlace place;
};

/// What a decoder keeps while it writes, for rows of at most `capacity` tokens.
struct T5Cache {
  /// Keys and values of one layer: self [rows · capacity, H·k], of each row those of the tokens so far; cross [memory
  /// rows, H·k], computed once a sequence.
  struct Layer {
    torch::Tensor self_key, self_value, cross_key, cross_value;
  };
  std::vector<Layer> layers;
  int64_t capacity = 0;
  Spans memory_spans;           // one a row
  torch::Tensor relative_bias;  // of every distance
};

class T5Stack {
 public:
  T5Stack() = default;
  /// Names under scope: block.0.layer.0..., final_layer_norm.weight, as in transformers.
  T5Stack(const Scope& scope, const ModelConfig& config, bool is_decoder, int64_t layers);

  /// embeddings [T, d] → states [T, d] after the final norm. queries: every sequence's rows; keys: the rows among them
  /// that may be attended to (equal to queries unless the input is padded). memory: for decoders.
  torch::Tensor forward(const torch::Tensor& embeddings, const Spans& queries, const Spans& keys, const Memory* memory,
                        const ForwardContext& context) const;

  /// A row for each sequence of the memory, of at most `capacity` tokens.
  T5Cache make_cache(const Memory& memory, int64_t capacity) const;
  /// The sequences of `memory` take the places of what stood in `rows`. Each needs as much memory as the one before it.
  void replace_rows(T5Cache& cache, const std::vector<int64_t>& rows, const Memory& memory) const;
  /// One decoding step: embeddings [A, d] of the tokens at `positions` of the cache's `rows` (A of each) → states [A,
  /// d]. Evaluation only.
  torch::Tensor step(const torch::Tensor& embeddings, const std::vector<int64_t>& rows,
                     const std::vector<int64_t>& positions, T5Cache& cache) const;

 private:
  /// The windows of a layer in a stream of sequences.
  LayerView windows(size_t layer, const Spans& sequences, const Memory& memory, torch::Device device) const;
  /// What stands before it: the sequences of other processes, cut into the windows of a layer where there are some.
  StreamPlace place_of(const BatchShare& share, size_t layer) const;
  torch::Tensor block(const T5Block& block, const torch::Tensor& hidden, const torch::Tensor& bias,
                      const torch::Tensor& memory, const LayerView& view, const ForwardContext& context) const;
  torch::Tensor relative_bias(int64_t max_length) const;
  torch::Tensor norm(const torch::Tensor& hidden, const torch::Tensor& weight) const;
  /// One layer of step() for the rows whose tokens are at `places` of the cache [A], an int64 tensor.
  torch::Tensor step_block(const T5Block& block, torch::Tensor hidden, const torch::Tensor& bias,
                           const torch::Tensor& places, const Spans& keys, const Spans& memory,
                           T5Cache::Layer& layer) const;

  bool is_decoder_ = false;
  double dropout_ = 0.0;
  double epsilon_ = 1e-6;
  int64_t max_distance_ = 128;
  AttentionWindows windows_;
  std::vector<T5Block> blocks_;
  torch::Tensor relative_attention_bias_;  // [buckets, H], of layer 0, shared by all
  torch::Tensor final_norm_;
};

}  // namespace tvae
