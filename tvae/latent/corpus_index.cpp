#include "tvae/latent/corpus_index.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include "tvae/base/bytes.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/mapped_file.h"
#include "tvae/base/part_progress.h"
#include "tvae/base/strings.h"
#include "tvae/data/data_file.h"
#include "tvae/latent/corpus_map.h"
#include "tvae/latent/first_rows.h"
#include "tvae/run/weights_fingerprint.h"

namespace tvae {
namespace {

using torch::Tensor;

// The texts and codes of a corpus are one block of bytes, in memory as on disk: this header, then
//   float   codes[texts][latent_tokens · latent_size]
//   int64   text_ends[texts]    in text_bytes
//   int64   rows[texts]         of the file
//   int64   label_ends[labels]  in label_bytes
//   int32   label_of[texts]     -1: none
//   char    report[report_size]           what describe_reading says of the file, a line each
//   char    label_bytes[label_bytes]
//   char    text_bytes[text_bytes]
struct Header {
  char magic[8];     // with the format's version
  uint64_t corpus;   // hash of the file's bytes and name, and of how it is read
  uint64_t weights;  // hash of the model's fingerprint
  int64_t texts, latent_tokens, latent_size, labels;
  int64_t cut;  // texts that are longer than the model takes
  int64_t report_size, label_bytes, text_bytes;
  uint64_t tables;    // hash of text_ends … label_bytes
  uint64_t checksum;  // of the fields above
};
constexpr char kMagic[8] = {'T', 'V', 'A', 'E', 'n', 'b', 'r', '1'};

/// Encoded together: a multiple of what encode_texts takes at once, so that codes do not depend on it.
constexpr int64_t kTextsAtOnce = 1 << 16;

/// Rounded up, so that what follows is aligned.
size_t codes_size_of(const Header& header) {
  const size_t size = sizeof(float) * static_cast<size_t>(header.texts * header.latent_tokens * header.latent_size);
  return (size + 7) / 8 * 8;
}

/// Of the whole block.
size_t size_of(const Header& header) {
  const auto texts = static_cast<size_t>(header.texts), labels = static_cast<size_t>(header.labels);
  return sizeof(Header) + codes_size_of(header) + (2 * texts + labels) * sizeof(int64_t) + texts * sizeof(int32_t) +
         static_cast<size_t>(header.report_size + header.label_bytes + header.text_bytes);
}

uint64_t checksum_of(const Header& header) {
  return hash_bytes({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)});
}

}  // namespace

struct CorpusIndex::Storage {
  std::shared_ptr<const char[]> bytes;  // heap or mapping
  Header header;
  const float* codes;
  const int64_t *text_ends, *rows, *label_ends;
  const int32_t* label_of;
  const char *report, *label_bytes, *text_bytes;

  /// Bytes of which the header says how they are laid out.
  Storage(std::shared_ptr<const char[]> block, const Header& of) : bytes(std::move(block)), header(of) {
    codes = reinterpret_cast<const float*>(bytes.get() + sizeof(Header));
    text_ends = reinterpret_cast<const int64_t*>(bytes.get() + sizeof(Header) + codes_size());
    rows = text_ends + header.texts;
    label_ends = rows + header.texts;
    label_of = reinterpret_cast<const int32_t*>(label_ends + header.labels);
    report = reinterpret_cast<const char*>(label_of + header.texts);
    label_bytes = report + header.report_size;
    text_bytes = label_bytes + header.label_bytes;
  }

  size_t codes_size() const { return codes_size_of(header); }
  size_t size() const { return size_of(header); }
  std::string_view whole() const { return {bytes.get(), size()}; }
  std::string_view tables() const {
    const auto* const begin = reinterpret_cast<const char*>(text_ends);
    return {begin, static_cast<size_t>(text_bytes - begin)};
  }

  Tensor tensor() const {
    return at::from_blob(
        const_cast<float*>(codes), {header.texts, header.latent_tokens, header.latent_size}, [kept = bytes](void*) {},
        at::kFloat);
  }
  static std::string part(const char* all, const int64_t* ends, size_t i) {
    const int64_t begin = i == 0 ? 0 : ends[i - 1];
    return {all + begin, static_cast<size_t>(ends[i] - begin)};
  }

