#include "tvae/data/pretokenized.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/text/tokenizer.h"

namespace tvae {
namespace {

/// Takes the lists of one key as they are read: the document itself would take twenty times the file's size.
class Sentences : public nlohmann::json_sax<nlohmann::json> {
 public:
  Sentences(std::string key, const PretokenizedMarks& marks) : key_(std::move(key)), marks_(marks) {}

  std::vector<std::vector<int32_t>> found;
  std::string fault;

  bool key(string_t& name) override {
    wanted_ = name == key_;
    return true;
  }
  bool start_object(std::size_t) override { return depth_ == 1 ? (has_key_ = false, enter()) : refuse("an object"); }
  bool end_object() override {
    --depth_;
    return has_key_ || refuse("an object without " + key_);
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) return enter();
    if (depth_ != 2 || !wanted_) return depth_ == 2 ? (ignoring_ = true, enter()) : refuse("a list in a list");
    has_key_ = true;
    ids_.clear();
    return enter();
  }
  bool end_array() override {
    if (--depth_ != 2) return true;
    if (std::exchange(ignoring_, false)) return true;
    if (ids_.size() < 2 || ids_.front() != marks_.begin || ids_.back() != marks_.end)
      return refuse(key_ + " that does not stand between " + std::to_string(marks_.begin) + " and " +
                    std::to_string(marks_.end));
    found.emplace_back(ids_.begin() + 1, ids_.end() - 1);
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ < 3 || ignoring_) return depth_ > 0 || refuse("a number");
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<int32_t>::max()))
      return refuse("the id " + std::to_string(value));
    ids_.push_back(static_cast<int32_t>(value));
    return true;
  }
  bool number_integer(number_integer_t value) override { return refuse("the id " + std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return refuse("the id " + text); }
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool string(string_t&) override { return refuse("a text"); }
  bool binary(binary_t&) override { return refuse("bytes"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return refuse("no JSON at byte " + std::to_string(position));
  }

 private:
  bool enter() {
    ++depth_;
    return true;
  }
  bool refuse(const std::string& what) {
    if (fault.empty()) fault = what + (found.empty() ? "" : " after " + std::to_string(found.size()) + " sentences");
    return false;
  }

  std::string key_;
  PretokenizedMarks marks_;
  int depth_ = 0;  // 1 in the list, 2 in a sentence, 3 in a list of it
  bool wanted_ = false, has_key_ = false, ignoring_ = false;
  std::vector<int32_t> ids_;
};

}  // namespace

std::vector<std::vector<int32_t>> parse_pretokenized(const std::string& name, const std::string& json,
                                                     const std::string& kind) {
  TVAE_ASSERT(kind == "bert" || kind == "gpt2", "OPTIMUS's files have ids of two kinds");
  Sentences sentences(kind + "_token", kind == "bert" ? kBertMarks : kGpt2Marks);
  if (!nlohmann::json::sax_parse(json, &sentences) || sentences.found.empty())
    throw DataError(name + ": no pre-tokenised sentences", sentences.fault,
                    "a JSON list of objects with " + kind + "_token", "as OPTIMUS's cached_lm_gpt_bert files are");
  return std::move(sentences.found);
}

Rows pretokenized_rows(const std::string& name, const std::string& json, const ReadOptions& options) {
  if (options.tokenizer.empty())
    throw ConfigError(options.tokens == "text" ? "data.tokens_tokenizer" : "data.tokenizer", "nothing", "a directory",
                      "data.tokens=" + options.tokens + " takes ids of a tokenizer that is there");
  const Tokenizer tokenizer = Tokenizer::load(options.tokenizer);
  const bool is_bert = tokenizer.eos_id() == kBertMarks.end;
  const std::string kind = options.tokens != "text" ? options.tokens : is_bert ? "bert" : "gpt2";
  Rows rows;
  rows.unit = "sentence";
  std::vector<std::vector<int32_t>> sentences = parse_pretokenized(name, json, kind);
  for (size_t i = 0; i < sentences.size(); ++i) {
    std::vector<int32_t>& ids = sentences[i];
    for (const int32_t id : ids)
      if (id >= tokenizer.size())
        throw DataError(name + ": " + kind + "_token of another vocabulary",
                        "the id " + std::to_string(id) + " in sentence " + std::to_string(i),
                        "ids below " + std::to_string(tokenizer.size()) + " of " + options.tokenizer);
    std::string text = tokenizer.decode(ids);
    if (kind == "gpt2" && text.starts_with(' ')) text.erase(0, 1);  // OPTIMUS puts a space before each
    if (text.empty()) {
      ++rows.bad_count;
      rows.bad.push_back({static_cast<int64_t>(i), "empty"});
      continue;
    }
    rows.texts.push_back(std::move(text));
    rows.numbers.push_back(static_cast<int64_t>(i));
    if (options.tokens != "text") rows.ids.push_back(std::move(ids));
  }
  if (rows.texts.empty()) throw NoUsableRows(name, describe_bad_rows(rows, name));
  return rows;
}

}  // namespace tvae
