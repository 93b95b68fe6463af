#include "tvae/base/files.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "tvae/base/error.h"
#include "tvae/base/log.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tvae_files_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string put(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  size_t count_files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_;
};

std::vector<std::string> lines_of(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) {
    lines.push_back(line);
    EXPECT_EQ(reader.line_number(), static_cast<int64_t>(lines.size()));
  }
  return lines;
}

std::string gzip(const std::string& text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string xz(const std::string& text) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                                    text.size(), reinterpret_cast<uint8_t*>(packed.data()), &size, packed.size()),
            LZMA_OK);
  packed.resize(size);
  return packed;
}

std::string zst(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);  // as the program zstd does
  packed.resize(ZSTD_compress2(context.get(), packed.data(), packed.size(), text.data(), text.size()));
  return packed;
}

struct Compression {
  const char* suffix;
  std::function<std::string(const std::string&)> pack;
};
const std::vector<Compression> kCompressions = {{".gz", gzip}, {".xz", xz}, {".zst", zst}};

/// Lines that do not fit into one read, nor compress to almost nothing.
std::vector<std::string> many_lines() {
  std::vector<std::string> lines;
  for (uint64_t i = 0; i < 20000; ++i) lines.push_back(hex(hash_bytes(std::to_string(i))));
  lines[77] = std::string(300000, 'x');
  return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no DataError";
}

TEST_F(Files, LinesEndWithNewlineOrCarriageReturnNewline) {
  const std::vector<std::string> expected = {"one", "", "two\rtoo", " three ", "last"};
  EXPECT_EQ(lines_of(put("a.txt", "one\r\n\ntwo\rtoo\n three \nlast")), expected);
  EXPECT_EQ(lines_of(put("b.txt", "one\n\ntwo\rtoo\n three \nlast\n")), expected);
  EXPECT_TRUE(lines_of(put("empty.txt", "")).empty());
  EXPECT_EQ(lines_of(put("newline.txt", "\n")), std::vector<std::string>{""});
  EXPECT_EQ(lines_of(put("c.txt", "one\ntwo\r")), (std::vector<std::string>{"one", "two"}));
}

