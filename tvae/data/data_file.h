// A file of training data, or several as one (file_set.h), read once however often it is asked: pipes can be read no
// second time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tvae/data/large_file.h"
#include "tvae/data/reader.h"

namespace tvae {

/// Raised where parse_rows would give other rows for the same bytes: what is kept of a file is kept under it.
inline constexpr int64_t kReadingRules = 4;

/// The part of a file's rows that is held out of its training: those with the lowest split_position (split.h), at least
/// one, and equal ones all together.
struct HeldOutPart {
  double fraction = 0.0;  // 0: none
  uint64_t seed = 0;
};

/// Reads nothing before it is asked. Errors are those of read_rows; of several files those without a usable row are
/// left out, with a notice, where not all are.
class DataFile {
 public:
  /// The rows of a file but for the part that is held out.
  DataFile(std::string path, const ReadOptions& options, const HeldOutPart& without = {},
           const LargeFileLimits& limits = {})
      : path_(std::move(path)), options_(options), without_(without), limits_(limits) {}

  const std::string& path() const { return path_; }
  /// Of the file's bytes (of a large one: its size and the time of its last change) and of all that shapes the rows it
  /// gives.
  uint64_t fingerprint();
  const Rows& rows();

  /// Whether it is too large to be read into memory at once (large_file.h). Then rows() are those of a few parts from
  /// all over it, from which rows are held out too, and rows_of_part() gives all the others.
  bool is_large();
  size_t parts();
  /// For messages: the path, and where in it.
  std::string name_of_part(size_t part);
  /// Without those that are equal to one that is held out.
  Rows rows_of_part(size_t part);
  /// All of them; of a large file about so many.
  double count_of_rows();

  /// The rows that are held out, as a file of its own that is not read again.
  DataFile held_out();

  /// Whether it has been told how the rows were read.
  bool is_told() const { return told_; }
  /// Warns of how the rows were read (describe_reading), once.
  void tell_reading();
  struct Sample {
    const std::string &path, &content;
  };
  /// The file, or the first of several that is not blank, and its unpacked content, before rows are asked for.
  Sample sample();
  /// Reads what is asked for later in another way. To be called before rows().
  void set_options(const ReadOptions& options);
  /// Holds a part of the rows out, of which none was so far.
  void hold_out(const HeldOutPart& part);

 private:
  struct Part {
    std::string path, bytes;  // these until they are parsed
    bool unpacked = false;
  };
  void read();
  void read_large();
  void unpack_part(Part& part);
  void split();

  std::string path_;
  ReadOptions options_;
  HeldOutPart without_;
  LargeFileLimits limits_;
  std::optional<uint64_t> content_hash_, fingerprint_;
  std::vector<Part> parts_;
  std::optional<std::vector<FilePart>> large_;  // none: not looked yet; empty: it is not
  uint64_t sampled_bytes_ = 0;                  // of a large file, from which rows() are
  std::unordered_set<std::string> held_out_texts_;
  std::optional<Rows> rows_;
  Rows held_out_;
  bool told_ = false;
};

}  // namespace tvae
