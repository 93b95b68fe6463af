// The Python module tvae._core: the library's front doors (latent/space.h, latent/corpus_map.h, eval/evaluate.h,
// train/train.h) and the explorer's (server/explorer_server.h) as Python objects, and nothing that they do not have.
// What users see is made of it in python/tvae/*.py.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <torch/version.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "server/explorer_server.h"
#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/json.h"
#include "tvae/base/log.h"
#include "tvae/base/threads.h"
#include "tvae/base/utf8.h"
#include "tvae/config/presets.h"
#include "tvae/eval/evaluate.h"
#include "tvae/eval/model_corpus.h"
#include "tvae/latent/corpus_map.h"
#include "tvae/latent/differentiable.h"
#include "tvae/latent/moves.h"
#include "tvae/latent/paths.h"
#include "tvae/latent/space.h"
#include "tvae/ops/out_of_memory.h"
#include "tvae/run/assembled_model.h"
#include "tvae/run/huggingface_model.h"
#include "tvae/run/run_directory.h"
#include "tvae/train/setup.h"
#include "tvae/train/train.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace tvae {
namespace {

// ---- Arrays

/// What Python gives as codes: [N, K, D] fp32 in rows, on the CPU; nothing is copied.
using GivenCodes = nb::ndarray<const float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
template <class Number>
using Array = nb::ndarray<nb::numpy, Number>;

/// The same in fp64, which holds what is fp32 as it is.
using GivenNumbers = nb::ndarray<const double, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

/// Places on a map: [N, 2].
using GivenPlaces = nb::ndarray<const float, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

/// Valid as long as the array is.
template <class Number, class... Properties>
torch::Tensor tensor_of(const nb::ndarray<const Number, Properties...>& numbers) {
  std::vector<int64_t> shape;
  for (size_t i = 0; i < numbers.ndim(); ++i) shape.push_back(static_cast<int64_t>(numbers.shape(i)));
  return torch::from_blob(const_cast<Number*>(numbers.data()), shape,  // NOLINT: it is read alone
                          c10::CppTypeToScalarType<Number>::value);
}

/// The tensor's own memory, which lives as long as the array. Of what an object keeps Number is const, so that nobody
/// writes into it.
template <class Number>
Array<Number> array_of(torch::Tensor tensor) {
  using Stored = std::remove_const_t<Number>;
  tensor = tensor.to(at::kCPU, c10::CppTypeToScalarType<Stored>::value).contiguous();
  const std::vector<size_t> shape(tensor.sizes().begin(), tensor.sizes().end());
  auto* const owner = new torch::Tensor(std::move(tensor));
  const nb::capsule capsule(owner, [](void* held) noexcept { delete static_cast<torch::Tensor*>(held); });
  return {owner->data_ptr<Stored>(), shape.size(), shape.data(), capsule};
}

// ---- Progress, Ctrl-C and errors

/// A Python callable (what, done, total), or None.
using Listener = std::optional<nb::typed<nb::callable, nb::any(nb::str, nb::int_, nb::int_)>>;
using Dict = nb::typed<nb::dict, nb::str, nb::any>;

/// Whether anything was computed with several threads, which no child of a fork has; and whether this is such a child.
std::atomic<bool> threads_used = false, threads_lost = false;

/// Tells a Listener, ten times a second at most, and looks for Ctrl-C. What the callable or
/// Ctrl-C raises stops the work, and is raised again once that has stopped.
class PythonProgress : public Progress {
 public:
  explicit PythonProgress(Listener listener = std::nullopt) : listener_(std::move(listener)) {}

  void update(const char* what, int64_t done, int64_t total) override {
    constexpr auto kBetween = std::chrono::milliseconds(100);
    const auto now = std::chrono::steady_clock::now();
    what_ = what;
    left_ = total - done;
    total_ = total;
    if (raised_) throw Interrupted("stopped by Python");
    if (now < next_ && (total == 0 || done < total)) return;
    next_ = now + kBetween;
    tell(done);
  }

  /// Runs Python code; what it raises is kept, and stops the work.
  template <class Call>
  void keep_what_it_raises(const Call& call) {
    try {
      call();
    } catch (nb::python_error& error) {
      keep(error);
      throw Interrupted("stopped by Python");
    }
  }

  /// The call without the interpreter's lock, so that other threads of Python go on.
  template <class Call>
  auto run(const Call& call) {
    if (at::get_num_threads() > 1) threads_used = true;
    PythonProgress* const outer = std::exchange(current_, this);
    try {
      const nb::gil_scoped_release released;
      if constexpr (std::is_void_v<decltype(call())>) {
        call();
        finish();
        current_ = outer;
      } else {
        auto result = call();
        finish();
        current_ = outer;
        return result;
      }
    } catch (const Interrupted&) {
      current_ = outer;
      if (raised_) throw std::exchange(raised_, std::nullopt).value();
      throw;
    } catch (...) {
      current_ = outer;
      throw;
    }
  }

