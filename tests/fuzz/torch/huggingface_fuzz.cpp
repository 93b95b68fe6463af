#include "tests/fuzz/fuzz.h"
#include "tvae/io/huggingface.h"

/// Three files of a model of Hugging Face: config.json, model.safetensors.index.json and its shard.
TVAE_FUZZ(huggingface) {
  const auto& scratch = tvae::test::scratch();
  const std::vector<std::string> files = tvae::test::parts(data, 3);
  scratch.put("huggingface/config.json", files[0]);
  scratch.put("huggingface/model.safetensors.index.json", files[1]);
  scratch.put("huggingface/shard.safetensors", files[2]);
  const std::string folder = scratch.path("huggingface");
  try {
    tvae::funnel_config_from_huggingface(tvae::open_huggingface_funnel(folder).config, {});
  } catch (const tvae::Error&) {  // what is no Funnel may be a T5
  }
  const tvae::HuggingFaceT5 t5 = tvae::load_huggingface_t5(folder);
  const tvae::ModelConfig config = tvae::model_config_from_huggingface(t5.config);
  const tvae::ModelConfig again = tvae::model_config_from_huggingface(tvae::huggingface_config(config));
  TVAE_ASSERT(config.d_model == again.d_model && config.feed_forward == again.feed_forward,
              "a configuration that does not read back");
}
