// What rate a training asks for just now.
#pragma once

namespace tvae {

/// The rate that a regularizer steers toward.
struct RateTarget {
  double nats = 0.0;  // a sequence
  /// Whether it falls no more, or at least has not since the last evaluation. While it falls codes carry less and less,
  /// and texts come back worse, as they should.
  bool settled = true;
};

}  // namespace tvae