  /// What Python raised where nothing may be thrown, in a message of the library: the call of this thread ends with it
  /// when it next tells how far it is, or is done. False where there is no such call.
  static bool keep_for_later(nb::python_error& error) {
    if (current_ == nullptr) return false;
    if (!current_->raised_) current_->keep(error);
    return true;
  }

 private:
  void keep(nb::python_error& error) { raised_.emplace(std::move(error)); }
  /// All is done, where the last that was told is less.
  void finish() {
    if (raised_) throw Interrupted("stopped by Python");
    if (left_ > 0) tell(total_);
  }
  void tell(int64_t done) {
    const nb::gil_scoped_acquire gil;
    keep_what_it_raises([&] {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      if (listener_) (*listener_)(what_, done, total_);
    });
  }

  Listener listener_;
  const char* what_ = "";
  int64_t left_ = 0, total_ = 0;  // as they were told last
  std::chrono::steady_clock::time_point next_;
  std::optional<nb::python_error> raised_;
  static thread_local PythonProgress* current_;  // of the call that this thread is in
};
thread_local PythonProgress* PythonProgress::current_ = nullptr;

/// A call that does not tell how far it is.
template <class Call>
auto without_gil(const Call& call) {
  return PythonProgress().run(call);
}

const char* name_of(Remedy remedy) {
  switch (remedy) {
    case Remedy::kNone:
      return "";
    case Remedy::kFitPrior:
      return "fit_prior";
    case Remedy::kFitDirection:
      return "fit_direction";
    case Remedy::kGiveTexts:
      return "give_texts";
    case Remedy::kGiveTrainingTexts:
      return "give_training_texts";
    case Remedy::kGiveCorpus:
      return "give_corpus";
    case Remedy::kListPresets:
      return "list_presets";
    case Remedy::kAssign:
      return "assign";
  }
  return "";
}

/// Raises tvae.errors.KIND(message).
void raise(const char* kind, const std::string& message, const char* remedy = "") {
  nb::module_::import_("tvae.errors").attr("raise_error")(kind, message, remedy);
}

void translate(const std::exception_ptr& pointer, void*) {
  try {
    try {
      std::rethrow_exception(pointer);
    } catch (const OccupiedFolder& error) {
      raise("ConfigError", error.what(), "occupied");
    } catch (const OtherSettings& error) {
      raise("ConfigError", error.what(), "other_settings");
    } catch (const MovedData& error) {
      raise("DataError", error.what(), "moved_data");
    } catch (const NoTokenizer& error) {
      raise("CheckpointError", error.what(), "no_tokenizer");
    } catch (const UnimportedT5& error) {
      raise("CheckpointError", error.what(), "import_t5");
    } catch (const UnwritableModel& error) {
      raise("DataError", error.what(), "keep_in_memory");
    } catch (const ConfigError& error) {
      raise("ConfigError", error.what(), name_of(error.remedy()));
    } catch (const DataError& error) {
      raise("DataError", error.what(), name_of(error.remedy()));
    } catch (const CheckpointError& error) {
      raise("CheckpointError", error.what(), name_of(error.remedy()));
    } catch (const Error& error) {
      raise("Error", error.what(), name_of(error.remedy()));
    } catch (const std::filesystem::filesystem_error& error) {
      raise("DataError", error.path1().string() + ": " + error.code().message());
    } catch (const Bug& error) {
      raise("Error", std::string("internal error: ") + error.what());
    } catch (const nlohmann::json::exception& error) {
      raise("Error", std::string("internal error: ") + error.what());
    } catch (const c10::Error& error) {
      if (is_out_of_memory(error)) {
        PyErr_SetString(PyExc_MemoryError, "out of memory: fewer texts at a time, or a smaller model, need less");
      } else {
        const std::string what = error.what_without_backtrace();
        raise("Error", "internal error: " + what.substr(0, what.find('\n')));
      }
    }
  } catch (nb::python_error& raised) {
    raised.restore();
  }
}

/// Every line that the library would write to stderr goes to tvae.messages.take(level, text).
void take_message(LogLevel least, bool warning, const std::string& message) {
  if (Py_IsInitialized() == 0) return;
  const nb::gil_scoped_acquire gil;
  const char* level = warning ? "warning" : least == LogLevel::kVerbose ? "debug" : "info";
  try {
    nb::module_::import_("tvae.messages").attr("take")(level, message);
  } catch (nb::python_error& error) {  // Ctrl-C, or a warning that the user made an error
    if (!PythonProgress::keep_for_later(error)) error.discard_as_unraisable("tvae");
  }
}

Dict from_json(const nlohmann::ordered_json& json) {
  return nb::cast<Dict>(nb::module_::import_("json").attr("loads")(
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)));
}

// ---- Training

