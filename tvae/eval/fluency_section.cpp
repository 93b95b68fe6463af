// Whether outputs read like held-out texts, judged by n-gram models: for texts that no check can judge.
#include "tvae/eval/bootstrap.h"
#include "tvae/eval/fluency.h"
#include "tvae/eval/protocol.h"

namespace tvae {
namespace {

using Json = nlohmann::ordered_json;
using Sequences = FluencyJudge::Sequences;

constexpr size_t kTrainingTokens = 2'000'000;

Sequences ids_of(const Model& model, const std::vector<std::string>& texts, size_t most_tokens = SIZE_MAX) {
  Sequences all;
  size_t tokens = 0;
  for (const std::string& text : texts) {
    if (tokens >= most_tokens) break;
    all.push_back(model.tokenizer.encode(text));
    all.back().push_back(model.tokenizer.eos_id());
    tokens += all.back().size();
  }
  return all;
}

size_t tokens_of(const Sequences& texts) {
  size_t tokens = 0;
  for (const std::vector<int32_t>& text : texts) tokens += text.size();
  return tokens;
}

/// The sums of `unit` rows that follow one another: they are resampled together.
torch::Tensor by_unit(const torch::Tensor& rows, int64_t unit) {
  return rows.reshape({-1, unit, rows.size(1)}).sum(1);
}

double ratio(const torch::Tensor& sums) {
  return sums[0].item<double>() / std::max(1.0, sums[1].item<double>());
}

/// Texts of a column of the report.
struct Column {
  std::string name;
  Sequences texts;       // all of them
  int64_t unit = 1;      // texts that follow one another and are alike
  Sequences apart = {};  // one a unit
};

}  // namespace

Json measure_fluency(Evaluation& evaluation, Rng& rng) {
  const Model& model = evaluation.model;
  const std::vector<std::string>& training = evaluation.options.training_sample;
  if (training.empty()) {
    evaluation.skip("fluency", evaluation.options.no_training_texts);
    return nullptr;
  }
  const FluencyJudge judge(ids_of(model, training, kTrainingTokens), evaluation.held_out.ids, model.tokenizer.size());

  std::vector<Column> columns = {{.name = "held_out", .texts = evaluation.held_out.ids}};
  if (const DecodedPaths& paths = evaluation.between(); !paths.texts.empty()) {
    constexpr int64_t kInterior = DecodedPaths::kInterior;
    Column column{.name = "paths", .texts = ids_of(model, paths.texts), .unit = kInterior};
    const torch::Tensor at =
        at::randint(kInterior, {static_cast<int64_t>(paths.pairs.size())}, rng.generator(), at::kLong);
    for (int64_t i = 0; i < at.size(0); ++i)
      column.apart.push_back(column.texts[static_cast<size_t>(kInterior * i + at.const_data_ptr<int64_t>()[i])]);
    columns.push_back(std::move(column));
  }
  for (const DecodedDraws& draws : evaluation.draws())
    columns.push_back({.name = draws.prior, .texts = ids_of(model, draws.texts)});
  size_t fewest = SIZE_MAX;  // tokens, of which distinct n-grams are counted everywhere
  for (Column& column : columns) {
    if (column.unit == 1) column.apart = column.texts;
    fewest = std::min(fewest, tokens_of(column.apart));
  }

  Json result = Json::object();
  for (const Column& column : columns) {
    Json& figures = result[column.name];
    const torch::Tensor nats = by_unit(judge.nats(column.texts), column.unit);
    add_figure(figures, "nats", nats, ratio);
    if (column.name != "held_out") {
      add_figure(figures, "fluency", nats,
                 [&](const torch::Tensor& sums) { return judge.held_out_nats() / ratio(sums); });
      figures["reverse_fluency"] = judge.reverse(column.apart);
    }
    add_figure(figures, "repetition", by_unit(repeated_pairs(column.texts), column.unit), ratio);
    for (const size_t n : {1, 2}) figures["distinct_" + std::to_string(n)] = distinct_ngrams(column.apart, n, fewest);
  }
  result["n"] = evaluation.options.samples;
  return result;
}

namespace {

const Register<EvaluationSection> registered(
    evaluation_sections(),
    {"fluency",
     "Whether outputs read like held-out texts, by 5-gram models of their tokens (modified Kneser-Ney): on the paths, "
     "and of draws. Of most use where no check judges the texts.",
     {measure_fluency,
      {
          {"nats", "nats a token under a model of the training texts"},
          {"fluency",
           "nats a token of the held-out texts by those of these: 1 = as likely, less = less fluent, more = plainer "
           "than real texts"},
          {"reverse_fluency",
           "the other way round: nats a token of the held-out texts under a model of as many training texts, by those "
           "under a model of these. Less than 1 = they lack what real texts have"},
          {"repetition", "share of the pairs of neighbouring tokens that stand in the same text before (seq-rep-2)"},
          {"distinct_1", "different tokens a token, over as many tokens in every column"},
          {"distinct_2", "the same of pairs"},
      }},
     /*order=*/3});

}  // namespace

}  // namespace tvae
