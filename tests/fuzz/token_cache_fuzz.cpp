#include <algorithm>
#include <cstring>
#include <filesystem>

#include "tests/fuzz/fuzz.h"
#include "tvae/base/files.h"
#include "tvae/data/token_cache.h"

namespace {

/// A small file and its cache as the program makes it.
struct Cached {
  std::string text_file = tvae::test::scratch().put("lines.txt", "x = 1\nreturn\nx\n");
  std::string folder = tvae::test::scratch().path("cache");
  tvae::Tokenizer tokenizer = tvae::Tokenizer::bytes();
  tvae::TokenDataset made = load();
  std::string name = std::filesystem::directory_iterator(folder)->path().filename();
  std::string content = tvae::test::scratch().get("cache/" + name);

  tvae::TokenDataset load() const {
    return tvae::TokenDataset::from_file(text_file, {}, tokenizer, {.max_tokens = 8}, folder);
  }
};

/// The hashes that its content asks for: anybody can compute them.
void mend_hashes(std::string& file, uint64_t tokenizer) {
  constexpr size_t kContent = 56, kChecksum = 64, kHeader = 72;  // token_cache.cpp
  int64_t report_size = 0;
  std::memcpy(&report_size, file.data() + 48, sizeof report_size);
  const size_t report = report_size < 0 ? 0 : std::min<size_t>(report_size, file.size() - kHeader);
  const std::string_view all = file;
  const uint64_t content = tvae::hash_bytes(all.substr(kHeader, all.size() - kHeader - report), tokenizer);
  std::memcpy(file.data() + kContent, &content, sizeof content);
  const uint64_t checksum =
      tvae::hash_bytes(all.substr(0, kChecksum), tvae::hash_bytes(all.substr(all.size() - report)));
  std::memcpy(file.data() + kChecksum, &checksum, sizeof checksum);
}

}  // namespace

/// A cache file; where the first byte is odd, with the key and the hashes that it should have. What is read is usable,
/// and what was not made by the program is made again.
TVAE_FUZZ(token_cache) {
  static const Cached cached;
  constexpr size_t kKeyEnd = 16, kHeader = 72;
  const bool forged = tvae::test::take_byte(data) % 2 == 1;
  std::string file(data);
  if (forged && file.size() >= kHeader) {
    file.replace(0, kKeyEnd, cached.content, 0, kKeyEnd);
    mend_hashes(file, cached.tokenizer.fingerprint());
  }
  tvae::test::scratch().put("cache/" + cached.name, file);
  const tvae::TokenDataset read = cached.load();
  TVAE_ASSERT(read.size() > 0, "no sequences and no error");
  int64_t tokens = 0;
  for (int64_t i = 0; i < read.size(); ++i) {
    const auto ids = read.sequence(i);
    tokens += read.length(i);
    TVAE_ASSERT(!ids.empty() && ids.back() == cached.tokenizer.eos_id(), "a sequence without an end");
    TVAE_ASSERT(std::ranges::all_of(ids, [&](int32_t id) { return id >= 0 && id < cached.tokenizer.size(); }),
                "an unknown id");
    TVAE_ASSERT(read.source_row(i) >= (i > 0 ? read.source_row(i - 1) : -1) + (i > 0), "rows out of order");
  }
  TVAE_ASSERT(tokens == read.tokens(), "tokens are miscounted");
  TVAE_ASSERT(forged || read.fingerprint() == cached.made.fingerprint(), "a damaged cache is used");
}
