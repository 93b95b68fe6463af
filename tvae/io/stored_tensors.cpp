#include "tvae/io/stored_tensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

static_assert(std::endian::native == std::endian::little, "the format stores little-endian numbers");

struct Dtype {
  const char* name;
  torch::ScalarType type;
};

/// In the order of the Python package's own list, which decides where tensors lie in a file.
constexpr std::array<Dtype, 10> kDtypes = {{
    {"BOOL", torch::kBool},
    {"U8", torch::kUInt8},
    {"I8", torch::kInt8},
    {"I16", torch::kInt16},
    {"F16", torch::kFloat16},
    {"BF16", torch::kBFloat16},
    {"I32", torch::kInt32},
    {"F32", torch::kFloat32},
    {"F64", torch::kFloat64},
    {"I64", torch::kInt64},
}};

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kAlignment = 8;
constexpr uint64_t kLargestHeader = 100'000'000;  // the Python package's limit
constexpr char kMetadata[] = "__metadata__";

[[noreturn]] void fail(const std::string& path, const std::string& what, const std::string& got = "",
                       const std::string& expected = "") {
  throw CheckpointError(path + ": " + what, got, expected);
}

struct Entry {
  std::string name;
  torch::ScalarType type;
  std::vector<int64_t> shape;
  uint64_t begin;  // bytes after the header
  uint64_t end;
};

/// Names given twice and objects inside an entry are errors here; the parser would keep the last of equal names.
nlohmann::json parse_header(const std::string& path, const std::string& text) {
  std::array<std::set<std::string>, 2> names;  // of the header, and of the entry being read
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if ((event == Event::object_start && depth > 1) || (event == Event::array_start && depth > 2))
      fail(path, "the header nests too deeply");
    if (event == Event::object_start) names[depth].clear();
    if (event == Event::key && !names[depth - 1].insert(value.get<std::string>()).second)
      fail(path, "the header holds " + value.dump() + " twice");
    return true;
  };
  nlohmann::json header = nlohmann::json::parse(text, check, /*allow_exceptions=*/false);
  if (!header.is_object()) fail(path, "the header is not a JSON object");
  return header;
}

std::map<std::string, std::string> parse_metadata(const std::string& path, const nlohmann::json& json) {
  if (!json.is_object()) fail(path, "__metadata__ is not a JSON object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail(path, "the metadata \"" + key + "\" is no string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

bool is_list_of_counts(const nlohmann::json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(), [](const nlohmann::json& n) {
           return n.is_number_unsigned() && n.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
         });
}

Entry parse_entry(const std::string& path, const std::string& name, const nlohmann::json& json) {
  const std::string what = "tensor \"" + name + "\"";
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets"))
    fail(path, what + " is not described by dtype, shape and data_offsets");

  const auto dtype =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return json["dtype"] == d.name; });
  if (dtype == kDtypes.end())
    fail(path, what + ": dtype", json["dtype"].dump(), "one of BOOL U8 I8 I16 I32 I64 F16 BF16 F32 F64");

  const nlohmann::json& offsets = json["data_offsets"];
  if (!is_list_of_counts(json["shape"])) fail(path, what + ": shape", json["shape"].dump(), "a list of sizes");
  if (!is_list_of_counts(offsets) || offsets.size() != 2 || offsets[0] > offsets[1])
    fail(path, what + ": data_offsets", offsets.dump(), "[begin, end]");
  Entry entry{name, dtype->type, json["shape"].get<std::vector<int64_t>>(), offsets[0], offsets[1]};

  // Strides are products of the sizes other than zero, so these must not overflow even where the tensor is empty.
  int64_t extent = static_cast<int64_t>(c10::elementSize(entry.type));
  bool overflow = false;
  for (const int64_t size : entry.shape)
    overflow |= __builtin_mul_overflow(extent, std::max<int64_t>(size, 1), &extent);
  if (overflow) fail(path, what + " is too large", json["shape"].dump());
  const bool empty = std::find(entry.shape.begin(), entry.shape.end(), 0) != entry.shape.end();
  const uint64_t bytes = empty ? 0 : static_cast<uint64_t>(extent);
  if (entry.end - entry.begin != bytes)
    fail(path, what + ": data_offsets of shape " + json["shape"].dump() + " and " + dtype->name,
         std::to_string(entry.end - entry.begin) + " bytes", std::to_string(bytes));
  return entry;
}

/// Entries by place; every byte after the header belongs to exactly one.
std::vector<Entry> parse_entries(const std::string& path, const nlohmann::json& header, uint64_t data_bytes) {
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items())
    if (name != kMetadata) entries.push_back(parse_entry(path, name, json));
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end)
      fail(path, "tensor \"" + entry.name + "\" begins at byte " + std::to_string(entry.begin),
           entry.begin < end ? "an overlap" : "a gap", "byte " + std::to_string(end));
    end = entry.end;
  }
  if (end != data_bytes)
    fail(path, data_bytes < end ? "the file is cut short" : "bytes are left over",
         std::to_string(data_bytes) + " bytes of tensors", std::to_string(end));
  return entries;
}

