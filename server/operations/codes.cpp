// Texts to codes and back.
#include "server/operation.h"

namespace tvae::server {
namespace {

HttpResponse encode(const Call& call) {
  const EncodedTexts encoded =
      call.model().space.encode(call.given["texts"].get<std::vector<std::string>>(), call.progress);
  const bool deviations = call.given["deviations"] && encoded.log_variance.has_value();
  return json_response({{"codes", codes_to_json(encoded.mean)},
                        {"deviations", deviations ? codes_to_json(encoded.posterior().deviation()) : Json(nullptr)},
                        {"cut", encoded.cut}});
}

HttpResponse decode(const Call& call) {
  return decoded_response(call, codes_from(call, call.given["codes"], "/codes"));
}

HttpResponse reconstruct(const Call& call) {
  const LatentSpace& space = call.model().space;
  const auto texts = call.given["texts"].get<std::vector<std::string>>();
  const EncodedTexts encoded = space.encode(texts, call.progress);
  const std::vector<Reconstruction> made = space.reconstruct(texts, decode_options_from(call), call.progress);
  std::vector<Decoded> outputs;
  std::vector<Json> members;
  for (size_t i = 0; i < made.size(); ++i) {
    outputs.push_back(made[i].output);
    members.push_back({{"source", made[i].text}, {"exact", made[i].exact}, {"cut", static_cast<bool>(encoded.cut[i])}});
  }
  return json_response({{"outputs", outputs_json(call, outputs, encoded.mean, members)}});
}

const Register<Operation> encoded(operations(), {"encode", "texts to codes", encode});
const Register<Operation> decoded(operations(), {"decode", "codes to texts", decode});
const Register<Operation> reconstructed(operations(), {"reconstruct", "texts through the bottleneck", reconstruct});

}  // namespace
}  // namespace tvae::server