  /// Null where there is no such file, or it is of something else, or damaged.
  static std::shared_ptr<const Storage> open(const std::string& path, uint64_t corpus, uint64_t weights,
                                             const LatentSpace& space);
  static std::shared_ptr<const Storage> build(const LatentSpace& space, const CorpusFile& file, uint64_t corpus,
                                              uint64_t weights, Progress& progress);

 private:
  /// Whether the tables lead to nothing outside the block: hashes are no proof of it, since anybody can compute them.
  bool is_sound() const {
    const auto ascends = [](const int64_t* ends, int64_t count, int64_t total) {
      return std::is_sorted(ends, ends + count) && (count == 0 ? total == 0 : ends[0] >= 0 && ends[count - 1] == total);
    };
    return ascends(text_ends, header.texts, header.text_bytes) &&
           ascends(label_ends, header.labels, header.label_bytes) &&
           std::all_of(label_of, label_of + header.texts,
                       [&](int32_t label) { return label >= -1 && label < header.labels; });
  }
};

std::shared_ptr<const CorpusIndex::Storage> CorpusIndex::Storage::open(const std::string& path, uint64_t corpus,
                                                                       uint64_t weights, const LatentSpace& space) {
  const std::optional<MappedFile> file = MappedFile::open(path);
  if (!file || file->bytes().size() < sizeof(Header)) return nullptr;
  Header header;
  std::memcpy(&header, file->bytes().data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.checksum != checksum_of(header)) return nullptr;
  if (header.corpus != corpus || header.weights != weights || header.latent_tokens != space.latent_tokens() ||
      header.latent_size != space.latent_size())
    return nullptr;
  const auto most = static_cast<int64_t>(file->bytes().size());
  for (const int64_t count : {header.texts, header.labels, header.report_size, header.label_bytes, header.text_bytes})
    if (count < 0 || count > most) return nullptr;
  if (header.texts == 0) return nullptr;
  const std::shared_ptr<const char[]> bytes(file->bytes().data(), [mapped = *file](const char*) {});
  auto storage = std::make_shared<const Storage>(bytes, header);
  if (storage->size() != file->bytes().size() || header.tables != hash_bytes(storage->tables()) || !storage->is_sound())
    return nullptr;
  return storage;
}

std::shared_ptr<const CorpusIndex::Storage> CorpusIndex::Storage::build(const LatentSpace& space,
                                                                        const CorpusFile& file, uint64_t corpus,
                                                                        uint64_t weights, Progress& progress) {
  Rows all = file.read();
  const std::string report = join(describe_reading(all, file.path), "\n");
  const std::vector<int64_t> first = first_rows(all.texts);
  if (first.empty()) throw DataError("a corpus without texts", "", "texts to search");
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.corpus = corpus;
  header.weights = weights;
  header.texts = static_cast<int64_t>(first.size());
  header.latent_tokens = space.latent_tokens();
  header.latent_size = space.latent_size();
  header.report_size = static_cast<int64_t>(report.size());

  std::vector<std::string> texts;
  std::vector<int64_t> text_ends, rows, label_ends;
  std::vector<int32_t> label_of(first.size(), -1);
  std::string labels;
  std::unordered_map<std::string, int32_t> places;
  for (const int64_t row : first) {
    const auto i = static_cast<size_t>(row);
    header.text_bytes += static_cast<int64_t>(all.texts[i].size());
    text_ends.push_back(header.text_bytes);
    rows.push_back(all.numbers[i]);
    if (!all.labels.empty()) {
      const auto [place, is_new] = places.emplace(all.labels[i], static_cast<int32_t>(places.size()));
      label_of[texts.size()] = place->second;
      if (is_new) labels += all.labels[i];
      if (is_new) label_ends.push_back(static_cast<int64_t>(labels.size()));
    }
    texts.push_back(std::move(all.texts[i]));
  }
  all = {};
  header.labels = static_cast<int64_t>(label_ends.size());
  header.label_bytes = static_cast<int64_t>(labels.size());

  const size_t size = size_of(header);
  const std::shared_ptr<char[]> block(new char[size]());
  char* end = block.get() + sizeof header;
  const auto append = [&end](const void* from, size_t count) {
    if (count > 0) std::memcpy(end, from, count);
    end += count;
  };
  Storage laid_out(block, header);
  const Tensor codes = laid_out.tensor();
  if (const std::optional<Tensor> of_map = codes_of_kept_map(space, texts)) {
    log_verbose("the codes are those of the map");
    codes.copy_(*of_map);
    for (const std::string& text : texts) {
      bool was_cut = false;
      model_ids(space.model(), text, &was_cut);
      header.cut += was_cut;
    }
  } else {
    for (int64_t start = 0; start < header.texts; start += kTextsAtOnce) {
      const int64_t count = std::min(kTextsAtOnce, header.texts - start);
      PartProgress part(progress, start, count, header.texts);
      const auto begin = texts.begin() + start;
      const EncodedTexts encoded = encode_texts(space.model(), {begin, begin + count}, part);
      codes.narrow(0, start, count).copy_(encoded.mean);
      header.cut += encoded.cut_count();
    }
  }
  if (header.texts > 1) measure_codes(codes);  // refuses a collapsed model

  end += laid_out.codes_size();
  append(text_ends.data(), sizeof(int64_t) * text_ends.size());
  append(rows.data(), sizeof(int64_t) * rows.size());
  append(label_ends.data(), sizeof(int64_t) * label_ends.size());
  append(label_of.data(), sizeof(int32_t) * label_of.size());
  append(report.data(), report.size());
  append(labels.data(), labels.size());
  for (const std::string& text : texts) append(text.data(), text.size());
  header.tables = hash_bytes(laid_out.tables());
  header.checksum = checksum_of(header);
  std::memcpy(block.get(), &header, sizeof header);
  return std::make_shared<const Storage>(block, header);
}

