#include "tvae/latent/code_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tvae/base/error.h"
#include "tvae/io/safetensors.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

Rows rows_of(std::vector<std::string> texts) {
  Rows rows;
  for (size_t i = 0; i < texts.size(); ++i) rows.numbers.push_back(static_cast<int64_t>(i));
  rows.texts = std::move(texts);
  return rows;
}

class CodeFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "tvae_codes_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
    return folder_ + "/" + name;
  }
  std::string get(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string message(const std::string& name, const std::string& content) const {
    try {
      load_codes(put(name, content), 1, 2);
    } catch (const DataError& error) {
      return error.what();
    }
    return "no error";
  }

  std::string folder_;
};

TEST_F(CodeFile, EveryFormatGivesTheSameNumbersBack) {
  Rng rng(1);
  EncodedTexts encoded;
  encoded.mean = at::randn({3, 2, 4}, rng.generator(), at::kFloat) * 1e-3;
  encoded.log_variance = at::zeros({3, 2, 4});
  const Rows rows = rows_of({"a", "b\t\"c\"", "\xff"});
  for (const std::string name : {"z.npy", "z.safetensors", "z.jsonl", "z.tsv"}) {
    const std::string path = folder_ + "/" + name;
    save_codes(path, encoded, rows);
    EXPECT_TRUE(load_codes(path, 2, 4).equal(encoded.mean)) << name;
    EXPECT_THROW(load_codes(path, 2, 5), DataError) << name;
  }
  EXPECT_THROW(code_format("z.txt"), ConfigError);
}

TEST_F(CodeFile, LabelsAndNumbersOfRowsTravel) {
  EncodedTexts encoded;
  encoded.mean = torch::tensor({1.0F, 2.0F, 3.0F, 4.0F}).view({2, 1, 2});
  Rows rows = rows_of({"a", "c"});
  rows.numbers = {0, 2};
  rows.labels = {"up", "a\tb"};
  rows.bad_count = 1;
  for (const std::string name : {"z.npy", "z.safetensors", "z.jsonl", "z.tsv"}) {
    save_codes(folder_ + "/" + name, encoded, rows);
    EXPECT_TRUE(load_codes(folder_ + "/" + name, 1, 2).equal(encoded.mean)) << name;
  }
  EXPECT_EQ(get("z.tsv"), "row\tlabel\t0\t1\n0\tup\t1\t2\n2\ta\\tb\t3\t4\n");
  EXPECT_EQ(get("z.jsonl").substr(0, get("z.jsonl").find('\n')), R"({"row":0,"text":"a","label":"up","code":[[1,2]]})");
  std::map<std::string, std::string> metadata;
  const TensorMap tensors = load_safetensors(folder_ + "/z.safetensors", &metadata);
  EXPECT_TRUE(tensors.at("row").equal(torch::tensor({0, 2}, at::kLong)));
  EXPECT_TRUE(tensors.at("label").equal(torch::tensor({1, 0}, at::kLong)));
  EXPECT_EQ(metadata.at("labels"), R"(["a\tb","up"])");
  EXPECT_NE(get("z.rows.npy").find("'<i8', 'fortran_order': False, 'shape': (2,), }"), std::string::npos);
  rows.labels.clear();
  save_codes(folder_ + "/z.tsv", encoded, rows);
  EXPECT_EQ(get("z.tsv"), "row\t0\t1\n0\t1\t2\n2\t3\t4\n");
  EXPECT_TRUE(load_codes(folder_ + "/z.tsv", 1, 2).equal(encoded.mean));
  rows.bad_count = 0;
  save_codes(folder_ + "/z.npy", encoded, rows);
  EXPECT_FALSE(fs::exists(folder_ + "/z.rows.npy")) << "that of other codes";
}

TEST_F(CodeFile, LinesEndAsTheyDoInDataFiles) {
  const Tensor expected = torch::tensor({1.0F, 2.0F, 3.0F, 4.0F}).view({2, 1, 2});
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    EXPECT_TRUE(load_codes(put("z.tsv", "1\t2" + end + "3\t4" + end), 1, 2).equal(expected));
    EXPECT_TRUE(load_codes(put("z.jsonl", "[1, 2]" + end + "[3, 4]" + end), 1, 2).equal(expected));
  }
}