/// Tells methods of a Python object.
class PythonObserver : public TrainingObserver {
 public:
  PythonObserver(nb::object listener, PythonProgress& progress) : listener_(std::move(listener)), progress_(progress) {}

  void on_train_begin(int64_t steps_done, int64_t total_steps, double seconds_done) override {
    tell([&] { listener_.attr("on_train_begin")(steps_done, total_steps, seconds_done); });
  }
  void on_new_plan(int64_t total_steps) override {
    tell([&] { listener_.attr("on_new_plan")(total_steps); });
  }
  void on_log(int64_t step, const Metrics& metrics) override {
    tell([&] { listener_.attr("on_log")(step, as_dict(metrics)); });
  }
  void on_evaluate(int64_t step, const HeldOutEvaluation& evaluation) override {
    tell([&] {
      listener_.attr("on_evaluate")(step, as_dict(evaluation.metrics), texts_of(evaluation.preview.interpolation),
                                    texts_of(evaluation.preview.samples));
    });
  }
  void on_train_end(int64_t step) override {
    tell([&] { listener_.attr("on_train_end")(step); });
  }

 private:
  static nb::dict as_dict(const Metrics& metrics) {
    nb::dict dict;
    for (const auto& [name, value] : metrics) dict[name.c_str()] = value;
    return dict;
  }
  static nb::list texts_of(const std::vector<PreviewText>& texts) {
    nb::list list;
    for (const PreviewText& text : texts) list.append(nb::make_tuple(text.ratio, repair_utf8(text.text), text.valid));
    return list;
  }
  template <class Call>
  void tell(const Call& call) {
    const nb::gil_scoped_acquire gil;
    progress_.keep_what_it_raises(call);
  }

  nb::object listener_;
  PythonProgress& progress_;
};

StartMode start_mode(const std::string& name) {
  return name == "resume" ? StartMode::kResume : name == "overwrite" ? StartMode::kOverwrite : StartMode::kNew;
}

Dict train_run(const TrainOptions& options, nb::object listener, Listener progress_listener) {
  PythonProgress progress(std::move(progress_listener));
  PythonObserver observer(std::move(listener), progress);
  TrainedRun run;
  try {
    run = progress.run([&] { return train(options, progress, {&observer}); });
  } catch (const OccupiedFolder& error) {
    raise("ConfigError", error.what(), error.holds_run ? "occupied_by_run" : "occupied");
  }
  Dict result;
  result["directory"] = run.directory;
  result["steps"] = run.steps;
  result["planned_steps"] = run.planned_steps;
  result["was_finished"] = run.was_finished;
  return result;
}

// ---- The module

using Texts = std::vector<std::string>;

template <class Options>
nb::class_<Options> options_class(nb::module_& module, const char* name) {
  return nb::class_<Options>(module, name).def(nb::init<>());
}

/// What a pickle has kept of a tensor.
template <class Number>
using Kept = nb::ndarray<const Number, nb::c_contig, nb::device::cpu>;

