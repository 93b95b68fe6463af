// tvae tokenizer train | encode | decode: a tokenizer of one's own, and what it makes of a text.
#include <memory>

#include "apps/output_file.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/base/ranges.h"
#include "tvae/base/strings.h"
#include "tvae/base/utf8.h"
#include "tvae/config/model_folder.h"
#include "tvae/data/reader.h"
#include "tvae/text/tokenizer.h"

namespace tvae::apps {
namespace {

using Json = nlohmann::ordered_json;

struct TrainOptions {
  TokenizerTraining training;
  ReadOptions read;
  std::string out;
  std::vector<std::string> files;
};

void train(const TrainOptions& options, const CommonOptions& common) {
  if (holds_model(options.out))  // which cannot do with another tokenizer than its own
    throw ConfigError("the folder to write", options.out + ", which holds a model", "another folder");
  std::vector<std::string> lines;
  for (const std::string& file : options.files) {
    Rows rows = read_texts(file, options.read);
    lines.insert(lines.end(), std::make_move_iterator(rows.texts.begin()), std::make_move_iterator(rows.texts.end()));
  }
  TokenizerTraining training = options.training;
  if (common.seed_given) training.seed = common.seed;
  log_info("training a tokenizer on " + counted(lines.size(), "line"));
  const Tokenizer tokenizer = train_tokenizer(lines, training);
  write_tokenizer(tokenizer, options.out);
  if (common.json)
    print_json({{"out", options.out}, {"kind", training.kind}, {"size", tokenizer.size()}, {"lines", lines.size()}});
  else
    print_line(options.out + ": " + std::to_string(tokenizer.size()) + " ids");
}

struct CodecOptions {
  std::string tokenizer;
  std::string file = "-";
  bool escapes = false;
};

void encode(const CodecOptions& options, const CommonOptions& common) {
  const Tokenizer tokenizer = Tokenizer::load(options.tokenizer);
  LineReader reader(options.file);
  for (std::string line; reader.next(line);) {
    const std::vector<int32_t> ids = tokenizer.encode(options.escapes ? unescape_line(line) : line);
    if (common.json) {
      print_json(ids);
      continue;
    }
    std::vector<std::string> words;
    for (const int32_t id : ids) words.push_back(std::to_string(id));
    print_line(join(words, " "));
  }
}

/// The ids of a line as encode prints them: "5 6 7" or, with its --json, "[5,6,7]".
std::vector<int32_t> parse_ids(const std::string& line, const Tokenizer& tokenizer, const std::string& where) {
  const std::string expected = "an id of " + range_text(0, static_cast<double>(tokenizer.size() - 1));
  constexpr const char* kSeparators = " \t,[]";
  std::vector<int32_t> ids;
  for (size_t start = 0; (start = line.find_first_not_of(kSeparators, start)) != std::string::npos;) {
    const std::string word = line.substr(start, line.find_first_of(kSeparators, start) - start);
    const bool is_number = word.size() < 10 && word.find_first_not_of("0123456789") == std::string::npos;
    const int64_t id = is_number ? std::stoll(word) : -1;
    if (id < 0 || id >= tokenizer.size()) throw DataError(where, repair_utf8(word), expected);
    ids.push_back(static_cast<int32_t>(id));
    start += word.size();
  }
  return ids;
}

void decode(const CodecOptions& options, const CommonOptions& common) {
  const Tokenizer tokenizer = Tokenizer::load(options.tokenizer);
  LineReader reader(options.file);
  for (std::string line; reader.next(line);) {
    const std::string where = options.file + " line " + std::to_string(reader.line_number());
    const std::string text = tokenizer.decode(parse_ids(line, tokenizer, where));
    if (common.json)
      print_json({{"text", text}});
    else
      print_line(options.escapes ? escape_line(text) : text);
  }
}

RunVerb set_up_train(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<TrainOptions>();
  TokenizerTraining& training = options->training;
  command.add_option("--kind", training.kind, tokenizer_kinds().described())
      ->check(one_of(tokenizer_kinds().names()))
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--vocab-size", training.vocab_size, "how many ids, at most")->capture_default_str();
  command
      .add_option("--sample-lines", training.sample_lines,
                  "lines drawn for training; 0 = all; default as many as are enough")
      ->check(in_range(0));
  add_read_flags(command, options->read);
  command.add_option("--out", options->out, "folder to write")->type_name("DIR")->required();
  command.add_option("FILE", options->files, "texts; - = stdin")->required();
  add_examples(command, {"tvae tokenizer train lines.txt --out runs/tokenizer",
                         "tvae tokenizer train notes.csv --column text --kind bpe --vocab-size 1000 --out runs/bpe"});
  return [options, &common] { train(*options, common); };
}

/// Encode and decode take the same flags.
template <void (*run)(const CodecOptions&, const CommonOptions&)>
RunVerb set_up_codec(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<CodecOptions>();
  command.add_option("DIR", options->tokenizer, "a tokenizer's folder, a model, or a .model file")->required();
  command.add_option("FILE", options->file, "lines; - = stdin")->capture_default_str();
  add_escapes_flag(command, options->escapes);
  const std::string verb = "tvae tokenizer " + command.get_name();
  add_examples(command, {verb + " models/python_lines lines.txt", verb + " runs/tokenizer --json < lines.txt"});
  return [options, &common] { run(*options, common); };
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  const RunVerb run = set_up_below(command, common,
                                   {{"train", "learn one from lines", set_up_train},
                                    {"encode", "text to ids, line by line", set_up_codec<encode>},
                                    {"decode", "ids to text, line by line", set_up_codec<decode>}});
  add_examples(command, {"tvae tokenizer train lines.txt --out runs/tokenizer",
                         "echo \"x = 1\" | tvae tokenizer encode runs/tokenizer"});
  return run;
}

const Register<SetUpVerb> registered(verbs(), {"tokenizer", "train a tokenizer, or use one", set_up});

}  // namespace
}  // namespace tvae::apps
