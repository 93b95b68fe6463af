// A batch on the model's device.
#pragma once

#include "tvae/data/token_batch.h"
#include "tvae/ops/spans.h"
#include "tvae/ops/torch.h"

namespace tvae {

struct TokenStream {
  torch::Tensor ids;  // [T] int64
  Spans spans;        // one a sequence, end to end
};
TokenStream to_stream(const TokenBatch& batch, torch::Device device);

}  // namespace tvae