void bind_values(nb::module_& module) {
  options_class<DecodeOptions>(module, "DecodeOptions")
      .def_rw("constrain", &DecodeOptions::constrain)
      .def_rw("judge", &DecodeOptions::judge)
      .def_rw("candidates", &DecodeOptions::candidates)
      .def_rw("search_radius", &DecodeOptions::search_radius)
      .def_rw("sample", &DecodeOptions::sample)
      .def_rw("temperature", &DecodeOptions::temperature)
      .def_rw("top_k", &DecodeOptions::top_k)
      .def_rw("top_p", &DecodeOptions::top_p)
      .def_rw("seed", &DecodeOptions::seed);
  options_class<OptimizeOptions>(module, "OptimizeOptions")
      .def_rw("steps", &OptimizeOptions::steps)
      .def_rw("step_size", &OptimizeOptions::step_size)
      .def_rw("prior_weight", &OptimizeOptions::prior_weight)
      .def_rw("text_weight", &OptimizeOptions::text_weight)
      .def_rw("downhill", &OptimizeOptions::downhill);
  nb::class_<Decoded>(
      module, "Decoded", nb::is_final(),
      "A decoded text: ``text``, ``probability`` of each of its tokens (empty for a searched one), ``valid`` "
      "by the model's check (None where it has none), and whether it was ``searched`` for.")
      .def("__repr__",
           [](const Decoded& decoded) {
             return nb::str("tvae.Decoded({!r}, valid={!r})").format(repair_utf8(decoded.text), decoded.valid);
           })
      .def_prop_ro("text", [](const Decoded& decoded) { return repair_utf8(decoded.text); })
      .def_prop_ro(
          "probability", [](const Decoded& decoded) { return array_of<float>(torch::tensor(decoded.probability)); },
          nb::rv_policy::automatic)
      .def_ro("valid", &Decoded::valid)
      .def_ro("searched", &Decoded::searched)
      .def("__getstate__",
           [](const Decoded& decoded) {
             return std::tuple(repair_utf8(decoded.text), decoded.probability, decoded.valid, decoded.searched);
           })
      .def("__setstate__",
           [](Decoded& decoded, const std::tuple<std::string, std::vector<float>, std::optional<bool>, bool>& state) {
             const auto& [text, probability, valid, searched] = state;
             new (&decoded) Decoded{text, probability, valid, searched};
           });
  nb::class_<Reconstruction>(
      module, "Reconstruction", nb::is_final(),
      "A text and what came back of it: ``text``, ``output`` (Decoded), and whether both are ``exact``ly "
      "the same.")
      .def("__repr__",
           [](const Reconstruction& reconstruction) {
             return nb::str("tvae.Reconstruction({!r}, {!r})")
                 .format(reconstruction.text, repair_utf8(reconstruction.output.text));
           })
      .def_ro("text", &Reconstruction::text)
      .def_ro("output", &Reconstruction::output)
      .def_ro("exact", &Reconstruction::exact)
      .def("__getstate__",
           [](const Reconstruction& reconstruction) {
             return std::tuple(reconstruction.text, reconstruction.output, reconstruction.exact);
           })
      .def("__setstate__", [](Reconstruction& reconstruction, const std::tuple<std::string, Decoded, bool>& state) {
        const auto& [text, output, exact] = state;
        new (&reconstruction) Reconstruction{text, output, exact};
      });
  nb::class_<PathPoint>(module, "PathPoint").def_ro("ratio", &PathPoint::ratio).def_ro("output", &PathPoint::output);
  nb::class_<MovedText>(module, "MovedText")
      .def_ro("source", &MovedText::source)
      .def_ro("strength", &MovedText::strength)
      .def_ro("logit", &MovedText::logit)
      .def_ro("output", &MovedText::output);
  nb::class_<OptimizedText>(module, "OptimizedText")
      .def_ro("step", &OptimizedText::step)
      .def_ro("objective", &OptimizedText::objective)
      .def_ro("value", &OptimizedText::value)
      .def_ro("unlikeliness", &OptimizedText::unlikeliness)
      .def_ro("output", &OptimizedText::output);
  nb::class_<LinearProperty>(module, "LinearProperty")
      .def("value",
           [](const LinearProperty& property, const GivenCodes& codes) {
             const torch::Tensor given = tensor_of(codes);
             return array_of<double>(without_gil([&] { return property.value(given); }));
           })
      .def_prop_ro(
          "weights", [](const LinearProperty& property) { return array_of<const double>(property.weights); },
          nb::rv_policy::automatic)
      .def_ro("intercept", &LinearProperty::intercept)
      .def("__getstate__",
           [](const LinearProperty& property) {
             return std::tuple(array_of<double>(property.scale.mean), array_of<double>(property.scale.deviation),
                               array_of<double>(property.weights), property.intercept);
           })
      .def("__setstate__",
           [](LinearProperty& property, const std::tuple<Kept<double>, Kept<double>, Kept<double>, double>& state) {
             const auto& [mean, deviation, weights, intercept] = state;
             new (&property) LinearProperty{
                 {tensor_of(mean).clone(), tensor_of(deviation).clone()}, tensor_of(weights).clone(), intercept};
           });
  nb::class_<PropertyFit>(module, "PropertyFit")
      .def_ro("linear", &PropertyFit::property)
      .def_prop_ro("r2", [](const PropertyFit& fit) { return fit.score.r2; })
      .def_prop_ro("spearman", [](const PropertyFit& fit) { return fit.score.spearman; })
      .def_prop_ro("held_out", [](const PropertyFit& fit) { return fit.score.held_out_rows; })
      .def("__getstate__",
           [](const PropertyFit& fit) {
             const PropertyScore& score = fit.score;
             return std::tuple(fit.property, score.train_rows, score.held_out_rows, score.r2, score.spearman);
           })
      .def("__setstate__",
           [](PropertyFit& fit,
              const std::tuple<LinearProperty, int64_t, int64_t, std::optional<double>, std::optional<double>>& state) {
             const auto& [property, train_rows, held_out_rows, r2, spearman] = state;
             new (&fit) PropertyFit{property, {train_rows, held_out_rows, r2, spearman}};
           });
  nb::class_<DirectionFit>(module, "DirectionFit")
      .def_prop_ro(
          "step", [](const DirectionFit& fit) { return array_of<const float>(fit.direction.step); },
          nb::rv_policy::automatic)
      .def_prop_ro("logit", [](const DirectionFit& fit) { return fit.direction.logit; })
      .def_prop_ro("facts", [](const DirectionFit& fit) { return from_json(fit.facts); })
      .def("__getstate__",
           [](const DirectionFit& fit) {
             return std::tuple(array_of<float>(fit.direction.step), fit.direction.logit, fit.facts.dump());
           })
      .def("__setstate__", [](DirectionFit& fit, const std::tuple<Kept<float>, LinearProperty, std::string>& state) {
        const auto& [step, logit, facts] = state;
        new (&fit) DirectionFit{{tensor_of(step).clone(), logit}, parse_json(facts)};
      });
  nb::class_<TextIndex>(module, "TextIndex")
      .def_prop_ro("texts", &TextIndex::texts)
      .def_prop_ro("rows", &TextIndex::rows)
      .def_prop_ro(
          "codes", [](const TextIndex& index) { return array_of<const float>(index.codes()); },
          nb::rv_policy::automatic)
      .def("query",
           [](const TextIndex& index, const GivenCodes& codes, int64_t n) {
             const torch::Tensor wanted = tensor_of(codes);
             const auto found = without_gil([&] { return index.query(wanted, n); });
             std::vector<std::vector<std::pair<size_t, double>>> all;
             for (const auto& of_query : found) {
               all.emplace_back();
               for (const TextIndex::Neighbor& neighbor : of_query)
                 all.back().emplace_back(neighbor.text, neighbor.distance);
             }
             return all;
           })
      .def("__getstate__",
           [](const TextIndex& index) {
             return std::tuple(index.texts(), index.rows(), array_of<float>(index.codes()),
                               static_cast<int>(index.metric()));
           })
      .def("__setstate__",
           [](TextIndex& index, const std::tuple<Texts, std::vector<int64_t>, Kept<float>, int>& state) {
             const auto& [texts, rows, codes, metric] = state;
             new (&index) TextIndex(texts, rows, tensor_of(codes).clone(), static_cast<Metric>(metric));
           });
}

