#include "tvae/base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <utility>
#include <vector>

#include "tvae/base/error.h"
#include "tvae/base/log.h"
#include "tvae/base/memory.h"
#include "tvae/base/strings.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunk = 1 << 16;

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw DataError("cannot " + what + " " + path + ": " + std::strerror(errno));
}

/// An open file, closed at the end of its scope.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : path_(path), file_(path == "-" ? stdin : std::fopen(path.c_str(), "rb")) {
    if (!file_) fail("read", path);
  }
  ~InputFile() {
    if (file_ != stdin) std::fclose(file_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Bytes read into buffer; 0 at the end.
  size_t read(char* buffer, size_t size) {
    const size_t got = std::fread(buffer, 1, size, file_);
    if (got == 0 && std::ferror(file_)) fail("read", path_);
    return got;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::FILE* file_;
};

/// The unpacked bytes of a file or pipe, or of what was read from one.
class ByteReader {
 public:
  explicit ByteReader(const std::string& path) : path_(path), file_(open_file(path)), buffer_(kChunk) { begin(); }
  ByteReader(const std::string& path, std::string_view packed) : path_(path), input_(packed), ended_(true) { begin(); }

  bool compressed() const { return decompressor_ != nullptr; }

  /// Unpacked bytes written to output; 0 at the end.
  size_t read(char* output, size_t size) {
    for (;;) {
      if (input_.empty()) refill();
      const Decompressor::Step step = unpack(output, size);
      input_.remove_prefix(step.consumed);
      if (step.produced > 0) return step.produced;
      if (step.consumed > 0 || (input_.empty() && !ended_)) continue;
      if (!input_.empty()) throw DataError("damaged compressed file " + path_ + ": it does not go on");
      if (decompressor_ && !decompressor_->complete())
        throw DataError("damaged compressed file " + path_ + ": it ends too early");
      return 0;
    }
  }

 private:
  static std::unique_ptr<InputFile> open_file(const std::string& path) {
    if (path != "-" && directory_exists(path)) throw DataError("cannot read " + path, "a folder", "a file");
    return std::make_unique<InputFile>(path);
  }

  /// The first bytes tell the format, and a pipe may hand them on singly.
  void begin() {
    constexpr size_t kEnough = 16;
    std::string first;
    while (!ended_ && first.size() < kEnough) {
      refill();
      first += input_;
    }
    if (!first.empty()) {
      first.swap(first_);
      input_ = first_;
    }
    decompressor_ = make_decompressor(path_, input_);
  }

  void refill() {
    if (ended_) return;
    input_ = {buffer_.data(), file_->read(buffer_.data(), buffer_.size())};
    ended_ = input_.empty();
  }

  Decompressor::Step unpack(char* output, size_t size) {
    if (!decompressor_) {
      const size_t count = input_.copy(output, size);
      return {count, count};
    }
    try {
      return decompressor_->step(input_, ended_ && input_.empty(), output, size);
    } catch (const std::runtime_error& error) {
      throw DataError("damaged compressed file " + path_ + ": " + error.what());
    }
  }

  std::string path_;
  std::unique_ptr<InputFile> file_;  // null where the bytes were handed over
  std::vector<char> buffer_;
  std::string first_;       // what begin() has looked at
  std::string_view input_;  // what is left of the bytes that were read
  bool ended_ = false;      // no more will be read
  std::unique_ptr<Decompressor> decompressor_;
};

void write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

constexpr char kUnfinished[] = ".tmp.";  // then the process and a number

/// The process that writes NAME.tmp.PROCESS.NUMBER; 0 where `name` is no such name.
pid_t writer_of(const std::string& name) {
  const size_t found = name.rfind(kUnfinished);
  if (found == std::string::npos || found == 0) return 0;
  const char* const end = name.data() + name.size();
  pid_t process = 0;
  unsigned number = 0;
  const auto first = std::from_chars(name.data() + found + sizeof(kUnfinished) - 1, end, process);
  if (first.ec != std::errc() || process <= 0 || first.ptr == end || *first.ptr != '.') return 0;
  const auto second = std::from_chars(first.ptr + 1, end, number);
  return second.ec == std::errc() && second.ptr == end ? process : 0;
}

/// Removes an unfinished file unless it is still being written. A writer holds a lock on its file, which tells it from
/// a killed one even where another machine or container gave both processes the same id; its id alone tells where the
/// file system has no locks.
void remove_if_abandoned(const fs::path& path, pid_t writer) {
  const bool lives = writer != ::getpid() && (::kill(writer, 0) == 0 || errno == EPERM);
  if (lives) return;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  ::close(descriptor);
}

/// Calls visit(path, writer) for the unfinished files of a folder whose names begin with `start`.
void for_each_unfinished(const fs::path& folder, const std::string& start,
                         const std::function<void(const fs::path&, pid_t)>& visit) {
  std::error_code error;  // a folder that may be written but not listed
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    const pid_t writer = name.starts_with(start) ? writer_of(name) : 0;
    if (writer > 0) visit(entry->path(), writer);
  }
}

/// A new file beside `target`, renamed to it by finish(). Left unfinished, it is removed at the end of its scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    for_each_unfinished(target.parent_path(), target.filename().string() + kUnfinished, remove_if_abandoned);
    static std::atomic<unsigned> counter{0};
    struct stat opened = {};
    do {  // a cleaner that came between open and flock took it for abandoned
      if (descriptor_ >= 0) ::close(descriptor_);
      path_ = target_ + kUnfinished + std::to_string(::getpid()) + "." + std::to_string(counter++);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      if (descriptor_ < 0) fail("write", target_);
      ::flock(descriptor_, LOCK_EX);
    } while (::fstat(descriptor_, &opened) == 0 && opened.st_nlink == 0);
  }
  ~TemporaryFile() {
    if (!finished_) ::unlink(path_.c_str());
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return descriptor_; }
  void finish() {
    if (::fsync(descriptor_) != 0 || ::rename(path_.c_str(), target_.c_str()) != 0) fail("write", target_);
    finished_ = true;
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("write", target_);
  }

 private:
  std::string target_;
  std::string path_;
  int descriptor_ = -1;
  bool finished_ = false;
};

