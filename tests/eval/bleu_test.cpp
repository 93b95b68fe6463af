#include "tvae/eval/bleu.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

using Words = std::vector<std::string>;

// Expected values here: sacrebleu 2.6.0, Tokenizer13a and corpus_bleu(...).score / 100.

TEST(Bleu, TokensAreThoseOfMteval13a) {
  EXPECT_EQ(bleu_tokens("Hello, world! It's 3.14, or 1,000-2,000..."),
            (Words{"Hello", ",", "world", "!", "It's", "3.14", ",", "or", "1,000", "-", "2,000", ".", ".", "."}));
  EXPECT_EQ(bleu_tokens("a&quot;b &amp;lt; x[0]=y-1; <skipped>end."),
            (Words{"a", "\"", "b", "<", "x", "[", "0", "]", "=", "y-1", ";", "end", "."}));
  EXPECT_EQ(
      bleu_tokens("1.a,b 2-3 -4 x.5 é,è\u00a0ü\u3000z .,."),
      (Words{"1", ".", "a", ",", "b", "2", "-", "3", "-4", "x", ".", "5", "é", ",", "è", "ü", "z", ".", ",", "."}));
  EXPECT_EQ(bleu_tokens("..5."), (Words{".", ".5", "."}));
  EXPECT_EQ(bleu_tokens("3-"), (Words{"3", "-"}));
  EXPECT_EQ(bleu_tokens(""), Words{});
}

TEST(Bleu, CorpusScoresAreThoseOfSacrebleu) {
  EXPECT_NEAR(corpus_bleu({"the cat sat on the mat", "a quick brown fox, jumps over 3.5 dogs.", "x = foo(a, b) - 1"},
                          {"the cat sat on a mat", "the quick brown fox jumps over 3.5 dogs.", "x = foo(a, b) + 1"}),
              0.638496394008527, 1e-12);
}

TEST(Bleu, OrdersWithoutMatchesAreSmoothed) {
  EXPECT_NEAR(corpus_bleu({"the cat is here now"}, {"the cat sat on the mat today"}), 0.14320952289897704, 1e-12);
  EXPECT_NEAR(corpus_bleu({"a b c d e", "f g h i x y"}, {"a x b y c", "f g h j k l"}), 0.20399146778437557, 1e-12);
}

TEST(Bleu, EndsOfTheScale) {
  EXPECT_DOUBLE_EQ(corpus_bleu({"one two three four"}, {"one two three four"}), 1.0);
  EXPECT_EQ(corpus_bleu({"dog dog"}, {"cat"}), 0.0);
  EXPECT_EQ(corpus_bleu({""}, {"cat"}), 0.0);
  EXPECT_EQ(corpus_bleu({"the cat"}, {"the cat sat on the mat"}), 0.0);  // no 3-grams at all
}

}  // namespace
}  // namespace tvae
