// The weights of a model: one ordered list of named tensors. A module asks for its weights by name when it is built and
// keeps the handles; names are Hugging Face's, so that a weight file, an optimizer state and the code agree.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tvae/config/run_config.h"
#include "tvae/io/safetensors.h"
#include "tvae/nn/batch_share.h"
#include "tvae/ops/rng.h"
#include "tvae/ops/table_rows.h"
#include "tvae/ops/torch.h"
#include "tvae/ops/weight.h"

namespace tvae {

/// How a weight starts.
struct Init {
  enum class Kind { kNormal, kUniform, kUniformAboveZero, kConstant } kind = Kind::kConstant;
  double scale = 0.0;  // standard deviation, bound, or value

  static Init normal(double std) { return {Kind::kNormal, std}; }
  static Init uniform(double bound) { return {Kind::kUniform, bound}; }
  static Init uniform_above_zero(double bound) { return {Kind::kUniformAboveZero, bound}; }
  static Init constant(double value) { return {Kind::kConstant, value}; }
};

/// What a weight is to an optimizer; said where the weight is made.
enum class WeightKind {
  kMatrix,  // maps vectors to vectors: the weight of a layer
  kTable,   // rows that belong to tokens, positions or the like
  kVector,  // what is added or multiplied with, whatever its shape: biases, norms, biases of distances
};

struct NamedParameter {
  std::string name;
  torch::Tensor value;  // leaf, requires grad; int8, without a gradient, where there is a scale
  WeightKind kind;
  torch::Tensor scale = {};  // as in Weight
};

using WeightMap = std::map<std::string, Weight>;

class Parameters {
 public:
  /// Weights are drawn from `rng` in the order in which they are asked for. `device`: CPU, or meta for shapes alone.
  explicit Parameters(Rng& rng, torch::Device device = torch::kCPU) : rng_(&rng), device_(device) {}
  /// Weights are those of `stored` (CPU) as fp32, none is drawn. add() is as strict as load(): CheckpointError, naming
  /// `source`, before any memory is taken for a size that the stored weights do not have.
  Parameters(WeightMap stored, std::string source)
      : device_(torch::kCPU), stored_(std::move(stored)), source_(std::move(source)) {}
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  torch::Tensor add(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init);
  /// The same for who can work with int8: stays so where it is stored so.
  Weight add_weight(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init);
  const std::vector<NamedParameter>& list() const { return list_; }
  int64_t count() const;  // numbers in all weights

  /// Moves every weight, in place: handles in modules stay good. Int8 ones stay int8; `type` is that of their scales.
  void to(torch::Device device, torch::ScalarType type);
  TensorMap to_map() const;  // CPU or GPU tensors sharing memory with the weights; dense copies of int8 ones
  /// Copies values in. Strict: names, shapes must agree, else CheckpointError naming the first difference and `source`.
  /// Any floating type is converted. Not where weights are int8.
  void load(const TensorMap& tensors, const std::string& source);
  /// What load() would throw. Tensors and weights may be on the meta device: shapes are all that is looked at.
  void require_fit(const TensorMap& tensors, const std::string& source) const;
  /// Throws CheckpointError where `stored` has weights that were not asked for.
  void require_all_asked_for() const;

 private:
  /// The stored weight of this name, which is stored no more: no weight is in memory twice.
  Weight take_stored(const std::string& name, at::IntArrayRef sizes);
  torch::Tensor fresh(at::IntArrayRef sizes, Init init) const;
  void require_new(const std::string& name) const;

  Rng* rng_ = nullptr;  // null where the weights are stored ones
  torch::Device device_;
  WeightMap stored_;  // those not asked for so far
  std::string source_;
  std::vector<NamedParameter> list_;
};

/// A place in the tree of names: scope / "SelfAttention" adds a level, scope.matrix("q.weight", ...) makes a weight
/// there.
class Scope {
 public:
  explicit Scope(Parameters& parameters, std::string prefix = "")
      : parameters_(&parameters), prefix_(std::move(prefix)) {}
  Scope operator/(const std::string& name) const { return Scope(*parameters_, prefix_ + name + "."); }
  torch::Tensor matrix(const std::string& name, at::IntArrayRef sizes, Init init) const {
    return parameters_->add(prefix_ + name, WeightKind::kMatrix, sizes, init);
  }
  torch::Tensor table(const std::string& name, at::IntArrayRef sizes, Init init) const {
    return parameters_->add(prefix_ + name, WeightKind::kTable, sizes, init);
  }
  torch::Tensor vector(const std::string& name, at::IntArrayRef sizes, Init init) const {
    return parameters_->add(prefix_ + name, WeightKind::kVector, sizes, init);
  }
  /// What Linear and Embedding read, and they alone.
  Weight weight(const std::string& name, WeightKind kind, at::IntArrayRef sizes, Init init) const {
    return parameters_->add_weight(prefix_ + name, kind, sizes, init);
  }
  /// The weights made under this scope so far.
  std::vector<torch::Tensor> weights() const;