/// Makes a rename survive a power cut. Some file systems cannot sync a folder; the rename is done all the same.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

uint64_t load_little_endian(const char* bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

}  // namespace

namespace {

[[noreturn]] void fail_as_too_large(const std::string& path, uint64_t most, const char* how) {
  throw DataError("cannot read " + path, "more than " + std::to_string(most >> 20) + " MiB" + how, "",
                  "memory does not suffice; divide the file");
}

/// All that `read(output, size)` gives until it gives nothing. Throws DataError above `most` bytes.
template <class Read>
void read_all(const std::string& path, uint64_t most, const char* how, const Read& read, std::string& content) {
  for (size_t got = 1; got > 0;) {
    const size_t used = content.size();
    try {
      content.resize(used + kChunk);
    } catch (const std::bad_alloc&) {
      fail_as_too_large(path, used, how);
    }
    got = read(content.data() + used, kChunk);
    content.resize(used + got);
    if (content.size() > most) fail_as_too_large(path, most, how);
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  if (directory_exists(path)) throw DataError("cannot read " + path, "a folder", "a file");
  InputFile file(path);
  const uint64_t most = available_memory();
  std::error_code unknown;  // of pipes
  const uint64_t size = fs::file_size(path, unknown);
  if (!unknown && size > most) fail_as_too_large(path, most, "");
  std::string content;
  if (!unknown) content.reserve(size + kChunk);
  read_all(
      path, most, "", [&](char* output, size_t count) { return file.read(output, count); }, content);
  return content;
}

void write_file_atomically(const std::string& path, std::string_view content) {
  write_file_atomically(path, [&](const Sink& sink) { sink(content); });
}

namespace {

/// A link to nothing: neither a file to replace nor a name that is free.
bool is_dangling(const fs::path& path) {
  std::error_code error;
  return fs::is_symlink(path, error) && !fs::exists(path, error);
}

/// What a path is written to: the file behind a link. Throws DataError for a link that leads nowhere.
fs::path target_of(const std::string& path) {
  if (is_dangling(path)) throw DataError("cannot write " + path + ": it is a link that leads nowhere");
  std::error_code error;
  const fs::path target = fs::exists(path, error) ? fs::canonical(path, error) : fs::absolute(path, error);
  if (error) throw DataError("cannot write " + path + ": " + error.message());
  return target;
}

/// A rename would replace a device or a pipe, such as /dev/null, by a file.
bool is_written_in_place(const fs::path& target) {
  std::error_code error;
  return fs::is_character_file(target, error) || fs::is_fifo(target, error);
}

}  // namespace

void require_writable(const std::string& path) {
  const fs::path target = target_of(path);
  if (is_written_in_place(target)) return;
  if (directory_exists(path)) {
    errno = EISDIR;
    fail("write", path);
  }
  fs::path first_missing = target;  // of the folders on the way, or the file itself
  std::error_code error;
  while (first_missing.has_relative_path() && !fs::exists(first_missing.parent_path(), error))
    first_missing = first_missing.parent_path();
  const TemporaryFile file(first_missing);
}

void write_file_atomically(const std::string& path, const std::function<void(const Sink&)>& write) {
  const fs::path target = target_of(path);
  const auto write_to = [&](int descriptor) {
    write([&](std::string_view bytes) { write_all(descriptor, bytes, path); });
  };
  if (is_written_in_place(target)) {
    const int descriptor = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) fail("write", path);
    const std::shared_ptr<void> closer(nullptr, [=](void*) { ::close(descriptor); });
    return write_to(descriptor);
  }
  make_directories(target.parent_path());
  TemporaryFile file(target);
  write_to(file.descriptor());
  file.finish();
  sync_folder(target.parent_path());
}

void remove_unfinished_files(const std::string& folder) {
  for_each_unfinished(folder, "", remove_if_abandoned);
}

struct LineReader::Implementation {
  explicit Implementation(const std::string& name) : path(name), reader(name), buffer(kChunk) {}

