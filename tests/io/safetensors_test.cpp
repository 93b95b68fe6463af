#include "tvae/io/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "tvae/base/error.h"
#include "tvae/base/files.h"

namespace tvae {
namespace {

class Safetensors : public testing::Test {
 protected:
  Safetensors() {
    std::string name = (std::filesystem::temp_directory_path() / "tvae_safetensors_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Safetensors() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  /// A file of this header and this many bytes of data.
  std::string write(const std::string& header, size_t data_bytes) const {
    return write_raw(header.size(), header + std::string(data_bytes, '\0'));
  }
  std::string write_raw(uint64_t header_bytes, const std::string& rest) const {
    std::string content(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
    return write_plainly(content + rest);
  }
  /// Without the waiting for the disk of an atomic write: these tests write hundreds of files.
  std::string write_plainly(const std::string& content) const {
    std::ofstream(path("file"), std::ios::binary) << content;
    return path("file");
  }

  std::string folder_;
};

std::string error_of(const std::string& path) {
  try {
    load_safetensors(path);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "";
}

TEST_F(Safetensors, EveryDtypeAndShapeComesBack) {
  const TensorMap tensors = {
      {"f64", torch::tensor({1.5, -2.25}, torch::kFloat64)},
      {"f32", torch::randn({2, 3, 4})},
      {"f16", torch::tensor({0.5, 65504.0}, torch::kFloat16)},
      {"bf16", torch::tensor({3.0, 1e30}, torch::kBFloat16)},
      {"i64", torch::tensor({std::numeric_limits<int64_t>::min()}, torch::kInt64)},
      {"i32", torch::tensor({-7, 7}, torch::kInt32)},
      {"i16", torch::tensor({-300}, torch::kInt16)},
      {"i8", torch::tensor({-128, 127, 0}, torch::kInt8)},
      {"u8", torch::tensor({255}, torch::kUInt8)},
      {"bool", torch::tensor({true, false, true})},
      {"scalar", torch::tensor(4.0f)},
      {"empty", torch::empty({0, 5})},
      {"name \"with\" ümlaut", torch::ones({1})},
  };
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"note", "line\nbreak"}};
  save_safetensors(path("a"), tensors, metadata);

  std::map<std::string, std::string> loaded_metadata;
  const TensorMap loaded = load_safetensors(path("a"), &loaded_metadata);
  EXPECT_EQ(loaded_metadata, metadata);
  ASSERT_EQ(loaded.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(loaded.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(loaded.at(name), tensor)) << name;
  }
}

TEST_F(Safetensors, StridedTensorsAreSavedAsSeen) {
  const auto base = torch::arange(12).view({3, 4});
  save_safetensors(path("a"), {{"transposed", base.t()}, {"column", base.select(1, 2)}});
  const TensorMap loaded = load_safetensors(path("a"));
  EXPECT_TRUE(torch::equal(loaded.at("transposed"), base.t()));
  EXPECT_TRUE(torch::equal(loaded.at("column"), base.select(1, 2)));
}

TEST_F(Safetensors, NothingIsAFileToo) {
  save_safetensors(path("a"), {});
  std::map<std::string, std::string> metadata = {{"from", "before"}};
  EXPECT_TRUE(load_safetensors(path("a"), &metadata).empty());
  EXPECT_TRUE(metadata.empty());
}

TEST_F(Safetensors, DataBeginAlignedAndWideTypesComeFirst) {
  save_safetensors(path("a"), {{"a", torch::ones({3}, torch::kUInt8)}, {"b", torch::ones({3})}});
  const std::string content = read_file(path("a"));
  EXPECT_EQ((content.size() - 3 - 12) % 8, 0u);
  EXPECT_LT(content.find("\"b\""), content.find("\"a\""));
}

/// Files that the Python package wrote are written the same, and hold what it put there.
TEST_F(Safetensors, AgreesWithThePythonPackage) {
  for (const std::string file : {"optimizers.safetensors", "full_2020.safetensors", "t5_v1_0/model.safetensors",
                                 "t5_v1_0/parity.safetensors", "buckets.safetensors"}) {
    const std::string original = std::string(TVAE_TEST_DATA) + "/" + file;
    std::map<std::string, std::string> metadata;
    const TensorMap tensors = load_safetensors(original, &metadata);
    save_safetensors(path("copy"), tensors, metadata);
    EXPECT_TRUE(read_file(path("copy")) == read_file(original)) << file;
  }
  const TensorMap buckets = load_safetensors(std::string(TVAE_TEST_DATA) + "/buckets.safetensors");
  EXPECT_TRUE(torch::equal(buckets.at("relative_position"), torch::arange(-300, 301, torch::kInt16)));
  // From a distance of 128 on all share the last bucket: 15 to the left, 31 to the right.
  EXPECT_EQ(buckets.at("both.32.128")[0].item<int>(), 15);
  EXPECT_EQ(buckets.at("both.32.128")[600].item<int>(), 31);
  const TensorMap parity = load_safetensors(std::string(TVAE_TEST_DATA) + "/t5_v1_0/parity.safetensors");
  EXPECT_EQ(parity.at("adamw.learning_rate").item<double>(), 3e-3);
  EXPECT_TRUE(torch::equal(parity.at("lengths"), torch::tensor({5, 12, 9, 3, 9})));
}

TEST_F(Safetensors, AFailedLoadNamesTheFile) {
  EXPECT_EQ(error_of(path("missing")), "cannot read " + path("missing") + ": No such file or directory");
  EXPECT_NE(error_of(folder_).find("cannot read " + folder_), std::string::npos);
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  save_safetensors(path("a"), {{"x", torch::ones({2, 2})}, {"y", torch::ones({3}, torch::kUInt8)}});
  const std::string whole = read_file(path("a"));
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(load_safetensors(write_plainly(whole.substr(0, length))), CheckpointError) << length;
  }
  EXPECT_NE(error_of(write_plainly(whole + "x")).find("bytes are left over"), std::string::npos);
}

TEST_F(Safetensors, EveryChangedHeaderByteIsReadOrRefused) {
  save_safetensors(path("a"), {{"x", torch::ones({2, 2})}, {"y", torch::ones({3}, torch::kBool)}}, {{"k", "v"}});
  const std::string whole = read_file(path("a"));
  int refused = 0;
  for (size_t place = 0; place < whole.size(); ++place) {
    for (const char byte : {'\0', '"', '{', '9', '\xff'}) {
      std::string changed = whole;
      changed[place] = byte;
      try {
        load_safetensors(write_plainly(changed));
      } catch (const CheckpointError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 200);
}

TEST_F(Safetensors, HostileHeadersAreRefused) {
  EXPECT_NE(error_of(write_raw(~0ull, "{}")).find("length of the header"), std::string::npos);
  EXPECT_NE(error_of(write_raw(3, "{}")).find("length of the header"), std::string::npos);

  struct Case {
    const char* header;
    size_t data_bytes;
    const char* message;
  };
  const Case cases[] = {
      {"", 0, "not a JSON object"},
      {"[]", 0, "not a JSON object"},
      {"{", 0, "not a JSON object"},
      {"{} {}", 0, "not a JSON object"},
      {"\"x\"", 0, "not a JSON object"},
      {"{\"\xff\":{}}", 0, "not a JSON object"},
      {R"({"x":1})", 0, "not described by"},
      {R"({"x":{"dtype":"F32","shape":[1]}})", 4, "not described by"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":0}})", 4, "not described by"},
      {R"({"x":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", 4, "dtype: got \"F31\""},
      {R"({"x":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4, "dtype: got 7"},
      {R"({"x":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4, "shape: got 1"},
      {R"({"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "shape: got [-1]"},
      {R"({"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "shape: got [1.0]"},
      {R"({"x":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", 4, "shape: got"},
      {R"({"x":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}})", 4, "shape: got"},
      {R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0, "too large"},
      {R"({"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0, "too large"},
      {R"({"x":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})", 0, "too large"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "got 4 bytes, expected 8"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4, "[begin, end]"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "[begin, end]"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4, "[begin, end]"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4, "[begin, end]"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 3, "cut short"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5, "left over"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "a gap"},
      {R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       3, "an overlap"},
      {R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
       3, "a gap"},
      {R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
       2, "holds \"x\" twice"},
      {R"({"x":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1, "holds \"dtype\" twice"},
      {R"({"x":{"dtype":{"a":1},"shape":[1],"data_offsets":[0,1]}})", 1, "nests too deeply"},
      {R"({"x":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1, "nests too deeply"},
      {R"({"__metadata__":[]})", 0, "__metadata__ is not"},
      {R"({"__metadata__":{"a":1}})", 0, "\"a\" is no string"},
  };
  for (const Case& c : cases) {
    const std::string message = error_of(write(c.header, c.data_bytes));
    EXPECT_NE(message.find(c.message), std::string::npos) << c.header << "\n  " << message;
    EXPECT_NE(message.find(path("file")), std::string::npos) << message;
  }
}

TEST_F(Safetensors, DeepNestingIsRefusedBeforeItCosts) {
  std::string brackets(1'000'000, '[');
  EXPECT_NE(error_of(write("{\"x\":" + brackets, 0)).find("nests too deeply"), std::string::npos);
}

TEST_F(Safetensors, ABooleanIsZeroOrOne) {
  const std::string header = R"({"x":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_NE(error_of(write_raw(header.size(), header + "\1\2")).find("BOOL"), std::string::npos);
}

/// Spans may come in any order and names too: only the layout counts.
TEST_F(Safetensors, EntriesMayBeListedInAnyOrder) {
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"b":{"shape":[1],"data_offsets":[0,1],"dtype":"U8"}}   )";
  const TensorMap tensors = load_safetensors(write_raw(header.size(), header + "\5\6"));
  EXPECT_EQ(tensors.at("a").item<int>(), 6);
  EXPECT_EQ(tensors.at("b").item<int>(), 5);
}

TEST_F(Safetensors, ShapesAloneAreThoseOfTheFile) {
  const TensorMap tensors = {{"a", at::ones({2, 3})}, {"b", at::ones({4}, at::kHalf)}, {"none", at::ones({0, 5})}};
  save_safetensors(path("a.safetensors"), tensors);
  const TensorMap shapes = load_safetensors_shapes(path("a.safetensors"));
  ASSERT_EQ(shapes.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(shapes.at(name).is_meta());
    EXPECT_EQ(shapes.at(name).sizes(), tensor.sizes());
    EXPECT_EQ(shapes.at(name).scalar_type(), tensor.scalar_type());
  }
  EXPECT_THROW(load_safetensors_shapes(write("{}", 8)), CheckpointError);
}

}  // namespace
}  // namespace tvae
