#include "tvae/data/token_cache.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/folder_lock.h"
#include "tvae/base/log.h"
#include "tvae/base/mapped_file.h"
#include "tvae/base/parallel.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

// A dataset is one block of bytes, in memory as on disk: this header, then
//   int64 offsets[sequences + 1]  where each sequence starts in ids
//   int64 rows[sequences]         source rows
//   int32 ids[tokens]
//   char  report[report_size]     what describe_reading says of the file, a line each
struct Header {
  char magic[8];  // with the format's version
  uint64_t key;   // of file, options and tokenizer
  int64_t sequences;
  int64_t tokens;
  int64_t overlong;
  int64_t untokenizable;
  int64_t report_size;
  uint64_t content;   // hash of offsets, rows and ids, seeded with the tokenizer's fingerprint
  uint64_t checksum;  // of the fields above and the report
};
constexpr char kMagic[8] = {'T', 'V', 'A', 'E', 't', 'o', 'k', '1'};
constexpr size_t kChunkRows = 1024;

size_t arrays_size(const Header& header) {
  return sizeof(int64_t) * static_cast<size_t>(2 * header.sequences + 1) +
         sizeof(int32_t) * static_cast<size_t>(header.tokens);
}

uint64_t header_checksum(const Header& header, std::string_view report) {
  return hash_bytes({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)}, hash_bytes(report));
}

/// What one thread makes of some consecutive rows.
struct TokenizedChunk {
  std::vector<int32_t> ids;
  std::vector<int64_t> lengths;
  std::vector<int64_t> rows;
  int64_t overlong = 0;
  int64_t untokenizable = 0;
};

TokenizedChunk tokenize(const Rows& rows, size_t begin, size_t end, const Tokenizer& tokenizer,
                        const TokenizeOptions& options) {
  TokenizedChunk chunk;
  for (size_t row = begin; row < end; ++row) {
    std::vector<int32_t> ids = rows.ids.empty() ? tokenizer.encode(rows.texts[row]) : rows.ids[row];
    if (rows.ids.empty() && !tokenizer.writes(ids, rows.texts[row])) ++chunk.untokenizable;
    if (static_cast<int64_t>(ids.size()) >= options.max_tokens) {
      ++chunk.overlong;
      if (!options.cut) continue;
      ids.resize(options.max_tokens - 1);
    }
    ids.push_back(tokenizer.eos_id());
    chunk.ids.insert(chunk.ids.end(), ids.begin(), ids.end());
    chunk.lengths.push_back(static_cast<int64_t>(ids.size()));
    chunk.rows.push_back(static_cast<int64_t>(row));
  }
  return chunk;
}

std::vector<TokenizedChunk> tokenize_all(const Rows& rows, const Tokenizer& tokenizer, const TokenizeOptions& options) {
  const size_t count = rows.texts.size();
  std::vector<TokenizedChunk> chunks((count + kChunkRows - 1) / kChunkRows);
  parallel_for(chunks.size(), [&](size_t i) {
    chunks[i] = tokenize(rows, i * kChunkRows, std::min(count, (i + 1) * kChunkRows), tokenizer, options);
  });
  return chunks;
}

std::string default_cache_dir() {
  const char* cache_home = std::getenv("XDG_CACHE_HOME");
  if (cache_home && *cache_home) return std::string(cache_home) + "/tvae";
  const char* home = std::getenv("HOME");
  return home && *home ? std::string(home) + "/.cache/tvae" : "";
}

uint64_t cache_key(DataFile& file, const Tokenizer& tokenizer, const TokenizeOptions& options) {
  const uint64_t parts[] = {file.fingerprint(), static_cast<uint64_t>(options.max_tokens), options.cut};
  return hash_bytes({reinterpret_cast<const char*>(parts), sizeof parts}, tokenizer.fingerprint());
}

}  // namespace

struct TokenDataset::Storage {
  /// What the ids of a sequence may be.
  struct Limits {
    uint64_t tokenizer = 0;  // its fingerprint
    int64_t vocabulary = 0, max_tokens = 0;
    int32_t eos = 0;
    static Limits of(const Tokenizer& tokenizer, const TokenizeOptions& options) {
      return {tokenizer.fingerprint(), tokenizer.size(), options.max_tokens, tokenizer.eos_id()};
    }
  };

