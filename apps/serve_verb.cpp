// tvae serve: the explorer, a page and an HTTP API.
#include <csignal>
#include <memory>

#include "apps/decoding.h"
#include "apps/text_io.h"
#include "server/explorer_server.h"
#include "tvae/base/log.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> models;
  bool no_umap = false;
  server::ServeOptions serve;
};

void serve(const Options& options, const CommonOptions& common) {
  server::ServeOptions how = options.serve;
  how.explorer.map.umap = !options.no_umap;
  how.explorer.map.seed = static_cast<uint64_t>(common.seed);
  std::signal(SIGPIPE, SIG_IGN);  // a client that leaves ends its own connection, not the program

  std::vector<LatentSpace> spaces;
  for (const std::string& model : options.models) spaces.push_back(open_space(model, common));
  server::ExplorerServer explorer(std::move(spaces), how);
  if (how.access.token.empty() && !explorer.token().empty())
    log_info("others reach this address, so requests need the token " + explorer.token());
  if (common.json)
    print_json({{"address", explorer.address()}, {"port", explorer.port()}});
  else
    print_line("the explorer is at " + explorer.address());
  std::fflush(stdout);
  if (!common.json) log_info("Ctrl-C ends it");
  if (!common.verbose) set_log_level(LogLevel::kQuiet);  // what is told of single requests
  explorer.run(/*until_signal=*/true);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->models, "model directory; a second one to compare it with")->required();
  command
      .add_option("--corpus", options->serve.explorer.corpus,
                  "texts of the map; default: the model's own corpus.jsonl, else what it was trained on")
      ->type_name("FILE");
  command
      .add_option("--host", options->serve.http.host, "address to listen at; any but this machine's own needs a token")
      ->capture_default_str();
  command.add_option("--port", options->serve.http.port, "port; 0 = any that is free")
      ->check(in_range(0, 65535))
      ->capture_default_str();
  command
      .add_option("--token", options->serve.access.token, "what requests have to bring; default: none for this machine")
      ->type_name("TEXT");
  command
      .add_option("--allow-origin", options->serve.access.allow_origin,
                  "pages of this origin may ask too, and show the explorer in a frame")
      ->type_name("ORIGIN");
  command.add_option("--points", options->serve.explorer.map.points, "texts on the map, at most")
      ->check(in_range(1, 1e7))
      ->capture_default_str();
  command.add_flag("--no-umap", options->no_umap, "a map by principal components alone, which is there at once");
  command.add_option("--assets", options->serve.assets, "the page's files from a folder, for those who work on them")
      ->type_name("FOLDER");
  add_read_flags(command, options->serve.explorer.read);
  command.footer(
      "Open the address in a browser. The map is made in the background and kept in MODEL/map; all else is there at "
      "once. GET /api/openapi.json describes the API. Ctrl-C lets running requests end.");
  add_examples(command, {"tvae serve models/python_lines", "tvae serve runs/mine runs/other --corpus lines.txt"});
  return [options, &common] { serve(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"serve", "explore a model in the browser", set_up});

}  // namespace
}  // namespace tvae::apps
