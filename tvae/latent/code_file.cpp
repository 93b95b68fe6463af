#include "tvae/latent/code_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/data/records.h"
#include "tvae/io/safetensors.h"

namespace tvae {
namespace {

using torch::Tensor;

constexpr std::string_view kNpyMagic("\x93NUMPY", 6);
constexpr std::string_view kRowColumn = "row", kLabelColumn = "label";

/// The shortest text that reads back as the same float.
void append_number(std::string& line, float value) {
  char digits[32];
  line.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// `count` numbers between separators.
void append_numbers(std::string& line, const float* values, int64_t count, char separator) {
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0) line += separator;
    append_number(line, values[i]);
  }
}

/// NumPy's format 1.0: magic, version, header length, a Python dict padded to 64 bytes, the array.
std::string npy_header(const Tensor& array) {
  std::string header = std::string("{'descr': '") + (array.scalar_type() == at::kLong ? "<i8" : "<f4") +
                       "', 'fortran_order': False, 'shape': (";
  for (const int64_t size : array.sizes()) header += std::to_string(size) + ", ";
  header.replace(header.size() - (array.dim() > 1 ? 2 : 1), array.dim() > 1 ? 2 : 1, "), }");
  const size_t prefix = kNpyMagic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  return std::string(kNpyMagic) + '\1' + '\0' + static_cast<char>(length & 0xff) + static_cast<char>(length >> 8) +
         header;
}

DataError damaged_npy(const std::string& path, const std::string& what) {
  return DataError(path + " is no usable .npy file: " + what);
}

/// What a .npy file's header says of its array.
struct NpyHeader {
  std::string type;  // as "<f4"; empty where it is no plain type
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Reads the header: a literal of a Python dict with the keys descr, fortran_order and shape, in any layout.
class NpyHeaderParser {
 public:
  NpyHeaderParser(const std::string& path, std::string_view text) : path_(path), rest_(text) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_order = false, has_shape = false, has_type = false;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        has_type = true;
        if (peek() != '\'' && peek() != '"') throw DataError(path_ + ": type of the array", "a structure", kTypes);
        header.type = quoted();
      } else if (key == "fortran_order") {
        has_order = true;
        header.fortran_order = boolean();
      } else if (key == "shape") {
        has_shape = true;
        header.shape = numbers();
      } else {
        throw damaged_npy(path_, "its header has an unknown key " + key.substr(0, 40));
      }
      if (!take(',') && peek() != '}') throw damaged_npy(path_, "its header is no dict");
    }
    if (!has_type) throw damaged_npy(path_, "no descr");
    if (!has_order) throw damaged_npy(path_, "no fortran_order");
    if (!has_shape) throw damaged_npy(path_, "no shape");
    return header;
  }

  static constexpr const char* kTypes = "float32 or float64";

 private:
  char peek() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) throw damaged_npy(path_, std::string("its header lacks a ") + c);
  }
  std::string quoted() {
    const char quote = peek();
    const size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) throw damaged_npy(path_, "its header lacks a quoted word");
    const std::string word(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return word;
  }
  bool boolean() {
    peek();
    for (const std::string_view word : {"True", "False"})
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return word == "True";
      }
    throw damaged_npy(path_, "its fortran_order is neither True nor False");
  }
  std::vector<int64_t> numbers() {
    std::vector<int64_t> values;
    expect('(');
    while (!take(')')) {
      int64_t value = -1;
      peek();
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc() || value < 0) throw damaged_npy(path_, "its shape is no list of sizes");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      values.push_back(value);
      if (!take(',') && peek() != ')') throw damaged_npy(path_, "its shape is no list of sizes");
    }
    return values;
  }

  std::string path_;
  std::string_view rest_;
};

