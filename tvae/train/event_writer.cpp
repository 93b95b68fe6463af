#include "tvae/train/event_writer.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

constexpr char kPrefix[] = "events.out.tfevents.";

std::string little_endian(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// A protobuf message being written: fields by number, as the .proto files of TensorBoard give them.
class Message {
 public:
  Message& varint(int field, uint64_t value) {
    tag(field, 0);
    raw_varint(value);
    return *this;
  }
  Message& float64(int field, double value) {
    tag(field, 1);
    bytes_ += little_endian(std::bit_cast<uint64_t>(value), 8);
    return *this;
  }
  Message& float32(int field, float value) {
    tag(field, 5);
    bytes_ += little_endian(std::bit_cast<uint32_t>(value), 4);
    return *this;
  }
  Message& bytes(int field, const std::string& value) {
    tag(field, 2);
    raw_varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return bytes(field, value.bytes_); }
  const std::string& str() const { return bytes_; }

 private:
  void tag(int field, int wire_type) {
    raw_varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type));
  }
  void raw_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

/// An Event with its two common fields.
Message event(int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Message message;
  message.float64(1, std::chrono::duration<double>(now).count());  // wall_time
  message.varint(2, static_cast<uint64_t>(step));                  // step
  return message;
}

/// The file's second, now or just after the latest file's: names sort by it.
int64_t file_time(const std::string& directory) {
  int64_t time =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrefix)) time = std::max<int64_t>(time, std::atoll(name.c_str() + std::strlen(kPrefix)) + 1);
  }
  return time;
}

std::string new_file(const std::string& directory) {
  make_directories(directory);
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) std::strcpy(host.data(), "localhost");
  return directory + "/" + kPrefix + std::to_string(file_time(directory)) + "." + host.data() + "." +
         std::to_string(getpid());
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> entries{};
    for (uint32_t i = 0; i < 256; ++i) {
      entries[i] = i;
      for (int bit = 0; bit < 8; ++bit) entries[i] = (entries[i] >> 1) ^ (entries[i] & 1 ? 0x82F63B78u : 0u);
    }
    return entries;
  }();
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = table[(crc ^ static_cast<uint8_t>(byte)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u;
}

EventWriter::EventWriter(const std::string& directory, int64_t first_step)
    : path_(new_file(directory)), file_(std::fopen(path_.c_str(), "wbx"), &std::fclose) {
  if (!file_) throw DataError("cannot write " + path_, std::strerror(errno));
  write_record(event(first_step).bytes(3, "brain.Event:2").str());  // file_version
  // TensorBoard takes the second start that it sees, and each after it, for a restart: a new run needs one too.
  constexpr int kStart = 1;
  write_record(event(first_step).message(7, Message().varint(1, kStart)).str());  // session_log.status
}

void EventWriter::scalars(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  Message summary;
  for (const auto& [name, value] : values)
    summary.message(1, Message().bytes(1, name).float32(2, static_cast<float>(value)));  // value {tag, simple_value}
  write_record(event(step).message(5, summary).str());
}

void EventWriter::text(int64_t step, const std::string& tag, const std::string& content) {
  constexpr int kString = 7, kTensor = 2;                              // DT_STRING, DATA_CLASS_TENSOR
  const Message shape = Message().message(2, Message().varint(1, 1));  // one dimension of size 1
  const Message tensor = Message().varint(1, kString).message(2, shape).bytes(8, content);
  const Message metadata =
      Message().message(1, Message().bytes(1, "text")).varint(4, kTensor);  // plugin_data.plugin_name
  const Message value = Message().bytes(1, tag).message(8, tensor).message(9, metadata);
  write_record(event(step).message(5, Message().message(1, value)).str());
}

void EventWriter::image(int64_t step, const std::string& tag, const Picture& picture) {
  constexpr int kGreyscale = 1;
  const Message image = Message()
                            .varint(1, static_cast<uint64_t>(picture.height))
                            .varint(2, static_cast<uint64_t>(picture.width))
                            .varint(3, kGreyscale)
                            .bytes(4, encode_png(picture));
  write_record(event(step).message(5, Message().message(1, Message().bytes(1, tag).message(4, image))).str());
}

void EventWriter::write_record(const std::string& event) {
  const std::string length = little_endian(event.size(), 8);
  const std::string record =
      length + little_endian(masked_crc32c(length), 4) + event + little_endian(masked_crc32c(event), 4);
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() || std::fflush(file_.get()) != 0)
    throw DataError("cannot write " + path_, std::strerror(errno));
}

}  // namespace tvae
