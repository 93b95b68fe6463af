// The data sets that `tvae data` makes.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/corpus/demo_data.h"
#include "tvae/corpus/mnist_text.h"
#include "tvae/corpus/python_lines.h"
#include "tvae/corpus/sentences.h"

namespace tvae {
namespace {

using Lines = std::vector<std::string>;

TEST(DemoData, UniqueDeterministicPython) {
  const Lines lines = make_demo_lines(3000, 1);
  EXPECT_EQ(lines.size(), 3000u);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 3000u);
  EXPECT_EQ(make_demo_lines(3000, 1), lines);
  EXPECT_NE(make_demo_lines(3000, 2), lines);
  const std::vector<bool> valid = make_validity_check("python")->valid(lines);
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_TRUE(valid[i]) << lines[i];
}

TEST(DemoData, TheSameOnEveryMachine) {
  EXPECT_EQ(make_demo_lines(3, 42), (Lines{"if state not in self.labels: label += 0", "print(\"error\", [32, 64, 4])",
                                           "while not line.level: item_node -= 100"}));
}

TEST(PythonLines, KeepsWhatParsesAlone) {
  const test::TemporaryFolder folder;
  folder.put("b/deep/z.py", "import os\r\n\tx = 1  \nif x:\n    return x\n# comment\n'text'\n\"\"\"doc\"\"\"\n\n");
  folder.put("a.py", "x = 1\ny = 'caf\xC3\xA9'\nbad = '\xFF'\nlong = 123456\nelse:\n");
  folder.put("note.txt", "z = 3\r");
  folder.put("old.txt", "u = 4\rv = 5\r");
  const auto python = make_validity_check("python");
  const PythonLines all = gather_python_lines({folder.path()}, {.max_length = 11}, *python);
  EXPECT_EQ(all.lines, (Lines{"x = 1", "y = 'caf\xC3\xA9'", "import os", "return x"}));
  EXPECT_EQ(all.files, 2);
  EXPECT_EQ(all.not_utf8, 1);
  const PythonLines some = gather_python_lines({folder.path("note.txt"), folder.path("b")}, {.limit = 2}, *python);
  EXPECT_EQ(some.lines, (Lines{"z = 3", "import os"}));
  EXPECT_EQ(gather_python_lines({folder.path("old.txt")}, {}, *python).lines, (Lines{"u = 4", "v = 5"}));
  EXPECT_THROW(gather_python_lines({folder.path("absent")}, {}, *python), DataError);
}

TEST(PythonLines, LeavesFoldersOut) {
  const test::TemporaryFolder folder;
  folder.put("a.py", "a = 1\n");
  folder.put("site-packages/deep/b.py", "b = 2\n");
  folder.put("lib/site-packages/c.py", "c = 3\n");
  folder.put("lib/site-packages.py", "d = 4\n");
  const auto python = make_validity_check("python");
  PythonLinesOptions options;
  options.skipped_folders = {"site-packages", "absent"};
  EXPECT_EQ(gather_python_lines({folder.path()}, options, *python).lines, (Lines{"a = 1", "d = 4"}));
}

TEST(PythonLines, LinksThatLeadNowhereAreTold) {
  const test::TemporaryFolder folder;
  folder.put("tree/a.py", "a = 1\n");
  folder.put("tree/sub/b.py", "b = 2\n");
  std::filesystem::create_symlink("loop", folder.path("tree/loop"));
  std::filesystem::create_symlink("loop.py", folder.path("tree/loop.py"));
  std::filesystem::create_directory_symlink("..", folder.path("tree/sub/up"));
  std::filesystem::create_symlink("a.py", folder.path("tree/sub/nowhere.py"));
  const auto python = make_validity_check("python");
  testing::internal::CaptureStderr();
  const PythonLines found = gather_python_lines({folder.path("tree")}, {}, *python);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(found.lines, (Lines{"a = 1", "b = 2"}));
  EXPECT_NE(told.find("2 entries are left out, which cannot be read: "), std::string::npos) << told;
  EXPECT_NE(told.find("/tree/loop.py (Too many levels of symbolic links)"), std::string::npos) << told;
}

TEST(PythonLines, CompressedFilesAreReadOrNamed) {
  const test::TemporaryFolder folder;
  folder.put("a.py.bz2", "BZh91AY&SY");
  const auto python = make_validity_check("python");
  EXPECT_THROW(gather_python_lines({folder.path()}, {}, *python), DataError);
}

TEST(Sentences, AreCutWhereOneEnds) {
  EXPECT_EQ(split_sentences("It rained. Dr. A. Smith (b. 1900) came. \"Why?\" she asked.  3 went on, e.g. to work"),
            (Lines{"It rained.", "Dr. A. Smith (b. 1900) came.", "\"Why?\" she asked.", "3 went on, e.g. to work"}));
  EXPECT_TRUE(split_sentences(" ").empty());
}

TEST(Sentences, WholeOnesOnly) {
  const SentenceOptions options{10, 40};
  EXPECT_TRUE(is_whole_sentence("It rained for a day.", options));
  for (const char* other :
       {"it rained for a day.", "It rained for a day", "It rained all day.", "It rained (for a day.",
        "It 1 2 3 4 5 6 7 8 9 0.", "It rained for a day and then for another one and more.", "I a b c."})
    EXPECT_FALSE(is_whole_sentence(other, options)) << other;
}

TEST(Sentences, OutOfArticles) {
  const test::TemporaryFolder folder;
  folder.put("AA/wiki_01",
             "<doc id=\"1\" title=\"Rain\">\nRain\n\nRain is water that falls. It can fall for days on end.\n</doc>\n");
  folder.put("AA/wiki_00", "{\"id\": 1, \"text\": \"Snow\\n\\nSnow is water that falls slowly.\"}\n");
  EXPECT_EQ(gather_sentences({folder.path()}, {10, 100}),
            (Lines{"Snow is water that falls slowly.", "Rain is water that falls.", "It can fall for days on end."}));
  EXPECT_THROW(gather_sentences({folder.path("absent")}, {}), DataError);
}

TEST(MnistTextData, SymbolsRowsAndPools) {
  GreyImage image{4,
                  {0, 0, 0, 0,    //
                   0, 255, 4, 0,  //
                   0, 0, 128, 3,  //
                   0, 0, 0, 254}};
  EXPECT_EQ(mnist_text(image, 1, false), "00 down ! ! ! !\n01 down ! a \" !\n02 down ! ! A !\n03 down ! ! ! `");
  EXPECT_EQ(mnist_text(image, 2, false), "00 down a \"\n01 down ! `");
  EXPECT_EQ(mnist_text(image, 2, true), "01 up ! `\n00 up a \"");
  EXPECT_EQ(mnist_text(image, 3, false), "00 down a") << "the first row and column are left out";
  for (const bool up : {false, true}) EXPECT_TRUE(is_mnist_text(mnist_text(image, 2, up)));
}

TEST(MnistTextData, TextsBecomeImagesAgain) {
  const GreyImage image{3, {0, 255, 4, 8, 128, 252, 0, 3, 64}};
  for (const bool up : {false, true}) {
    const auto read = mnist_image(mnist_text(image, 1, up));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->side, 3);
    EXPECT_EQ(read->pixels, (std::vector<unsigned char>{0, 255, 4, 8, 128, 252, 0, 0, 64}));
    EXPECT_EQ(mnist_text(*read, 1, up), mnist_text(image, 1, up));
  }
  EXPECT_TRUE(mnist_image("00 down !"));
  EXPECT_FALSE(is_mnist_text("00 down !")) << "black";
  for (const char* broken : {"", "00 down", "00 down ! !", "01 down !", "00 down b", "00 down !\n", "00 up !\n01 up !"})
    EXPECT_FALSE(mnist_image(broken)) << broken;
}

