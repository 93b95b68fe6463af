#include "tvae/latent/corpus_index.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/error.h"
#include "tvae/base/files.h"
#include "tvae/base/log.h"
#include "tvae/io/safetensors.h"
#include "tvae/latent/corpus_map.h"

namespace tvae {
namespace {

namespace fs = std::filesystem;

/// What was told of while it lives, but for what --verbose alone shows.
class Told {
 public:
  Told() {
    lines.clear();
    set_log_handler([](LogLevel least, bool, const std::string& message) {
      if (least != LogLevel::kVerbose) lines += message + "\n";
    });
  }
  ~Told() { set_log_handler(nullptr); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  bool has(const std::string& part) const { return lines.find(part) != std::string::npos; }
  static inline std::string lines;
};

std::string some_lines(char first) {
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += std::string(1, first) + " = " + std::to_string(i * i) + "\n\n";
  return lines + "twice\ntwice\n";
}

class CorpusIndexOf : public testing::Test {
 protected:
  CorpusIndexOf() : corpus_(folder_.put("corpus.txt", some_lines('x'))) { test::saved_model(model()); }
  std::string model() const { return folder_.path("m"); }
  std::string kept() const { return model() + "/neighbors"; }
  LatentSpace space() const { return LatentSpace::open(model()); }

  CorpusIndex open(const std::string& reading = "lines") {
    return CorpusIndex::open(space(),
                             {corpus_, reading,
                              [this] {
                                ++reads_;
                                return read_rows(corpus_, {.keep_empty = true});
                              }},
                             Metric::kCosine);
  }
  std::string only(const std::string& extension) const {
    std::string found;
    for (const auto& file : fs::directory_iterator(kept()))
      if (file.path().extension() == extension) {
        EXPECT_EQ(found, "") << "one alone";
        found = file.path().string();
      }
    return found;
  }
  std::vector<std::string> nearest(const CorpusIndex& index, const std::string& text,
                                   CodeSearch::Method method = CodeSearch::Method::kExact) const {
    const auto found = index.search().query(space().encode({text}).mean, 5, method);
    std::vector<std::string> texts;
    for (const auto& [place, distance] : found.front()) texts.push_back(index.text(place));
    return texts;
  }

