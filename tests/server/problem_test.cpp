#include "server/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tvae::server {
namespace {

std::string detail(const HttpResponse& response) {
  return nlohmann::json::parse(response.body)["detail"];
}

TEST(Problem, SaysWhatTheLibrarySaysWithoutTheFoldersOfThisMachine) {
  EXPECT_EQ(detail(problem(DataError("cannot write /home/ada/m/eval/report.json", "Permission denied"))),
            "cannot write report.json: got Permission denied");
  EXPECT_EQ(detail(problem(DataError("/data/x.txt: no usable rows"))), "x.txt: no usable rows");
  EXPECT_EQ(detail(problem(DataError("the held-out file runs/stdlib/valid.txt of the run"))),
            "the held-out file valid.txt of the run");
  EXPECT_EQ(detail(problem(ConfigError("and/or"))), "and/or");
}

TEST(Problem, WhatHasToBeMadeFirstIsAConflict) {
  const auto error = with_remedy(CheckpointError("m has no fitted prior"), Remedy::kFitPrior);
  EXPECT_EQ(problem(error).status, 409);
  EXPECT_EQ(problem(ConfigError("x")).status, 422);
}

}  // namespace
}  // namespace tvae::server