void read_bytes(const std::string& path, std::istream& file, void* bytes, uint64_t count) {
  file.read(static_cast<char*>(bytes), static_cast<std::streamsize>(count));
  if (static_cast<uint64_t>(file.gcount()) != count) fail(path, "the file cannot be read to its end");
}

torch::Tensor read_tensor(const std::string& path, std::istream& file, uint64_t place, const Entry& entry) {
  torch::Tensor tensor = torch::empty(entry.shape, entry.type);
  file.clear();  // where another tensor could not be read
  file.seekg(static_cast<std::streamoff>(place));
  read_bytes(path, file, tensor.data_ptr(), entry.end - entry.begin);
  if (entry.type == torch::kBool) {
    const auto* bytes = static_cast<const uint8_t*>(tensor.data_ptr());
    if (std::any_of(bytes, bytes + tensor.numel(), [](uint8_t byte) { return byte > 1; }))
      fail(path, "tensor \"" + entry.name + "\" is BOOL but holds other bytes than 0 and 1");
  }
  return tensor;
}

torch::Tensor shape_of(at::IntArrayRef sizes, torch::ScalarType type) {
  return torch::empty(sizes, at::TensorOptions(type).device(torch::kMeta));
}

size_t dtype_rank(const torch::Tensor& tensor) {
  const auto dtype =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return d.type == tensor.scalar_type(); });
  TVAE_ASSERT(dtype != kDtypes.end(), std::string("no safetensors dtype for ") + c10::toString(tensor.scalar_type()));
  return static_cast<size_t>(dtype - kDtypes.begin());
}

}  // namespace

StoredTensors open_safetensors(const std::string& path, std::map<std::string, std::string>* metadata) {
  std::error_code error;
  const uint64_t file_bytes = std::filesystem::file_size(path, error);
  if (error) throw CheckpointError("cannot read " + path + ": " + error.message());
  const auto file = std::make_shared<std::ifstream>(path, std::ios::binary);
  if (!*file) throw CheckpointError("cannot read " + path + ": " + std::strerror(errno));

  if (file_bytes < kLengthBytes) fail(path, "no safetensors file", std::to_string(file_bytes) + " bytes");
  uint64_t header_bytes = 0;
  read_bytes(path, *file, &header_bytes, kLengthBytes);
  const uint64_t longest = std::min(kLargestHeader, file_bytes - kLengthBytes);
  if (header_bytes > longest)
    fail(path, "no safetensors file, or cut short: length of the header", std::to_string(header_bytes),
         "at most " + std::to_string(longest));
  std::string text(header_bytes, '\0');
  read_bytes(path, *file, text.data(), header_bytes);

  const nlohmann::json header = parse_header(path, text);
  std::map<std::string, std::string> notes;
  if (header.contains(kMetadata)) notes = parse_metadata(path, header[kMetadata]);
  if (metadata) *metadata = std::move(notes);
  const uint64_t data = kLengthBytes + header_bytes;
  StoredTensors tensors;
  for (const Entry& entry : parse_entries(path, header, file_bytes - data))
    tensors[entry.name] = {shape_of(entry.shape, entry.type), [path, file, place = data + entry.begin, entry] {
                             return read_tensor(path, *file, place, entry);
                           }};
  return tensors;
}

StoredTensor in_memory(const torch::Tensor& tensor) {
  return {shape_of(tensor.sizes(), tensor.scalar_type()), [tensor] { return tensor.detach().cpu().contiguous(); }};
}

StoredTensors in_memory(const std::map<std::string, torch::Tensor>& tensors) {
  StoredTensors stored;
  for (const auto& [name, tensor] : tensors) stored[name] = in_memory(tensor);
  return stored;
}

void write_safetensors(const std::string& path, const StoredTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const StoredTensors::value_type*> order;
  for (const auto& named : tensors) {
    TVAE_ASSERT(named.first != kMetadata, "a tensor must not bear the name of the metadata");
    order.push_back(&named);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](auto* a, auto* b) { return dtype_rank(a->second.shape) > dtype_rank(b->second.shape); });

  auto header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  uint64_t end = 0;
  for (const auto* named : order) {
    const torch::Tensor& shape = named->second.shape;
    const uint64_t begin = end;
    end += shape.nbytes();
    header[named->first] = {
        {"dtype", kDtypes[dtype_rank(shape)].name}, {"shape", shape.sizes().vec()}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const uint64_t header_bytes = text.size();

  write_file_atomically(path, [&](const Sink& sink) {
    sink({reinterpret_cast<const char*>(&header_bytes), kLengthBytes});
    sink(text);
    for (const auto* named : order) {
      const StoredTensor& stored = named->second;
      const torch::Tensor tensor = stored.read();
      TVAE_ASSERT(tensor.sizes() == stored.shape.sizes() && tensor.scalar_type() == stored.shape.scalar_type(),
                  named->first + " is what the header says");
      sink({static_cast<const char*>(tensor.data_ptr()), tensor.nbytes()});
    }
  });
}

}  // namespace tvae
