#include "apps/moved_text.h"

#include <cmath>

#include "apps/text_io.h"

namespace tvae::apps {

void add_strength_flag(CLI::App& command, std::vector<double>& strengths, const std::string& help) {
  command.add_option("--strength", strengths, help + "; several: repeated, or with commas between them")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check([](const std::string& word) {
        double value = 0.0;
        return CLI::detail::lexical_cast(word, value) && std::abs(value) <= 1e6
                   ? ""
                   : word + " is no finite number up to 1e6";
      })
      ->default_str("1");
}

torch::Tensor moved_codes(const torch::Tensor& code, const torch::Tensor& step, const std::vector<double>& strengths) {
  return code + torch::tensor(strengths, at::kFloat).view({-1, 1, 1}) * step;
}

std::string rounded_text(double value) {
  return nlohmann::json(std::round(value * 1000.0) / 1000.0).dump();
}

TextPrinter::TextPrinter(const Model& model, bool escapes, bool json)
    : TextPrinter(json ? make_validity_check(model.check) : nullptr, escapes, json) {}

TextPrinter::TextPrinter(std::shared_ptr<ValidityCheck> check, bool escapes, bool json)
    : escapes_(escapes), json_(json), check_(std::move(check)) {}

void TextPrinter::print(const std::vector<std::string>& texts, const std::vector<nlohmann::ordered_json>& fields) {
  const auto valid = check_ && json_ ? check_->valid(texts) : std::vector<bool>();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!json_) {
      print_line(output_line(texts[i], escapes_));
      continue;
    }
    nlohmann::ordered_json object = fields.empty() ? nlohmann::ordered_json::object() : fields[i];
    object["text"] = texts[i];
    if (check_) object["valid"] = static_cast<bool>(valid[i]);
    print_json(object);
  }
}

}  // namespace tvae::apps
