// tvae data wikipedia: sentences out of article texts.
#include <memory>

#include "apps/data_verb.h"
#include "tvae/corpus/sentences.h"

namespace tvae::apps {
namespace {

struct Options {
  std::vector<std::string> paths;
  SentenceOptions sentences;
  SplitOptions split;
};

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  options->split.valid_fraction = 0.01;
  command
      .add_option(
          "PATH", options->paths,
          "files of articles, and folders of them: what WikiExtractor writes (text or JSON lines), or text with "
          "one paragraph a line; also .gz, .xz, .zst")
      ->required();
  command.add_option("--min-length", options->sentences.min_length, "characters of the shortest sentence")
      ->check(in_range(0))
      ->capture_default_str();
  command.add_option("--max-length", options->sentences.max_length, "characters of the longest sentence")
      ->check(in_range(1))
      ->capture_default_str();
  add_split_options(command, options->split);
  add_examples(command, {"tvae data wikipedia extracted --out runs/wikipedia",
                         "tvae data wikipedia articles.txt.gz --max-length 120 --out runs/wikipedia"});
  return [options, &common] {
    write_split(options->split, options->paths, "txt", "sentences", common,
                gather_sentences(options->paths, options->sentences));
  };
}

const Register<SetUpVerb> registered(data_makers(), {"wikipedia", "sentences out of articles", set_up});

}  // namespace
}  // namespace tvae::apps