void bind_space(nb::module_& module) {
  using Space = LatentSpace;
  nb::class_<Space>(module, "Space")
      .def_static("open",
                  [](const std::string& directory, const std::string& device) {
                    return without_gil([&] { return Space::open(directory, parse_device(device)); });
                  })
      .def_prop_ro("directory", [](const Space& space) { return space.model().directory; })
      .def_prop_ro("latent_tokens", &Space::latent_tokens)
      .def_prop_ro("latent_size", &Space::latent_size)
      .def_prop_ro("max_tokens", [](const Space& space) { return space.model().max_tokens; })
      .def_prop_ro("check", [](const Space& space) { return space.model().check; })
      .def_prop_ro("weights", [](const Space& space) { return space.model().vae.parameters().count(); })
      .def_prop_ro("config",
                   [](const Space& space) { return from_json(model_config_to_json(space.model().vae.config())); })
      .def("encode",
           [](const Space& space, const Texts& texts, Listener listener) {
             PythonProgress progress(std::move(listener));
             const EncodedTexts encoded = progress.run([&] { return space.encode(texts, progress); });
             std::optional<Array<float>> deviation;
             if (encoded.log_variance) deviation = array_of<float>(encoded.posterior().deviation());
             return std::tuple(array_of<float>(encoded.mean), deviation, encoded.cut);
           })
      .def("decode",
           [](const Space& space, const GivenCodes& codes, const DecodeOptions& options, Listener listener) {
             PythonProgress progress(std::move(listener));
             const torch::Tensor given = tensor_of(codes);
             return progress.run([&] { return space.decode(given, options, progress); });
           })
      .def("reconstruct",
           [](const Space& space, const Texts& texts, const DecodeOptions& options, Listener listener) {
             PythonProgress progress(std::move(listener));
             return progress.run([&] { return space.reconstruct(texts, options, progress); });
           })
      .def("judge",
           [](const Space& space, const Texts& texts) { return without_gil([&] { return space.judge(texts); }); })
      .def("interpolate",
           [](const Space& space, const GivenCodes& ends, const std::string& path, int64_t steps,
              const DecodeOptions& options, Listener listener) {
             PythonProgress progress(std::move(listener));
             const torch::Tensor given = tensor_of(ends);
             return progress.run([&] {
               return space.interpolate(given[0], given[1], PathOptions{path, steps, options}, progress);
             });
           })
      .def("analogy",
           [](const Space& space, const std::string& a, const std::string& b, const std::string& c,
              const std::vector<double>& strengths, const DecodeOptions& options, Listener listener) {
             PythonProgress progress(std::move(listener));
             return progress.run([&] { return space.analogy(a, b, c, strengths, options, progress); });
           })
      .def("mix",
           [](const Space& space, const Texts& texts, const std::vector<double>& weights, const DecodeOptions& options,
              Listener listener) {
             PythonProgress progress(std::move(listener));
             return progress.run([&] { return space.mix(texts, weights, options, progress); });
           })
      .def(
          "sample",
          [](const Space& space, int64_t count, const std::string& prior, double prior_scale,
             std::optional<std::string> near, double radius, const DecodeOptions& options, Listener listener) {
            PythonProgress progress(std::move(listener));
            const SampleOptions how{.count = count,
                                    .prior = prior,
                                    .prior_scale = prior_scale,
                                    .near = std::move(near),
                                    .radius = radius,
                                    .decode = options};
            return progress.run([&] { return space.sample(how, progress); });
          },
          "count"_a, "prior"_a, "prior_scale"_a, "near"_a.none(), "radius"_a, "options"_a, "listener"_a)
      .def("fit_prior",
           [](const Space& space, const Texts& texts, const std::string& kind, const std::string& fit_on,
              int64_t most_texts, int64_t components, uint64_t seed, bool save, Listener listener) {
             PythonProgress progress(std::move(listener));
             const PriorRequest request{kind, fit_on, most_texts, {components, seed}};
             return from_json(progress.run([&] {
               if (save) space.require_prior_place();
               PriorFit fit = space.fit_prior(texts, request, progress);
               const nlohmann::ordered_json facts = fit.facts;
               if (save)
                 space.save_prior(kind, fit);
               else
                 space.use_prior(kind, std::move(fit));
               return facts;
             }));
           })
      .def("log_density",
           [](const Space& space, const GivenCodes& codes) {
             const torch::Tensor given = tensor_of(codes);
             return array_of<double>(without_gil([&] { return space.log_density(given); }));
           })
      .def("fit_direction",
           [](const Space& space, const std::string& name, const Texts& positive, const Texts& negative,
              const std::string& method, uint64_t seed, bool save, Listener listener) {
             PythonProgress progress(std::move(listener));
             return progress.run([&] {
               if (save) space.require_direction_place(name);
               DirectionFit fit = space.fit_direction(positive, negative, method, seed, progress);
               if (save) space.save_direction(name, fit);
               return fit;
             });
           })
      .def("direction", [](const Space& space,
                           const std::string& name) { return without_gil([&] { return space.direction(name); }); })
      .def("directions", [](const Space& space) { return without_gil([&] { return space.directions(); }); })
      .def("move",
           [](const Space& space, const GivenCodes& codes, const DirectionFit& fit,
              const std::vector<double>& strengths, const DecodeOptions& options, Listener listener) {
             PythonProgress progress(std::move(listener));
             const torch::Tensor given = tensor_of(codes);
             return progress.run([&] { return space.move(given, fit.direction, strengths, options, progress); });
           })
      .def("fit_property",
           [](const Space& space, const Texts& texts, const std::vector<double>& values, uint64_t seed,
              Listener listener) {
             PythonProgress progress(std::move(listener));
             return progress.run([&] { return space.fit_property(texts, values, seed, progress); });
           })
      .def("optimize",
           [](const Space& space, const std::string& text, const LinearProperty& property,
              const OptimizeOptions& options, const DecodeOptions& decode, Listener listener) {
             PythonProgress progress(std::move(listener));
             const OptimizedTexts way =
                 progress.run([&] { return space.optimize(text, property, options, decode, progress); });
             return std::tuple(way.texts, way.first_value, way.last_value, way.steps);
           })
      .def("corpus",
           [](const Space& space) {
             const std::string& directory = space.model().directory;
             Rows rows = without_gil([&] { return corpus_rows(directory, corpus_file(directory)); });
             return std::pair(std::move(rows.texts), std::move(rows.labels));
           })
      .def("map",
           [](const Space& space, const Texts& texts, const Texts& labels, int64_t points, bool umap, uint64_t seed,
              bool keep, Listener listener) {
             PythonProgress progress(std::move(listener));
             Rows corpus;
             corpus.texts = texts;
             corpus.labels = labels;
             return progress.run([&] { return CorpusMap::open(space, corpus, {points, umap, seed, keep}, progress); });
           })
      .def("index", [](const Space& space, const Texts& corpus, const std::string& metric, Listener listener) {
        PythonProgress progress(std::move(listener));
        const Metric by = metric == "l2" ? Metric::kL2 : Metric::kCosine;
        return progress.run([&] { return space.index(corpus, by, progress); });
      });
}