TEST_F(Files, LinesEndWithCarriageReturnsWhereThereAreNoOthers) {
  static std::vector<std::string> told;
  told.clear();
  set_log_handler([](LogLevel, bool, const std::string& message) { told.push_back(message); });
  EXPECT_EQ(lines_of(put("a.txt", "\xEF\xBB\xBFone\r\rthree")), (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(told, std::vector<std::string>{returns_notice(path("a.txt"))});
  told.clear();
  EXPECT_EQ(lines_of(put("b.txt", "one\r")), std::vector<std::string>{"one"});
  EXPECT_EQ(lines_of(put("c.txt.gz", gzip("one\rtwo\r"))), (std::vector<std::string>{"one", "two"}));
  const std::string large(200'000, 'x');  // more than is read at once
  EXPECT_EQ(lines_of(put("d.txt", large + "\r" + large)), (std::vector<std::string>{large, large}));
  EXPECT_EQ(told.size(), 2u) << "b.txt has one line, whatever ends it";
  set_log_handler(nullptr);
}

TEST_F(Files, CompressedFilesReadAsTheirContent) {
  const std::vector<std::string> lines = many_lines();
  const std::string text = text_of(lines);
  EXPECT_EQ(lines_of(put("a.txt", text)), lines);
  for (const Compression& compression : kCompressions) {
    const std::string file = put(std::string("a.txt") + compression.suffix, compression.pack(text));
    EXPECT_EQ(lines_of(file), lines) << compression.suffix;
    EXPECT_EQ(read_text_file(file), text) << compression.suffix;
    EXPECT_EQ(without_compression_suffix(file), path("a.txt"));
  }
  EXPECT_EQ(without_compression_suffix("x.csv"), "x.csv");
}

TEST_F(Files, ConcatenatedCompressedStreamsReadAsOne) {
  for (const Compression& compression : kCompressions) {
    const std::string packed = compression.pack("a\nb") + compression.pack("") + compression.pack("c\nd\n");
    EXPECT_EQ(lines_of(put(std::string("a") + compression.suffix, packed)), (std::vector<std::string>{"a", "bc", "d"}))
        << compression.suffix;
    EXPECT_TRUE(lines_of(put(std::string("e") + compression.suffix, compression.pack(""))).empty());
  }
}

// What a tape or a disk image leaves behind a file.
TEST_F(Files, GzipMayBePaddedWithZeros) {
  const std::string zeros(100000, '\0');
  EXPECT_EQ(read_text_file(put("a.gz", gzip("a\n") + zeros)), "a\n");
  EXPECT_EQ(lines_of(put("b.gz", gzip("a\n") + zeros + gzip("b\n") + zeros)), (std::vector<std::string>{"a", "b"}));
  EXPECT_THROW(read_text_file(put("c.gz", gzip("a\n") + zeros + "x")), DataError);
  EXPECT_THROW(read_text_file(put("d.gz", zeros)), DataError);
}

TEST_F(Files, CompressionIsToldByContentWhereTheNameIsSilent) {
  for (const Compression& compression : kCompressions) {
    EXPECT_EQ(read_text_file(put("packed", compression.pack("a\n"))), "a\n") << compression.suffix;
    EXPECT_EQ(lines_of(put("packed.txt", compression.pack("a\n"))), std::vector<std::string>{"a"});
    std::string upper = compression.suffix;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(read_text_file(put("a" + upper, compression.pack("a\n"))), "a\n") << upper;
    EXPECT_EQ(without_compression_suffix("a.csv" + upper), "a.csv");
  }
}

TEST_F(Files, FormatsThatAreNotReadAreNamed) {
  for (const char* ending : {".bz2", ".BZ2", ".zip", ".7z", ".lz4", ".lzma", ".tar", ".tar.gz", ".tgz"}) {
    const std::string file = put(std::string("a.txt") + ending, "x");
    const std::string name = ending == std::string(".BZ2")      ? ".bz2"
                             : ending == std::string(".tar.gz") ? ".tar"
                                                                : ending;
    EXPECT_EQ(message_of([&] { read_text_file(file); }),
              "cannot read " + file + ": got the format " + name +
                  ", expected a plain file, .gz, .xz or .zst (unpack it first)");
    EXPECT_THROW(LineReader reader(file), DataError) << ending;
  }
  EXPECT_NE(message_of([&] { read_text_file(put("bzip", "BZh91AY&SY....")); }).find(".bz2"), std::string::npos);
  EXPECT_NE(message_of([&] { read_text_file(put("archive", "PK\x03\x04....")); }).find(".zip"), std::string::npos);
  EXPECT_EQ(read_text_file(put("text", "BZhang was here\n")), "BZhang was here\n");
}

TEST_F(Files, UnpackingStopsAtALimit) {
  const std::string text(10 << 20, 'x');
  for (const Compression& compression : kCompressions) {
    const std::string path = std::string("bomb") + compression.suffix, packed = compression.pack(text);
    EXPECT_EQ(unpack(path, packed, 10 << 20), text);
    EXPECT_EQ(message_of([&] { unpack(path, packed, 2 << 20); }),
              "cannot read " + path + ": got more than 2 MiB when unpacked (memory does not suffice; divide the file)");
  }
  EXPECT_EQ(unpack("plain", text, 1), text) << "it is in memory already";
}

TEST_F(Files, AFileLargerThanMemoryIsRefused) {
  const std::string file = put("sparse.txt", "");
  fs::resize_file(file, std::uintmax_t{1} << 42);
  EXPECT_NE(message_of([&] { read_file(file); }).find("memory does not suffice"), std::string::npos);
}

TEST_F(Files, DamagedCompressedFilesAreRefused) {
  const std::string text = text_of(many_lines());
  for (const Compression& compression : kCompressions) {
    const std::string packed = compression.pack(text);
    for (const size_t kept : {size_t{0}, size_t{3}, packed.size() / 2, packed.size() - 1}) {
      const std::string file = put(std::string("cut") + compression.suffix, packed.substr(0, kept));
      EXPECT_NE(message_of([&] { read_text_file(file); }).find("damaged compressed file " + file), std::string::npos)
          << compression.suffix << " cut to " << kept;
    }
    std::string changed = packed;
    changed[packed.size() / 2] = static_cast<char>(changed[packed.size() / 2] ^ 0x55);
    const std::string file = put(std::string("changed") + compression.suffix, changed);
    EXPECT_THROW(read_text_file(file), DataError) << compression.suffix;
    EXPECT_THROW(read_text_file(put(std::string("no") + compression.suffix, "plain text\n")), DataError);
    EXPECT_THROW(read_text_file(put(std::string("tail") + compression.suffix, packed + "plain text")), DataError);
  }
}

TEST_F(Files, UnreadableFilesAreNamedWithTheReason) {
  EXPECT_EQ(message_of([&] { LineReader reader(path("none.txt")); }),
            "cannot read " + path("none.txt") + ": No such file or directory");
  EXPECT_NE(message_of([&] { read_file(folder_); }).find("folder"), std::string::npos);
  EXPECT_NE(message_of([&] { LineReader reader(folder_); }).find("folder"), std::string::npos);
}

TEST_F(Files, WritesWholeFilesAndMakesTheirFolders) {
  const std::string content = text_of(many_lines());
  write_file_atomically(path("deep/er/file.bin"), content);
  EXPECT_EQ(read_file(path("deep/er/file.bin")), content);
  write_file_atomically(path("deep/er/file.bin"), [](const Sink& sink) {
    sink("two ");
    sink(std::string_view("parts\0", 6));
  });
  EXPECT_EQ(read_file(path("deep/er/file.bin")), std::string("two parts\0", 10));
}

TEST_F(Files, AFailedWriteLeavesTheOldFileAndNothingElse) {
  put("file", "old");
  EXPECT_THROW(write_file_atomically(path("file"),
                                     [](const Sink& sink) {
                                       sink("half");
                                       throw DataError("broken off");
                                     }),
               DataError);
  EXPECT_EQ(read_file(path("file")), "old");
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(Files, WriteErrorsAreNamedWithTheReason) {
  EXPECT_NE(message_of([] { write_file_atomically("/dev/full", "x"); }).find("No space left"), std::string::npos);
  put("file", "");
  EXPECT_NE(message_of([&] { write_file_atomically(path("file/below"), "x"); }).find(path("file")), std::string::npos);
  fs::create_directory(path("taken"));
  EXPECT_NE(message_of([&] { write_file_atomically(path("taken"), "x"); }).find(path("taken")), std::string::npos);
  EXPECT_EQ(count_files(), 2u);
}

TEST_F(Files, WhetherAFileCanBeWrittenIsKnownWithoutAWord) {
  write_file_atomically(path("file"), "x");
  for (const std::string& good : {path("file"), path("new"), path("deep/er/new"), std::string("/dev/null")})
    EXPECT_NO_THROW(require_writable(good)) << good;
  EXPECT_FALSE(directory_exists(path("deep"))) << "nothing is left behind";
  EXPECT_EQ(read_file(path("file")), "x");
  EXPECT_FALSE(file_exists(path("new")));
  for (const std::string& bad : {path("file/below"), path("."), std::string("/proc/nowhere/file")})
    EXPECT_THROW(require_writable(bad), DataError) << bad;
  EXPECT_TRUE(same_file(path("file"), path("./file")));
  EXPECT_FALSE(same_file(path("file"), path("new")));
}

TEST_F(Files, WritingThroughALinkOrToADeviceKeepsIt) {
  put("real", "old");
  fs::create_symlink(path("real"), path("link"));
  write_file_atomically(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("real")), "new");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::fstream reader(path("pipe"));  // open both ways, so that neither end waits
  write_file_atomically(path("pipe"), "through\n");
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "through");
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
}

TEST_F(Files, WhatAKilledProcessLeftOfAFileIsRemovedByTheNextThatWritesIt) {
  const auto unfinished = [&](pid_t process) { return put("file.tmp." + std::to_string(process) + ".0", "half"); };
  constexpr pid_t kNobody = 4194305;  // ids of processes end below 2^22
  const std::string dead = unfinished(kNobody), own = unfinished(getpid()), living = unfinished(getppid());
  const std::string other = put("other.tmp.4194305.0", "half"), mine = put("file.tmp.txt", "mine");
  write_file_atomically(path("file"), [&](const Sink& sink) {
    sink("x");
    remove_unfinished_files(folder_);  // leaves a writer at work alone, though it is this very process
    sink("y");
  });
  EXPECT_EQ(read_file(path("file")), "xy");
  EXPECT_FALSE(file_exists(dead));
  EXPECT_FALSE(file_exists(own)) << "of an earlier process with the id of this one";
  EXPECT_TRUE(file_exists(living));
  EXPECT_TRUE(file_exists(mine));
  EXPECT_FALSE(file_exists(other));
}

TEST_F(Files, LinksThatLeadNowhereAreNamed) {
  fs::create_symlink(path("nowhere"), path("link"));
  for (const std::function<void()>& write : std::vector<std::function<void()>>{
           [&] { write_file_atomically(path("link"), "x"); }, [&] { require_writable(path("link")); },
           [&] { make_directories(path("link")); }, [&] { make_directories(path("link/below")); }})
    EXPECT_NE(message_of(write).find("a link that leads nowhere"), std::string::npos) << message_of(write);
  EXPECT_TRUE(fs::is_symlink(path("link")));
}

TEST(Hash, IsTheSameOnEveryMachine) {
  EXPECT_EQ(hex(hash_bytes("")), "0000000000000000");
  EXPECT_EQ(hex(255), "00000000000000ff");
  EXPECT_EQ(hex(hash_bytes("hello, world")), "9659ad0699a8465f");
  EXPECT_NE(hash_bytes("hello, world", 1), hash_bytes("hello, world"));
  EXPECT_NE(hash_bytes("a"), hash_bytes(std::string_view("a\0", 2)));
}

}  // namespace
}  // namespace tvae
