#include "tvae/text/tokenizer_model.h"

namespace tvae {

void TokenizerModel::encode_parts(const std::vector<TextPart>& parts, std::vector<int32_t>& ids) const {
  for (const TextPart& part : parts) {
    if (part.added)
      ids.push_back(*part.added);
    else
      encode(part.text, ids);
  }
}

}  // namespace tvae
