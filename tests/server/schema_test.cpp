#include "server/schema.h"

#include <gtest/gtest.h>

namespace tvae::server {
namespace {

using Json = nlohmann::ordered_json;

const Json kDocument = Json::parse(R"({"components": {"schemas": {
  "Text": {"type": "string", "maxLength": 5},
  "Request": {"type": "object", "additionalProperties": false, "required": ["texts"], "properties": {
    "texts": {"type": "array", "items": {"$ref": "#/components/schemas/Text"}, "minItems": 1, "maxItems": 3},
    "count": {"type": "integer", "minimum": 1, "maximum": 10, "default": 4},
    "scale": {"type": "number", "minimum": 0},
    "kind": {"type": "string", "enum": ["a", "b"]},
    "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2},
    "one": {"type": "object", "minProperties": 1, "maxProperties": 1, "properties": {
      "x": {"type": "number"}, "y": {"type": ["number", "null"]}}}}}}}})");

std::string detail(const char* body) {
  Json value = Json::parse(body);
  const auto found = check(kDocument, {{"$ref", "#/components/schemas/Request"}}, value);
  return found ? found->pointer + "|" + found->detail : "";
}

TEST(Schema, TakesWhatFitsAndFillsInDefaults) {
  Json value = Json::parse(R"({"texts": ["äöüß€"], "one": {"y": null}, "scale": 0.5, "kind": "b", "name": "ab"})");
  EXPECT_FALSE(check(kDocument, kDocument["components"]["schemas"]["Request"], value));
  EXPECT_EQ(value["count"], 4);
  EXPECT_FALSE(value.contains("missing"));
}

TEST(Schema, AWholeNumberMayBeWrittenWithAPoint) {
  Json value = Json::parse(R"({"texts": ["a"], "count": 3.0})");
  EXPECT_FALSE(check(kDocument, kDocument["components"]["schemas"]["Request"], value));
  EXPECT_TRUE(value["count"].is_number_integer());
  EXPECT_EQ(value["count"], 3);
}

TEST(Schema, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(detail("[]"), "|the body: got [], expected object");
  EXPECT_EQ(detail("{}"), "|the body: texts is missing");
  EXPECT_EQ(detail(R"({"texts": []})"), "/texts|texts: got 0 items, expected at least 1");
  EXPECT_EQ(detail(R"({"texts": ["a", 5]})"), "/texts/1|texts/1: got 5, expected string");
  EXPECT_EQ(detail(R"({"texts": ["abcdef"]})"), "/texts/0|texts/0: got 6 characters, expected at most 5");
  EXPECT_EQ(detail(R"({"texts": ["a"], "count": 0})"), "/count|count: got 0, expected at least 1");
  EXPECT_EQ(detail(R"({"texts": ["a"], "count": 2.5})"), "/count|count: got 2.5, expected integer");
  EXPECT_EQ(detail(R"({"texts": ["a"], "count": true})"), "/count|count: got true, expected integer");
  EXPECT_EQ(detail(R"({"texts": ["a"], "count": 1e300})"), "/count|count: got 1e+300, expected integer");
  EXPECT_EQ(detail(R"({"texts": ["a"], "kind": "c"})"), "/kind|kind: got \"c\", expected one of [\"a\",\"b\"]");
  EXPECT_EQ(detail(R"({"texts": ["a"], "name": "A1"})"), "/name|name: got \"A1\", expected what matches ^[a-z]+$");
  EXPECT_EQ(detail(R"({"texts": ["a"], "nme": 1})"),
            "|the body: unknown member \"nme\", expected of texts, count, scale, kind, name, one");
  EXPECT_EQ(detail(R"({"texts": ["a"], "one": {}})"), "/one|one: got 0 members, expected 1 of x, y");
  EXPECT_EQ(detail(R"({"texts": ["a"], "one": {"x": 1, "y": 1}})"), "/one|one: got 2 members, expected 1 of x, y");
}

TEST(Schema, AKeywordThatItDoesNotKnowIsOurBug) {
  Json value = 1;
  EXPECT_THROW(check(kDocument, {{"type", "integer"}, {"multipleOf", 2}}, value), std::logic_error);
}

}  // namespace
}  // namespace tvae::server
