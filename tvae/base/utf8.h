// UTF-8: checks and iteration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tvae {

/// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view bytes);
/// The characters of valid UTF-8, each as its own bytes. Bytes that are no UTF-8 come singly.
std::vector<std::string_view> utf8_characters(std::string_view text);
/// Bytes with every malformed part replaced by U+FFFD, for output.
std::string repair_utf8(std::string_view bytes);

}  // namespace tvae