void bind_map(nb::module_& module) {
  const auto projection = [](const std::string& name) {
    if (name == "umap") return Projection::kUmap;
    if (name == "pca") return Projection::kPca;
    throw ConfigError("projection", name, "pca or umap");
  };
  nb::class_<CorpusMap>(module, "CorpusMap")
      .def_prop_ro("index", &CorpusMap::index, nb::rv_policy::reference_internal)
      .def_prop_ro("labels", &CorpusMap::labels)
      .def_prop_ro(
          "label_of", [](const CorpusMap& map) { return array_of<int32_t>(torch::tensor(map.label_of(), at::kInt)); },
          nb::rv_policy::automatic)
      .def_prop_ro("has_umap", [](const CorpusMap& map) { return map.has(Projection::kUmap); })
      .def("positions",
           [projection](const CorpusMap& map, const std::string& of) {
             return array_of<const float>(map.positions(projection(of)));
           })
      .def("project",
           [projection](const CorpusMap& map, const std::string& to, const GivenCodes& codes) {
             const torch::Tensor given = tensor_of(codes);
             return array_of<float>(without_gil([&] { return map.project(projection(to), given); }));
           })
      .def("invert", [projection](const CorpusMap& map, const std::string& from, const GivenPlaces& places) {
        const torch::Tensor given = tensor_of(places);
        return array_of<float>(without_gil([&] { return map.invert(projection(from), given); }));
      });
}