  std::shared_ptr<const std::byte[]> bytes;  // heap or mapping
  Limits limits = {};
  std::string path = {};  // of the cache file; empty = none
  Header header;
  const int64_t* offsets;
  const int64_t* rows;
  const int32_t* ids;
  std::string_view report;

  /// Bytes whose header says that they hold all arrays.
  explicit Storage(std::shared_ptr<const std::byte[]> block) : bytes(std::move(block)) {
    std::memcpy(&header, bytes.get(), sizeof header);
    offsets = reinterpret_cast<const int64_t*>(bytes.get() + sizeof header);
    rows = offsets + header.sequences + 1;
    ids = reinterpret_cast<const int32_t*>(rows + header.sequences);
    report = {reinterpret_cast<const char*>(ids + header.tokens), static_cast<size_t>(header.report_size)};
  }

  std::string_view arrays() const { return {reinterpret_cast<const char*>(offsets), arrays_size(header)}; }
  std::string_view whole() const {
    return {reinterpret_cast<const char*>(bytes.get()), sizeof header + arrays_size(header) + report.size()};
  }

  static std::shared_ptr<const Storage> build(const Rows& of, const std::string& report, const Tokenizer& tokenizer,
                                              const TokenizeOptions& options, uint64_t key);
  /// Null where there is no such file, or it is of something else, or its header is damaged.
  static std::shared_ptr<const Storage> open(const std::string& path, uint64_t key, const Limits& limits);

  /// Whether the arrays are such as build() made them, which reads them through. A hash is no proof of it, since
  /// anybody can compute one.
  bool is_sound() const;
};

std::shared_ptr<const TokenDataset::Storage> TokenDataset::Storage::build(const Rows& of, const std::string& report,
                                                                          const Tokenizer& tokenizer,
                                                                          const TokenizeOptions& options,
                                                                          uint64_t key) {
  TVAE_ASSERT(options.max_tokens >= 1, "a sequence holds at least its end");
  const std::vector<TokenizedChunk> chunks = tokenize_all(of, tokenizer, options);
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key = key;
  header.report_size = static_cast<int64_t>(report.size());
  for (const TokenizedChunk& chunk : chunks) {
    header.sequences += static_cast<int64_t>(chunk.rows.size());
    header.tokens += static_cast<int64_t>(chunk.ids.size());
    header.overlong += chunk.overlong;
    header.untokenizable += chunk.untokenizable;
  }

  std::shared_ptr<std::byte[]> block(new std::byte[sizeof header + arrays_size(header) + report.size()]);
  std::memcpy(block.get(), &header, sizeof header);
  auto* offsets = reinterpret_cast<int64_t*>(block.get() + sizeof header);
  int64_t* rows = offsets + header.sequences + 1;
  auto* ids = reinterpret_cast<int32_t*>(rows + header.sequences);
  *offsets = 0;
  for (const TokenizedChunk& chunk : chunks) {
    for (const int64_t length : chunk.lengths) {
      offsets[1] = offsets[0] + length;
      ++offsets;
    }
    rows = std::copy(chunk.rows.begin(), chunk.rows.end(), rows);
    ids = std::copy(chunk.ids.begin(), chunk.ids.end(), ids);
  }
  std::copy(report.begin(), report.end(), reinterpret_cast<char*>(ids));

  auto storage = std::make_shared<Storage>(block);
  storage->limits = Limits::of(tokenizer, options);
  storage->header.content = hash_bytes(storage->arrays(), tokenizer.fingerprint());
  storage->header.checksum = header_checksum(storage->header, report);
  std::memcpy(block.get(), &storage->header, sizeof header);
  return storage;
}

std::shared_ptr<const TokenDataset::Storage> TokenDataset::Storage::open(const std::string& path, uint64_t key,
                                                                         const Limits& limits) {
  const std::optional<MappedFile> file = MappedFile::open(path);
  if (!file || file->bytes().size() < sizeof(Header)) return nullptr;
  const size_t size = file->bytes().size();
  const std::shared_ptr<const std::byte[]> bytes(reinterpret_cast<const std::byte*>(file->bytes().data()),
                                                 [mapped = *file](const std::byte*) {});

  Header header;
  std::memcpy(&header, bytes.get(), sizeof header);
  const auto fits = [size](int64_t count) { return count >= 0 && static_cast<size_t>(count) <= size; };
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key != key) return nullptr;
  if (!fits(header.sequences) || !fits(header.tokens) || !fits(header.report_size)) return nullptr;
  if (size != sizeof header + arrays_size(header) + static_cast<size_t>(header.report_size)) return nullptr;
  auto storage = std::make_shared<Storage>(bytes);
  if (header.checksum != header_checksum(header, storage->report)) return nullptr;
  storage->limits = limits;
  storage->path = path;
  return storage;
}

