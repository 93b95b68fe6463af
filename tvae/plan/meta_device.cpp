#include "tvae/plan/meta_device.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>

namespace tvae {
namespace {

using at::IntArrayRef;
using torch::Tensor;

constexpr uint8_t kPriority = 1;  // above libtorch's own allocator
constexpr int64_t kCudaGranularity = 512;

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  std::vector<int64_t> shape = self.sizes().vec();
  if (!shape.empty()) shape[at::maybe_wrap_dim(dim, self.dim())] = index.numel();
  return at::empty(shape, self.options());
}

Tensor embedding_dense_backward(const Tensor& grad, const Tensor&, c10::SymInt rows, c10::SymInt, bool) {
  return at::empty({rows.expect_int(), grad.size(-1)}, grad.options());
}

std::tuple<Tensor, Tensor, Tensor> native_layer_norm(const Tensor& input, c10::SymIntArrayRef normalized_shape,
                                                     const std::optional<Tensor>&, const std::optional<Tensor>&,
                                                     double) {
  std::vector<int64_t> rows = input.sizes().vec();
  std::fill(rows.end() - static_cast<int64_t>(normalized_shape.size()), rows.end(), 1);
  return {at::empty(input.sizes(), input.options()), at::empty(rows, input.options()),
          at::empty(rows, input.options())};
}

std::tuple<Tensor, Tensor, Tensor> native_layer_norm_backward(const Tensor& grad, const Tensor& input,
                                                              c10::SymIntArrayRef, const Tensor&, const Tensor&,
                                                              const std::optional<Tensor>& weight,
                                                              const std::optional<Tensor>& bias,
                                                              std::array<bool, 3> wanted) {
  return {wanted[0] ? at::empty(input.sizes(), grad.options()) : Tensor(),
          wanted[1] ? at::empty_like(*weight) : Tensor(), wanted[2] ? at::empty_like(*bias) : Tensor()};
}

Tensor var(const Tensor& self, at::OptionalIntArrayRef dims, const std::optional<at::Scalar>&, bool keepdim) {
  return dims ? self.mean(*dims, keepdim) : self.mean();
}

Tensor where(const Tensor& condition, const Tensor& self, const Tensor& other) {
  return at::empty(at::infer_size(condition.sizes(), at::infer_size(self.sizes(), other.sizes())), self.options());
}

Tensor& logical_out(const Tensor& self, const Tensor& other, Tensor& out) {
  out.resize_(at::infer_size(self.sizes(), other.sizes()));
  return out;
}

Tensor& abs_out(const Tensor& self, Tensor& out) {
  out.resize_(self.sizes());
  return out;
}

/// For operations in place.
void nothing(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  torch::jit::drop(*stack, operation.schema().arguments().size());
}

}  // namespace

MetaDevice::MetaDevice(torch::DeviceType planned_device)
    : planned_device_(planned_device),
      granularity_(planned_device == torch::kCUDA ? kCudaGranularity : 1),
      before_(c10::GetAllocator(torch::kMeta)),
      operations_(torch::Library::IMPL, "aten", c10::DispatchKey::Meta, __FILE__, __LINE__) {
  c10::SetAllocator(torch::kMeta, this, kPriority);
  operations_.impl("index_select", TORCH_FN(index_select));
  operations_.impl("embedding_dense_backward", TORCH_FN(embedding_dense_backward));
  operations_.impl("native_layer_norm", TORCH_FN(native_layer_norm));
  operations_.impl("native_layer_norm_backward", TORCH_FN(native_layer_norm_backward));
  operations_.impl("var.correction", TORCH_FN(var));
  operations_.impl("where.self", TORCH_FN(where));
  operations_.impl("logical_or.out", TORCH_FN(logical_out));
  operations_.impl("logical_and.out", TORCH_FN(logical_out));
  operations_.impl("abs.out", TORCH_FN(abs_out));
  operations_.impl("relu", [](const Tensor& self) { return at::empty_like(self); });
  operations_.impl("flip", [](const Tensor& self, IntArrayRef) { return at::empty_like(self); });
  operations_.impl("mse_loss_backward",
                   [](const Tensor&, const Tensor& self, const Tensor&, int64_t) { return at::empty_like(self); });
  operations_.impl("_local_scalar_dense", [this](const Tensor&) {
    ++waits_;
    return at::Scalar(1.0);
  });
  operations_.impl("copy_", [this](Tensor& self, const Tensor& source, bool non_blocking) -> Tensor& {
    const bool from_host = !source.is_meta(), to_host = !self.is_meta();
    if (to_host || (from_host && !non_blocking)) ++waits_;
    return self;
  });
  operations_.impl("_fused_adamw_", torch::CppFunction::makeFromBoxedFunction<&nothing>());
}

MetaDevice::~MetaDevice() {
  c10::SetAllocator(torch::kMeta, before_, kPriority);
}

std::optional<size_t> MetaDevice::allocation_of(const Tensor& tensor) const {
  if (!tensor.defined() || !tensor.is_meta()) return std::nullopt;
  const auto* handle = static_cast<const Handle*>(tensor.storage().data_ptr().get_context());
  return handle == nullptr ? std::nullopt : std::optional<size_t>(handle->allocation);
}

/// The events of every parallel region in the order of their number in their own thread, then of the thread.
std::vector<MetaDevice::Event> MetaDevice::events_in_step() const {
  std::vector<std::pair<std::pair<size_t, int>, Event>> placed;  // within a region
  std::vector<Event> ordered;
  std::map<int, size_t> counts;
  const auto end_region = [&] {
    std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [place, event] : placed) ordered.push_back(event);
    placed.clear();
    counts.clear();
  };
  for (const Event& event : events_) {
    if (event.thread < 0) {
      end_region();
      ordered.push_back(event);
    } else {
      placed.push_back({{counts[event.thread]++, event.thread}, event});
    }
  }
  end_region();
  return ordered;
}

std::vector<size_t> MetaDevice::peak() const {
  const std::vector<Event> events = events_in_step();
  int64_t now = 0, most = 0;
  size_t end = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    now += events[i].freed ? -bytes_[events[i].allocation] : bytes_[events[i].allocation];
    if (now > most) {
      most = now;
      end = i + 1;
    }
  }
  std::vector<bool> alive(bytes_.size());
  for (size_t i = 0; i < end; ++i) alive[events[i].allocation] = !events[i].freed;
  std::vector<size_t> found;
  for (size_t allocation = 0; allocation < alive.size(); ++allocation)
    if (alive[allocation]) found.push_back(allocation);
  return found;
}

c10::DataPtr MetaDevice::allocate(size_t bytes) {
  const c10::Device device(torch::kMeta);
  if (bytes == 0) return {nullptr, device};
  const std::lock_guard lock(mutex_);
  const size_t allocation = bytes_.size();
  bytes_.push_back(rounded(static_cast<int64_t>(bytes)));
  note(allocation, /*freed=*/false);
  return {nullptr, new Handle{this, allocation}, &MetaDevice::release, device};
}

void MetaDevice::release(void* context) {
  const std::unique_ptr<Handle> handle(static_cast<Handle*>(context));
  const std::lock_guard lock(handle->device->mutex_);
  handle->device->note(handle->allocation, /*freed=*/true);
}

void MetaDevice::note(size_t allocation, bool freed) {
  events_.push_back({allocation, freed, at::in_parallel_region() ? at::get_thread_num() : -1});
}

}  // namespace tvae
