#include "tvae/text/fast_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "tvae/base/utf8.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSpaceMark = "\u2581";

/// Pairs of pieces that SentencePiece's byte-pair encoding joins, the earliest first. It joins any two neighbours whose
/// union is a piece; the score of a piece is minus its rank.
Json merges_of(const sentencepiece::SentencePieceProcessor& processor) {
  std::vector<int> joined;
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    if (!processor.IsByte(id) && !processor.IsControl(id) && !processor.IsUnknown(id)) joined.push_back(id);
  std::stable_sort(joined.begin(), joined.end(),
                   [&](int a, int b) { return processor.GetScore(a) > processor.GetScore(b); });
  Json merges = Json::array();
  const auto is_piece = [&](const std::string& text) { return !processor.IsUnknown(processor.PieceToId(text)); };
  for (const int id : joined) {
    const std::string& piece = processor.IdToPiece(id);
    for (size_t cut = 1; cut < piece.size(); ++cut)
      if (is_piece(piece.substr(0, cut)) && is_piece(piece.substr(cut)))
        merges.push_back({piece.substr(0, cut), piece.substr(cut)});
  }
  return merges;
}

/// Whether the scores are ranks (0, -1, -2, ...), as those of byte-pair encoding, not log-probabilities.
bool scores_are_ranks(const sentencepiece::SentencePieceProcessor& processor) {
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    if (processor.GetScore(id) != std::trunc(processor.GetScore(id))) return false;
  return true;
}

bool only_single_characters(const sentencepiece::SentencePieceProcessor& processor) {
  for (int id = 0; id < processor.GetPieceSize(); ++id)
    if (!processor.IsByte(id) && !processor.IsControl(id) && !processor.IsUnknown(id) &&
        utf8_characters(processor.IdToPiece(id)).size() > 1)
      return false;
  return true;
}

Json fast_model(const sentencepiece::SentencePieceProcessor& processor) {
  const bool single = only_single_characters(processor);
  if (!single && !scores_are_ranks(processor)) {
    Json pieces = Json::array();
    for (int id = 0; id < processor.GetPieceSize(); ++id)
      pieces.push_back({processor.IdToPiece(id), processor.GetScore(id)});
    return {{"type", "Unigram"}, {"unk_id", processor.unk_id()}, {"vocab", pieces}, {"byte_fallback", true}};
  }
  Json ids = Json::object();
  for (int id = 0; id < processor.GetPieceSize(); ++id) ids[processor.IdToPiece(id)] = id;
  return {{"type", "BPE"},    {"unk_token", processor.IdToPiece(processor.unk_id())},
          {"fuse_unk", true}, {"byte_fallback", true},
          {"vocab", ids},     {"merges", single ? Json::array() : merges_of(processor)}};
}

}  // namespace

std::string fast_tokenizer_json(const sentencepiece::SentencePieceProcessor& processor) {
  const int eos = processor.eos_id();
  const std::string eos_piece = processor.IdToPiece(eos);
  Json special = Json::array();
  for (const int id : {processor.pad_id(), eos, processor.unk_id()})
    special.push_back({{"id", id},
                       {"content", processor.IdToPiece(id)},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
  const auto replace = [](std::string_view from, std::string_view to) -> Json {
    return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
  };
  const auto sequence = [](const char* name) -> Json { return {{"Sequence", {{"id", name}, {"type_id", 0}}}}; };
  const Json end = {{"SpecialToken", {{"id", eos_piece}, {"type_id", 0}}}};
  const Json end_ids = {{"id", eos_piece}, {"ids", {eos}}, {"tokens", {eos_piece}}};
  const Json json = {{"version", "1.0"},
                     {"added_tokens", special},
                     {"normalizer", replace(" ", kSpaceMark)},
                     {"pre_tokenizer", nullptr},
                     {"post_processor",
                      {{"type", "TemplateProcessing"},
                       {"single", {sequence("A"), end}},
                       {"pair", {sequence("A"), end, sequence("B"), end}},
                       {"special_tokens", {{eos_piece, end_ids}}}}},
                     {"decoder",
                      {{"type", "Sequence"},
                       {"decoders", {replace(kSpaceMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}}},
                     {"model", fast_model(processor)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tvae
