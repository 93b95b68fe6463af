// Attention over a token stream: every sequence attends within its own spans; nothing is padded.
#pragma once

#include "tvae/ops/attention_options.h"
#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

/// softmax(q kᵀ + bias) v, unscaled as in T5, for each sequence and head.
///
/// query [Tq, H·k], key and value [Tk, H·k]; queries[b] and keys[b] are the rows of sequence b; two sequences' query
/// rows are disjoint, their keys disjoint or the same. Rows of the query in no span give zeros. relative_bias is
/// [H, 2R-1], the bias of a key d places behind the query standing at column d + R - 1 (undefined tensor = none), in
/// fp32 beside a query of fewer bits. Where
/// there is one, and with options.causal, a sequence's queries are the last of its keys (one of them while decoding),
/// or begin with the keys where there are more queries. Returns [Tq, H·k]. Differentiable in query, key, value and
/// relative_bias.
torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                        const torch::Tensor& relative_bias, const Spans& queries, const Spans& keys,
                        const AttentionOptions& options);

/// The same from stock operations, for devices and types without a kernel of ours and as the reference in tests.
/// Sequences of similar lengths are taken together, as if they were equally long.
torch::Tensor attention_composed(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                                 const torch::Tensor& relative_bias, const Spans& queries, const Spans& keys,
                                 const AttentionOptions& options);

}  // namespace tvae