  std::string path;
  ByteReader reader;
  std::vector<char> buffer;
  std::string_view rest;  // what is left in buffer
  int64_t line_number = 0;
};

LineReader::LineReader(const std::string& path) : implementation_(std::make_unique<Implementation>(path)) {}
LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

bool LineReader::next(std::string& line) {
  Implementation& self = *implementation_;
  line.clear();
  for (bool ended = false; !ended;) {
    if (self.rest.empty()) {
      self.rest = {self.buffer.data(), self.reader.read(self.buffer.data(), self.buffer.size())};
      if (self.rest.empty()) {  // the last line may lack its line end
        if (line.empty()) return false;
        if (self.line_number > 0 || !ends_lines_by_returns(line)) break;
        log_warning(returns_notice(self.path));
        self.buffer.assign(line.begin(), line.end());  // the whole file
        std::replace(self.buffer.begin(), self.buffer.end(), '\r', '\n');
        self.rest = {self.buffer.data(), self.buffer.size()};
        line.clear();
      }
    }
    const size_t end = self.rest.find('\n');
    ended = end != std::string_view::npos;
    line += self.rest.substr(0, end);
    self.rest.remove_prefix(ended ? end + 1 : self.rest.size());
  }
  if (line.ends_with('\r')) line.pop_back();
  if (++self.line_number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // byte order mark
  return true;
}

std::string returns_notice(const std::string& path) {
  return (path == "-" ? "stdin" : path) + " has no line feeds; its carriage returns are taken as the ends of lines";
}

int64_t LineReader::line_number() const {
  return implementation_->line_number;
}

std::string read_text_file(const std::string& path) {
  return unpack(path, read_file(path));
}

std::string unpack(const std::string& path, std::string bytes, std::optional<uint64_t> most) {
  ByteReader reader(path, bytes);
  if (!reader.compressed()) return bytes;
  std::string content;
  read_all(
      path, most.value_or(available_memory() / 2), " when unpacked",
      [&](char* output, size_t count) { return reader.read(output, count); }, content);
  return content;
}

// MurmurHash64A (Austin Appleby, public domain), reading little-endian words on every machine.
uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  uint64_t hash = seed ^ (bytes.size() * kMultiplier);
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    uint64_t word = load_little_endian(bytes.data(), 8) * kMultiplier;
    word = (word ^ (word >> kShift)) * kMultiplier;
    hash = (hash ^ word) * kMultiplier;
  }
  if (!bytes.empty()) hash = (hash ^ load_little_endian(bytes.data(), bytes.size())) * kMultiplier;
  hash = (hash ^ (hash >> kShift)) * kMultiplier;
  return hash ^ (hash >> kShift);
}

std::string hex(uint64_t value) {
  std::array<char, 17> digits;
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
  return digits.data();
}

void make_directories(const std::string& path) {
  std::error_code error;
  if (path.empty() || directory_exists(path)) return;
  for (fs::path part = path; part.has_relative_path(); part = part.parent_path())
    if (is_dangling(part))
      throw DataError("cannot make the folder " + path + ": " + part.string() + " is a link that leads nowhere");
  fs::create_directories(path, error);
  if (error || !directory_exists(path)) throw DataError("cannot make the folder " + path + ": " + error.message());
}

bool file_exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error) && !fs::is_directory(path, error);
}

bool can_be_read_again(const std::string& path) {
  for (const char* of_this_process : {"/dev/stdin", "/dev/fd/", "/proc/"})
    if (path.starts_with(of_this_process)) return false;
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

bool directory_exists(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

}  // namespace tvae
