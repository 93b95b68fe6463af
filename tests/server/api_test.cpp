#include "server/api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "server/problem.h"
#include "server/schema.h"
#include "tests/support/saved_model.h"
#include "tests/support/temporary_folder.h"
#include "tvae/base/files.h"

namespace tvae::server {
namespace {

using Json = nlohmann::ordered_json;

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    for (int i = 0; i < 30; ++i)
      corpus_ += Json{{"text", "v" + std::to_string(i) + " = " + std::to_string(i * i)},
                      {"label", i % 3 == 0 ? "third" : "other"}}
                     .dump() +
                 "\n";
    write_file_atomically(folder_.path("corpus.jsonl"), corpus_);
    test::saved_model(folder_.path("m"), "gaussian", "json");
    std::vector<LatentSpace> spaces = {LatentSpace::open(folder_.path("m"))};
    spaces[0].share_decoding(2);
    explorer_ = std::make_unique<Explorer>(
        std::move(spaces), ExplorerOptions{.corpus = folder_.path("corpus.jsonl"), .read = {.label_column = "label"}});
    assets_ = {{"/", {"text/html; charset=utf-8", "<p>page</p>", "\"1\""}}};
    api_ = std::make_unique<Api>(*explorer_, access_, assets_, [] { return size_t{0}; });
  }

  HttpResponse ask(const std::string& method, const std::string& target, const std::string& body = "",
                   std::map<std::string, std::string> headers = {{"content-type", "application/json"}}) {
    HttpRequest request{.method = method, .headers = std::move(headers), .body = body};
    request.headers["host"] = "localhost:8000";
    request.malformed = !parse_target(target, request);
    return api_->answer(request, Progress::none());
  }
  Json get(const std::string& target) { return answer(ask("GET", target)); }
  Json post(const std::string& path, const Json& body) { return answer(ask("POST", path, body.dump())); }
  static Json answer(const HttpResponse& response) {
    EXPECT_LT(response.status, 300) << response.body;
    return Json::parse(response.body);
  }
  /// What is wrong, as the problem document of a refused request says it.
  std::string refusal(const std::string& path, const Json& body, int status = 422) {
    const HttpResponse response = ask("POST", path, body.dump());
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    return Json::parse(response.body)["detail"];
  }
  void wait_for_map() {
    for (int i = 0; i < 2000; ++i) {
      const std::string state = get("/api/models")["models"][0]["corpus"]["state"];
      if (state == "ready") return;
      ASSERT_EQ(state, "building");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL() << "no map";
  }
  static size_t numbers_in(const HttpResponse& response) {
    EXPECT_EQ(response.content_type, "application/octet-stream");
    return response.body.size() / sizeof(float);
  }

  test::TemporaryFolder folder_;
  std::string corpus_;
  Access access_{.host = "127.0.0.1"};
  Assets assets_;
  std::unique_ptr<Explorer> explorer_;
  std::unique_ptr<Api> api_;
};

TEST_F(ApiTest, EveryOperationOfTheDocumentIsThere) {
  const Json document = get("/api/openapi.json");
  EXPECT_EQ(document["openapi"], "3.1.0");  // the constructor finds every operationId, or throws
  EXPECT_EQ(get("/api/health")["status"], "ok");
}

TEST_F(ApiTest, DescribesTheModel) {
  const Json model = get("/api/models")["models"][0];
  EXPECT_EQ(model["name"], "m");
  EXPECT_EQ(model["latent_tokens"], 2);
  EXPECT_EQ(model["latent_size"], 4);
  EXPECT_EQ(model["gaussian"], true);
  EXPECT_EQ(model["prior"], "normal");
  EXPECT_EQ(model["examples"].size(), 24U);
}

TEST_F(ApiTest, TextsToCodesAndBack) {
  const Json encoded = post("/api/encode", {{"texts", {"x = 1", std::string(100, 'y')}}, {"deviations", true}});
  EXPECT_EQ(encoded["codes"].size(), 2U);
  EXPECT_EQ(encoded["deviations"][0][1].size(), 4U);
  EXPECT_EQ(encoded["cut"], (Json{false, true}));
  const Json decoded = post("/api/decode", {{"codes", encoded["codes"]}});
  const Json reconstructed = post("/api/reconstruct", {{"texts", {"x = 1", std::string(100, 'y')}}, {"codes", true}});
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(decoded["outputs"][i]["text"], reconstructed["outputs"][i]["text"]);
    EXPECT_EQ(reconstructed["outputs"][i]["code"], encoded["codes"][i]);
    EXPECT_TRUE(decoded["outputs"][i]["valid"].is_boolean());
    EXPECT_TRUE(decoded["outputs"][i]["log_density"].is_number());
    EXPECT_GE(decoded["outputs"][i]["unlikeliness"], 0.0);
  }
  EXPECT_EQ(reconstructed["outputs"][1]["cut"], true);
}

