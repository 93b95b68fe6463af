#include <algorithm>

#include "tests/fuzz/fuzz.h"
#include "tvae/validity/validity.h"

/// The first byte chooses the language and how many characters may be missing; the text comes in pieces of its lengths.
TVAE_FUZZ(brackets) {
  const unsigned choice = tvae::test::take_byte(data);
  const auto in_pieces = tvae::make_bracket_syntax((choice & 1) != 0 ? "python" : "smiles");
  const auto at_once = tvae::make_bracket_syntax((choice & 1) != 0 ? "python" : "smiles");
  const int64_t most_open = choice >> 1;
  std::string taken;
  for (size_t length = 1; !data.empty(); length = length % 3 + 1) {
    const std::string_view piece = data.substr(0, length);
    data.remove_prefix(piece.size());
    const int64_t before = in_pieces->missing();
    if (in_pieces->append(piece, most_open)) {
      taken += piece;
      TVAE_ASSERT(in_pieces->missing() <= most_open, "more is open than may be");
    } else {
      TVAE_ASSERT(in_pieces->missing() == before, "a refused piece leaves something behind");
    }
    TVAE_ASSERT(in_pieces->missing() >= 0, "less than nothing is missing");
  }
  TVAE_ASSERT(at_once->append(taken), "pieces are taken and their text is not");
  TVAE_ASSERT(at_once->missing() == in_pieces->missing(), "a text misses what its pieces do not");
}
