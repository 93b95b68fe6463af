#include "tvae/eval/model_corpus.h"

#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/data/file_set.h"
#include "tvae/eval/held_out.h"
#include "tvae/run/data_options.h"

namespace tvae {

TextsFile corpus_file(const std::string& model_directory, const std::string& given, const ReadOptions& read) {
  if (!given.empty()) return {given, read_as_run(model_directory, given, read, /*labels=*/true)};
  if (const std::string own = model_directory + "/" + kCorpusFile; file_exists(own))
    return {own, {.column = "text", .label_column = "label"}};
  return {};
}

Rows corpus_rows(const std::string& model_directory, const TextsFile& file) {
  if (!file.path.empty()) return read_rows_with_warnings(file.path, file.read);
  const RecordedData recorded = recorded_data(model_directory);
  if (!recorded.train.path.empty() && files_can_be_read_again(recorded.train.path)) return recorded.train.rows();
  throw with_remedy(DataError(recorded.train.path.empty() ? "the model does not say what it was trained on"
                                                          : "the file that the model was trained on is not there",
                              "", "", "give a corpus"),
                    Remedy::kGiveCorpus);
}

}  // namespace tvae