TEST_F(ApiTest, APathHasItsEndsAndAsManyStepsAsWereAsked) {
  const Json places = {{{"text", "a"}}, {{"text", "b"}}, {{"text", "c"}}};
  const Json path = post("/api/interpolate", {{"places", places}, {"steps", 3}, {"codes", true}})["outputs"];
  ASSERT_EQ(path.size(), 5U);
  EXPECT_EQ(path[2]["ratio"], 1.0);
  const Json ends = post("/api/encode", {{"texts", {"a", "b", "c"}}})["codes"];
  EXPECT_EQ(path[0]["code"], ends[0]);
  EXPECT_EQ(path[2]["code"], ends[1]);
  EXPECT_EQ(path[4]["code"], ends[2]);
  const Json one =
      post("/api/interpolate",
           {{"places", {{{"code", ends[0]}}, {{"text", "b"}}}}, {"ratios", {0.25}}, {"path", "lerp"}})["outputs"];
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0]["ratio"], 0.25);
  EXPECT_NE(
      refusal("/api/interpolate", {{"places", {{{"text", "a"}}, {{"text", "b"}}}}, {"ratios", {1.5}}}).find("1.5"),
      std::string::npos);
}

TEST_F(ApiTest, SamplesByThePriorAndNearAPlace) {
  const Json some = post("/api/sample", {{"count", 5}, {"codes", true}})["outputs"];
  EXPECT_EQ(some.size(), 5U);
  EXPECT_EQ(some, post("/api/sample", {{"count", 5}, {"codes", true}})["outputs"]) << "the same seed";
  EXPECT_NE(some[0]["code"], post("/api/sample", {{"count", 5}, {"codes", true}, {"seed", 7}})["outputs"][0]["code"]);
  const Json code = some[0]["code"];
  const Json near = post("/api/sample", {{"near", {{"code", code}}}, {"radius", 0}, {"count", 2}, {"codes", true}});
  EXPECT_EQ(near["outputs"][1]["code"], code) << "radius 0 is the place itself";
  EXPECT_NE(refusal("/api/sample", {{"prior", "fitted"}}, 409).find("no fitted prior"), std::string::npos);
  wait_for_map();
  const Json judged = post("/api/sample", {{"count", 1}, {"novelty", true}})["outputs"][0];
  EXPECT_TRUE(judged["novel"].is_boolean());
  EXPECT_TRUE(judged["nearest"]["text"].is_string());
}

TEST_F(ApiTest, ChildrenHaveTheirParentsCodes) {
  const Json codes = post("/api/encode", {{"texts", {"a", "b"}}})["codes"];
  const Json places = {{{"text", "a"}}, {{"text", "b"}}};
  const Json children =
      post("/api/mix", {{"places", places}, {"count", 3}, {"spread", 0.5}, {"codes", true}})["outputs"];
  ASSERT_EQ(children.size(), 3U);
  EXPECT_EQ(children[0]["spread"], 0.0);
  EXPECT_EQ(children[1]["spread"], 0.5);
  EXPECT_NE(children[1]["code"], children[2]["code"]);
  const Json crossed = post("/api/mix", {{"places", places}, {"token_weights", {{1, 0}, {0, 1}}}, {"codes", true}});
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(crossed["outputs"][0]["code"][0][i].get<double>(), codes[0][0][i].get<double>(), 1e-5);
    EXPECT_NEAR(crossed["outputs"][0]["code"][1][i].get<double>(), codes[1][1][i].get<double>(), 1e-5);
  }
  EXPECT_NE(refusal("/api/mix", {{"places", places}, {"weights", {1, 2, 3}}}).find("3 for 2"), std::string::npos);
  const Json analogy = post("/api/analogy", {{"a", {{"text", "a"}}},
                                             {"b", {{"text", "b"}}},
                                             {"c", {{"text", "a"}}},
                                             {"strengths", {0, 1}},
                                             {"codes", true}})["outputs"];
  EXPECT_NEAR(analogy[0]["code"][0][0].get<double>(), codes[0][0][0].get<double>(), 1e-5);
  EXPECT_NEAR(analogy[1]["code"][0][0].get<double>(), codes[1][0][0].get<double>(), 1e-5);
}