bool TokenDataset::Storage::is_sound() const {
  if (header.content != hash_bytes(arrays(), limits.tokenizer)) return false;
  if (offsets[0] != 0 || offsets[header.sequences] != header.tokens) return false;
  for (int64_t i = 0; i < header.sequences; ++i) {
    if (offsets[i] < 0 || offsets[i + 1] <= offsets[i] || offsets[i + 1] > header.tokens) return false;
    if (offsets[i + 1] - offsets[i] > limits.max_tokens || ids[offsets[i + 1] - 1] != limits.eos) return false;
    if (rows[i] < 0 || (i > 0 && rows[i] <= rows[i - 1])) return false;
  }
  return std::all_of(ids, ids + header.tokens, [this](int32_t id) { return id >= 0 && id < limits.vocabulary; });
}

TokenDataset::TokenDataset(std::vector<std::shared_ptr<const Storage>> shards) : shards_(std::move(shards)) {
  starts_.push_back(0);
  for (const auto& shard : shards_) starts_.push_back(starts_.back() + shard->header.sequences);
}

int64_t TokenDataset::total(int64_t (*of)(const Storage&)) const {
  int64_t sum = 0;
  for (const auto& shard : shards_) sum += of(*shard);
  return sum;
}

int64_t TokenDataset::size() const {
  return starts_.back();
}
int64_t TokenDataset::tokens() const {
  return total([](const Storage& shard) { return shard.header.tokens; });
}
int64_t TokenDataset::overlong() const {
  return total([](const Storage& shard) { return shard.header.overlong; });
}
int64_t TokenDataset::untokenizable() const {
  return total([](const Storage& shard) { return shard.header.untokenizable; });
}

uint64_t TokenDataset::fingerprint() const {
  uint64_t hash = shards_.front()->header.content;
  for (size_t s = 1; s < shards_.size(); ++s) {
    const uint64_t content = shards_[s]->header.content;
    hash = hash_bytes({reinterpret_cast<const char*>(&content), sizeof content}, hash);
  }
  return hash;
}

int64_t TokenDataset::shards() const {
  return static_cast<int64_t>(shards_.size());
}
int64_t TokenDataset::first_of_shard(int64_t shard) const {
  return starts_.at(static_cast<size_t>(shard));
}
int64_t TokenDataset::tokens_of_shard(int64_t shard) const {
  return shards_.at(static_cast<size_t>(shard))->header.tokens;
}

void TokenDataset::require_sound(int64_t shard) const {
  const Storage& storage = *shards_.at(static_cast<size_t>(shard));
  if (shards_.size() > 1 && !storage.is_sound())
    throw DataError("the token cache " + storage.path + " is damaged", "", "", "remove it: it is made again");
}

int64_t TokenDataset::shard_of(int64_t i) const {
  TVAE_ASSERT(i >= 0 && i < size(), "sequence index");
  if (shards_.size() == 1) return 0;
  return std::upper_bound(starts_.begin(), starts_.end(), i) - starts_.begin() - 1;
}

std::span<const int32_t> TokenDataset::sequence(int64_t i) const {
  const auto s = static_cast<size_t>(shard_of(i));
  const Storage& shard = *shards_[s];
  const int64_t* const offset = shard.offsets + (i - starts_[s]);
  return {shard.ids + offset[0], static_cast<size_t>(offset[1] - offset[0])};
}

int64_t TokenDataset::length(int64_t i) const {
  return static_cast<int64_t>(sequence(i).size());
}

int64_t TokenDataset::source_row(int64_t i) const {
  const auto s = static_cast<size_t>(shard_of(i));
  return shards_[s]->rows[i - starts_[s]];
}

