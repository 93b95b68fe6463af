// The held-out sequences a model is measured on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tvae/data/data_file.h"
#include "tvae/data/reader.h"
#include "tvae/data/token_cache.h"
#include "tvae/run/model_directory.h"

namespace tvae {

/// A file that a model was trained with. Empty where run.json does not say.
struct RecordedFile {
  std::string path;
  std::string fingerprint = {};  // TokenDataset::fingerprint, hexadecimal
  ReadOptions read = {};
  HeldOutPart without = {};  // what the run held out of it

  /// What read_rows throws.
  Rows rows() const { return DataFile(path, read, without).rows(); }
};
/// The files a model was trained with, from run.json.
struct RecordedData {
  RecordedFile train, valid;
  TokenizeOptions tokenize;
  std::string cache_dir;
};
/// Throws CheckpointError when run.json is there and damaged.
RecordedData recorded_data(const std::string& model_directory);
/// Throws where a file that run.json names cannot be read again: DataError where it is not there, ConfigError where it
/// was a pipe. `what` it holds: "training", "held-out".
void require_recorded_file(const std::string& what, const std::string& path, const std::string& hint);
/// The rows of the file that a model was trained on, read as then; warns of bad ones. Throws ConfigError where it is
/// not known, and what require_recorded_file throws.
Rows training_rows(const std::string& model_directory);
/// Whether a file of the run holds other sequences than it did then; false where run.json gives no fingerprint.
bool has_changed(const RecordedFile& file, const RecordedData& recorded, const Tokenizer& tokenizer);

/// A seeded sample of the sequences that the model can write: those its tokenizer gives back unchanged and that are no
/// longer than max_tokens.
struct HeldOut {
  std::string path;
  std::vector<std::string> texts;
  std::vector<std::string> labels;        // empty, or one a text
  std::vector<std::vector<int32_t>> ids;  // of each text, end of sequence included
  int64_t untokenizable = 0;              // left out: the tokenizer does not give them back
  int64_t overlong = 0;                   // left out: more than max_tokens
};
/// Up to `samples` sequences of the rows of a file, in random order. Throws DataError when none can be used.
HeldOut sample_held_out(const Model& model, const std::string& path, const Rows& rows, int64_t samples, uint64_t seed);

/// Texts to train probes on, with their labels; both empty where there are none.
struct LabelledTexts {
  std::string path;
  std::vector<std::string> texts, labels;
};
/// A seeded sample of labelled rows, in random order: up to `most_a_label` of each label, `most` in all. Empty where
/// the rows have no labels, or one only.
LabelledTexts sample_labelled(const std::string& path, const Rows& rows, int64_t most_a_label, int64_t most,
                              uint64_t seed);

/// Which texts there are, as hashes.
class TextSet {
 public:
  explicit TextSet(const std::vector<std::string>& texts);
  bool contains(const std::string& text) const;

 private:
  std::unordered_set<uint64_t> hashes_;
};

}  // namespace tvae
