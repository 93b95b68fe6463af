// A verb of somebody else: this file alone adds it.
#include <memory>

#include "apps/decoding.h"

namespace tvae::apps {
namespace {

const Register<SetUpVerb> registered(verbs(), {"shape", "the size of a model's codes",
                                               [](CLI::App& command, const CommonOptions& common) {
                                                 auto model = std::make_shared<std::string>();
                                                 command.add_option("MODEL", *model, "model directory")->required();
                                                 return [model, &common] {
                                                   const LatentSpace space = open_space(*model, common);
                                                   print_line(std::to_string(space.latent_tokens()) + " x " +
                                                              std::to_string(space.latent_size()));
                                                 };
                                               }});

}  // namespace
}  // namespace tvae::apps
