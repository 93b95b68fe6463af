#include <array>

#include "tests/fuzz/fuzz.h"
#include "tvae/base/compression.h"
#include "tvae/base/files.h"

/// The first byte chooses the name of the file. It is read whole, and line by line, to the same end.
TVAE_FUZZ(compressed) {
  constexpr std::array kNames = {"a.txt.gz", "a.txt.xz", "a.txt.zst", "a.txt", "a.tar.gz", "a"};
  constexpr uint64_t kMost = 1 << 20;  // bytes
  const std::string name = kNames[tvae::test::take_byte(data) % kNames.size()];
  const std::string whole = tvae::unpack(name, std::string(data), kMost);
  TVAE_ASSERT(whole.size() <= kMost || whole == data, "more is unpacked than may be");
  TVAE_ASSERT(tvae::make_decompressor(name, data.substr(0, 16)) || whole == data, "a plain file is changed");

  tvae::LineReader lines(tvae::test::scratch().put(name, std::string(data)));
  size_t characters = 0, count = 0;
  for (std::string line; lines.next(line); ++count) characters += line.size();
  TVAE_ASSERT(characters <= whole.size() && characters + 2 * count + 3 >= whole.size(), "lines are lost");
}
