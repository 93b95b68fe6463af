// Evaluation.md 1: free-running greedy reconstruction from the mean code; teacher forcing apart.
#include "tvae/eval/bleu.h"
#include "tvae/eval/image_agreement.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/text_statistics.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortTokens = 15;  // end of sequence included
constexpr int64_t kSequencesAtOnce = 256;

struct TeacherForced {
  double nats = 0.0, correct = 0.0;
  int64_t tokens = 0;
};

TeacherForced teacher_forced(Evaluation& evaluation) {
  const torch::NoGradGuard no_grad;
  const TransformerVae& vae = evaluation.model.vae;
  const auto& all = evaluation.held_out.ids;
  TeacherForced sum;
  for (size_t start = 0; start < all.size(); start += kSequencesAtOnce) {
    const size_t end = std::min(all.size(), start + kSequencesAtOnce);
    const TokenBatch batch =
        make_token_batch({all.begin() + static_cast<int64_t>(start), all.begin() + static_cast<int64_t>(end)});
    const torch::Tensor rows = torch::tensor(batch.rows, at::kLong) + static_cast<int64_t>(start);
    const torch::Tensor code = evaluation.codes().mean.index_select(0, rows).to(vae.device(), vae.dtype());
    const TokenStream stream = to_stream(batch, vae.device());
    const CrossEntropy result = vae.cross_entropy(stream, vae.decoder_states(stream, vae.decode_latent(code), 0.0, {}));
    sum.nats += result.token_nats.sum(at::kDouble).item<double>();
    sum.correct += result.correct.sum().item<double>();
    sum.tokens += batch.tokens();
  }
  return sum;
}

/// A mean over sequences; null over none.
struct Mean {
  double sum = 0.0;
  int64_t count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  Json json() const { return count == 0 ? Json() : Json(sum / static_cast<double>(count)); }
};

/// For images as text: "images" {n, readable, grey_error, equal_pixels}. readable: the share of outputs that are images
/// of as many rows as the original; the rest is over those, absent where there are none (image_agreement.h).
Json images(const std::vector<std::string>& originals, const std::vector<std::string>& outputs) {
  const ImageAgreement agreement = image_agreement(originals, outputs);
  Json result = {{"n", agreement.images}};
  if (agreement.images > 0)
    result["readable"] = static_cast<double>(agreement.readable) / static_cast<double>(agreement.images);
  if (agreement.readable > 0) {
    result["grey_error"] = agreement.grey_error;
    result["equal_pixels"] = agreement.equal_pixels;
  }
  return result;
}

}  // namespace

Json measure_reconstruction(Evaluation& evaluation, Rng&) {
  const HeldOut& data = evaluation.held_out;
  const std::vector<std::string>& outputs = evaluation.reconstructions();
  Mean exact, exact_short, exact_long, token_accuracy, similarity;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool same = outputs[i] == data.texts[i];
    exact.add(same);
    (data.ids[i].size() <= kShortTokens ? exact_short : exact_long).add(same);
    const std::vector<int32_t> ids(data.ids[i].begin(), data.ids[i].end() - 1);
    token_accuracy.add(1.0 - normalised_distance(ids, evaluation.outputs()[i].ids));
    similarity.add(1.0 - normalised_distance(data.texts[i], outputs[i]));
  }
  const TeacherForced forced = teacher_forced(evaluation);
  const auto tokens = static_cast<double>(forced.tokens);
  Json result = {{"exact_match", exact.json()},
                 {"exact_match_short", exact_short.json()},
                 {"exact_match_long", exact_long.json()},
                 {"token_accuracy", token_accuracy.json()},
                 {"edit_similarity", similarity.json()},
                 {"bleu", corpus_bleu(outputs, data.texts)},
                 {"teacher_forced_accuracy", forced.correct / tokens},
                 {"teacher_forced_nats", forced.nats / tokens},
                 {"untokenizable", data.untokenizable},
                 {"n", outputs.size()}};
  if (evaluation.model.check == "mnist") result["images"] = images(data.texts, outputs);
  return result;
}

}  // namespace tvae
