// Free-running greedy reconstruction from the mean code; teacher forcing apart (docs/evaluation.md).
#include "tvae/eval/bleu.h"
#include "tvae/eval/bootstrap.h"
#include "tvae/eval/image_agreement.h"
#include "tvae/eval/language_statistics.h"
#include "tvae/eval/protocol.h"
#include "tvae/eval/text_statistics.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortTokens = 15;  // end of sequence included
constexpr int64_t kSequencesAtOnce = 256;

/// Of each sequence: nats, tokens predicted right, tokens; [N, 3], the sequences in no particular order.
torch::Tensor teacher_forced(Evaluation& evaluation) {
  const auto& all = evaluation.held_out.ids;
  std::vector<torch::Tensor> sums;
  for (size_t start = 0; start < all.size(); start += kSequencesAtOnce) {
    const size_t end = std::min(all.size(), start + kSequencesAtOnce);
    const TokenBatch batch =
        make_token_batch({all.begin() + static_cast<int64_t>(start), all.begin() + static_cast<int64_t>(end)});
    const torch::Tensor rows = torch::tensor(batch.rows, at::kLong) + static_cast<int64_t>(start);
    const TokenStream stream = to_stream(batch, evaluation.model.vae.device());
    const CrossEntropy result = evaluation.cross_entropy(stream, evaluation.codes().mean.index_select(0, rows));
    std::vector<int64_t> tokens;
    for (const Span& span : stream.spans) tokens.push_back(span.length);
    sums.push_back(at::stack({sequence_sums(result.token_nats, stream.spans),
                              sequence_sums(result.correct, stream.spans), torch::tensor(tokens, at::kDouble)},
                             1));
  }
  return at::cat(sums);
}

/// "bleu" of the whole set, sequences resampled for its interval.
void add_bleu(Json& result, const std::vector<std::string>& outputs, const std::vector<std::string>& texts) {
  std::vector<torch::Tensor> rows;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const BleuCounts counts = bleu_counts(outputs[i], texts[i]);
    std::vector<int64_t> numbers = {counts.hypothesis_length, counts.reference_length};
    numbers.insert(numbers.end(), counts.correct.begin(), counts.correct.end());
    numbers.insert(numbers.end(), counts.total.begin(), counts.total.end());
    rows.push_back(torch::tensor(numbers, at::kLong));
  }
  const auto bleu_of_sums = [](const torch::Tensor& sums) {
    const int64_t* numbers = sums.const_data_ptr<int64_t>();
    BleuCounts counts{.hypothesis_length = numbers[0], .reference_length = numbers[1]};
    std::copy_n(numbers + 2, counts.correct.size(), counts.correct.begin());
    std::copy_n(numbers + 2 + counts.correct.size(), counts.total.size(), counts.total.begin());
    return bleu(counts);
  };
  add_figure(result, "bleu", at::stack(rows), bleu_of_sums);
}

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

/// "exact_match", and of short and of long sequences alone, each with its interval, under names with a prefix.
void add_exact_match(Json& result, Evaluation& evaluation, const std::string& prefix,
                     const std::vector<std::string>& outputs) {
  const HeldOut& data = evaluation.held_out;
  std::vector<double> all, of_short, of_long;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool same = outputs[i] == data.texts[i];
    all.push_back(same);
    (data.ids[i].size() <= kShortTokens ? of_short : of_long).push_back(same);
  }
  for (const auto& [name, shares] :
       {std::pair{"exact_match", all}, {"exact_match_short", of_short}, {"exact_match_long", of_long}}) {
    const std::string key = prefix + name;
    if (shares.empty()) {
      evaluation.skip("reconstruction." + key, "no such sequences");
      continue;
    }
    add_share(result, key, shares);
  }
}

}  // namespace

Json measure_reconstruction(Evaluation& evaluation, Rng&) {
  const HeldOut& data = evaluation.held_out;
  const std::vector<std::string>& outputs = evaluation.reconstructions();
  std::vector<double> token_accuracy, similarity;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::vector<int32_t> ids(data.ids[i].begin(), data.ids[i].end() - 1);
    token_accuracy.push_back(1.0 - normalised_distance(ids, evaluation.outputs()[i].ids));
    similarity.push_back(1.0 - normalised_distance(data.texts[i], outputs[i]));
  }
  Json result = Json::object();
  add_exact_match(result, evaluation, "", outputs);
  add_share(result, "token_accuracy", token_accuracy);
  add_share(result, "edit_similarity", similarity);
  add_bleu(result, outputs, data.texts);
  const torch::Tensor forced = teacher_forced(evaluation);
  const auto a_token = [](int64_t number) {
    return [number](const torch::Tensor& sums) { return sums[number].item<double>() / sums[2].item<double>(); };
  };
  add_figure(result, "teacher_forced_accuracy", forced, a_token(1));
  add_figure(result, "teacher_forced_nats", forced, a_token(0));
  result.update({{"untokenizable", data.untokenizable}, {"n", outputs.size()}});
  if (const auto searched = evaluation.searched_reconstructions())
    add_exact_match(result, evaluation, "searched_", *searched);
  if (evaluation.model.check == "mnist") result["images"] = images(data.texts, outputs);
  return result;
}

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"reconstruction",
     "Held-out sequences go through their mean code and are decoded greedily, running freely.",
     {measure_reconstruction,
      {
          {"exact_match", "share of sequences that come back unchanged"},
          {"exact_match_short", "exact match among sequences of at most 15 tokens"},
          {"exact_match_long", "exact match among longer ones"},
          {"searched_exact_match", "exact match with decode-time search: the figure above is the plain one"},
          {"searched_exact_match_short", "the same among sequences of at most 15 tokens"},
          {"searched_exact_match_long", "the same among longer ones"},
          {"token_accuracy", "1 − edit distance / longer length, in tokens; the mean over sequences"},
          {"edit_similarity", "1 − edit distance / longer length, in characters"},
          {"bleu", "BLEU-4 of the whole set, as sacrebleu defines it, on a scale of 0 to 1"},
          {"teacher_forced_accuracy",
           "share of tokens predicted when all earlier ones are given: far easier than running freely"},
          {"teacher_forced_nats", "cross-entropy a token, in nats, under the same help"},
          {"untokenizable", "sequences left out because the tokenizer does not give them back"},
          {"images", "Where texts are images: how alike they and what came back are."},
          {"n", "sequences that are images"},
          {"readable", "share of them whose output is an image of as many rows"},
          {"grey_error", "mean difference of grey values over the readable ones' pixels; 1 = black for white"},
          {"equal_pixels", "share of their pixels that are the same"},
      }},
     /*order=*/0});

}  // namespace

}  // namespace tvae