TokenDataset TokenDataset::from_texts(const std::vector<std::string>& texts, const Tokenizer& tokenizer,
                                      const TokenizeOptions& options) {
  Rows rows;
  rows.texts = texts;
  return TokenDataset({Storage::build(rows, "", tokenizer, options, 0)});
}

TokenDataset TokenDataset::from_file(const std::string& path, const ReadOptions& read, const Tokenizer& tokenizer,
                                     const TokenizeOptions& options, const std::string& cache_dir) {
  DataFile file(path, read);
  return from_file(file, tokenizer, options, cache_dir);
}

namespace {

/// What is wrong with rows of the parts of a file: the first parts' lines, and of how many others there are more.
void tell(const std::vector<std::string>& reports) {
  constexpr size_t kTold = 3;
  for (size_t i = 0; i < std::min(kTold, reports.size()); ++i)
    for (const std::string& line : split(reports[i], '\n')) log_warning(line);
  const size_t more = reports.size() - std::min(kTold, reports.size());
  if (more > 0) log_warning("the like in " + counted(more, "more part") + " of the file");
}

}  // namespace

TokenDataset TokenDataset::from_file(DataFile& file, const Tokenizer& tokenizer, const TokenizeOptions& options,
                                     const std::string& cache_dir, Progress& progress) {
  const std::string folder = cache_dir.empty() ? default_cache_dir() : cache_dir;
  const bool cached = file.path() != "-" && !folder.empty();
  if (file.is_large() && !cached)
    throw ConfigError("data.cache_dir", "none", "a folder for the token cache of a large file");
  const uint64_t key = cached ? cache_key(file, tokenizer, options) : 0;
  const std::string start = folder + "/" + std::filesystem::path(file.path()).filename().string() + "-" + hex(key);
  const Storage::Limits limits = Storage::Limits::of(tokenizer, options);
  const auto name_of = [&](size_t part) { return start + (part > 0 ? "." + std::to_string(part) : "") + ".tokens"; };
  const auto open = [&](size_t part) -> std::shared_ptr<const Storage> {
    if (!cached) return nullptr;
    std::shared_ptr<const Storage> storage = Storage::open(name_of(part), key + part, limits);
    // Of a large file this waits until the shard is used.
    return storage && (file.is_large() || storage->is_sound()) ? storage : nullptr;
  };

  bool writable = cached;
  std::unique_ptr<FileLock> lock;
  std::vector<std::shared_ptr<const Storage>> shards;
  std::vector<std::string> reports;
  for (size_t part = 0; part < file.parts(); ++part) {
    std::shared_ptr<const Storage> storage = open(part);
    if (!storage && writable && !lock) {
      lock = FileLock::take(start + ".lock", "another process makes the token cache of " + file.path(), progress);
      storage = open(part);
    }
    if (!storage) {
      progress.update("tokenizing", static_cast<int64_t>(part), static_cast<int64_t>(file.parts()));
      const Rows of_part = file.is_large() ? file.rows_of_part(part) : Rows();
      const Rows& rows = file.is_large() ? of_part : file.rows();
      storage = Storage::build(rows, join(describe_reading(rows, file.name_of_part(part)), "\n"), tokenizer, options,
                               key + part);
      try {
        if (writable) write_file_atomically(name_of(part), storage->whole());
        if (const auto mapped = file.is_large() ? open(part) : nullptr) storage = mapped;
      } catch (const DataError& error) {
        if (file.is_large())
          throw DataError(std::string("the token cache of a large file cannot be written: ") + error.what(), "", "",
                          "data.cache_dir names another folder");
        log_warning(std::string("going on without a token cache: ") + error.what());
        writable = false;
      }
    }
    if (!storage->report.empty()) reports.emplace_back(storage->report);
    if (storage->header.sequences > 0 || file.parts() == 1) shards.push_back(std::move(storage));
  }
  if (!file.is_told() || file.is_large()) tell(reports);  // of a large file only the sample is
  const TokenDataset dataset(std::move(shards));
  if (dataset.shards_.empty() || dataset.size() == 0)
    throw DataError(file.path() + ": no usable sequences",
                    "every row longer than " + std::to_string(options.max_tokens) + " tokens", "",
                    "raise data.max_tokens, or set data.overlong=cut");
  return dataset;
}

}  // namespace tvae
