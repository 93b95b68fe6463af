#include <fstream>

#include "tests/fuzz/fuzz.h"
#include "tvae/text/tokenizer.h"

/// Two files, tokenizer_config.json and added_tokens.json, beside a small model without byte fallback: what loads can
/// be used, and saved so that it loads as the same.
TVAE_FUZZ(tokenizer_files) {
  const auto& scratch = tvae::test::scratch();
  const std::vector<std::string> files = tvae::test::parts(data, 2);
  static const std::string model = [] {
    std::ifstream file(TVAE_FUZZ_CORPUS "/sentencepiece/unigram", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  scratch.put("tokenizer/spiece.model", model);
  scratch.put("tokenizer/tokenizer_config.json", files[0]);
  scratch.put("tokenizer/added_tokens.json", files[1]);
  const tvae::Tokenizer tokenizer = tvae::Tokenizer::load(scratch.path("tokenizer"));
  for (const std::string_view text : {"a<extra_id_0>", "x = [1, 2]\n", "\U000F0000{\u00e9"})
    for (const int32_t id : tokenizer.encode(text)) TVAE_ASSERT(id >= 0 && id < tokenizer.size(), "an unknown id");
  for (int32_t id = -1; id <= tokenizer.size(); ++id) tokenizer.piece(id);
  tokenizer.decode({tokenizer.unk_id(), static_cast<int32_t>(tokenizer.size() - 1)});
}
