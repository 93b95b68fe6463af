// Funnel-Transformer encoder (Dai et al. 2020) on a token stream: blocks of post-norm layers; before every block but
// the first, sequences are halved. Parity reference: transformers' FunnelEncoder, whose weight names these are.
//
// Position of row i after h halvings: 2^h (i - 1) + 1 with separate_cls, else 2^h i. What HF calls relative_shift and
// factorized are two ways to score the difference of two positions; they differ under dropout only.
#pragma once

#include <string>
#include <vector>

#include "tvae/nn/encoder.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// "3_3_3" → {3, 3, 3}. Throws ConfigError, naming `key`, for anything else than positive numbers joined by
/// underscores.
std::vector<int64_t> parse_block_sizes(const std::string& text, const std::string& key = "model.funnel.block_sizes");

/// How sequences are halved: rows are averaged (or the larger taken) in pairs.
struct FunnelPooling {
  bool separate_cls = true;  // the first row stays by itself
  bool truncate_seq = true;  // with separate_cls: the last row is left out
  bool max = false;

  /// Rows of a sequence after one halving; sequences too short for it stay as they are.
  int64_t length(int64_t length) const;
  /// Rows i and j whose mean is row `pooled` of a sequence that is halved; equal where a row has no partner.
  std::pair<int64_t, int64_t> window(int64_t pooled, int64_t length) const;
};

/// States of a sequence of `length` rows after all the halvings.
int64_t funnel_rows(const ModelConfig& config, int64_t length);

/// The sinusoids of one pass, under one dropout mask for all layers.
struct FunnelPositions {
  int64_t zero = 0;          // row of distance (or position) 0
  torch::Tensor sinusoid;    // [R, d] sin and cos of every distance (relative_shift) or position (factorized)
  torch::Tensor phi, pi;     // [R, d] of the query's position, factorized only
  torch::Tensor psi, omega;  // [R, d] of the key's position, factorized only
};

struct FunnelLayer {
  Linear q_head, k_head, v_head, post_proj;
  torch::Tensor r_w_bias, r_r_bias, r_s_bias;  // [H, k] added to the query in content, position and segment scores
  torch::Tensor r_kernel;                      // [d, H, k]
  torch::Tensor seg_embed;                     // [2, H, k]: of another segment, of the same
  torch::Tensor attention_norm_weight, attention_norm_bias;
  Linear linear_1, linear_2;
  torch::Tensor ffn_norm_weight, ffn_norm_bias;
};

class FunnelEncoder : public Encoder {
 public:
  /// Names under scope: blocks.0.0.attention.q_head.weight and so on.
  FunnelEncoder(const Scope& scope, const ModelConfig& config);

  int64_t rows(int64_t length) const override;
  EncoderStates forward(const torch::Tensor& embeddings, const Spans& spans, const Spans& token_spans,
                        const ForwardContext& context) const override;

 private:
  /// Where the rows of each sequence stand in a stream, and how often the sequence was halved.
  struct Layout {
    Spans spans, token_spans;
    std::vector<int64_t> halvings;
    Spans whole;  // every sequence of a batch that several processes share (batch_share.h)
  };
  /// Neighbouring sequences of equal lengths: one batch of attention.
  struct Group {
    int64_t count, query_start, query_length, key_start, key_length;
    int64_t unit;  // distance between neighbouring keys, in tokens
    bool halved;   // queries are keys halved
  };

  Layout halve(const Layout& layout) const;
  torch::Tensor pool(const torch::Tensor& states, const Layout& from, const Layout& to) const;
  FunnelPositions make_positions(int64_t longest, const torch::Tensor& like, const ForwardContext& context) const;
  torch::Tensor layer(const FunnelLayer& layer, const torch::Tensor& query, const Layout& queries,
                      const torch::Tensor& key, const Layout& keys, const FunnelPositions& positions,
                      const ForwardContext& context) const;
  /// [n, H, Q, J]
  torch::Tensor position_scores(const FunnelLayer& layer, const torch::Tensor& query, const Group& group,
                                const FunnelPositions& positions) const;

  FunnelPooling pooling_;
  bool pool_q_only_ = true, factorized_ = false;
  int64_t d_model_ = 0, num_heads_ = 0, d_kv_ = 0;
  double hidden_dropout_ = 0.0, attention_dropout_ = 0.0, activation_dropout_ = 0.0, epsilon_ = 1e-9;
  std::vector<std::vector<FunnelLayer>> blocks_;
  std::vector<int64_t> repeats_;  // runs of each layer, one number a block
};

}  // namespace tvae
