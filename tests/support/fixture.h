// Reference values of tests/fixtures/ (made by tools/make_fixtures.py), in the order of a token stream.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tvae/data/token_batch.h"
#include "tvae/io/safetensors.h"
#include "tvae/nn/parameters.h"
#include "tvae/ops/torch.h"

namespace tvae::test {

inline std::string fixture_path(const std::string& name) {
  return std::string(TVAE_TEST_DATA) + "/" + name;
}

struct Fixture {
  TensorMap tensors;

  explicit Fixture(TensorMap map) : tensors(std::move(map)) {}
  explicit Fixture(const std::string& name) : tensors(load_safetensors(fixture_path(name + ".safetensors"))) {}

  const torch::Tensor& operator[](const std::string& name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw std::runtime_error("the fixture lacks " + name);
    return found->second;
  }
  double number(const std::string& name) const { return (*this)[name].item<double>(); }

  /// Tensors under a prefix ending in ".", without it.
  TensorMap part(const std::string& prefix) const {
    TensorMap found;
    for (const auto& [name, tensor] : tensors)
      if (name.compare(0, prefix.size(), prefix) == 0) found[name.substr(prefix.size())] = tensor;
    return found;
  }

  /// The rows "ids" with their "lengths" as a batch.
  TokenBatch batch() const {
    const torch::Tensor ids = (*this)["ids"].to(at::kInt).contiguous(), lengths = (*this)["lengths"].to(at::kLong);
    std::vector<std::vector<int32_t>> sequences;
    for (int64_t b = 0; b < ids.size(0); ++b) {
      const int32_t* row = ids.const_data_ptr<int32_t>() + b * ids.size(1);
      sequences.emplace_back(row, row + lengths[b].item<int64_t>());
    }
    return make_token_batch(sequences);
  }

  /// [B, S, ...] → [T, ...]: the real positions in the order of the batch's stream.
  static torch::Tensor in_stream(const torch::Tensor& padded, const TokenBatch& batch) {
    std::vector<torch::Tensor> pieces;
    size_t next = 0;
    for (const LengthGroup& group : batch.groups)
      for (int64_t i = 0; i < group.count; ++i) pieces.push_back(padded[batch.rows[next++]].narrow(0, 0, group.length));
    return at::cat(pieces);
  }
};

/// max |a − b| / max |b|
inline double relative_error(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor x = a.detach().to(at::kDouble), y = b.detach().to(at::kDouble);
  return ((x - y).abs().max() / y.abs().max().clamp_min(1e-30)).item<double>();
}

/// Every weight's gradient against "gradients.NAME" of the fixture, each to 1e-4 of its own largest element. Where the
/// loss does not depend on a weight (as on the keys' bias) both are rounding errors: then ours is small beside the
/// rest.
inline void expect_gradients(const Parameters& parameters, const Fixture& fixture, double tolerance = 1e-4) {
  const auto largest = [](const torch::Tensor& x) { return x.abs().max().item<double>(); };
  double largest_of_all = 0.0;
  for (const NamedParameter& parameter : parameters.list())
    largest_of_all = std::max(largest_of_all, largest(fixture["gradients." + parameter.name]));
  for (const NamedParameter& parameter : parameters.list()) {
    ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name << " got no gradient";
    const torch::Tensor& expected = fixture["gradients." + parameter.name];
    if (largest(expected) < 1e-6 * largest_of_all)
      EXPECT_LT(largest(parameter.value.grad()), 1e-6 * largest_of_all) << parameter.name;
    else
      EXPECT_LT(relative_error(parameter.value.grad(), expected), tolerance) << parameter.name;
  }
}

}  // namespace tvae::test
