#include "tvae/text/character_map.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace tvae {
namespace {

// ---- Protocol buffers, as far as finding a field goes (protobuf.dev/programming-guides/encoding)

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::optional<uint64_t> take_varint(std::string_view& message) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !message.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(message.front());
    message.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

/// Calls `visit(number, content)` for every field that holds bytes. False where the message is malformed or a visit is
/// false.
template <class Visit>
bool visit_fields(std::string_view message, const Visit& visit) {
  while (!message.empty()) {
    const auto key = take_varint(message);
    if (!key) return false;
    const uint64_t type = *key & 7;
    const auto length = type == kVarint || type == kBytes ? take_varint(message)
                        : type == kFixed64                ? std::optional<uint64_t>(8)
                        : type == kFixed32                ? std::optional<uint64_t>(4)
                                                          : std::nullopt;
    if (!length) return false;
    if (type == kVarint) continue;
    if (*length > message.size()) return false;
    if (type == kBytes && !visit(*key >> 3, message.substr(0, *length))) return false;
    message.remove_prefix(*length);
  }
  return true;
}

// ---- A double-array trie of darts-clone (github.com/s-yata/darts-clone), which searches for the prefixes of a text

constexpr int kMostPrefixes = 32;  // for so many has SentencePiece room

uint32_t label(uint32_t unit) {
  return unit & (uint32_t{1} << 31 | 0xFF);
}
uint32_t offset(uint32_t unit) {
  return unit >> 10 << ((unit & uint32_t{1} << 9) >> 6);
}
bool has_leaf(uint32_t unit) {
  return (unit >> 8 & 1) == 1;
}
uint32_t value(uint32_t unit) {
  return unit & ~(uint32_t{1} << 31);
}

/// Whether every search stays among the units, finds few enough prefixes, and gives values below `values`.
bool is_sound_trie(const std::vector<uint32_t>& units, size_t values) {
  std::vector<int> prefixes(units.size(), -1);  // the most on a way to a unit; -1 = not reached
  std::vector<uint32_t> open = {0};
  prefixes[0] = 0;
  while (!open.empty()) {
    const uint32_t place = open.back();
    open.pop_back();
    const uint32_t base = place ^ offset(units[place]);
    if ((base | 0xFF) >= units.size()) return false;
    if (has_leaf(units[place]) && value(units[base]) >= values) return false;
    for (uint32_t byte = 0; byte <= 0xFF; ++byte) {
      const uint32_t next = base ^ byte;
      if (label(units[next]) != byte) continue;
      const int found = prefixes[place] + (has_leaf(units[next]) ? 1 : 0);
      if (found <= prefixes[next]) continue;
      if (found > kMostPrefixes) return false;
      prefixes[next] = found;
      open.push_back(next);
    }
  }
  return true;
}

/// The size of the trie in bytes, the trie, and the replacements, each with its NUL.
bool is_sound_map(std::string_view map) {
  uint32_t bytes = 0;
  if (map.empty()) return true;
  if (map.size() < sizeof bytes) return false;
  std::memcpy(&bytes, map.data(), sizeof bytes);
  map.remove_prefix(sizeof bytes);
  if (bytes == 0 || bytes >= map.size() || bytes % sizeof(uint32_t) != 0 || map.back() != '\0') return false;
  std::vector<uint32_t> units(bytes / sizeof(uint32_t));
  std::memcpy(units.data(), map.data(), bytes);
  return is_sound_trie(units, map.size() - bytes);
}

}  // namespace

bool has_sound_character_maps(std::string_view serialized_model) {
  constexpr uint64_t kNormalizerSpec = 3, kDenormalizerSpec = 5, kCharacterMap = 2;  // of sentencepiece_model.proto
  return visit_fields(serialized_model, [](uint64_t field, std::string_view spec) {
    if (field != kNormalizerSpec && field != kDenormalizerSpec) return true;
    return visit_fields(
        spec, [](uint64_t part, std::string_view content) { return part != kCharacterMap || is_sound_map(content); });
  });
}

}  // namespace tvae
