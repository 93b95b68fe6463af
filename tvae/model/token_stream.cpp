#include "tvae/model/token_stream.h"

#include "tvae/nn/batch_spans.h"
#include "tvae/ops/on_device.h"

namespace tvae {

TokenStream to_stream(const TokenBatch& batch, torch::Device device) {
  const torch::Tensor ids = at::from_blob(const_cast<int32_t*>(batch.ids.data()), {batch.tokens()}, at::kInt);
  return {on_device(ids.to(at::kLong), device), spans_of(batch.groups)};
}

}  // namespace tvae
