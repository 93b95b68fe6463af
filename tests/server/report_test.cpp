#include "server/report.h"

#include <gtest/gtest.h>

namespace tvae::server {
namespace {

using Json = nlohmann::ordered_json;

TEST(Report, NamesModelAndDataWithoutFolders) {
  const Json report = {{"model", "/home/ada/runs/mine"},
                       {"data", {{"path", "/home/ada/a.txt|/home/ada/b.txt"}, {"n", 3}}},
                       {"reconstruction", {{"exact_match", 0.5}, {"examples", {"/usr/bin/env x"}}}},
                       {"skipped", {{"probe", "got /home/ada/a.txt without labels"}, {"valid", nullptr}}}};
  const Json shown = without_folders(report);
  EXPECT_EQ(shown["model"], "mine");
  EXPECT_EQ(shown["data"]["path"], "a.txt, b.txt");
  EXPECT_EQ(shown["skipped"]["probe"], "got a.txt without labels");
  EXPECT_EQ(shown["reconstruction"], report["reconstruction"]) << "texts stay as they are";
}

TEST(Report, WhatIsNoReportStaysAsItIs) {
  EXPECT_EQ(without_folders(Json(nullptr)), Json(nullptr));
  EXPECT_EQ(without_folders(Json{{"data", 3}, {"skipped", "x"}}), (Json{{"data", 3}, {"skipped", "x"}}));
}

}  // namespace
}  // namespace tvae::server
