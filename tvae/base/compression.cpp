#include "tvae/base/compression.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include "tvae/base/error.h"
#include "tvae/base/memory.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

class Gzip : public Decompressor {
 public:
  Gzip() {
    constexpr int kGzipHeader = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipHeader) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() override { inflateEnd(&stream_); }

  Step step(std::string_view input, bool, char* output, size_t size) override {
    if (complete_) {  // zero bytes fill the blocks of a tape behind the last member
      const size_t padding = std::min(input.find_first_not_of('\0'), input.size());
      if (padding > 0 || input.empty()) return {padding, 0};
      inflateReset(&stream_);
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(output);
    stream_.avail_out = static_cast<uInt>(size);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    complete_ = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw std::runtime_error(stream_.msg ? stream_.msg : "not in gzip format");
    return {input.size() - stream_.avail_in, size - stream_.avail_out};
  }
  bool complete() const override { return complete_; }

 private:
  z_stream stream_ = {};
  bool complete_ = false;
};

class Xz : public Decompressor {
 public:
  Xz() {
    if (lzma_stream_decoder(&stream_, available_memory(), LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
  }
  ~Xz() override { lzma_end(&stream_); }

  Step step(std::string_view input, bool input_ended, char* output, size_t size) override {
    if (complete_) return {};
    stream_.next_in = reinterpret_cast<const uint8_t*>(input.data());
    stream_.avail_in = input.size();
    stream_.next_out = reinterpret_cast<uint8_t*>(output);
    stream_.avail_out = size;
    const lzma_ret status = lzma_code(&stream_, input_ended ? LZMA_FINISH : LZMA_RUN);
    complete_ = status == LZMA_STREAM_END;
    if (status == LZMA_FORMAT_ERROR) throw std::runtime_error("not in xz format");
    if (status == LZMA_MEM_ERROR || status == LZMA_MEMLIMIT_ERROR)
      throw std::runtime_error("its dictionary is larger than the memory that is free");
    if (status != LZMA_OK && status != LZMA_STREAM_END && status != LZMA_BUF_ERROR)
      throw std::runtime_error("corrupt data");
    return {input.size() - stream_.avail_in, size - stream_.avail_out};
  }
  bool complete() const override { return complete_; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool complete_ = false;
};

class Zstd : public Decompressor {
 public:
  Zstd() {
    if (!stream_) throw std::bad_alloc();
    // `zstd --ultra --long=31` writes windows of 2^31 bytes, which a few bytes of header may claim, too.
    constexpr int kSmallestWindow = 10, kLargestWindow = 31;
    const int log = static_cast<int>(std::bit_width(available_memory())) - 1;
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, std::clamp(log, kSmallestWindow, kLargestWindow));
  }

  Step step(std::string_view input, bool, char* output, size_t size) override {
    ZSTD_inBuffer in = {input.data(), input.size(), 0};
    ZSTD_outBuffer out = {output, size, 0};
    const size_t status = ZSTD_decompressStream(stream_.get(), &out, &in);
    if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
      throw std::runtime_error("its window is larger than the memory that is free");
    if (ZSTD_isError(status)) throw std::runtime_error(ZSTD_getErrorName(status));
    if (in.pos > 0 || out.pos > 0) complete_ = status == 0;
    return {in.pos, out.pos};
  }
  bool complete() const override { return complete_; }

 private:
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> stream_{ZSTD_createDCtx(), ZSTD_freeDCtx};
  bool complete_ = false;
};

template <class Format>
std::unique_ptr<Decompressor> make() {
  return std::make_unique<Format>();
}

/// A format by the endings of its names and by the bytes that its files begin with (empty where these tell nothing).
/// `make` is null where it is not read.
struct Format {
  std::string_view ending;
  std::string_view magic;
  std::unique_ptr<Decompressor> (*make)();
};

constexpr Format kFormats[] = {
    {".gz", "\x1f\x8b", make<Gzip>},
    {".xz",
     "\xfd"
     "7zXZ",
     make<Xz>},
    {".zst", "\x28\xb5\x2f\xfd", make<Zstd>},
    {".bz2", "BZh", nullptr},
    {".zip", "PK\x03\x04", nullptr},
    {".7z", "7z\xbc\xaf\x27\x1c", nullptr},
    {".rar", "Rar!\x1a\x07", nullptr},
    {".lz4", "\x04\x22\x4d\x18", nullptr},
    {".lzma", "", nullptr},
    {".lz", "LZIP\x01", nullptr},
    {".z", "\x1f\x9d", nullptr},
    {".br", "", nullptr},
    {".tar", "", nullptr},
    {".npz", "", nullptr},
    {".tgz", "", nullptr},
    {".txz", "", nullptr},
    {".tbz2", "", nullptr},
};

/// The blocks of a bzip2 file begin with the digits of pi: three letters might also begin a text.
bool is_bzip2(std::string_view bytes) {
  return bytes.size() >= 10 && bytes[3] >= '1' && bytes[3] <= '9' && bytes.substr(4, 6) == "\x31\x41\x59\x26\x53\x59";
}

const Format* format_of(const std::string& path, std::string_view bytes) {
  const std::string ending = lower_case(std::filesystem::path(path).extension().string());
  for (const Format& format : kFormats)
    if (ending == format.ending) return &format;
  for (const Format& format : kFormats)
    if (!format.magic.empty() && bytes.starts_with(format.magic) && (format.ending != ".bz2" || is_bzip2(bytes)))
      return &format;
  return nullptr;
}

}  // namespace

std::unique_ptr<Decompressor> make_decompressor(const std::string& path, std::string_view first_bytes) {
  const Format* format = format_of(path, first_bytes);
  if (!format) return nullptr;
  if (format->make)  // a tar archive within is no text either
    if (const Format* inner = format_of(std::filesystem::path(path).stem(), ""); inner && !inner->make) format = inner;
  if (!format->make)
    throw DataError("cannot read " + (path == "-" ? "stdin" : path), "the format " + std::string(format->ending),
                    "a plain file, .gz, .xz or .zst", "unpack it first");
  return format->make();
}

std::string without_compression_suffix(const std::string& path) {
  std::filesystem::path name(path);
  const std::string ending = lower_case(name.extension().string());
  for (const Format& format : kFormats)
    if (ending == format.ending) return name.replace_extension();
  return path;
}

}  // namespace tvae
