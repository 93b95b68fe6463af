// tokenizer.json: what Hugging Face's T5TokenizerFast and AutoTokenizer read.
#pragma once

#include <sentencepiece_processor.h>

#include <memory>
#include <string>

#include "tvae/text/tokenizer_files.h"
#include "tvae/text/tokenizer_model.h"

namespace tvae {

/// The tokenizer.json of a model with byte fallback and without dummy prefix or normalisation, as those trained here.
/// Hugging Face's own conversion of spiece.model would lose repeated spaces and the bytes, and it knows no models of
/// single characters.
std::string fast_tokenizer_json(const sentencepiece::SentencePieceProcessor& processor);

struct FastTokenizer {
  std::shared_ptr<const TokenizerModel> model;
  AddedTokens added;
};

/// Reads a tokenizer.json: Unigram with the normalisation of SentencePiece (T5's) and the models that are trained here
/// become SentencePiece models, BPE of bytes is GPT-2's, WordPiece BERT's. What they are put between sequences (the
/// post-processor), and limits of length, are the business of who encodes. Throws CheckpointError, naming the part,
/// where another normalizer, pre-tokenizer, decoder or setting shapes the ids. `files`: of its folder, whose
/// tokenizer_config.json goes before it as in Hugging Face's BertTokenizerFast.
FastTokenizer read_fast_tokenizer(const std::string& path, const TokenizerFiles& files);

}  // namespace tvae
