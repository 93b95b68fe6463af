#include "tvae/dist/launch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "tvae/base/error.h"

namespace tvae::test {
namespace {

/// Sets variables of the environment, and takes them away again.
class Environment {
 public:
  explicit Environment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : variables_) ::unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::string> variables_;
};

const std::map<std::string, std::string> kWhole = {{"RANK", "3"},
                                                   {"WORLD_SIZE", "8"},
                                                   {"LOCAL_RANK", "1"},
                                                   {"MASTER_PORT", "29500"},
                                                   {"LOCAL_WORLD_SIZE", "2"},
                                                   {"MASTER_ADDR", "host"}};

std::string refusal(const std::map<std::string, std::string>& variables) {
  const Environment environment(variables);
  try {
    launch_of_environment();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Launch, IsReadFromTheVariablesOfTorchrun) {
  EXPECT_FALSE(launch_of_environment());
  {
    const Environment one(std::map<std::string, std::string>{{"WORLD_SIZE", "1"}});
    EXPECT_FALSE(launch_of_environment());
  }
  const Environment environment(kWhole);
  const auto launch = launch_of_environment();
  ASSERT_TRUE(launch);
  EXPECT_EQ(launch->rank, 3);
  EXPECT_EQ(launch->world_size, 8);
  EXPECT_EQ(launch->local_rank, 1);
  EXPECT_EQ(launch->local_world_size, 2);
  EXPECT_EQ(launch->master_address, "host");
  EXPECT_EQ(launch->master_port, 29500);
  EXPECT_EQ(launch->restarts, 0);
  EXPECT_FALSE(launch->has_store);
}

TEST(Launch, WhatIsMissingOrMakesNoSenseIsNamed) {
  for (const char* name : {"RANK", "MASTER_ADDR", "MASTER_PORT"}) {
    auto variables = kWhole;
    variables.erase(name);
    EXPECT_NE(refusal(variables).find(name), std::string::npos) << refusal(variables);
  }
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"RANK", "8"}, {"WORLD_SIZE", "many"}, {"MASTER_PORT", "70000"}, {"LOCAL_RANK", "-1"}}) {
    auto variables = kWhole;
    variables[name] = value;
    EXPECT_NE(refusal(variables).find(name), std::string::npos) << name;
    EXPECT_NE(refusal(variables).find(value), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace tvae::test
