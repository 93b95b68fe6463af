#include "tvae/data/data_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <utility>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/file_set.h"
#include "tvae/data/split.h"

namespace tvae {
namespace {

constexpr int64_t kSplitRules = 2;  // raised where other rows of the same would be held out

/// Rows of one more file. What was wrong with them is told with its name where there are `several`.
void append(Rows& all, Rows&& more, const std::string& path, bool several) {
  const int64_t before = static_cast<int64_t>(all.texts.size()) + all.bad_count;
  if (!several) {
    all = std::move(more);
    return;
  }
  all.unit = more.unit;
  std::move(more.texts.begin(), more.texts.end(), std::back_inserter(all.texts));
  std::move(more.ids.begin(), more.ids.end(), std::back_inserter(all.ids));
  std::move(more.labels.begin(), more.labels.end(), std::back_inserter(all.labels));
  std::move(more.notices.begin(), more.notices.end(), std::back_inserter(all.notices));
  for (const int64_t number : more.numbers) all.numbers.push_back(before + number);
  for (const BadRow& bad : more.bad)
    all.bad.push_back({bad.line, bad.reason + " in " + std::filesystem::path(path).filename().string()});
  all.bad_count += more.bad_count;
}

}  // namespace

bool DataFile::is_large() {
  if (!large_)
    large_ = path_ == "-" ? std::vector<FilePart>() : parts_of_large_files(files_of(path_), options_, limits_);
  return !large_->empty();
}

size_t DataFile::parts() {
  return is_large() ? large_->size() : 1;
}

std::string DataFile::name_of_part(size_t part) {
  if (!is_large()) return path_;
  const FilePiece& first = large_->at(part).front();
  return first.path + (first.begin > 0 ? " from byte " + std::to_string(first.begin) + " on" : "") +
         (large_->at(part).size() > 1 ? " and the files after it" : "");
}

double DataFile::count_of_rows() {
  const auto read = static_cast<double>(rows().texts.size());
  if (!is_large()) return read;
  double bytes = 0;
  for (const FilePart& part : *large_)
    for (const FilePiece& piece : part) bytes += static_cast<double>(piece.end - piece.begin);
  return read * bytes / static_cast<double>(sampled_bytes_);
}

void DataFile::read_large() {
  constexpr size_t kSampled = 4;
  const size_t sampled = std::min(kSampled, large_->size());
  for (size_t i = 0; i < sampled; ++i) {
    for (const FilePiece& piece : (*large_)[i * large_->size() / sampled]) {
      parts_.push_back({piece.path, read_piece(piece), /*unpacked=*/true});
      sampled_bytes_ += piece.end - piece.begin;
    }
  }
  content_hash_ = fingerprint_of_large_files(files_of(path_));
}

Rows DataFile::rows_of_part(size_t part) {
  rows();  // settles what is held out
  ReadOptions options = options_;
  options.format = "lines";
  options.fit = false;
  Rows all, kept;
  const FilePart& pieces = large_->at(part);
  for (const FilePiece& piece : pieces) {
    try {
      append(all, parse_rows(piece.path, read_piece(piece), options), piece.path, pieces.size() > 1);
    } catch (const NoUsableRows&) {  // others have some
    }
  }
  if (held_out_texts_.empty()) return all;
  kept.bad = std::move(all.bad);
  kept.bad_count = all.bad_count;
  kept.notices = std::move(all.notices);
  for (size_t i = 0; i < all.texts.size(); ++i) {
    if (held_out_texts_.contains(all.texts[i])) continue;
    kept.texts.push_back(std::move(all.texts[i]));
    if (!all.ids.empty()) kept.ids.push_back(std::move(all.ids[i]));
    kept.numbers.push_back(all.numbers[i]);
  }
  return kept;
}

void DataFile::read() {
  if (content_hash_) return;
  if (is_large()) return read_large();
  uint64_t hash = 0;
  for (const std::string& file : files_of(path_)) {
    require_no_folder(file);
    parts_.push_back({file, read_file(file)});
    hash = hash_bytes(parts_.back().bytes, hash);
  }
  content_hash_ = hash;
}

uint64_t DataFile::fingerprint() {
  if (fingerprint_) return *fingerprint_;
  read();
  uint64_t hash = *content_hash_;
  for (const Part& part : parts_) hash = hash_bytes(std::filesystem::path(part.path).filename().string(), hash);
  for (const std::string& part : {options_.column, options_.label_column, options_.format})
    hash = hash_bytes(part, hash);
  const int64_t numbers[] = {kReadingRules, options_.escapes, options_.strict, options_.keep_empty, options_.quotes};
  hash = hash_bytes({reinterpret_cast<const char*>(numbers), sizeof numbers}, hash);
  for (const std::string& part : {options_.tokens, options_.tokenizer})
    if (!part.empty()) hash = hash_bytes(part, hash);
  const bool newer[] = {options_.header, options_.fit};  // which change no fingerprint of before there were any
  if (options_.header || options_.fit) hash = hash_bytes({reinterpret_cast<const char*>(newer), sizeof newer}, hash);
  if (without_.fraction > 0)
    hash = hash_bytes({reinterpret_cast<const char*>(&without_), sizeof without_}, hash + kSplitRules);
  fingerprint_ = hash;
  return hash;
}

const Rows& DataFile::rows() {
  if (rows_) return *rows_;
  fingerprint();
  Rows all;
  std::vector<std::string> without_rows;
  for (Part& part : parts_) {
    unpack_part(part);
    try {
      append(all, parse_rows(part.path, std::exchange(part.bytes, {}), options_), part.path, parts_.size() > 1);
    } catch (const NoUsableRows& error) {
      without_rows.emplace_back(error.what());
      if (without_rows.size() == parts_.size()) throw;
    }
  }
  for (const std::string& error : without_rows) all.notices.push_back(error + ": it is left out");
  rows_ = std::move(all);
  if (without_.fraction > 0) split();
  return *rows_;
}

void DataFile::split() {
  Rows all = std::exchange(*rows_, {});
  TVAE_ASSERT(!all.texts.empty(), "a file without usable rows is an error before");
  std::vector<double> positions;
  for (const std::string& text : all.texts) positions.push_back(split_position(text, without_.seed));
  // The lowest of these rows, not those below a position: the file may be a part of another that was split so.
  std::vector<double> ranked = positions;
  const auto share = static_cast<size_t>(std::lround(without_.fraction * static_cast<double>(ranked.size())));
  const auto limit = ranked.begin() + static_cast<std::ptrdiff_t>(std::min(share, ranked.size() - 1));
  std::ranges::nth_element(ranked, limit);
  const double lowest = std::ranges::min(positions);
  for (size_t i = 0; i < all.texts.size(); ++i) {
    Rows& side = positions[i] < *limit || positions[i] == lowest ? held_out_ : *rows_;
    side.texts.push_back(std::move(all.texts[i]));
    if (!all.ids.empty()) side.ids.push_back(std::move(all.ids[i]));
    if (!all.labels.empty()) side.labels.push_back(std::move(all.labels[i]));
    side.numbers.push_back(all.numbers[i]);
  }
  if (rows_->texts.empty())
    throw DataError(path_ + ": all its rows are the same, so that none is left to train on where some are held out",
                    counted(held_out_.texts.size(), "row"), "two different ones at least");
  if (is_large()) held_out_texts_.insert(held_out_.texts.begin(), held_out_.texts.end());
  all.texts.clear();
  all.labels.clear();
  all.ids.clear();
  all.numbers.clear();
  rows_->bad = std::move(all.bad);
  rows_->bad_count = all.bad_count;
  rows_->notices = std::move(all.notices);
  rows_->unit = all.unit;
}

DataFile DataFile::held_out() {
  rows();
  DataFile other(path_, options_);
  other.large_.emplace();  // its rows are all there
  other.fingerprint_ = hash_bytes("held out", fingerprint());
  other.rows_ = held_out_;
  return other;
}

void DataFile::tell_reading() {
  if (std::exchange(told_, true)) return;
  for (const std::string& line : describe_reading(rows(), path_)) log_warning(line);
}

DataFile::Sample DataFile::sample() {
  read();
  for (Part& part : parts_) {
    unpack_part(part);
    if (part.bytes.find_first_not_of(" \t\r\n") != std::string::npos) return {part.path, part.bytes};
  }
  return {parts_.front().path, parts_.front().bytes};
}

void DataFile::unpack_part(Part& part) {
  if (!std::exchange(part.unpacked, true)) part.bytes = unpack(part.path, std::move(part.bytes));
}

void DataFile::set_options(const ReadOptions& options) {
  TVAE_ASSERT(!rows_, "options come before the rows are read");
  const bool was_large = is_large();
  options_ = options;
  fingerprint_.reset();
  large_.reset();
  if (is_large() == was_large) return;
  parts_.clear();  // a table, say, which is read whole
  content_hash_.reset();
  sampled_bytes_ = 0;
}

void DataFile::hold_out(const HeldOutPart& part) {
  TVAE_ASSERT(without_.fraction == 0, "a file has one held-out part");
  rows();
  without_ = part;
  fingerprint_.reset();
  if (part.fraction > 0) split();
}

}  // namespace tvae
