// What the report's page shows besides figures: texts, images, curves and a map of the codes.
#pragma once

#include <nlohmann/json.hpp>

#include "tvae/eval/protocol.h"

namespace tvae {

/// Examples for the sections that `report` has, seeded like the evaluation. A text is {"text", "image"}, the image (a
/// data: address) where the data's check is "mnist" and the text is one; "valid" is with it where there is a check.
/// {
///   "curves": {metric: [[step, value], ...]},    from MODEL/logs/metrics.jsonl, thinned; absent without
///   "latent_tokens": K,
///   "latent_map": {"variance": [share of each axis], "points": [{"x", "y", text, "label"}]},
///   "reconstructions": [{"original": text, "output": text}], "mistakes": the same, of those that differ,
///   "paths": [[{"ratio": 0..1, text}, ...]]      the first point and the last are the held-out texts: no ratio
///   "samples": {"normal": [text], "fitted": [text]}
/// }
nlohmann::ordered_json report_examples(Evaluation& evaluation, const nlohmann::ordered_json& report);

}  // namespace tvae
