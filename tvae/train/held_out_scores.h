// How well a model writes held-out sequences, as a run measures it on its way.
#pragma once

#include <cstdint>

#include "tvae/data/token_cache.h"
#include "tvae/model/transformer_vae.h"
#include "tvae/train/observer.h"

namespace tvae {

/// Of about `max_sequences` of them (0 = all), batches that mix lengths from all over the data; the same in every call.
HeldOutScores evaluate_held_out(const TransformerVae& vae, const TokenDataset& data, int64_t max_sequences);

}  // namespace tvae