TEST_F(ApiTest, DirectionsAreFittedAppliedAndRemoved) {
  wait_for_map();
  const Json fitted = answer(ask("POST", "/api/directions", R"({"name": "third", "label": "third"})"));
  EXPECT_EQ(fitted["positive"], 10);
  EXPECT_EQ(fitted["negative"], 20);
  EXPECT_EQ(get("/api/directions")["directions"].size(), 1U);
  const Json place = {{"text", "v1 = 1"}};
  const Json still = post("/api/steer", {{"place", place}}),
             moved = post("/api/steer", {{"place", place}, {"moves", {{{"direction", "third"}, {"strength", 2}}}}});
  EXPECT_EQ(still["values"], still["start_values"]);
  EXPECT_GT(moved["values"]["third"], moved["start_values"]["third"]);
  const Json climbed = post("/api/optimize", {{"place", place}, {"direction", "third"}, {"steps", 5}});
  EXPECT_GE(climbed["last_value"], climbed["first_value"]);
  EXPECT_TRUE(climbed["score"].is_null());
  EXPECT_EQ(numbers_in(ask("GET", "/api/map/values?of=direction&direction=third")), 30U);
  EXPECT_EQ(numbers_in(ask("GET", "/api/map/points?projection=directions&x=third&y=third")), 60U);
  EXPECT_EQ(ask("DELETE", "/api/directions/third").status, 204);
  EXPECT_EQ(ask("DELETE", "/api/directions/third").status, 404);
  refusal("/api/steer", {{"place", place}, {"moves", {{{"direction", "third"}, {"strength", 2}}}}}, 404);
  answer(ask("POST", "/api/directions",
             R"({"name": "lassos", "positive_points": [0, 1, 2, 3, 4, 5], "negative_points": [6, 7, 8, 9, 10, 11]})"));
  EXPECT_NE(refusal("/api/directions", {{"name", "x"}, {"label", "no such"}}).find("no such"), std::string::npos);
  EXPECT_NE(refusal("/api/directions", {{"name", "x"}, {"positive_points", {99}}}).find("99"), std::string::npos);
  EXPECT_EQ(ask("POST", "/api/directions", R"({"name": "../../x", "label": "third"})").status, 422);
}

TEST_F(ApiTest, TheMapHasPointsTextsAndAWayBack) {
  wait_for_map();
  EXPECT_EQ(numbers_in(ask("GET", "/api/map/points")), 60U);
  EXPECT_EQ(numbers_in(ask("GET", "/api/map/points?projection=umap")), 60U);
  for (const char* of : {"label", "length", "log_density", "valid"})
    EXPECT_EQ(numbers_in(ask("GET", std::string("/api/map/values?of=") + of)), 30U) << of;
  const Json points = get("/api/map/texts?points=3,0")["points"];
  EXPECT_EQ(points[0]["text"], "v3 = 9");
  EXPECT_EQ(points[0]["label"], "third");
  EXPECT_EQ(points[1]["row"], 0);
  const Json projected = post("/api/map/project", {{"places", {{{"text", "v3 = 9"}}}}})["positions"][0];
  EXPECT_NEAR(projected[0].get<double>(), points[0]["x"].get<double>(), 1e-3);
  EXPECT_EQ(post("/api/map/invert", {{"positions", {projected}}})["outputs"].size(), 1U);
  const Json nearest = post("/api/neighbors", {{"places", {{{"text", "v3 = 9"}}}}, {"count", 2}})["neighbors"][0];
  EXPECT_EQ(nearest[0]["text"], "v3 = 9");
  EXPECT_EQ(nearest[0]["point"], 3);
  EXPECT_EQ(get("/api/dimensions")["dimensions"].size(), 8U);
  EXPECT_EQ(ask("GET", "/api/map/texts?points=99").status, 422);
  EXPECT_EQ(ask("GET", "/api/map/texts?points=1;2").status, 422);
  EXPECT_EQ(ask("GET", "/api/map/texts").status, 422);
  EXPECT_EQ(ask("GET", "/api/map/points?projection=directions").status, 422);
  EXPECT_EQ(ask("GET", "/api/map/points?model=1").status, 422) << "one model is loaded";
  for (const char* large : {"9223372036854775808", "2601839818719762386518016"}) {
    EXPECT_EQ(ask("GET", std::string("/api/map/points?model=") + large).status, 422);
    EXPECT_EQ(ask("GET", std::string("/api/map/texts?points=0,") + large).status, 422);
  }
}

TEST_F(ApiTest, TextsOfTheCorpusStayTexts) {
  // What a page would have to escape comes as JSON, in which it is plain text.
  const std::string hostile = "<img onerror=x> \x01 \" \\ \n";
  const Json made = post("/api/reconstruct", {{"texts", {hostile}}})["outputs"][0];
  EXPECT_EQ(made["source"], hostile);
}

