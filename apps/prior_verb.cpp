// tvae prior fit: the distribution that sample draws from.
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/text_io.h"
#include "tvae/base/folder_lock.h"
#include "tvae/eval/held_out.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, data;
  PriorRequest prior;
  ReadOptions read;
};

void fit(const Options& options, const CommonOptions& common) {
  prior_kinds().find(options.prior.kind);  // refuse before any work
  const LatentSpace space = open_space(options.model, common);
  const FolderLock lock(options.model);  // no training and no second fit writes there meanwhile
  space.require_prior_place();
  PriorRequest request = options.prior;
  request.fit.seed = static_cast<uint64_t>(common.seed);
  const std::vector<std::string> texts = options.data.empty()
                                             ? training_rows(options.model).texts
                                             : read_texts(options.data, options.read, options.model).texts;
  const PriorFit fitted = space.fit_prior(texts, request);
  space.save_prior(request.kind, fitted);
  print_facts(fitted.facts, common);
}

RunVerb set_up_fit(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("--data", options->data, "texts; default: the training file in the model's run.json")
      ->type_name("FILE");
  command.add_option("--kind", options->prior.kind, prior_kinds().described())
      ->type_name("NAME")
      ->capture_default_str();
  command
      .add_option("--components", options->prior.fit.components,
                  "Gaussians of a gmm; 0 = as many as do best on held-out codes")
      ->check(in_range(0, 10000))
      ->capture_default_str();
  command
      .add_option("--fit-on", options->prior.fit_on, "the codes of texts, or codes with the encoder's noise on them")
      ->check(one_of({kFitOnMeans, kFitOnSamples}))
      ->capture_default_str();
  command.add_option("--samples", options->prior.texts, "texts used, drawn at random; 0 = all")
      ->check(in_range(0))
      ->capture_default_str();
  add_read_flags(command, options->read);
  add_examples(command, {"tvae prior fit runs/mine", "tvae prior fit runs/mine --kind flow --data lines.txt"});
  return [options, &common] { fit(*options, common); };
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  const RunVerb run = set_up_below(
      command, common, {{"fit", "fit it to the codes of texts; it replaces the one in MODEL/latent", set_up_fit}});
  add_examples(command, {"tvae prior fit runs/mine", "tvae prior fit runs/mine --kind flow"});
  return run;
}

const Register<SetUpVerb> registered(verbs(), {"prior", "fit the distribution that sample draws from", set_up});

}  // namespace
}  // namespace tvae::apps