namespace {

/// What the system says of a file, by which it is known to be the same without being read.
nlohmann::ordered_json signs_of(const struct stat& status) {
  const auto nanoseconds = [](const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {{"size", status.st_size},
          {"modified", nanoseconds(status.st_mtim)},
          {"changed", nanoseconds(status.st_ctim)},
          {"device", status.st_dev},
          {"inode", status.st_ino}};
}

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Clocks of files tick slowly, those of some file systems every two seconds: a file that was written so shortly before
/// it was read may have been written again since, without a sign.
constexpr int64_t kSettled = 2'000'000'000;

/// Remembers, in a small file of its own, which content a corpus has.
class KnownContent {
 public:
  KnownContent(const std::string& folder, const CorpusFile& file) : path_(file.path) {
    const std::string place = std::filesystem::weakly_canonical(file.path).string();
    memory_ = folder + "/" + hex(hash_bytes(file.reading, hash_bytes(place))) + ".json";
    if (!file_exists(memory_)) return;
    try {
      const auto known = parse_json(read_file(memory_));
      former_ = known.at("content").get<std::string>();
      known_ = known.at("signs");
    } catch (const std::exception& damaged) {
      log_verbose(memory_ + ": " + damaged.what());
    }
  }
  /// Hash of the file's bytes.
  std::string find() {
    read_at_ = now();
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) return "";
    signs_ = signs_of(status);
    if (!former_.empty() && known_ == signs_) return former_;
    is_new_ = true;
    return hex(hash_bytes(read_file(path_)));
  }
  /// What find() found, after the file was read. A file that changed meanwhile, or shortly before, will be read again
  /// to be known.
  void remember(const std::string& content) const {
    if (!is_new_) return;
    const int64_t last = std::max(signs_["modified"].get<int64_t>(), signs_["changed"].get<int64_t>());
    nlohmann::ordered_json known = {{"content", content}, {"signs", nullptr}};
    if (is_unchanged() && last + kSettled <= read_at_) known["signs"] = signs_;
    write_file_atomically(memory_, known.dump() + "\n");
  }
  bool is_unchanged() const {
    struct stat status {};
    return ::stat(path_.c_str(), &status) == 0 && signs_of(status) == signs_;
  }
  /// The content that was last remembered; empty where none was.
  const std::string& former() const { return former_; }

 private:
  std::string path_, memory_, former_;
  nlohmann::ordered_json known_, signs_;
  int64_t read_at_ = 0;
  bool is_new_ = false;
};

void tell_kept(const std::string& what, const std::string& path) {
  log_info(what + " kept in " + path + " (" + bytes_text(static_cast<int64_t>(std::filesystem::file_size(path))) + ")");
}

/// The graph of kept codes, kept beside them.
std::unique_ptr<NeighborIndex> open_graph(const std::string& path, const Tensor& codes, Metric metric) {
  if (auto kept = NeighborIndex::load(path, codes, metric)) return kept;
  log_verbose("building the graph of " + std::to_string(codes.size(0)) + " codes");
  auto graph = std::make_unique<NeighborIndex>(codes, metric, NeighborIndex::Build::kParallel);
  try {
    graph->save(path);
    tell_kept("the graph is", path);
  } catch (const DataError& error) {
    log_warning("the graph is not kept: " + std::string(error.what()));
  }
  return graph;
}

}  // namespace

