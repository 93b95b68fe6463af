// The part of libtorch that nearly every file uses: tensors, their operations, autograd. <torch/torch.h> brings
// modules, data loaders, optimizers and TorchScript too, and takes half as long again to compile; what needs one of
// those includes it.
#pragma once

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>