/// Bytes of an array of `width` bytes a number; nothing where there are too many to count.
std::optional<int64_t> bytes_of(const std::vector<int64_t>& shape, int64_t width) {
  int64_t bytes = width;
  bool empty = false;
  for (const int64_t size : shape) {
    empty |= size == 0;
    if (size > 0 && __builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;  // strides count empty ones too
  }
  return empty ? 0 : bytes;
}

Tensor parse_npy(const std::string& path, const std::string& bytes) {
  const auto byte = [&bytes](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  if (bytes.size() < 12) throw damaged_npy(path, "it ends within its header");
  if (byte(6) < 1 || byte(6) > 3) throw damaged_npy(path, "its version is " + std::to_string(byte(6)));
  const bool short_length = byte(6) == 1;  // version 1 has a 16-bit length, later ones 32 bits
  const size_t start = short_length ? 10 : 12;
  const size_t length = byte(8) | byte(9) << 8 | (short_length ? 0 : byte(10) << 16 | byte(11) << 24);
  if (length > bytes.size() - start) throw damaged_npy(path, "it ends within its header");
  const NpyHeader header = NpyHeaderParser(path, std::string_view(bytes).substr(start, length)).parse();
  if (header.type != "<f4" && header.type != "<f8")
    throw DataError(path + ": type of the array", header.type.substr(0, 40), NpyHeaderParser::kTypes);
  if (header.fortran_order)
    throw DataError(path + ": the array is in Fortran order", "", "C order", "numpy.ascontiguousarray");
  constexpr size_t kMostDimensions = 3;
  if (header.shape.size() > kMostDimensions)
    throw DataError(path + ": the array has too many dimensions", std::to_string(header.shape.size()), "2 or 3");
  const int64_t width = header.type == "<f4" ? 4 : 8;
  const size_t available = bytes.size() - start - length;
  if (bytes_of(header.shape, width) != static_cast<int64_t>(available))
    throw damaged_npy(path, "its shape does not fit its size");
  Tensor array = at::empty(header.shape, width == 4 ? at::kFloat : at::kDouble);
  if (available > 0) std::memcpy(array.data_ptr(), bytes.data() + start + length, available);
  return array.to(at::kFloat);
}

/// A code as [K][D] or flat.
void append_json_numbers(const nlohmann::ordered_json& value, std::vector<float>& numbers, const std::string& where,
                         int depth) {
  if (value.is_array() && depth < 2)
    for (const auto& item : value) append_json_numbers(item, numbers, where, depth + 1);
  else if (value.is_number())
    numbers.push_back(value.get<float>());
  else
    throw DataError(where + ": part of a code", std::string(value.type_name()), "a number");
}

std::vector<float> parse_json_line(const std::string& line, const std::string& where) {
  const auto json = parse_json(line);
  if (json.is_discarded()) throw DataError(where + " is not JSON");
  if (json.is_object() && !json.contains("code")) throw DataError(where + " has no \"code\"");
  std::vector<float> numbers;
  append_json_numbers(json.is_object() ? json["code"] : json, numbers, where, 0);
  return numbers;
}

/// Columns before the numbers, of which a header tells: row and, maybe, label.
size_t columns_before_numbers(const std::string& first_line) {
  const std::vector<std::string> names = split(first_line, '\t');
  if (names[0] != kRowColumn) return 0;
  return names.size() > 1 && names[1] == kLabelColumn ? 2 : 1;
}

std::vector<float> parse_tsv_line(const std::string& line, const std::string& where, size_t skipped) {
  std::vector<float> numbers;
  const std::vector<std::string> fields = split(line, '\t');
  for (size_t i = std::min(skipped, fields.size()); i < fields.size(); ++i) {
    const std::string& field = fields[i];
    float value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size())
      throw DataError(where + ", field " + std::to_string(i + 1), "\"" + field.substr(0, 40) + "\"", "a number");
    numbers.push_back(value);
  }
  return numbers;
}

/// jsonl or tsv: [N, numbers a line].
Tensor parse_lines(const std::string& path, const std::string& content, int64_t latent_tokens, int64_t latent_size) {
  const auto expected = static_cast<size_t>(latent_tokens * latent_size);
  std::vector<float> all;
  int64_t rows = 0;
  size_t skipped = 0;
  for_each_line(content, [&](std::string_view line, int64_t number) {
    const std::string where = path + " line " + std::to_string(number);
    const std::string text = strip(line);
    if (text.empty()) return;
    if (number == 1 && (skipped = columns_before_numbers(text)) > 0) return;
    const std::vector<float> row =
        text[0] == '{' || text[0] == '[' ? parse_json_line(text, where) : parse_tsv_line(text, where, skipped);
    if (row.size() != expected)
      throw DataError(where, std::to_string(row.size()) + " numbers",
                      std::to_string(latent_tokens) + " × " + std::to_string(latent_size),
                      "is it a code of this model?");
    all.insert(all.end(), row.begin(), row.end());
    ++rows;
  });
  return torch::tensor(all, at::kFloat).view({rows, static_cast<int64_t>(expected)});
}

Tensor load_safetensors_codes(const std::string& path) {
  TensorMap tensors = load_safetensors(path);
  if (const auto mean = tensors.find("mean"); mean != tensors.end()) return mean->second.to(at::kFloat);
  if (tensors.size() == 1) return tensors.begin()->second.to(at::kFloat);
  throw DataError(path + " holds no tensor \"mean\"", std::to_string(tensors.size()) + " tensors");
}

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void save_npy(const std::string& path, const Tensor& array) {
  const Tensor values = array.contiguous();
  write_file_atomically(path, [&](const Sink& sink) {
    sink(npy_header(values));
    sink({static_cast<const char*>(values.const_data_ptr()), static_cast<size_t>(values.nbytes())});
  });
}

void save_code_tensors(const std::string& path, const EncodedTexts& encoded, const Rows& rows) {
  TensorMap tensors = {{"mean", encoded.mean}, {"row", torch::tensor(rows.numbers, at::kLong)}};
  if (encoded.log_variance) tensors["log_variance"] = *encoded.log_variance;
  if (rows.labels.empty()) return save_safetensors(path, tensors);
  const std::set<std::string> different(rows.labels.begin(), rows.labels.end());
  const std::vector<std::string> names(different.begin(), different.end());
  std::vector<int64_t> places;
  for (const std::string& label : rows.labels)
    places.push_back(std::lower_bound(names.begin(), names.end(), label) - names.begin());
  tensors["label"] = torch::tensor(places, at::kLong);
  save_safetensors(path, tensors,
                   {{"labels", nlohmann::json(names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)}});
}

/// A table: row, label and the numbers.
void write_code_table(const Tensor& codes, const Rows& rows, const Sink& sink) {
  const Tensor values = codes.to(at::kCPU, at::kFloat).flatten(1).contiguous();
  const int64_t count = values.size(1);
  std::string header = std::string(kRowColumn) + (rows.labels.empty() ? "" : "\t" + std::string(kLabelColumn));
  for (int64_t i = 0; i < count; ++i) header += "\t" + std::to_string(i);
  sink(header + "\n");
  for (int64_t n = 0; n < values.size(0); ++n) {
    std::string line = std::to_string(rows.numbers[n]) + "\t";
    if (!rows.labels.empty()) line += escape_line(rows.labels[n]) + "\t";
    append_numbers(line, values.const_data_ptr<float>() + n * count, count, '\t');
    sink(line + "\n");
  }
}

std::string shape_text(at::IntArrayRef sizes) {
  std::vector<std::string> parts;
  for (const int64_t size : sizes) parts.push_back(std::to_string(size));
  return "[" + join(parts, ", ") + "]";
}

}  // namespace