TEST_F(ApiTest, RefusesInTheWordsOfTheLibrary) {
  EXPECT_EQ(refusal("/api/decode", {{"codes", {{{1, 2}}}}}),
            "codes/0: got 1 list, expected 2 lists of 4 numbers, as this model's codes are");
  EXPECT_EQ(refusal("/api/decode", {{"codes", {{{1, 2}, {1, 2}}}}}),
            "codes/0: got a list of 2 numbers, expected 2 lists of 4 numbers, as this model's codes are");
  EXPECT_EQ(refusal("/api/sample", {{"count", 257}}), "count: got 257, expected at most 256");
  EXPECT_EQ(refusal("/api/sample", {{"decode", {{"candidates", 4}, {"sample", true}}}}),
            "search and drawn tokens do not go together: expected one of them");
  EXPECT_EQ(refusal("/api/optimize", {{"place", {{"text", "a"}}}}),
            "direction and property: got neither, expected one of them");
  const HttpResponse too_large = ask("POST", "/api/decode", R"({"codes": [[[1e300, 0, 0, 0], [0, 0, 0, 0]]]})");
  EXPECT_EQ(too_large.status, 422);
}

TEST_F(ApiTest, TakesJsonAlone) {
  EXPECT_EQ(ask("POST", "/api/sample", "{}", {}).status, 415);
  EXPECT_EQ(ask("POST", "/api/sample", "{}", {{"content-type", "text/plain"}}).status, 415);
  EXPECT_EQ(ask("POST", "/api/sample", "{}", {{"content-type", "Application/JSON; charset=utf-8"}}).status, 200);
  for (const char* body : {"", "{", "{\"count\": 1}}", "{\"count\": \"\xff\"}", "nan"})
    EXPECT_EQ(ask("POST", "/api/sample", body).status, 400) << body;
  EXPECT_EQ(ask("POST", "/api/sample", std::string(100000, '[')).status, 400);
  EXPECT_EQ(ask("POST", "/api/sample", std::string(100000, '[') + std::string(100000, ']')).status, 400);
}

TEST_F(ApiTest, OtherPathsAndMethods) {
  EXPECT_EQ(ask("GET", "/api").status, 404);
  EXPECT_EQ(ask("GET", "/api/").status, 404);
  EXPECT_EQ(ask("GET", "/api/models/../../etc/passwd").status, 404);
  EXPECT_EQ(ask("GET", "/..%2f..%2fetc/passwd").status, 404);
  EXPECT_EQ(ask("GET", "/%").status, 400);
  for (const char* method : {"GET", "PUT", "TRACE", "OPTIONS", "QUERY"}) {
    const HttpResponse response = ask(method, "/api/sample");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers.front(), (std::pair<std::string, std::string>("Allow", "POST")));
  }
  EXPECT_EQ(ask("HEAD", "/api/models").status, 200);
}

TEST_F(ApiTest, ServesThePage) {
  const HttpResponse page = ask("GET", "/");
  EXPECT_EQ(page.body, "<p>page</p>");
  EXPECT_EQ(ask("GET", "/", "", {{"if-none-match", "\"1\""}}).status, 304);
  EXPECT_EQ(ask("GET", "/other.js").status, 404);
  EXPECT_EQ(ask("POST", "/", "{}").status, 405);
}

TEST_F(ApiTest, JobsAreToldAndCancelled) {
  EXPECT_EQ(ask("GET", "/api/jobs/none").status, 404);
  EXPECT_EQ(get("/api/jobs")["jobs"][0]["kind"], "map");
  wait_for_map();
  const HttpResponse started = ask("POST", "/api/jobs", R"({"samples": 10})");
  EXPECT_EQ(started.status, 202);
  const std::string id = Json::parse(started.body)["id"];
  Json job;
  for (int i = 0; i < 2000; ++i) {
    job = get("/api/jobs/" + id);
    if (job["state"] == "done" || job["state"] == "failed") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(job["state"], "done") << job.dump();
  EXPECT_EQ(job["result"]["data"]["n"], 10) << "of the corpus, since nothing was held out";
  const HttpResponse events = ask("GET", "/api/jobs/" + id + "/events");
  const auto last = events.events();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->rfind("event: end\ndata: {", 0), 0U);
  EXPECT_FALSE(events.events());
  EXPECT_EQ(ask("DELETE", "/api/jobs/" + id).status, 200);
  EXPECT_EQ(ask("GET", "/api/report").status, 404) << "nothing is written";
}

TEST_F(ApiTest, ManyAtOnceGetWhatOneGets) {
  const Json body = {{"places", {{{"text", "x = 1"}}, {{"text", "y = 2"}}}}, {"steps", 5}};
  const auto texts_of = [](const Json& response) {
    std::vector<std::string> texts;
    for (const Json& output : response["outputs"]) texts.push_back(output["text"]);
    return texts;
  };
  const std::vector<std::string> expected = texts_of(post("/api/interpolate", body));
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int turn = 0; turn < 4; ++turn) same += texts_of(post("/api/interpolate", body)) == expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 8 * 4);
}

}  // namespace
}  // namespace tvae::server
