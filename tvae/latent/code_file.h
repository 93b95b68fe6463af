// Codes in files: what tvae encode writes and tvae decode reads.
#pragma once

#include <string>
#include <vector>

#include "tvae/base/files.h"
#include "tvae/data/reader.h"
#include "tvae/latent/codec.h"

namespace tvae {

/// Ways to write codes: npy (float32 [N, K, D]), safetensors ("mean" and, for Gaussian posteriors, "log_variance";
/// "row", the number of each text's row, and, where they have labels, "label", the place of each among the metadata
/// "labels", a JSON list), jsonl ({"row", "text", "label", "code": [K lists of D numbers]}), tsv (K·D numbers a line;
/// where rows were left out or have labels, below a header and behind the columns row and label). Numbers in text read
/// back exactly.
enum class CodeFormat { kNpy, kSafetensors, kJsonl, kTsv };

/// By extension. Throws ConfigError for others.
CodeFormat code_format(const std::string& path);

/// Writes one line a code, jsonl or, without columns beside the numbers, tsv.
void write_code_lines(CodeFormat format, const torch::Tensor& codes, const Rows& rows, const Sink& sink);

/// Writes a file atomically. One of .npy has no place for what says which rows the codes are of: where some were left
/// out, their numbers (int64 [N]) go into a file beside it, rows_file.
void save_codes(const std::string& path, const EncodedTexts& encoded, const Rows& rows);
/// "codes.rows.npy" of "codes.npy".
std::string rows_file(const std::string& path);

/// Reads codes [N, K, D], fp32; "-" is stdin. The format is told from the content, .safetensors from the extension.
/// Also takes float64 arrays and [N, K·D]. Throws DataError: no codes, a wrong shape, numbers that are not finite.
torch::Tensor load_codes(const std::string& path, int64_t latent_tokens, int64_t latent_size);

}  // namespace tvae
