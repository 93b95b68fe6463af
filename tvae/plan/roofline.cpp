#include "tvae/plan/roofline.h"

#include <algorithm>

namespace tvae {
namespace {

constexpr double kGiga = 1e9, kTera = 1e12;
constexpr int64_t kGiB = int64_t{1} << 30;

// Memory as the driver counts it. Dense bf16 products with fp32 sums. The share of the network is that of machines of
// eight: 100 Gb/s a machine for the GPUs on PCI Express, a card of 200 or 400 Gb/s a GPU for those with NVLink.
const Register<Gpu> a10(gpus(), {"a10",
                                 "24 GB, PCI Express",
                                 {22 * kGiB + kGiB / 2, 125 * kTera, 600 * kGiga, 25 * kGiga, 1.5 * kGiga}});
const Register<Gpu> rtx4090(gpus(), {"rtx4090",
                                     "24 GB, PCI Express",
                                     {24 * kGiB, 165 * kTera, 1008 * kGiga, 25 * kGiga, 1.5 * kGiga}});
const Register<Gpu> a100(gpus(),
                         {"a100", "80 GB, NVLink", {80 * kGiB, 312 * kTera, 2039 * kGiga, 300 * kGiga, 25 * kGiga}});
const Register<Gpu> h100(gpus(),
                         {"h100", "80 GB, NVLink", {80 * kGiB, 989 * kTera, 3350 * kGiga, 450 * kGiga, 50 * kGiga}});
const Register<Gpu> h200(gpus(),
                         {"h200", "141 GB, NVLink", {140 * kGiB, 989 * kTera, 4800 * kGiga, 450 * kGiga, 50 * kGiga}});

}  // namespace

Registry<Gpu>& gpus() {
  static Registry<Gpu> registry("GPU");
  return registry;
}

Roofline roofline(const RunConfig& requested, const StepShape& shape, const Gpu& gpu) {
  RunConfig config = requested;
  config.train.accumulation_steps = 1;  // one micro-batch is run
  config.train.precision = "bf16";
  const PredictedStep step = predict_step(config, shape, torch::kCUDA);
  const MemoryParts& memory = step.memory;
  Roofline roof;
  roof.micro_batches = requested.train.accumulation_steps;
  roof.operations = step.products;
  roof.traffic = 2.0 * static_cast<double>(step.allocated + memory.weights + memory.optimizer + memory.average);
  roof.compute_seconds = roof.operations / gpu.products + roof.traffic / gpu.bandwidth;
  if (shape.processes > 1) {
    const double others = 1.0 - 1.0 / shape.processes;
    const double line = shape.processes <= kGpusAMachine ? gpu.link : gpu.network;
    roof.gradient_bytes = roof.weight_bytes = static_cast<double>(step.model);
    roof.sum_seconds = 2.0 * others * roof.gradient_bytes / line;
    roof.send_seconds = others * roof.weight_bytes / line;
  }
  roof.tokens_per_second = static_cast<double>(roof.micro_batches * shape.sequences * shape.length * shape.processes) /
                           std::max(roof.seconds(), 1e-12);
  return roof;
}

}  // namespace tvae
