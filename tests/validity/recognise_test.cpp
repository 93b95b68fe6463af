// Which kind texts are of (tvae/validity/recognise.h).
#include "tvae/validity/recognise.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

std::string kind_of(const std::vector<std::string>& texts) {
  return recognise_kind(texts, 1).name;
}

TEST(RecogniseKind, CodeMoleculesAndSentences) {
  std::vector<std::string> code, molecules, sentences, words, numbers;
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    code.push_back("result[" + n + "] = compute(value, key=" + n + ")");
    molecules.push_back("CC(=O)N" + std::string(static_cast<size_t>(i % 7), 'C') + "c1ccc(O)cc1");
    sentences.push_back("The " + n + " ships left the harbour in the morning.");
    words.push_back("word" + n);
    numbers.push_back(n + n);
  }
  EXPECT_EQ(kind_of(code), "python");
  EXPECT_EQ(kind_of(molecules), "smiles");
  EXPECT_EQ(kind_of(sentences), "none");
  EXPECT_EQ(kind_of(words), "none") << "names are Python, and so are shuffled ones";
  EXPECT_EQ(kind_of(numbers), "none");
  EXPECT_EQ(kind_of({}), "none");
}

TEST(RecogniseKind, NearlyAllMustPass) {
  std::vector<std::string> mixed;
  for (int i = 0; i < 100; ++i) mixed.push_back(i < 10 ? "The ships left." : "f(x" + std::to_string(i) + ", [1, 2])");
  const RecognisedKind found = recognise_kind(mixed, 1);
  EXPECT_EQ(found.name, "none");
  EXPECT_NEAR(found.shares.at("python"), 0.9, 1e-9);
}

}  // namespace
}  // namespace tvae