// np.save of np.arange(4, dtype=float64).reshape(2, 2), NumPy 2.
TEST_F(CodeFile, ReadsFloat64ArraysAndFlatRows) {
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";
  header.resize(117, ' ');
  bytes += header + "\n";
  const double values[] = {0, 1, 2, 3};
  bytes.append(reinterpret_cast<const char*>(values), sizeof values);
  const Tensor codes = load_codes(put("z.npy", bytes), 1, 2);
  EXPECT_TRUE(codes.equal(torch::arange(4, at::kFloat).view({2, 1, 2})));
  EXPECT_NE(message("cut.npy", bytes.substr(0, bytes.size() - 1)).find("shape does not fit"), std::string::npos);
  EXPECT_NE(message("header.npy", bytes.substr(0, 40)).find("ends within its header"), std::string::npos);
}

std::string npy(const std::string& header, const std::string& array) {
  const auto size = static_cast<uint16_t>(header.size());
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(size & 0xff) + static_cast<char>(size >> 8) + header +
         array;
}

TEST_F(CodeFile, HeadersInAnyLayout) {
  const float values[] = {1, 2, 3, 4};
  const std::string array(reinterpret_cast<const char*>(values), sizeof values);
  const Tensor expected = torch::tensor({1.f, 2.f, 3.f, 4.f}).view({2, 1, 2});
  for (const std::string header : {"{'descr':'<f4','fortran_order':False,'shape':(2,2)}",
                                   "{\"shape\": (2, 1, 2,),\n\"fortran_order\" :False , 'descr' : '<f4',}\n",
                                   "  { 'descr': \"<f4\", 'fortran_order': False, 'shape': ( 2 , 2 ), }   "})
    EXPECT_TRUE(load_codes(put("z.npy", npy(header, array)), 1, 2).equal(expected)) << header;
  const auto refused = [&](const std::string& header, const std::string& part) {
    EXPECT_NE(message("z.npy", npy(header, array)).find(part), std::string::npos)
        << header.substr(0, 100) << ": " << message("z.npy", npy(header, array));
  };
  refused("{'descr':'<f4','fortran_order':True,'shape':(2,2)}", "Fortran order");
  refused("{'descr':'<f4','fortran_order':  True,'shape':(2,2)}", "Fortran order");
  refused("{'descr':'<f4','shape':(2,2)}", "no fortran_order");
  refused("{'descr':'<f4','fortran_order':1,'shape':(2,2)}", "neither True nor False");
  refused("{'descr':[('a', '<f4')],'fortran_order':False,'shape':(2,2)}", "got a structure");
  refused("{'descr':'<i4','fortran_order':False,'shape':(2,2)}", "got <i4");
  refused("{'descr':'<f4','fortran_order':False,'shape':(2,-2)}", "its shape is no list of sizes");
  refused("{'descr':'<f4','fortran_order':False,'shape':(1,1,2,2)}", "too many dimensions");
  refused("{'descr':'<f4','fortran_order':False,'shape':(9223372036854775807,4,9)}", "does not fit");
  refused("{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,)}", "its shape is no list of sizes");
  refused("{'descr':'" + std::string(60000, '<') + "'}", "no fortran_order");
  refused("{'descr':'<f4" + std::string(60000, ' '), "lacks a quoted word");
  refused("{'descr':'\x1b[31m','fortran_order':False,'shape':(2,2)}", "\\x1b[31m");
  for (const std::string shape : {"(0, 9223372036854775807, 32)", "(9223372036854775807, 0, 32)"})
    EXPECT_NE(message("z.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}", ""))
                  .find("does not fit"),
              std::string::npos);
  EXPECT_NE(
      message("z.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2)}", "")).find("holds no codes"),
      std::string::npos);
  EXPECT_NE(message("z.npz", "PK\x03\x04").find("an archive of arrays"), std::string::npos);
}

TEST_F(CodeFile, SaysWhatIsWrong) {
  EXPECT_NE(message("a.tsv", "1\t2\n1\t2\t3\n").find("line 2: got 3 numbers, expected 1 × 2"), std::string::npos)
      << message("a.tsv", "1\t2\n1\t2\t3\n");
  EXPECT_NE(message("b.tsv", "1\tx\n").find("field 2"), std::string::npos);
  EXPECT_NE(message("c.tsv", "1\t2\n1\tnan\n").find("code 2 has numbers that are not finite"), std::string::npos);
  EXPECT_NE(message("d.jsonl", "{\"text\": \"a\"}\n").find("no \"code\""), std::string::npos);
  EXPECT_NE(message("e.jsonl", "{\"code\": [[1, \"x\"]]}\n").find("expected a number"), std::string::npos);
  EXPECT_NE(message("f.jsonl", "[1, 2\n").find("is not JSON"), std::string::npos);
  EXPECT_NE(message("g.tsv", "\n").find("holds no codes"), std::string::npos);
}

}  // namespace
}  // namespace tvae
