#include "tvae/ops/likeliest.h"

#include "tvae/ops/backend.h"
#include "tvae/ops/likeliest_cpu.h"

namespace tvae {

Likeliest likeliest(const torch::Tensor& logits) {
  if (backend_of(logits) == Backend::kStock) {
    const auto [best, ids] = logits.max(1);
    return {ids, (best - logits.logsumexp(1)).exp()};
  }
  const torch::Tensor rows = logits.contiguous();
  Likeliest found{at::empty({rows.size(0)}, rows.options().dtype(at::kLong)),
                  at::empty({rows.size(0)}, rows.options())};
  if (!rows.is_meta())
    cpu::likeliest(rows.const_data_ptr<float>(), rows.size(0), rows.size(1), found.ids.data_ptr<int64_t>(),
                   found.probability.data_ptr<float>());
  return found;
}

}  // namespace tvae
