#include "tvae/train/event_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"

namespace tvae {
namespace {

uint64_t little_endian(const std::string& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes.at(at + i))) << (8 * i);
  return value;
}

/// The records of an event file, with framing and checksums checked.
std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> found;
  size_t at = 0;
  while (at < file.size()) {
    const std::string length = file.substr(at, 8);
    const size_t size = little_endian(length, 0, 8);
    EXPECT_EQ(little_endian(file, at + 8, 4), masked_crc32c(length));
    found.push_back(file.substr(at + 12, size));
    EXPECT_EQ(little_endian(file, at + 12 + size, 4), masked_crc32c(found.back()));
    at += 12 + size + 4;
  }
  EXPECT_EQ(at, file.size());
  return found;
}

/// "field:value" of each field of a message: numbers as numbers, bytes as they are.
std::vector<std::pair<int, std::string>> fields(const std::string& message) {
  std::vector<std::pair<int, std::string>> found;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<uint8_t>(message.at(at++));
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t tag = varint();
    const int field = static_cast<int>(tag >> 3);
    if ((tag & 7) == 0) {
      found.emplace_back(field, std::to_string(varint()));
    } else {
      const size_t size = (tag & 7) == 1 ? 8 : (tag & 7) == 5 ? 4 : varint();
      found.emplace_back(field, message.substr(at, size));
      at += size;
    }
  }
  return found;
}

std::string field(const std::string& message, int number) {
  for (const auto& [found, value] : fields(message))
    if (found == number) return value;
  return "(absent)";
}

std::string file_of(const EventWriter& writer) {
  std::ifstream file(writer.path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Crc32c, KnownValues) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(EventWriter, WritesScalars) {
  const test::TemporaryFolder folder;
  EventWriter writer(folder.path("logs"));
  writer.scalars(300, {{"loss", 2.5}, {"accuracy", 0.25}});

  const auto found = records(file_of(writer));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(field(found[0], 3), "brain.Event:2");
  EXPECT_EQ(field(found[2], 2), "300");
  const auto values = fields(field(found[2], 5));
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(field(values[0].second, 1), "loss");
  EXPECT_EQ(field(values[1].second, 1), "accuracy");
  float loss;
  std::memcpy(&loss, field(values[0].second, 2).data(), sizeof loss);
  EXPECT_EQ(loss, 2.5f);
}

TEST(EventWriter, WritesTextForTheTextPlugin) {
  const test::TemporaryFolder folder;
  EventWriter writer(folder.path());
  const std::string content(300, 'x');  // a length of two bytes
  writer.text(7, "samples", content);
  const std::string value = field(field(records(file_of(writer)).at(2), 5), 1);
  EXPECT_EQ(field(value, 1), "samples");
  EXPECT_EQ(field(field(field(value, 9), 1), 1), "text");
  EXPECT_EQ(field(field(value, 8), 1), "7");
  EXPECT_EQ(field(field(value, 8), 8), content);
}

TEST(EventWriter, AResumedRunPurgesInALaterFile) {
  const test::TemporaryFolder folder;
  const EventWriter first(folder.path()), second(folder.path(), 41), third(folder.path(), 81);
  EXPECT_LT(first.path(), second.path());
  EXPECT_LT(second.path(), third.path());
  const auto found = records(file_of(second));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(field(found[1], 2), "41");
  EXPECT_EQ(field(field(found[1], 7), 1), "1");  // SessionLog START
}

TEST(EventWriter, AFolderThatCannotBeMadeIsADataError) {
  const test::TemporaryFolder folder;
  folder.put("file", "");
  EXPECT_THROW(EventWriter(folder.path("file")), DataError);
}

}  // namespace
}  // namespace tvae
