// tokenizer.json: what Hugging Face's T5TokenizerFast and AutoTokenizer read.
#pragma once

#include <sentencepiece_processor.h>

#include <string>

namespace tvae {

/// The tokenizer.json of a model with byte fallback and without dummy prefix or normalisation, as those trained here.
/// Hugging Face's own conversion of spiece.model would lose repeated spaces and the bytes, and it knows no models of
/// single characters.
std::string fast_tokenizer_json(const sentencepiece::SentencePieceProcessor& processor);

}  // namespace tvae
