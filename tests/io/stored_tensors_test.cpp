#include "tvae/io/stored_tensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/io/safetensors.h"

namespace tvae {
namespace {

class StoredTensorFile : public testing::Test {
 protected:
  const TensorMap tensors_ = {{"a", at::randn({40, 50})}, {"b", at::ones({3}, at::kHalf)}, {"c", at::randn({2, 3})}};
  test::TemporaryFolder folder_;
};

TEST_F(StoredTensorFile, IsReadOneTensorAtATimeAndInAnyOrder) {
  save_safetensors(folder_.path("a"), tensors_, {{"k", "v"}});
  std::map<std::string, std::string> metadata;
  const StoredTensors stored = open_safetensors(folder_.path("a"), &metadata);
  EXPECT_EQ(metadata.at("k"), "v");
  ASSERT_EQ(stored.size(), tensors_.size());
  for (const char* name : {"c", "a", "b", "a"}) {
    EXPECT_TRUE(stored.at(name).shape.is_meta());
    EXPECT_EQ(stored.at(name).shape.sizes(), tensors_.at(name).sizes());
    EXPECT_EQ(stored.at(name).shape.scalar_type(), tensors_.at(name).scalar_type());
    EXPECT_TRUE(torch::equal(stored.at(name).read(), tensors_.at(name))) << name;
  }
}

TEST_F(StoredTensorFile, ThatIsCutShortLaterSaysSo) {
  save_safetensors(folder_.path("a"), tensors_);
  const StoredTensors stored = open_safetensors(folder_.path("a"));
  std::filesystem::resize_file(folder_.path("a"), std::filesystem::file_size(folder_.path("a")) - 1);
  EXPECT_TRUE(torch::equal(stored.at("a").read(), tensors_.at("a")));
  for (int i = 0; i < 2; ++i) try {
      stored.at("b").read();
      ADD_FAILURE() << "read";
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.what(), folder_.path("a") + ": the file cannot be read to its end");
    }
  EXPECT_TRUE(torch::equal(stored.at("c").read(), tensors_.at("c"))) << "of what is still there";
}

TEST_F(StoredTensorFile, IsWrittenHoldingOneTensor) {
  int alive = 0, most = 0;
  StoredTensors counted;
  for (const auto& [name, tensor] : tensors_)
    counted[name] = {in_memory(tensor).shape, [&, tensor = tensor] {
                       most = std::max(most, ++alive);
                       return torch::from_blob(
                           tensor.data_ptr(), tensor.sizes(), [&](void*) { --alive; }, tensor.scalar_type());
                     }};
  write_safetensors(folder_.path("streamed"), counted, {{"k", "v"}});
  EXPECT_EQ(most, 1);
  EXPECT_EQ(alive, 0);
  save_safetensors(folder_.path("whole"), tensors_, {{"k", "v"}});
  EXPECT_TRUE(folder_.get("streamed") == folder_.get("whole"));
}

TEST_F(StoredTensorFile, StaysAsItWasWhereReadingFails) {
  const std::string file = folder_.put("file", "before");
  StoredTensors broken = in_memory(tensors_);
  broken.at("c").read = []() -> torch::Tensor { throw CheckpointError("c is gone"); };
  EXPECT_THROW(write_safetensors(file, broken), CheckpointError);
  EXPECT_EQ(folder_.get("file"), "before");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

}  // namespace
}  // namespace tvae
