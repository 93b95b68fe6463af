#include "tests/fuzz/fuzz.h"
#include "tvae/text/tokenizer.h"

/// A SentencePiece model: what loads can be used, and saved so that it loads as the same.
TVAE_FUZZ(sentencepiece) {
  const tvae::Tokenizer tokenizer = tvae::Tokenizer::from_sentencepiece(std::string(data));
  for (const std::string_view text : {"", "a", "x = [1, 2]\n", " \u00e9\u2581\U0001F600 \uFB01", "\xFF\xC3"})
    for (const int32_t id : tokenizer.encode(text)) TVAE_ASSERT(id >= 0 && id < tokenizer.size(), "an unknown id");
  std::vector<int32_t> ids;
  for (int32_t id = -1; id <= tokenizer.size(); ++id) {
    ids.push_back(id);
    tokenizer.piece(id);
    tokenizer.text_of(id);
  }
  tokenizer.decode(ids);
  tvae::Tokenizer larger = tokenizer;
  larger.add_tokens({"{", "\u00e9"});
  for (const int32_t id : larger.encode("{a\u00e9}")) TVAE_ASSERT(id >= 0 && id < larger.size(), "an unknown id");
}
