// Texts that verbs read for a model: as its run read its own, where the flags do not say otherwise.
#pragma once

#include <string>

#include "apps/text_io.h"

namespace tvae::apps {

/// read_rows with warnings, as read_texts of text_io.h.
Rows read_texts(const std::string& path, const ReadOptions& options, const std::string& model);

/// The same with the labels of the run's own label column, where every row of the file has one.
Rows read_labelled_texts(const std::string& path, const ReadOptions& options, const std::string& model);

/// The same without the warnings, for what is told later or again: describe_reading.
Rows read_labelled_texts_untold(const std::string& path, const ReadOptions& options, const std::string& model);

/// All that shapes the rows that it gives of a file, besides the file: equal for two calls that read alike.
std::string way_of_reading(const std::string& path, const ReadOptions& options, const std::string& model);

/// Whether texts are given and shown with escapes: where that was asked for, or the model's run read its own so.
bool with_escapes(bool given, const std::string& model);

}  // namespace tvae::apps
