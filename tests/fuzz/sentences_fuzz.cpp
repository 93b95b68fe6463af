#include "tests/fuzz/fuzz.h"
#include "tvae/base/utf8.h"
#include "tvae/corpus/sentences.h"

/// Running text, or WikiExtractor's JSON lines.
TVAE_FUZZ(sentences) {
  size_t place = 0;
  for (const std::string& sentence : tvae::split_sentences(data)) {
    place = data.find(sentence, place);
    TVAE_ASSERT(place != std::string_view::npos, "a sentence that does not stand in the text");
    place += sentence.size();
  }
  for (const std::string& sentence : tvae::gather_sentences({tvae::test::scratch().put("text", std::string(data))}, {}))
    TVAE_ASSERT(tvae::is_valid_utf8(sentence), "a sentence that is no UTF-8");
}
