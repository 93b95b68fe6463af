// A file of training data, or several as one (file_set.h), read once however often it is asked: pipes can be read no
// second time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
  DataFile(std::string path, const ReadOptions& options, const HeldOutPart& without = {})
      : path_(std::move(path)), options_(options), without_(without) {}

  const std::string& path() const { return path_; }
  /// Of the file's bytes and of all that shapes the rows it gives.
  uint64_t fingerprint();
  const Rows& rows();
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
  void unpack_part(Part& part);
  void split();

  std::string path_;
  ReadOptions options_;
  HeldOutPart without_;
  std::optional<uint64_t> content_hash_, fingerprint_;
  std::vector<Part> parts_;
  std::optional<Rows> rows_;
  Rows held_out_;
  bool told_ = false;
};

}  // namespace tvae
