#include "tvae/text/sentencepiece_proto.h"

#include <bit>
#include <cstdint>
#include <string_view>

namespace tvae {
namespace {

// Protocol buffers (protobuf.dev/programming-guides/encoding): a field is a varint of its number and wire type, then a
// varint, four bytes, or a length and bytes.

void put_varint(std::string& message, uint64_t value) {
  for (; value >= 0x80; value >>= 7) message += static_cast<char>(value | 0x80);
  message += static_cast<char>(value);
}

void put_number(std::string& message, uint64_t field, uint64_t value) {
  put_varint(message, field << 3);
  put_varint(message, value);
}

void put_bytes(std::string& message, uint64_t field, std::string_view bytes) {
  put_varint(message, field << 3 | 2);
  put_varint(message, bytes.size());
  message += bytes;
}

void put_float(std::string& message, uint64_t field, float value) {
  put_varint(message, field << 3 | 5);
  auto bits = std::bit_cast<uint32_t>(value);
  for (int i = 0; i < 4; ++i, bits >>= 8) message += static_cast<char>(bits & 0xFF);
}

}  // namespace

std::string SentencePieceProto::serialized() const {
  std::string model;
  size_t unknown = 0;
  for (size_t id = 0; id < pieces.size(); ++id) {
    std::string piece;
    put_bytes(piece, 1, pieces[id].piece);
    put_float(piece, 2, pieces[id].score);
    put_number(piece, 3, static_cast<uint64_t>(pieces[id].type));
    put_bytes(model, 1, piece);
    if (pieces[id].type == PieceType::kUnknown) unknown = id;
  }
  std::string trainer;
  put_number(trainer, 3, static_cast<uint64_t>(model_type));
  put_number(trainer, 4, pieces.size());
  put_number(trainer, 35, byte_fallback);
  put_number(trainer, 40, unknown);
  put_bytes(trainer, 45, unk_piece);
  put_bytes(trainer, 47, eos_piece);
  put_bytes(trainer, 48, pad_piece);
  put_bytes(model, 2, trainer);
  std::string normalizer;
  put_bytes(normalizer, 1, precompiled_charsmap.empty() ? "identity" : "precompiled");
  put_bytes(normalizer, 2, precompiled_charsmap);
  put_number(normalizer, 3, add_dummy_prefix);
  put_number(normalizer, 4, remove_extra_whitespaces);
  put_number(normalizer, 5, /*escape_whitespaces=*/1);
  put_bytes(model, 3, normalizer);
  return model;
}

}  // namespace tvae
