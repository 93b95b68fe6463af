// tvae encode: texts to codes.
#include <cstring>
#include <memory>

#include "apps/decoding.h"
#include "apps/model_texts.h"
#include "apps/output_file.h"
#include "apps/text_io.h"
#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/strings.h"
#include "tvae/latent/code_file.h"

namespace tvae::apps {
namespace {

struct Options {
  std::string model, file = "-", out = "-";
  ReadOptions read;
  bool skip_bad = false;
};

/// Codes in a file that cannot say of which rows they are would pass for those of the first ones.
void require_every_row(const Options& options, const Rows& rows) {
  if (rows.bad_count == 0 || options.skip_bad || !options.out.ends_with(".npy")) return;
  throw DataError(describe_bad_rows(rows, options.file), "", "",
                  "an .npy file cannot say of which rows its codes are: --skip-bad writes their numbers to " +
                      rows_file(options.out) + "; .jsonl, .tsv and .safetensors hold them");
}

void write_stdout(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw DataError("cannot write to stdout", std::strerror(errno));
}

void encode(const Options& options, const CommonOptions& common) {
  const bool to_stdout = options.out == "-";
  if (!to_stdout) code_format(options.out);  // refuse before any work
  check_output_file(options.out, {options.file});
  if (options.skip_bad && options.out.ends_with(".npy")) check_output_file(rows_file(options.out), {options.file});
  const LatentSpace space = open_space(options.model, common);
  const Rows rows = read_labelled_texts(options.file, options.read, options.model);
  require_every_row(options, rows);
  const EncodedTexts encoded = space.encode(rows.texts);
  if (to_stdout)
    return write_code_lines(common.json ? CodeFormat::kJsonl : CodeFormat::kTsv, encoded.mean, rows, write_stdout);
  write_output(options.out, [&] { save_codes(options.out, encoded, rows); });
  if (common.json)
    print_json({{"out", options.out}, {"shape", encoded.mean.sizes().vec()}});
  else
    log_info(counted(rows.texts.size(), "code") + " in " + options.out);
}

RunVerb set_up(CLI::App& command, const CommonOptions& common) {
  auto options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "model directory")->required();
  command.add_option("FILE", options->file, "texts; - = stdin")->capture_default_str();
  command.add_option("--out", options->out, "file to write: .npy, .safetensors, .jsonl or .tsv; - = stdout")
      ->type_name("FILE")
      ->capture_default_str();
  add_read_flags(command, options->read);
  command.add_flag("--skip-bad", options->skip_bad,
                   "with an .npy file: leave out rows that cannot be used, and write which were kept beside it");
  options->read.keep_empty = true;  // a row of output for each line of input
  command.footer(
      "One code a text, in order: the mean, where the encoder gives a distribution. stdout and .tsv: the numbers of a "
      "code on a line, with tabs between them; --json and .jsonl: {row, text, label, code} a line; .npy: float32 "
      "[texts, latent tokens, latent size]; .safetensors: \"mean\", \"row\", and \"log_variance\" where there is one. "
      "Where "
      "rows were left out or have labels, .tsv has a header, and the columns row and label before the numbers; "
      ".safetensors has \"label\", places in the metadata \"labels\".");
  add_examples(command, {"tvae encode models/python_lines lines.txt --out codes.npy",
                         R"(echo "x = 1" | tvae encode models/python_lines --json)"});
  return [options, &common] { encode(*options, common); };
}

const Register<SetUpVerb> registered(verbs(), {"encode", "texts to codes", set_up});

}  // namespace
}  // namespace tvae::apps
