// SentencePiece's file, written out of another form of the same model.
#pragma once

#include <string>
#include <vector>

namespace tvae {

/// What of sentencepiece_model.proto a model needs to encode and decode. Names and numbers as there.
struct SentencePieceProto {
  enum class PieceType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kByte = 6 };
  enum class ModelType { kUnigram = 1, kBpe = 2, kChar = 4 };
  struct Piece {
    std::string piece;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };

  std::vector<Piece> pieces;  // by id
  ModelType model_type = ModelType::kUnigram;
  bool byte_fallback = false;
  std::string pad_piece, eos_piece, unk_piece;
  std::string precompiled_charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;

  std::string serialized() const;
};

}  // namespace tvae
