#include "tests/fuzz/fuzz.h"
#include "tests/support/saved_model.h"
#include "tvae/run/model_directory.h"

/// Two files of a tiny model, config.json and tokenizer_config.json; its weights stay as they are.
TVAE_FUZZ(model_directory) {
  const auto& scratch = tvae::test::scratch();
  static const std::string folder = scratch.path("model");
  static const tvae::Model whole = tvae::test::saved_model(folder);
  const std::vector<std::string> files = tvae::test::parts(data, 2);
  scratch.put("model/config.json", files[0]);
  if (!files[1].empty()) scratch.put("model/tokenizer_config.json", files[1]);
  const tvae::Model model = tvae::load_model(folder);
  TVAE_ASSERT(tvae::load_model_config(folder).vocab_size >= model.tokenizer.size(), "more ids than the model has");
}
