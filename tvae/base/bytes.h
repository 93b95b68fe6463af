// Amounts of memory as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tvae {

/// "12GiB", "1.5 G", "500MB", "4096": K, M, G, T and KiB ... are powers of 1024, KB ... powers of 1000, alone it is
/// bytes; in any case. nullopt for anything else, and for amounts that are not positive or beyond 2^62.
std::optional<int64_t> parse_bytes(std::string_view text);

/// "11.93 GiB", "512 MiB", "17 bytes".
std::string bytes_text(int64_t bytes);

}  // namespace tvae
