#include "tests/fuzz/fuzz.h"
#include "tvae/text/tokenizer.h"

/// A tokenizer.json: what loads can be used, and saved.
TVAE_FUZZ(fast_tokenizer) {
  const auto& scratch = tvae::test::scratch();
  scratch.put("fast_tokenizer/tokenizer.json", std::string(data));
  const tvae::Tokenizer tokenizer = tvae::Tokenizer::load(scratch.path("fast_tokenizer"));
  for (const std::string_view text : {"", "The walker's", " \u00c9e\u0301\u4e2d\U0001F600 [MASK]{", "\xFF\xC3"})
    for (const int32_t id : tokenizer.encode(text)) TVAE_ASSERT(id >= 0 && id < tokenizer.size(), "an unknown id");
  std::vector<int32_t> ids;
  for (int32_t id = -1; id <= tokenizer.size(); ++id) {
    ids.push_back(id);
    tokenizer.piece(id);
  }
  tokenizer.decode(ids);
  tokenizer.save(scratch.path("fast_tokenizer_saved"));
}