CodeFormat code_format(const std::string& path) {
  if (path.ends_with(".npy")) return CodeFormat::kNpy;
  if (path.ends_with(".safetensors")) return CodeFormat::kSafetensors;
  if (path.ends_with(".jsonl")) return CodeFormat::kJsonl;
  if (path.ends_with(".tsv")) return CodeFormat::kTsv;
  throw ConfigError("format of " + path, "", ".npy, .safetensors, .jsonl or .tsv");
}

void write_code_lines(CodeFormat format, const Tensor& codes, const Rows& rows, const Sink& sink) {
  const Tensor values = codes.to(at::kCPU, at::kFloat).contiguous();
  const int64_t latent_tokens = codes.size(1), latent_size = codes.size(2);
  const float* row = values.const_data_ptr<float>();
  for (int64_t n = 0; n < codes.size(0); ++n, row += latent_tokens * latent_size) {
    std::string line;
    if (format == CodeFormat::kTsv) {
      append_numbers(line, row, latent_tokens * latent_size, '\t');
    } else {
      line = "{\"row\":" + std::to_string(rows.numbers[n]) + ",\"text\":" + json_text(rows.texts[n]);
      if (!rows.labels.empty()) line += ",\"label\":" + json_text(rows.labels[n]);
      line += ",\"code\":[";
      for (int64_t k = 0; k < latent_tokens; ++k) {
        line += k > 0 ? ",[" : "[";
        append_numbers(line, row + k * latent_size, latent_size, ',');
        line += ']';
      }
      line += "]}";
    }
    sink(line + "\n");
  }
}

