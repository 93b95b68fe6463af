// The CPU kernel behind linear_cross_entropy(), instantiated for float and double.
#pragma once

#include <cstdint>

namespace tvae::cpu {

/// Cross-entropies of rows of logits, and in the logits' place their gradients.
template <class T>
struct CrossEntropyRows {
  T* logits;               // [rows, vocabulary]; gradients of Σ weight · cross-entropy afterwards, where wanted
  const int64_t* targets;  // [rows]
  const T* weights;        // [rows] or null: ones
  T* nats;                 // [rows] cross-entropy of softmax(scale · logits)
  bool* correct;           // [rows]
  int64_t rows, vocabulary;
  double scale;
  bool want_gradient;
};

template <class T>
void cross_entropy(const CrossEntropyRows<T>& batch);

}  // namespace tvae::cpu
