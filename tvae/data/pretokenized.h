// Sentences that OPTIMUS (Li et al. 2020) keeps as ids: a JSON list of {"bert_token": [...], "bert_token_length": n,
// "gpt2_token": [...], "gpt2_token_length": n}, 298 files of them for Wikipedia.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tvae/data/reader.h"

namespace tvae {

/// What a sentence's ids stand between in these files.
struct PretokenizedMarks {
  int32_t begin, end;
};
constexpr PretokenizedMarks kBertMarks = {101, 102};      // [CLS], [SEP]
constexpr PretokenizedMarks kGpt2Marks = {50258, 50259};  // <BOS>, <EOS>, which OPTIMUS adds after <PAD>

/// The ids of each sentence, without their marks, as `kind` has them: "bert" or "gpt2". `name` is the file's, for
/// messages. Throws DataError for what is no such list, and for ids that are none.
std::vector<std::vector<int32_t>> parse_pretokenized(const std::string& name, const std::string& json,
                                                     const std::string& kind);

/// Rows of such a file: texts that options.tokenizer writes for the ids, and, unless options.tokens is "text", the ids
/// themselves, which the tokenizer's own end will follow. Throws DataError also for ids that the tokenizer does not
/// have.
Rows pretokenized_rows(const std::string& name, const std::string& json, const ReadOptions& options);

}  // namespace tvae