TEST(MnistTextData, Strips) {
  const auto strip = image_strip({"00 down a", "text", "00 down ! a\n01 down a !"});
  ASSERT_TRUE(strip);
  EXPECT_EQ(strip->width, 8);
  EXPECT_EQ(strip->height, 2);
  EXPECT_EQ(strip->pixels, (std::vector<unsigned char>{255, 128, 128, 128, 128, 128, 0, 255,  //
                                                       128, 128, 128, 128, 128, 128, 255, 0}));
  EXPECT_FALSE(image_strip({"a", "b"}));
  const Picture large = enlarged(*strip, 3);
  EXPECT_EQ(large.width, 24);
  EXPECT_EQ(large.pixels[24 * 3 + 21], 0);
  EXPECT_EQ(encode_png(large).substr(1, 3), "PNG");
}

TEST(MnistTextData, PiecesCoverAnImage) {
  const std::vector<std::string> pieces = mnist_text_pieces();
  EXPECT_EQ(std::set<std::string>(pieces.begin(), pieces.end()).size(), 65u + 28 * 4);
}

std::string idx(const std::string& sizes, const std::string& bytes) {
  std::string file{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const char size : sizes) file += std::string(3, '\0') + size;
  return file + bytes;
}

TEST(MnistTextData, ReadsIdxFiles) {
  const test::TemporaryFolder folder;
  const std::string images = folder.put("images", idx("\x02\x02\x02", "abcdefgh")),
                    labels = folder.put("labels", idx("\x02", "\x05\x09"));
  const LabelledImages digits = read_mnist(images, labels);
  ASSERT_EQ(digits.images.size(), 2u);
  EXPECT_EQ(digits.images[1].side, 2);
  EXPECT_EQ(digits.images[1].pixels, (std::vector<unsigned char>{'e', 'f', 'g', 'h'}));
  EXPECT_EQ(digits.labels, (std::vector<int>{5, 9}));

  EXPECT_THROW(read_mnist(labels, images), DataError) << "swapped";
  EXPECT_THROW(read_mnist(images, folder.put("few", idx("\x01", "\x05"))), DataError);
  EXPECT_THROW(read_mnist(folder.put("cut", idx("\x02\x02\x02", "abcdefg")), labels), DataError);
  EXPECT_THROW(read_mnist(folder.put("oblong", idx("\x02\x02\x01", "abcd")), labels), DataError);
  EXPECT_THROW(read_mnist(folder.put("empty", ""), labels), DataError);
  EXPECT_THROW(read_mnist(folder.put("huge", idx("\x7f\x7f\x7f", "abcd")), labels), DataError);
}

}  // namespace
}  // namespace tvae
