// tvae serve: the explorer, a page and an HTTP API.
#include <algorithm>
#include <csignal>
#include <memory>

#include "apps/decoding.h"
#include "apps/text_io.h"
#include "server/api.h"
#include "server/http_server.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/threads.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string assets;
  bool no_umap = false;
  server::ExplorerOptions explorer;
  server::HttpOptions http;
  server::Access access;
};

std::string address_of(const Options& options, uint16_t port) {
  const bool everywhere = options.http.host == "0.0.0.0" || options.http.host == "::";
  const bool v6 = options.http.host.find(':') != std::string::npos;
  const std::string host = everywhere ? "localhost" : v6 ? "[" + options.http.host + "]" : options.http.host;
  const std::string address = "http://" + host + ":" + std::to_string(port) + "/";
  return options.access.token.empty() ? address : address + "#token=" + options.access.token;
}

void serve(Options options, const CommonOptions& common) {
  if (options.models.size() > 2)
    throw ConfigError("models of serve", std::to_string(options.models.size()), "one, or two to compare");
  if (options.access.token.empty() && !server::is_loopback(options.http.host)) {
    options.access.token = server::new_token();
    log_info("others reach this address, so requests need the token " + options.access.token);
  }
  options.access.host = options.http.host;
  options.explorer.map.umap = !options.no_umap;
  options.explorer.map.seed = static_cast<uint64_t>(common.seed);
  // More than processors: those whose codes wait to be decoded with others' hold a thread, and do nothing.
  options.http.threads = std::max<size_t>(16, 4 * max_threads());
  const server::Assets assets =
      options.assets.empty() ? server::built_in_assets() : server::read_assets(options.assets);
  std::signal(SIGPIPE, SIG_IGN);  // a client that leaves ends its own connection, not the program

  std::vector<LatentSpace> spaces;
  for (const std::string& model : options.models) {
    spaces.push_back(open_space(model, common));
    spaces.back().share_decoding(static_cast<int64_t>(max_threads()));
  }
  std::unique_ptr<server::Api> api;
  server::HttpServer http(
      options.http,
      [&](const server::HttpRequest& request, Progress& progress) { return api->answer(request, progress); },
      server::Api::refusal);
  server::Explorer explorer(std::move(spaces), options.explorer);
  api = std::make_unique<server::Api>(explorer, options.access, assets, [&] { return http.waiting(); });
  const std::string address = address_of(options, http.port());
  if (common.json)
    print_json({{"address", address}, {"port", http.port()}});
  else
    print_line("the explorer is at " + address);
  std::fflush(stdout);
  if (!common.json) log_info("Ctrl-C ends it");
  if (!common.verbose) set_log_level(LogLevel::kQuiet);  // what is told of single requests
  http.run(/*until_signal=*/true);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->models, "model directory; a second one to compare it with")->required();
  command
      .add_option("--corpus", options->explorer.corpus,
                  "texts of the map; default: the model's own corpus.jsonl, else what it was trained on")
      ->type_name("FILE");
  command.add_option("--host", options->http.host, "address to listen at; any but this machine's own needs a token")
      ->capture_default_str();
  command.add_option("--port", options->http.port, "port; 0 = any that is free")
      ->check(in_range(0, 65535))
      ->capture_default_str();
  command.add_option("--token", options->access.token, "what requests have to bring; default: none for this machine")
      ->type_name("TEXT");
  command
      .add_option("--allow-origin", options->access.allow_origin,
                  "pages of this origin may ask too, and show the explorer in a frame")
      ->type_name("ORIGIN");
  command.add_option("--points", options->explorer.map.points, "texts on the map, at most")
      ->check(in_range(1, 1e7))
      ->capture_default_str();
  command.add_flag("--no-umap", options->no_umap, "a map by principal components alone, which is there at once");
  command.add_option("--assets", options->assets, "the page's files from a folder, for those who work on them")
      ->type_name("FOLDER");
  add_read_flags(command, options->explorer.read);
  command.footer(
      "Open the address in a browser. The map is made in the background and kept in MODEL/map; all else is there at "
      "once. GET /api/openapi.json describes the API. Ctrl-C lets running requests end.");
  add_examples(command, {"tvae serve models/python_lines", "tvae serve runs/mine runs/other --corpus lines.txt"});
  return [options, &common] { serve(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"serve", "explore a model in the browser", set_up});

}  // namespace
}  // namespace tvae::apps