/// The explorer's server, which is there until it is closed. Its threads may want the interpreter's lock, for what they
/// tell: nobody waits for them with it.
class PythonServer {
 public:
  PythonServer(const Texts& models, const std::string& device, server::ServeOptions options) {
    threads_used = true;
    std::vector<LatentSpace> spaces;
    for (const std::string& model : models) spaces.push_back(LatentSpace::open(model, parse_device(device)));
    server_ = std::make_unique<server::ExplorerServer>(std::move(spaces), std::move(options));
  }
  ~PythonServer() {
    const nb::gil_scoped_release released;
    server_.reset();
  }
  PythonServer(const PythonServer&) = delete;
  PythonServer& operator=(const PythonServer&) = delete;
  server::ExplorerServer& get() const { return *server_; }

 private:
  std::unique_ptr<server::ExplorerServer> server_;
};

void bind_server(nb::module_& module) {
  nb::class_<PythonServer>(module, "Server")
      .def("__init__",
           [](PythonServer* place, const Texts& models, const std::string& device, const std::string& corpus,
              const ReadOptions& read, const std::string& host, uint16_t port, const std::string& token,
              const std::string& allow_origin, int64_t points, bool umap, uint64_t seed) {
             server::ServeOptions options;
             options.explorer = {corpus, read, {.points = points, .umap = umap, .seed = seed}};
             options.http.host = host;
             options.http.port = port;
             options.access = {.token = token, .allow_origin = allow_origin, .in_frames = true};
             without_gil([&] { new (place) PythonServer(models, device, std::move(options)); });
           })
      .def_prop_ro("port", [](const PythonServer& server) { return server.get().port(); })
      .def_prop_ro("address", [](const PythonServer& server) { return server.get().address(); })
      .def_prop_ro("token", [](const PythonServer& server) { return server.get().token(); })
      .def("run",
           [](const PythonServer& server) {
             const nb::gil_scoped_release released;
             server.get().run(/*until_signal=*/false);
           })
      .def("stop", [](const PythonServer& server) { server.get().stop(); });
}

void bind_differentiable(nb::module_& module) {
  using Lengths = std::vector<int64_t>;
  nb::class_<DifferentiableModel>(module, "Differentiable")
      .def("__init__",
           [](DifferentiableModel* model, const std::string& directory, const std::string& device, bool fp64) {
             without_gil([&] {
               new (model) DifferentiableModel(directory, parse_device(device), fp64 ? at::kDouble : at::kFloat);
             });
           })
      .def("embed",
           [](const DifferentiableModel& model, const Texts& texts) {
             PythonProgress progress;
             const EmbeddedTexts embedded = progress.run([&] { return model.embed(texts, progress); });
             return std::pair(array_of<double>(embedded.embeddings), embedded.lengths);
           })
      .def("encode",
           [](const DifferentiableModel& model, const GivenNumbers& embeddings, const Lengths& lengths) {
             PythonProgress progress;
             const torch::Tensor given = tensor_of(embeddings);
             return array_of<double>(progress.run([&] { return model.encode(given, lengths, progress); }));
           })
      .def("encode_gradient",
           [](const DifferentiableModel& model, const GivenNumbers& embeddings, const Lengths& lengths,
              const GivenNumbers& of_codes) {
             PythonProgress progress;
             const torch::Tensor given = tensor_of(embeddings), of = tensor_of(of_codes);
             return array_of<double>(progress.run([&] { return model.encode_gradient(given, lengths, of, progress); }));
           })
      .def("losses", [](const DifferentiableModel& model, const GivenNumbers& codes, const Texts& texts) {
        PythonProgress progress;
        const torch::Tensor given = tensor_of(codes);
        const TextLosses losses = progress.run([&] { return model.losses(given, texts, progress); });
        return std::pair(array_of<double>(losses.nats), array_of<double>(losses.gradient));
      });
}

