#include "apps/decoding.h"

#include <cmath>

#include "tvae/base/utf8.h"
#include "tvae/data/reader.h"

namespace tvae::apps {

LatentSpace open_space(const std::string& directory, const CommonOptions& common) {
  return LatentSpace::open(directory, parse_device(common.device));
}

void add_constrain_flag(CLI::App& command, bool& constrain) {
  command.add_flag("--constrain", constrain,
                   "write no bracket that closes nothing, and do not end inside a bracket or string (Python, SMILES)");
}

CLI::Option* add_search_flags(CLI::App& command, int64_t& candidates, double& radius) {
  CLI::Option* option = command
                            .add_option("--candidates", candidates,
                                        "outputs tried for a code that gives no valid text: the valid one nearest to "
                                        "the code is kept (reconstruct: the nearest one, valid or not); 1 = no others")
                            ->check(in_range(1, 100000))
                            ->capture_default_str();
  command
      .add_option("--search-radius", radius,
                  "how far from the code the other candidates are sought: 1 = as far as the encoder's own noise (where "
                  "it has none, a tenth of the code's length)")
      ->check(in_range(0, 1e6))
      ->needs(option)
      ->capture_default_str();
  return option;
}

CLI::Option* add_decode_flags(CLI::App& command, DecodeOptions& options) {
  CLI::Option* candidates = add_search_flags(command, options.candidates, options.search_radius);
  add_constrain_flag(command, options.constrain);
  return candidates;
}

CLI::Option* add_prior_scale_flag(CLI::App& command, double& scale, const std::string& help) {
  return command.add_option("--prior-scale", scale, help)->check(in_range(0, 1e6))->capture_default_str();
}

void add_strength_flag(CLI::App& command, std::vector<double>& strengths, const std::string& help) {
  command.add_option("--strength", strengths, help + "; several with commas between them")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(in_range(-1e6, 1e6))
      ->default_str("1");
}

DecodeOptions with_common(DecodeOptions options, const CommonOptions& common) {
  options.seed = static_cast<uint64_t>(common.seed);
  options.judge = common.json;
  return options;
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

void print_output(const Decoded& output, bool escapes, const CommonOptions& common, nlohmann::ordered_json fields) {
  if (!common.json) return print_line(output_line(output.text, escapes));
  fields["text"] = output.text;
  if (output.valid) fields["valid"] = *output.valid;
  print_json(fields);
}

std::string rounded_text(double value) {
  return nlohmann::json(std::round(value * 1000.0) / 1000.0).dump();
}

void print_facts(const nlohmann::ordered_json& facts, const CommonOptions& common) {
  if (common.json) return print_json(facts);
  for (const auto& [key, value] : facts.items())
    print_line(key + " = " +
               (value.is_string()         ? value.get<std::string>()
                : value.is_number_float() ? limit_text(value.get<double>())
                                          : value.dump()));
}

}  // namespace tvae::apps