  test::TemporaryFolder folder_;
  std::string corpus_;
  int reads_ = 0;
};

TEST_F(CorpusIndexOf, IsKeptAndThenNeitherReadNorEncoded) {
  const CorpusIndex first = open(), second = open();
  EXPECT_FALSE(first.was_kept());
  EXPECT_TRUE(second.was_kept());
  EXPECT_EQ(reads_, 1);
  const Rows rows = read_rows(corpus_, {.keep_empty = true});
  const TextIndex expected = space().index(rows.texts);
  for (const CorpusIndex& index : {first, second}) {
    ASSERT_EQ(index.size(), 31) << "empty and repeated texts are left out";
    EXPECT_TRUE(index.search().codes().equal(expected.codes()));
    for (size_t i = 0; i < 31; ++i) {
      EXPECT_EQ(index.text(i), expected.texts()[i]);
      EXPECT_EQ(index.row(i), expected.rows()[i]);
      EXPECT_FALSE(index.label(i));
    }
    EXPECT_EQ(nearest(index, "x = 9").front(), "x = 9");
  }
  EXPECT_EQ(nearest(first, "y = 1"), nearest(second, "y = 1"));
}

TEST_F(CorpusIndexOf, LabelsAndWarningsComeBack) {
  Rows rows;
  rows.texts = {"a", "b", "a", "c"};
  rows.labels = {"one", "two", "two", "one"};
  rows.numbers = {0, 2, 3, 5};
  rows.notices = {"something to know"};
  for (const bool was_kept : {false, true}) {
    const Told told;
    const CorpusIndex index = CorpusIndex::open(space(), {corpus_, "labelled", [&] { return rows; }}, Metric::kL2);
    EXPECT_EQ(index.was_kept(), was_kept);
    ASSERT_EQ(index.size(), 3);
    EXPECT_EQ(index.row(1), 2);
    EXPECT_EQ(index.label(0), "one");
    EXPECT_EQ(index.label(1), "two");
    EXPECT_EQ(index.label(2), "one");
    EXPECT_TRUE(told.has("something to know")) << told.lines;
    EXPECT_EQ(told.has("the codes are kept in"), !was_kept);
  }
}

TEST_F(CorpusIndexOf, AnotherFileOrReadingIsNoticed) {
  open();
  const auto written = fs::last_write_time(corpus_);
  const std::string former = only(".codes");
  folder_.put("corpus.txt", some_lines('y'));
  fs::last_write_time(corpus_, written);
  const CorpusIndex changed = open();
  EXPECT_FALSE(changed.was_kept()) << "of the same size and time, but other texts";
  EXPECT_EQ(changed.text(0), "y = 0");
  EXPECT_FALSE(open("otherwise").was_kept());
  EXPECT_TRUE(open().was_kept());
}

TEST_F(CorpusIndexOf, AFileThatHasNotBeenTouchedIsKnownUnread) {
  corpus_ = TVAE_TEST_DATA "/README.md";  // older than clocks of files are coarse
  EXPECT_FALSE(open().was_kept());
  EXPECT_TRUE(open().was_kept());
  const std::string memory = only(".json");
  // What is remembered of it is believed, and what was kept for that goes when it turns out otherwise.
  std::string known = read_file(memory);
  const size_t content = known.find("\"content\":\"") + 11;
  known[content] = known[content] == '0' ? '1' : '0';
  write_file_atomically(memory, known);
  EXPECT_FALSE(open().was_kept());
}

TEST_F(CorpusIndexOf, OtherWeightsAreNoticed) {
  open();
  TensorMap weights = load_safetensors(model() + "/model.safetensors");
  for (auto& [name, weight] : weights) weight = 1.5 * weight;
  save_safetensors(model() + "/model.safetensors", weights);
  const CorpusIndex again = open();
  EXPECT_FALSE(again.was_kept());
  EXPECT_TRUE(again.search().codes().equal(space().index(read_rows(corpus_).texts).codes()));
  EXPECT_TRUE(open().was_kept());
}

TEST_F(CorpusIndexOf, ADamagedOneIsMadeAgain) {
  open();
  const std::string file = only(".codes"), whole = read_file(file);
  std::vector<std::string> damaged = {whole.substr(0, 40), whole.substr(0, whole.size() - 1), whole + "x", ""};
  for (const size_t place : {size_t{0}, size_t{30}, whole.find("x = 0") - 100}) {  // in the header, and in a table
    damaged.push_back(whole);
    damaged.back()[place] ^= 1;
  }
  for (const std::string& content : damaged) {
    std::ofstream(file, std::ios::binary) << content;
    EXPECT_FALSE(open().was_kept());
    EXPECT_TRUE(read_file(file) == whole);
  }
}

TEST_F(CorpusIndexOf, AFolderThatCannotBeWrittenIsNoHindrance) {
  std::ofstream(kept()) << "in the way of the folder";
  const Told told;
  const CorpusIndex index = open();
  EXPECT_FALSE(index.was_kept());
  EXPECT_TRUE(told.has("the codes are not kept")) << told.lines;
  EXPECT_EQ(nearest(index, "x = 9", CodeSearch::Method::kGraph).front(), "x = 9");
}

TEST_F(CorpusIndexOf, StdinIsNotKept) {
  Rows rows;
  rows.texts = {"a", "b"};
  rows.numbers = {0, 1};
  const CorpusIndex index = CorpusIndex::open(space(), {"-", "", [&] { return rows; }}, Metric::kCosine);
  EXPECT_EQ(index.text(1), "b");
  EXPECT_FALSE(fs::exists(kept()));
  rows.texts = {"", ""};
  EXPECT_THROW(CorpusIndex::open(space(), {"-", "", [&] { return rows; }}, Metric::kCosine), DataError);
}

TEST_F(CorpusIndexOf, ItsGraphIsKeptToo) {
  const auto found = nearest(open(), "x = 9", CodeSearch::Method::kGraph);
  const std::string graph = only(".graph"), whole = read_file(graph);
  const Told told;
  EXPECT_EQ(nearest(open(), "x = 9", CodeSearch::Method::kGraph), found);
  EXPECT_EQ(told.lines, "") << "nothing is built, and nothing kept";
  fs::resize_file(graph, whole.size() - 3);
  EXPECT_EQ(nearest(open(), "x = 9", CodeSearch::Method::kGraph), found);
  EXPECT_TRUE(told.has("the graph is kept in")) << told.lines;
  // Numbers that hnswlib would divide by and walk along.
  for (size_t place = 0; place < whole.size(); place += std::max<size_t>(1, whole.size() / 97)) {
    std::string damaged = whole;
    for (size_t i = place; i < std::min(whole.size(), place + 8); ++i) damaged[i] = static_cast<char>(0xFF);
    write_file_atomically(graph, damaged);
    EXPECT_EQ(nearest(open(), "x = 9", CodeSearch::Method::kGraph), found) << place;
  }
}

TEST_F(CorpusIndexOf, CodesOfAMapAreTaken) {
  Rows rows = read_rows(corpus_, {.keep_empty = true});
  CorpusMap::open(space(), rows, {.umap = false});
  class Listener : public Progress {
   public:
    void update(const char* what, int64_t, int64_t) override { encoded |= std::string(what) == "encoding"; }
    bool encoded = false;
  } listener;
  const CorpusIndex index = CorpusIndex::open(space(), {corpus_, "", [&] { return rows; }}, Metric::kL2, listener);
  EXPECT_FALSE(listener.encoded);
  EXPECT_TRUE(index.search().codes().equal(space().index(rows.texts).codes()));
}

}  // namespace
}  // namespace tvae
