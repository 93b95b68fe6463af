#include "tests/fuzz/fuzz.h"
#include "tvae/text/tokenizer.h"

/// Two files, vocab.txt and tokenizer_config.json: what loads can be used.
TVAE_FUZZ(word_piece) {
  const auto& scratch = tvae::test::scratch();
  const std::vector<std::string> files = tvae::test::parts(data, 2);
  scratch.put("word_piece/vocab.txt", files[0]);
  scratch.put("word_piece/tokenizer_config.json", files[1].empty() ? "{}" : files[1]);
  tvae::Tokenizer tokenizer = tvae::Tokenizer::load(scratch.path("word_piece"));
  tokenizer.add_tokens({"{", "\u00e9"});
  for (const std::string_view text : {"", "The walker's", " \u00c9e\u0301\u4e2d\U0001F600 [MASK]{", "\xFF\xC3"})
    for (const int32_t id : tokenizer.encode(text)) TVAE_ASSERT(id >= 0 && id < tokenizer.size(), "an unknown id");
  std::vector<int32_t> ids;
  for (int32_t id = -1; id <= tokenizer.size(); ++id) {
    ids.push_back(id);
    tokenizer.piece(id);
    tokenizer.text_of(id);
  }
  tokenizer.decode(ids);
}
