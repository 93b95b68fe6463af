#include "tvae/data/pretokenized.h"

#include <gtest/gtest.h>

#include "tvae/base/error.h"

namespace tvae {
namespace {

using Ids = std::vector<std::vector<int32_t>>;

std::string fault(const std::string& json, const std::string& kind = "bert") {
  try {
    parse_pretokenized("file.json", json, kind);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(Pretokenized, GivesTheIdsOfEachKindWithoutTheirMarks) {
  const std::string json = R"([{"bert_token": [101, 5, 6, 102], "bert_token_length": 4,
                                "gpt2_token": [50258, 7, 50259], "gpt2_token_length": 3},
                               {"gpt2_token_length": 2, "gpt2_token": [50258, 50259], "bert_token": [101, 102]}])";
  EXPECT_EQ(parse_pretokenized("f", json, "bert"), (Ids{{5, 6}, {}}));
  EXPECT_EQ(parse_pretokenized("f", json, "gpt2"), (Ids{{7}, {}}));
}

TEST(Pretokenized, WhatIsNoSuchListIsRefusedInOneLine) {
  for (const auto& [json, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "no JSON at byte"},
           {"[]", "no pre-tokenised sentences"},
           {"{}", "an object"},
           {"3", "a number"},
           {"[3", "no JSON"},
           {"[\"text\"]", "a text"},
           {"[[101, 102]]", "a list in a list"},
           {R"([{"bert_token": [101, 102]}, {"gpt2_token": []}])", "an object without bert_token after 1 sentences"},
           {R"([{"bert_token": [101, 5]}])", "between 101 and 102"},
           {R"([{"bert_token": [101, -5, 102]}])", "the id -5"},
           {R"([{"bert_token": [101, 5000000000, 102]}])", "the id 5000000000"},
           {R"([{"bert_token": [101, 1.5, 102]}])", "the id 1.5"},
           {R"([{"bert_token": [101, [5], 102]}])", "a list in a list"},
           {R"([{"bert_token": [101, 102]}] x)", "no JSON"}}) {
    EXPECT_NE(fault(json).find(part), std::string::npos) << json << ": " << fault(json);
    EXPECT_NE(fault(json).find("file.json"), std::string::npos) << json;
  }
}

}  // namespace
}  // namespace tvae
