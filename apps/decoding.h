// Verbs that decode: the flags that say how, and texts as lines or JSON.
#pragma once

#include <string>
#include <vector>

#include "apps/verb.h"
#include "tvae/latent/space.h"

namespace tvae::apps {

/// Texts that verbs work on at once: bounds memory and gives the first results early.
constexpr int64_t kTextsAtOnce = 4096;

/// The model in a directory, on the device that was asked for.
LatentSpace open_space(const std::string& directory, const CommonOptions& common);

/// Adds --candidates, --search-radius and --constrain. Returns the first.
CLI::Option* add_decode_flags(CLI::App& command, DecodeOptions& options);

/// Adds --constrain, and --candidates and --search-radius of a search; returns the second.
void add_constrain_flag(CLI::App& command, bool& constrain);
CLI::Option* add_search_flags(CLI::App& command, int64_t& candidates, double& radius);

/// --prior-scale.
CLI::Option* add_prior_scale_flag(CLI::App& command, double& scale, const std::string& help);

/// Adds --strength: finite numbers, repeated or with commas between them. `strengths` holds the default.
void add_strength_flag(CLI::App& command, std::vector<double>& strengths, const std::string& help);

/// The options with what every verb says: the seed, and, for JSON, whether outputs are valid.
DecodeOptions with_common(DecodeOptions options, const CommonOptions& common);

/// A text as one line of output: UTF-8, line breaks shown as \n and \r; with `escapes` also tabs and backslashes.
std::string output_line(const std::string& text, bool escapes);

/// A line; with --json an object: `fields`, "text" and, where the model's check judged it, "valid".
void print_output(const Decoded& output, bool escapes, const CommonOptions& common,
                  nlohmann::ordered_json fields = nlohmann::ordered_json::object());

/// A figure for people, rounded to three decimals.
std::string rounded_text(double value);

/// "key = value" a line, or the object with --json.
void print_facts(const nlohmann::ordered_json& facts, const CommonOptions& common);

}  // namespace tvae::apps
