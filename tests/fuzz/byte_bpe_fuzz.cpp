#include "tests/fuzz/fuzz.h"
#include "tvae/text/tokenizer.h"

/// Three files, vocab.json, merges.txt and tokenizer_config.json: what loads writes every text.
TVAE_FUZZ(byte_bpe) {
  const auto& scratch = tvae::test::scratch();
  const std::vector<std::string> files = tvae::test::parts(data, 3);
  scratch.put("byte_bpe/vocab.json", files[0]);
  scratch.put("byte_bpe/merges.txt", files[1]);
  scratch.put("byte_bpe/tokenizer_config.json", files[2].empty() ? "{}" : files[2]);
  const tvae::Tokenizer tokenizer = tvae::Tokenizer::load(scratch.path("byte_bpe"));
  for (const std::string_view text : {"", "the the", " \u00e9\u2581\U0001F600 it's 12", "\xFF\xC3"})
    for (const int32_t id : tokenizer.encode(text)) TVAE_ASSERT(id >= 0 && id < tokenizer.size(), "an unknown id");
  for (int32_t id = -1; id <= tokenizer.size(); ++id) {
    tokenizer.piece(id);
    tokenizer.text_of(id);
  }
}