void save_codes(const std::string& path, const EncodedTexts& encoded, const Rows& rows) {
  const CodeFormat format = code_format(path);
  if (format == CodeFormat::kSafetensors) return save_code_tensors(path, encoded, rows);
  if (format == CodeFormat::kNpy) {
    std::error_code ignored;  // numbers of other codes go first: no moment shows them beside these
    if (std::filesystem::remove(rows_file(path), ignored) && rows.bad_count == 0)
      log_info(rows_file(path) + ", which was of other codes, is removed");
    save_npy(path, encoded.mean);
    if (rows.bad_count > 0) save_npy(rows_file(path), torch::tensor(rows.numbers, at::kLong));
    return;
  }
  const bool columns = format == CodeFormat::kTsv && (rows.bad_count > 0 || !rows.labels.empty());
  write_file_atomically(path, [&](const Sink& sink) {
    if (columns)
      write_code_table(encoded.mean, rows, sink);
    else
      write_code_lines(format, encoded.mean, rows, sink);
  });
}

std::string rows_file(const std::string& path) {
  return path.substr(0, path.rfind('.')) + ".rows.npy";
}

Tensor load_codes(const std::string& path, int64_t latent_tokens, int64_t latent_size) {
  Tensor codes;
  if (lower_case(path).ends_with(".npz"))
    throw DataError(path + ": an archive of arrays", ".npz", "one array as .npy", "numpy.save writes one");
  if (path.ends_with(".safetensors")) {
    codes = load_safetensors_codes(path);
  } else {
    const std::string content = read_text_file(path);
    codes = content.starts_with(kNpyMagic) ? parse_npy(path, content)
                                           : parse_lines(path, content, latent_tokens, latent_size);
  }
  const bool flat = codes.dim() == 2 && codes.size(1) == latent_tokens * latent_size;
  const bool whole = codes.dim() == 3 && codes.size(1) == latent_tokens && codes.size(2) == latent_size;
  if (!flat && !whole)
    throw DataError(path + ": shape of the codes", shape_text(codes.sizes()),
                    "[N, " + std::to_string(latent_tokens) + ", " + std::to_string(latent_size) + "]",
                    "are they codes of this model?");
  if (codes.size(0) == 0) throw DataError(path + " holds no codes");
  codes = codes.reshape({-1, latent_tokens, latent_size}).contiguous();
  const Tensor finite = codes.isfinite().flatten(1).all(1);
  if (!finite.all().item<bool>())
    throw DataError(path + ": code " + std::to_string((~finite).nonzero()[0].item<int64_t>() + 1) +
                    " has numbers that are not finite");
  return codes;
}

}  // namespace tvae
