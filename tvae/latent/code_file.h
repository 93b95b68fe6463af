// Codes in files: what tvae encode writes and tvae decode reads.
#pragma once

#include <string>
#include <vector>

#include "tvae/base/files.h"
#include "tvae/latent/codec.h"

namespace tvae {

/// Ways to write codes: npy (float32 [N, K, D]), safetensors ("mean" and, for Gaussian posteriors, "log_variance"),
/// jsonl ({"text": ..., "code": [K lists of D numbers]}), tsv (K·D numbers a line). Numbers in text read back exactly.
enum class CodeFormat { kNpy, kSafetensors, kJsonl, kTsv };

/// By extension. Throws ConfigError for others.
CodeFormat code_format(const std::string& path);

/// Writes one line a code, jsonl or tsv.
void write_code_lines(CodeFormat format, const torch::Tensor& codes, const std::vector<std::string>& texts,
                      const Sink& sink);

/// Writes a file atomically.
void save_codes(const std::string& path, const EncodedTexts& encoded, const std::vector<std::string>& texts);

/// Reads codes [N, K, D], fp32; "-" is stdin. The format is told from the content, .safetensors from the extension.
/// Also takes float64 arrays and [N, K·D]. Throws DataError: no codes, a wrong shape, numbers that are not finite.
torch::Tensor load_codes(const std::string& path, int64_t latent_tokens, int64_t latent_size);

}  // namespace tvae
