// Text of unknown origin made fit for one line of a terminal or a log.
#pragma once

#include <string>
#include <string_view>

namespace tvae {

/// Bytes that came from outside (names of files, parts of their content) as one line of UTF-8: a line break or a tab
/// becomes a space, other control characters are shown as \x1b or \u0085 (and so are the marks that reorder a line on
/// the screen), what is no UTF-8 becomes U+FFFD.
std::string printable_line(std::string_view bytes);

}  // namespace tvae
