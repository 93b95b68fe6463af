// run.json: what a run was asked for, what it made of it, on which rows, and how far it came. One reader and one
// writer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tvae/config/run_config.h"

namespace tvae {

/// A number as JSON keeps it, which has no word for those that are not finite: they become "nan", "inf" and "-inf".
nlohmann::ordered_json exact_number(double value);
/// The reverse; null is NaN, as which it was written before. Throws Json::type_error for anything else.
double exact_number(const nlohmann::ordered_json& json);

/// A file of a run, as it was when it was read.
struct DataRecord {
  std::string path;
  int64_t sequences = 0;
  int64_t tokens = 0;
  int64_t overlong = 0;          // sequences that were dropped or cut
  int64_t untokenizable = 0;     // rows that do not survive encoding and decoding
  std::string fingerprint = {};  // TokenDataset::fingerprint in hexadecimal; empty where the file does not say
};

/// How far a run came, with the scores of its last evaluation.
struct TrainingRecord {
  int64_t steps = 0;
  int64_t planned_steps = 0;
  double seconds = 0.0;
  struct Scores {
    double cross_entropy = 0.0;  // nats a token
    double token_accuracy = 0.0;
  };
  std::optional<Scores> held_out;
};

/// A model that a run started from.
struct AncestorRecord {
  std::string name;  // of its folder
  DataRecord data;   // the path is a file name; empty where its run does not say
  TrainingRecord training;
};

struct RunRecord {
  std::string version, libtorch;  // of the program that made it
  RunConfig config;               // its model section is the model that is trained, as in config.json
  RunConfig requested;            // the same as it was asked for: sizes that follow from the data are open
  nlohmann::ordered_json chosen;  // what train/auto_settings.h saw and chose: {"told": [lines], "settings": {key: ...}}
  int64_t parameters = 0;         // numbers in the weights; 0 where the file does not say
  int64_t vocabulary = 0;         // pieces of the tokenizer; likewise
  DataRecord train;
  std::optional<DataRecord> valid;
  std::string from;                       // the model it started from; empty = none
  std::vector<AncestorRecord> ancestors;  // that model, the one before it, ...
  std::string older_past;                 // lines about models before these, from a run.json of an older version
  TrainingRecord training;
  std::string weights;                    // "int8", "fp16", "fp16, int8": a rounded copy; empty = a run
  std::vector<std::string> unknown_keys;  // of the configuration, which another version knows
};

/// The record in a model's folder; nullopt where there is none, as in an imported model. Reads those of older versions,
/// whose model section is the requested one. Throws CheckpointError where it is damaged.
std::optional<RunRecord> read_run_record(const std::string& directory);

/// Atomically. Throws DataError.
void write_run_record(const std::string& directory, const RunRecord& record);

/// The settings that a model was imported with, by presets and assignments, for a run that starts from it; nullopt for
/// others. Throws CheckpointError where they are damaged.
std::optional<RunConfig> read_imported_settings(const std::string& directory);
/// Atomically. Throws DataError.
void write_imported_settings(const std::string& directory, const RunConfig& config);

/// The model `from` and its own ancestors, nearest first, for the record of a run that starts from it.
std::vector<AncestorRecord> ancestors_with(const std::string& from, const RunRecord* record_of_from);

/// The last part of a path, for texts that are read where the path means nothing.
std::string last_part(const std::string& path);
/// Those of one or several files (tvae/data/file_set.h): "a.txt, b.txt"; of many the first ones, and how many more.
std::string file_names(const std::string& path);

}  // namespace tvae
