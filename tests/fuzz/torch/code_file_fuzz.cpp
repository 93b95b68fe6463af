#include <array>

#include "tests/fuzz/fuzz.h"
#include "tvae/latent/code_file.h"

/// The first byte chooses the name of the file. Codes that load are the same in every format.
TVAE_FUZZ(code_file) {
  constexpr std::array kNames = {"codes.npy", "codes.safetensors", "codes.jsonl", "codes.tsv", "codes"};
  constexpr int64_t kTokens = 2, kSize = 3;
  const auto& scratch = tvae::test::scratch();
  const std::string name = kNames[tvae::test::take_byte(data) % kNames.size()];
  const torch::Tensor codes = tvae::load_codes(scratch.put(name, std::string(data)), kTokens, kSize);
  TVAE_ASSERT(codes.sizes() == torch::IntArrayRef({codes.size(0), kTokens, kSize}), "codes of another shape");
  tvae::Rows rows;
  rows.texts.assign(static_cast<size_t>(codes.size(0)), "text\xFF\n");
  for (int64_t i = 0; i < codes.size(0); ++i) rows.numbers.push_back(2 * i);
  rows.bad_count = codes.size(0) % 2;
  if (codes.size(0) % 3 == 0) rows.labels = rows.texts;
  for (const char* written : {"again.npy", "again.safetensors", "again.jsonl", "again.tsv"}) {
    tvae::save_codes(scratch.path(written), {codes, std::nullopt, {}}, rows);
    TVAE_ASSERT(torch::equal(tvae::load_codes(scratch.path(written), kTokens, kSize), codes),
                "codes that do not read back");
  }
}