 private:
  Parameters* parameters_;
  std::string prefix_;
};

/// y = x Wᵀ (+ b), W [out, in]; only Linear knows whether W is dense or int8.
class Linear {
 public:
  Linear() = default;
  /// Names under scope: weight, bias.
  Linear(const Scope& scope, int64_t in, int64_t out, Init weight, std::optional<Init> bias = std::nullopt,
         WeightKind kind = WeightKind::kMatrix);
  explicit Linear(Weight weight) : weight_(std::move(weight)) {}
  /// T5's: no bias, N(0, std).
  static Linear without_bias(const Scope& scope, int64_t in, int64_t out, double std);
  /// PyTorch's default: U(±1/√in) for both.
  static Linear with_bias(const Scope& scope, int64_t in, int64_t out);

  torch::Tensor operator()(const torch::Tensor& x) const { return tvae::linear(x, weight_, bias_); }
  bool defined() const { return weight_.defined(); }
  int64_t outputs() const { return weight_.values.size(0); }
  bool is_int8() const { return weight_.is_int8(); }
  /// W; a copy where it is int8.
  torch::Tensor dense_weight() const { return weight_.dense(); }

 private:
  Weight weight_;
  torch::Tensor bias_;
};

/// The rows of a table [ids, d].
class Embedding {
 public:
  Embedding() = default;
  /// Name under scope: weight.
  Embedding(const Scope& scope, int64_t ids, int64_t d, Init init)
      : table_(scope.weight("weight", WeightKind::kTable, {ids, d}, init)) {
    take_gradients_of_rows(table_.values);
  }

  /// ids [...] → [..., d]
  torch::Tensor operator()(const torch::Tensor& ids) const { return table_.rows(ids); }
  /// The projection of states onto the ids that shares the table: x tableᵀ.
  Linear tied_output() const { return Linear(table_); }
  int64_t ids() const { return table_.values.size(0); }
  int64_t width() const { return table_.values.size(1); }
  torch::Device device() const { return table_.values.device(); }
  torch::ScalarType dtype() const { return table_.dtype(); }

 private:
  Weight table_;
};

/// Training or not, where its randomness comes from, and what the backward pass computes again.
struct ForwardContext {
  bool training = false;
  Rng* rng = nullptr;              // required when training
  RecomputeConfig recompute = {};  // of training
  BatchShare share = {};           // of training, in the layout of the stream at hand
  int64_t rows_before = 0;         // of that stream, in the processes before this one
  double rate(double dropout) const { return training ? dropout : 0.0; }
  RandomKey key() const { return {training && rng != nullptr ? rng->next_key() : 0, rows_before}; }

  /// In a stream whose sequences the whole batch lays out like this.
  ForwardContext laid_out(Spans whole, Spans keys) const {
    ForwardContext context = *this;
    context.share.whole = std::move(whole);
    context.share.keys = std::move(keys);
    context.rows_before = context.share.rows_before();
    return context;
  }
  /// In a stream of `rows` rows a sequence; 0 for a table that all processes have.
  ForwardContext with_rows_a_sequence(int64_t rows) const {
    ForwardContext context = *this;
    context.rows_before = share.first * rows;
    return context;
  }
};

/// A part of the forward pass, from its inputs.
using ForwardPart = std::function<torch::Tensor(const std::vector<torch::Tensor>&, const ForwardContext&)>;

/// part(inputs, context), in training under a checkpoint (ops/recompute.h) that draws the same random numbers again.
torch::Tensor recomputed(const ForwardPart& part, const std::vector<torch::Tensor>& inputs,
                         const std::vector<torch::Tensor>& weights, const ForwardContext& context);

}  // namespace tvae