CorpusIndex CorpusIndex::open(const LatentSpace& space, const CorpusFile& file, Metric metric, Progress& progress) {
  const torch::NoGradGuard no_grad;
  const auto finish = [&](std::shared_ptr<const Storage> storage, bool was_kept, const std::string& graph_path) {
    if (storage->header.report_size > 0)
      for (const std::string& line :
           split(std::string(storage->report, static_cast<size_t>(storage->header.report_size)), '\n'))
        log_warning(line);
    warn_of_cut(space.model(), storage->header.cut, static_cast<size_t>(storage->header.texts));
    const Tensor codes = storage->tensor();
    CodeSearch search = graph_path.empty()
                            ? CodeSearch(codes, metric)
                            : CodeSearch(codes, metric, [=] { return open_graph(graph_path, codes, metric); });
    return CorpusIndex(std::move(storage), std::move(search), was_kept);
  };
  if (file.path == "-" || !can_be_read_again(file.path))
    return finish(Storage::build(space, file, 0, 0, progress), false, "");

  const std::string folder = space.model().directory + "/neighbors";
  const uint64_t weights = hash_bytes(codes_fingerprint(space.model()));
  KnownContent known(folder, file);
  const std::string content = known.find();
  const std::string name = std::filesystem::path(file.path).filename().string();
  const std::string reading = name + "\n" + std::to_string(kReadingRules) + "\n" + file.reading;
  const auto corpus_of = [&](const std::string& bytes) { return hash_bytes(reading, hash_bytes(bytes)); };
  const auto stem_of = [&](const std::string& bytes) { return folder + "/" + hex(corpus_of(bytes)); };
  const auto graph_of = [&](const std::string& bytes, Metric by) {
    return stem_of(bytes) + (by == Metric::kL2 ? ".l2.graph" : ".cosine.graph");
  };
  const auto remove = [](const std::string& old) {
    std::error_code not_there;
    std::filesystem::remove(old, not_there);
  };
  const auto remove_graphs = [&](const std::string& bytes) {
    for (const Metric by : {Metric::kCosine, Metric::kL2})
      for (const char* suffix : {"", NeighborIndex::kCheckSuffix}) remove(graph_of(bytes, by) + suffix);
  };
  const std::string path = stem_of(content) + ".codes";
  const std::string graph_path = graph_of(content, metric);
  std::shared_ptr<const Storage> storage = Storage::open(path, corpus_of(content), weights, space);
  const bool was_kept = storage != nullptr;
  if (was_kept)
    log_verbose("the codes are those of " + path);
  else
    storage = Storage::build(space, file, corpus_of(content), weights, progress);
  try {
    if (!known.is_unchanged()) throw DataError(file.path + " changed while it was read");
    if (!was_kept) {
      remove_graphs(content);
      write_file_atomically(path, storage->whole());
      tell_kept("the codes are", path);
      if (!known.former().empty() && known.former() != content) {  // this path leads there no more
        remove_graphs(known.former());
        remove(stem_of(known.former()) + ".codes");
      }
    }
    known.remember(content);
  } catch (const DataError& error) {
    if (was_kept) {
      log_verbose(error.what());
    } else {
      log_warning("the codes are not kept: " + std::string(error.what()));
      return finish(std::move(storage), was_kept, "");
    }
  }
  return finish(std::move(storage), was_kept, graph_path);
}

int64_t CorpusIndex::size() const {
  return storage_->header.texts;
}

std::string CorpusIndex::text(size_t i) const {
  return Storage::part(storage_->text_bytes, storage_->text_ends, i);
}

int64_t CorpusIndex::row(size_t i) const {
  return storage_->rows[i];
}

std::optional<std::string> CorpusIndex::label(size_t i) const {
  if (storage_->label_of[i] < 0) return std::nullopt;
  return Storage::part(storage_->label_bytes, storage_->label_ends, static_cast<size_t>(storage_->label_of[i]));
}

}  // namespace tvae
