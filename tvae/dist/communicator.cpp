#include "tvae/dist/communicator.h"

#include <nlohmann/json.hpp>

namespace tvae {
namespace {

class LoneProcess : public Communicator {
 public:
  LoneProcess() : Communicator(0, 1) {}
  void sum(std::vector<torch::Tensor>) override {}
  void broadcast(std::vector<torch::Tensor>, int) override {}
  void broadcast_each(const std::vector<std::vector<torch::Tensor>>&) override {}
  void send_to_first(torch::Tensor, int) override {}
};

torch::Tensor bytes_of(const std::string& text) {
  return at::from_blob(const_cast<char*>(text.data()), {static_cast<int64_t>(text.size())}, at::kByte).clone();
}

std::string text_of(const torch::Tensor& bytes) {
  return {reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>()), static_cast<size_t>(bytes.numel())};
}

}  // namespace

std::string Communicator::text_of_first(const std::string& text) {
  if (is_alone()) return text;
  const torch::Tensor size = torch::tensor(static_cast<int64_t>(text.size()), at::kLong);
  broadcast({size}, 0);
  const torch::Tensor bytes = is_first() ? bytes_of(text) : at::empty({size.item<int64_t>()}, at::kByte);
  if (bytes.numel() > 0) broadcast({bytes}, 0);
  return text_of(bytes);
}

std::vector<std::string> Communicator::texts_of_all(const std::string& text) {
  if (is_alone()) return {text};
  const torch::Tensor sizes = at::zeros({size_}, at::kLong);
  sizes[rank_] = static_cast<int64_t>(text.size());
  sum({sizes});
  const torch::Tensor ends = sizes.cumsum(0);
  const int64_t end = ends[rank_].item<int64_t>();
  const torch::Tensor all =
      gather_rows(bytes_of(text), end - static_cast<int64_t>(text.size()), ends[size_ - 1].item<int64_t>());
  std::vector<std::string> texts;
  int64_t start = 0;
  for (int i = 0; i < size_; ++i) {
    const int64_t length = sizes[i].item<int64_t>();
    texts.push_back(text_of(all.narrow(0, start, length)));
    start += length;
  }
  return texts;
}

bool Communicator::any(bool here) {
  if (is_alone()) return here;
  const torch::Tensor count = torch::tensor(here ? 1 : 0, at::kLong);
  sum({count});
  return count.item<int64_t>() > 0;
}

std::map<std::string, torch::Tensor> Communicator::tensors_of_all(const std::map<std::string, torch::Tensor>& own) {
  if (is_alone()) return own;
  using Json = nlohmann::json;
  Json described = Json::array();
  for (const auto& [name, tensor] : own)
    described.push_back({name, tensor.sizes().vec(), static_cast<int>(tensor.scalar_type())});
  const std::vector<std::string> of_ranks = texts_of_all(described.dump());
  std::map<std::string, torch::Tensor> all = own;
  for (int from = 1; from < size_; ++from)
    for (const Json& entry : Json::parse(of_ranks[static_cast<size_t>(from)])) {
      const auto name = entry.at(0).get<std::string>();
      torch::Tensor tensor;
      if (rank_ == from) tensor = own.at(name).to(at::kCPU);
      if (is_first())
        tensor =
            at::empty(entry.at(1).get<std::vector<int64_t>>(), static_cast<torch::ScalarType>(entry.at(2).get<int>()));
      if (tensor.defined()) send_to_first(tensor, from);
      if (is_first()) all.emplace(name, tensor);
    }
  return all;
}

torch::Tensor Communicator::gather_rows(const torch::Tensor& rows, int64_t before, int64_t all) {
  const torch::NoGradGuard no_grad;
  if (is_alone()) return rows.detach();
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = all;
  // A sum of rows that one process has and the others leave 0 is exact, and takes any number of rows from each.
  const torch::Tensor gathered = at::zeros(shape, rows.options().requires_grad(false));
  gathered.narrow(0, before, rows.size(0)).copy_(rows);
  if (gathered.numel() > 0) sum({gathered});
  return gathered;
}

Communicator& lone_process() {
  static LoneProcess alone;
  return alone;
}

}  // namespace tvae