void bind_functions(nb::module_& module) {
  options_class<ReadOptions>(module, "ReadOptions")
      .def_rw("column", &ReadOptions::column)
      .def_rw("label_column", &ReadOptions::label_column)
      .def_rw("escapes", &ReadOptions::escapes);
  module.def("evaluate",
             [](const LatentSpace& space, const std::string& data, const ReadOptions& read, const Texts& only,
                int64_t samples, uint64_t seed, const std::string& path, int64_t candidates, bool constrain,
                double prior_scale, const std::string& out, bool write, Listener listener) {
               PythonProgress progress(std::move(listener));
               EvaluateOptions options;
               options.data = data;
               options.read = read;
               options.out = out;
               options.write = write;
               options.protocol.only = only;
               options.protocol.samples = samples;
               options.protocol.seed = seed;
               options.protocol.path = path;
               options.protocol.search.candidates = candidates;
               options.protocol.constrain = constrain;
               options.protocol.prior_scale = prior_scale;
               try {
                 return from_json(progress.run([&] { return evaluate(space, options, progress); }));
               } catch (const UnwritableModel& error) {
                 raise("DataError", error.what(), "report_elsewhere");
                 throw;
               }
             });
  module.def("report_table", [](const std::string& report) { return report_table({parse_json(report)}); });
  module.def("sections", [] { return evaluation_sections().names(); });

  module.def("train",
             [](const Texts& presets, const Texts& assignments, const std::string& from, const std::string& out,
                const std::string& mode, const std::string& device, nb::object listener, Listener progress) {
               const TrainOptions options{presets, assignments, from, out, start_mode(mode), parse_device(device)};
               return train_run(options, std::move(listener), std::move(progress));
             });

  module.def("presets", [] {
    std::vector<std::pair<std::string, std::pair<std::string, std::string>>> all;
    for (const Preset& preset : all_presets()) all.push_back({preset.name, {preset.group, preset.about}});
    return all;
  });
  module.def("config", [](const Texts& presets, const Texts& assignments) {
    return from_json(to_json(resolve_config(presets, assignments).config));
  });
  module.def("path_names", [] { return paths().names(); });
  module.def("path_codes", [](const GivenCodes& places, const std::string& path, const std::vector<double>& ratios) {
    const torch::Tensor given = tensor_of(places);
    return array_of<float>(without_gil([&] { return path_codes(given, path, ratios); }));
  });
  module.def("import_t5", [](const std::string& t5, const std::string& funnel, const std::string& tokenizer,
                             const Texts& presets, const Texts& assignments, const std::string& out, bool overwrite) {
    without_gil([&] {
      RunDirectory directory(out, overwrite ? StartMode::kOverwrite : StartMode::kNew);
      import_huggingface({t5, funnel, tokenizer}, resolve_config(presets, assignments), directory);
    });
  });
  module.def("assemble",
             [](const Texts& presets, const Texts& assignments,
                const std::map<std::string, nb::ndarray<const float, nb::c_contig, nb::device::cpu>>& given,
                const std::string& tokenizer, const std::string& source, const std::string& out, bool overwrite) {
               TensorMap weights;
               for (const auto& [name, numbers] : given) weights[name] = tensor_of(numbers);
               without_gil([&] {
                 RunDirectory directory(out, overwrite ? StartMode::kOverwrite : StartMode::kNew);
                 assemble_model(resolve_config(presets, assignments), std::move(weights), tokenizer, source, directory);
               });
             });
  module.def("export_t5", [](const std::string& model, const std::string& out, bool overwrite) {
    without_gil([&] {
      RunDirectory directory(out, overwrite ? StartMode::kOverwrite : StartMode::kNew);
      export_huggingface_t5(model, directory);
    });
  });
  module.def("replace_folder", [](const std::string& out, bool overwrite, const std::string& source,
                                  nb::typed<nb::callable, nb::any(nb::str)> fill) {
    RunDirectory directory(out, overwrite ? StartMode::kOverwrite : StartMode::kNew);
    directory.require_apart_from(source);
    directory.replace([&](const std::string& folder) { fill(folder); });
  });
  const auto set_threads = [](int64_t threads) {
    at::set_num_threads(static_cast<int>(threads));
    set_max_threads(static_cast<size_t>(threads));
  };
  module.def("set_threads", [set_threads](int64_t threads) {
    if (threads > 1 && threads_lost)
      throw ConfigError("threads", std::to_string(threads),
                        "1 in a fork of a process that has computed with several, which the fork has lost",
                        "a process of its own, multiprocessing's \"spawn\", takes any number");
    set_threads(threads);
  });
  module.def("after_fork", [set_threads] {
    threads_lost = threads_used.load();
    set_threads(1);
  });
  module.def("threads", [] { return at::get_num_threads(); });
}

}  // namespace
}  // namespace tvae

NB_MODULE(_core, module) {
#ifdef NDEBUG
  nb::set_leak_warnings(false);
#endif
  tvae::throw_where_memory_runs_out();
  tvae::set_log_handler(tvae::take_message);
  nb::register_exception_translator(tvae::translate);
  tvae::bind_values(module);
  tvae::bind_space(module);
  tvae::bind_map(module);
  tvae::bind_server(module);
  tvae::bind_differentiable(module);
  tvae::bind_functions(module);
  module.attr("version") = TVAE_VERSION;
  module.attr("libtorch_version") = TORCH_VERSION;
}
