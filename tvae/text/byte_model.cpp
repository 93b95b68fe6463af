#include "tvae/text/byte_model.h"

#include <array>
#include <cstdio>

namespace tvae {
namespace {

const std::array<std::string, 3> kSpecialPieces = {"<pad>", "</s>", "<unk>"};
constexpr auto kByteOffset = static_cast<int32_t>(kSpecialPieces.size());
constexpr int32_t kUnknown = 2;

}  // namespace

std::string byte_piece(unsigned char byte) {
  std::array<char, 8> name;
  std::snprintf(name.data(), name.size(), "<0x%02X>", byte);
  return name.data();
}

TokenizerTraits ByteModel::traits() const {
  return {.tokenizer_class = "ByT5Tokenizer",
          .writes_anything = true,
          .keeps_text = true,
          .finds_added_tokens = false,
          .finds_special_tokens = false};
}

int32_t ByteModel::size() const {
  return kByteOffset + 256;
}

std::string ByteModel::piece(int32_t id) const {
  if (id < kByteOffset) return kSpecialPieces[static_cast<size_t>(id)];
  const auto byte = static_cast<unsigned char>(id - kByteOffset);
  return byte > ' ' && byte < 0x7F ? std::string(1, static_cast<char>(byte)) : byte_piece(byte);
}

std::optional<int32_t> ByteModel::find(const std::string& piece) const {
  for (int32_t id = 0; id < size(); ++id)
    if (this->piece(id) == piece) return id;
  return std::nullopt;
}

Written ByteModel::written(int32_t id) const {
  if (id == kUnknown) return {std::string(kUnknownText)};
  if (id < kByteOffset) return {"", "", /*skipped=*/true};
  return {std::string(1, static_cast<char>(id - kByteOffset))};
}

SpecialTokens ByteModel::special_tokens() const {
  return {{"pad_token", kSpecialPieces[0]}, {"eos_token", kSpecialPieces[1]}, {"unk_token", kSpecialPieces[2]}};
}

void ByteModel::encode(std::string_view text, std::vector<int32_t>& ids) const {
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c) + kByteOffset);
}

std::map<std::string, std::string> ByteModel::files(bool) const {
  return {};
}

void ByteModel::describe(nlohmann::ordered_json&, bool) const {}

}  // namespace tvae
