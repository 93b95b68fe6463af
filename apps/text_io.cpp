#include "apps/text_io.h"

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/utf8.h"
#include "tvae/validity/bracket_syntax.h"

namespace tvae::apps {

void add_read_flags(CLI::App& command, ReadOptions& options) {
  command.add_option("--column", options.column, "text column of a table; default \"text\", else the first");
  command.add_option("--label-column", options.label_column, "label column of a table");
  command.add_flag("--escapes", options.escapes, "\\n, \\t and \\\\ stand for newline, tab and backslash");
  command.add_flag("--strict", options.strict, "bad rows are errors");
}

std::string given_text(const std::string& raw, const std::string& flag, bool escapes) {
  if (!is_valid_utf8(raw)) throw ConfigError(flag, "bytes that are no UTF-8", "a text in UTF-8");
  return escapes ? unescape_line(raw) : raw;
}

Rows read_texts(const std::string& path, const ReadOptions& options) {
  Rows rows = read_rows(path, options);
  if (const std::string bad = describe_bad_rows(rows, path); !bad.empty()) log_warning(bad);
  return rows;
}

EncodedTexts encode_and_warn(const Model& model, const std::vector<std::string>& texts) {
  EncodedTexts encoded = encode_texts(model, texts);
  if (encoded.cut > 0)
    log_warning(std::to_string(encoded.cut) + " of " + std::to_string(texts.size()) +
                " texts are longer than the model's " + std::to_string(model.max_tokens) + " tokens and were cut");
  return encoded;
}

void add_constrain_flag(CLI::App& command, bool& constrain) {
  command.add_flag("--constrain", constrain,
                   "never close a bracket that is not open, nor end while a bracket or string is (Python, SMILES)");
}

Model load_decoder(const std::string& directory, const CommonOptions& common, bool constrain) {
  Model model = load_model(directory, parse_device(common.device));
  if (constrain && !make_bracket_syntax(model.check))
    throw ConfigError("--constrain knows no brackets of this model's data", "data.check " + model.check,
                      "python or smiles");
  model.constrained = constrain;
  return model;
}

CLI::Option* add_prior_scale_flag(CLI::App& command, double& scale, const std::string& help) {
  return command.add_option("--prior-scale", scale, help)->check(number_in(0, 1e6))->capture_default_str();
}

CLI::Option* add_search_flags(CLI::App& command, SearchOptions& options) {
  CLI::Option* candidates = command
                                .add_option("--candidates", options.candidates,
                                            "decode-time search: of this many outputs a code the valid one nearest to "
                                            "it (reconstruct: the nearest); 1 = none")
                                ->check(CLI::Range(1, 100000))
                                ->capture_default_str();
  command
      .add_option("--search-radius", options.radius,
                  "distance of the further candidates' codes, in posterior standard deviations (a tenth of the code's "
                  "size where there are "
                  "none)")
      ->check(number_in(0, 1e6))
      ->needs(candidates)
      ->capture_default_str();
  return candidates;
}

std::string output_line(const std::string& text, bool escapes) {
  const std::string whole = repair_utf8(text);
  if (escapes) return escape_line(whole);
  std::string line;
  for (const char c : whole) {
    if (c == '\n')
      line += "\\n";
    else if (c == '\r')
      line += "\\r";
    else
      line += c;
  }
  return line;
}

}  // namespace tvae::apps
