#include "tvae/latent/bracket_constraint.h"

#include "tvae/base/error.h"
#include "tvae/base/strings.h"
#include "tvae/validity/validity.h"

namespace tvae {
namespace {

/// Keeps the brackets and strings of an output's text in order.
class BracketConstraint : public OutputConstraint {
 public:
  BracketConstraint(const Model& model, std::shared_ptr<const std::vector<std::string>> pieces)
      : syntax_(make_bracket_syntax(model.check)),
        eos_(model.vae.config().eos_token_id),
        tokens_left_(model.max_tokens),
        pieces_(std::move(pieces)) {}

  bool accept(int64_t id) override {
    if (id == eos_) return syntax_->missing() == 0;
    // Each missing character is at most one token, and the end of sequence is one; the last token closes nothing more.
    if (!syntax_->append((*pieces_)[static_cast<size_t>(id)], std::max<int64_t>(0, tokens_left_ - 2))) return false;
    --tokens_left_;
    return true;
  }

 private:
  std::unique_ptr<BracketSyntax> syntax_;
  int64_t eos_, tokens_left_;
  std::shared_ptr<const std::vector<std::string>> pieces_;  // text of each id
};

std::shared_ptr<const std::vector<std::string>> texts_of_ids(const Model& model) {
  std::vector<std::string> pieces;
  for (int64_t id = 0; id < model.vae.config().vocab_size; ++id)
    pieces.push_back(id < model.tokenizer.size() ? model.tokenizer.text_of(static_cast<int32_t>(id)) : "");
  return std::make_shared<const std::vector<std::string>>(std::move(pieces));
}

}  // namespace

OutputConstraintFactory bracket_constraint(const Model& model) {
  if (!make_bracket_syntax(model.check))
    throw ConfigError("outputs cannot be constrained: no brackets of this model's data are known",
                      "data.check " + model.check, "one of " + join(names_with_bracket_syntax(), ", "));
  return [&model, pieces = texts_of_ids(model)] { return std::make_unique<BracketConstraint>(model, pieces); };
}

}  // namespace tvae
