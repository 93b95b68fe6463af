// Texts decoded from codes that a verb has drawn or moved: how they are printed, and the flag that says how far.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/verb.h"
#include "tvae/latent/codec.h"
#include "tvae/validity/validity.h"

namespace tvae::apps {

/// Adds --strength: finite numbers, repeated or with commas between them. `strengths` holds the default.
void add_strength_flag(CLI::App& command, std::vector<double>& strengths, const std::string& help);

/// code [K, D] + each strength · step [K, D]: [strengths, K, D].
torch::Tensor moved_codes(const torch::Tensor& code, const torch::Tensor& step, const std::vector<double>& strengths);

/// A figure for people, rounded to three decimals.
std::string rounded_text(double value);

/// Prints texts: a line each; with --json objects with fields of their own, "text" and, where there is a check,
/// "valid".
class TextPrinter {
 public:
  /// With the model's own check.
  TextPrinter(const Model& model, bool escapes, bool json);
  /// With a check that the verb uses too; null for none.
  TextPrinter(std::shared_ptr<ValidityCheck> check, bool escapes, bool json);
  void print(const std::vector<std::string>& texts, const std::vector<nlohmann::ordered_json>& fields = {});

 private:
  bool escapes_, json_;
  std::shared_ptr<ValidityCheck> check_;
};

}  // namespace tvae::apps
