// Fuzz targets: what reads bytes of unknown origin, each a file NAME_fuzz.cpp with TVAE_FUZZ(NAME).
//
// The contract of all of them: whatever the bytes are, the reader gives a value or throws an Error, whose message is
// one line. Another exception, a crash, a report of a sanitizer or a broken TVAE_ASSERT of the target is a finding.
//
// With -DTVAE_FUZZ=ON each file is a libFuzzer program; in the ordinary build replay_test.cpp runs all of them over
// their corpora, corpus/NAME.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tvae/base/assert.h"
#include "tvae/base/error.h"
#include "tvae/base/printable.h"
#include "tvae/base/registry.h"

namespace tvae::test {

using FuzzTarget = void (*)(std::string_view data);
Registry<FuzzTarget>& fuzz_targets();

inline void run_fuzz_target(FuzzTarget target, std::string_view data) {
  try {
    target(data);
  } catch (const Error& error) {
    TVAE_ASSERT(printable_line(error.what()) == error.what(), "a message that is not one line");
  }
}

/// An input of several files: they stand one after another with this between them. Those that are missing are empty.
constexpr std::string_view kPartEnd = "\n----\n";
inline std::vector<std::string> parts(std::string_view data, size_t count) {
  std::vector<std::string> found;
  while (found.size() + 1 < count) {
    const size_t end = data.find(kPartEnd);
    found.emplace_back(data.substr(0, end));
    data.remove_prefix(end == std::string_view::npos ? data.size() : end + kPartEnd.size());
  }
  found.emplace_back(data);
  return found;
}

/// Takes the first byte, by which an input chooses between options; 0 where there is none.
inline unsigned take_byte(std::string_view& data) {
  const unsigned byte = data.empty() ? 0 : static_cast<unsigned char>(data.front());
  data.remove_prefix(data.empty() ? 0 : 1);
  return byte;
}

/// A folder for the readers that want a path; one for the whole process.
inline const TemporaryFolder& scratch() {
  static const TemporaryFolder folder;
  return folder;
}

}  // namespace tvae::test

#ifdef TVAE_FUZZING
#define TVAE_FUZZ_ENTRY(name)                                                              \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {                \
    tvae::test::run_fuzz_target(fuzz_##name, {reinterpret_cast<const char*>(data), size}); \
    return 0;                                                                              \
  }
#else
#define TVAE_FUZZ_ENTRY(name) \
  static const tvae::Register<tvae::test::FuzzTarget> registered(tvae::test::fuzz_targets(), {#name, "", fuzz_##name});
#endif

/// TVAE_FUZZ(name) { ... data ... }, outside of any namespace; once a file.
#define TVAE_FUZZ(name)                           \
  static void fuzz_##name(std::string_view data); \
  TVAE_FUZZ_ENTRY(name)                           \
  static void fuzz_##name(std::string_view data)
