#include "tvae/train/previewer.h"

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/corpus/mnist_text.h"
#include "tvae/latent/codec.h"
#include "tvae/latent/paths.h"
#include "tvae/latent/probe.h"

namespace tvae {
namespace {

constexpr int64_t kPoints = 11;
constexpr double kSourceRatio = -10.0, kTargetRatio = 10.0;  // of the texts themselves, in the published table

/// Adds the share of valid ones among texts [first, last), where they were checked.
void add_valid_share(const std::string& name, const std::vector<PreviewText>& texts, size_t first, size_t last,
                     Metrics& metrics) {
  int64_t valid = 0;
  for (size_t i = first; i < last; ++i) {
    if (!texts[i].valid) return;
    valid += *texts[i].valid;
  }
  if (first < last) metrics.emplace_back(name, static_cast<double>(valid) / static_cast<double>(last - first));
}

}  // namespace

Previewer::Previewer(const TrainingSetup& setup)
    : setup_(setup), check_(make_validity_check(setup.config.data.check)) {}

Preview Previewer::operator()(int64_t step, Metrics& metrics) {
  const torch::NoGradGuard no_grad;
  Rng rng(mix64(static_cast<uint64_t>(setup_.config.train.seed)) ^ mix64(static_cast<uint64_t>(step)));
  Preview preview;
  preview.interpolation = interpolation(rng);
  preview.samples = samples(rng);
  constexpr size_t kEnd = 2;  // the text and its reconstruction
  if (!preview.interpolation.empty())
    add_valid_share("interpolation_valid", preview.interpolation, kEnd, preview.interpolation.size() - kEnd, metrics);
  add_valid_share("sample_valid", preview.samples, 0, preview.samples.size(), metrics);
  if (setup_.config.data.check == "mnist") {
    std::vector<std::string> texts;
    for (const PreviewText& shown : preview.interpolation) texts.push_back(shown.text);
    preview.strip = image_strip(texts);
  }
  if (!setup_.probe.labels.empty()) probe(rng, metrics);
  return preview;
}

std::vector<PreviewText> Previewer::interpolation(Rng& rng) {
  const int64_t n = setup_.valid->size();
  if (n < 2) return {};
  const int64_t first = at::randint(n, {1}, rng.generator(), at::kLong).item<int64_t>();
  const int64_t apart = at::randint(1, n, {1}, rng.generator(), at::kLong).item<int64_t>();
  const std::string source = held_out_text(first), target = held_out_text((first + apart) % n);
  const torch::Tensor ends = encode_texts(setup_.model, {source, target}).mean;
  const torch::Tensor ratios = at::arange(kPoints, at::kDouble) / static_cast<double>(kPoints - 1);
  const torch::Tensor points = paths().find(setup_.config.train.preview.path)(ends[0], ends[1], ratios);
  std::vector<PreviewText> shown = {{kSourceRatio, source, std::nullopt}};
  const std::vector<std::string> texts = decode_codes(setup_.model, points);
  for (int64_t i = 0; i < kPoints; ++i) shown.push_back({ratios[i].item<double>(), texts[i], std::nullopt});
  shown.push_back({kTargetRatio, target, std::nullopt});
  check(shown);
  return shown;
}

std::vector<PreviewText> Previewer::samples(Rng& rng) {
  if (setup_.config.train.preview.samples == 0) return {};
  const ModelConfig& model = setup_.model.vae.config();
  const torch::Tensor codes = at::randn({setup_.config.train.preview.samples, model.latent_tokens, model.latent_size},
                                        rng.generator(), at::kFloat);
  std::vector<PreviewText> shown;
  for (const std::string& text : decode_codes(setup_.model, codes)) shown.push_back({0.0, text, std::nullopt});
  check(shown);
  return shown;
}

void Previewer::probe(Rng& rng, Metrics& metrics) {
  std::vector<std::string> texts;
  for (const int64_t sequence : setup_.probe.sequences) texts.push_back(held_out_text(sequence));
  const PublishedProbe result = published_probe(encode_texts(setup_.model, texts).mean, setup_.probe.labels, rng);
  metrics.emplace_back("svm_classification_test_accuracy", result.accuracy);
  metrics.emplace_back("random_classification_test_accuracy", result.random_accuracy);
}

void Previewer::check(std::vector<PreviewText>& texts) {
  if (!check_) return;
  std::vector<std::string> all;
  for (const PreviewText& shown : texts) all.push_back(shown.text);
  try {
    const std::vector<bool> answers = check_->valid(all);
    for (size_t i = 0; i < texts.size(); ++i) texts[i].valid = answers[i];
  } catch (const DataError& error) {  // hours of training do not end because a judge gives no answer
    log_warning(std::string("a preview without its check: ") + error.what());
  }
}

std::string Previewer::held_out_text(int64_t index) const {
  const auto ids = setup_.valid->sequence(index);
  return setup_.model.tokenizer.decode({ids.begin(), ids.end() - 1});
}

}  // namespace tvae
