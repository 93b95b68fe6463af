// Texts in and out of verbs: the flags that say how to read them, warnings about rows left out or cut, one line a text.
#pragma once

#include <string>
#include <vector>

#include "apps/verb.h"
#include "tvae/data/reader.h"
#include "tvae/latent/codec.h"
#include "tvae/latent/search.h"

namespace tvae::apps {

/// Texts that verbs work on at once: bounds memory and gives the first results early.
constexpr size_t kTextsAtOnce = 4096;

/// Adds --column, --label-column, --escapes and --strict.
void add_read_flags(CLI::App& command, ReadOptions& options);

/// A text of the command line. Throws ConfigError, naming the flag it came with, where it is no UTF-8.
std::string given_text(const std::string& raw, const std::string& flag, bool escapes);

/// read_rows with a warning about rows that were left out.
Rows read_texts(const std::string& path, const ReadOptions& options);

/// encode_texts with a warning that counts the texts that were cut.
EncodedTexts encode_and_warn(const Model& model, const std::vector<std::string>& texts);

/// Adds --constrain.
void add_constrain_flag(CLI::App& command, bool& constrain);

/// --prior-scale.
CLI::Option* add_prior_scale_flag(CLI::App& command, double& scale, const std::string& help);

/// load_model on the device that was asked for; with `constrain` its outputs keep to brackets and strings. Throws
/// ConfigError where its data has none.
Model load_decoder(const std::string& directory, const CommonOptions& common, bool constrain);

/// Adds --candidates and --search-radius; returns the first.
CLI::Option* add_search_flags(CLI::App& command, SearchOptions& options);

/// A text as one line of output: UTF-8, line breaks shown as \n and \r; with `escapes` also tabs and backslashes.
std::string output_line(const std::string& text, bool escapes);

}  // namespace tvae::apps
