#include "tvae/base/registry.h"

#include <gtest/gtest.h>

namespace tvae {
namespace {

TEST(Registry, FindsByNameAndSaysWhatThereIs) {
  Registry<int> registry("kind of thing");
  registry.add({"two", "the second", 2});
  registry.add({"one", "the first", 1});
  registry.add({"zero", "before all", 0, -1});
  EXPECT_EQ(registry.find("one"), 1);
  EXPECT_EQ(registry.described(), "zero (before all), one (the first), two (the second)");
  EXPECT_EQ(registered_names("kind of thing"), (std::vector<std::string>{"one", "two", "zero"}));
  try {
    registry.find("won");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "kind of thing: got \"won\", expected one of zero, one, two (did you mean one?)");
  }
}

TEST(Registry, ANameIsRegisteredOnce) {
  Registry<int> registry("sort of thing");
  registry.add({"one", "the first", 1});
  try {
    registry.add({"one", "another", 2});
    FAIL();
  } catch (const Bug& bug) {
    EXPECT_NE(std::string(bug.what()).find("sort of thing \"one\" is registered twice: \"the first\" and \"another\""),
              std::string::npos)
        << bug.what();
  }
  EXPECT_EQ(registry.find("one"), 1);
  EXPECT_EQ(registry.names().size(), 1u);
  EXPECT_EQ(registered_names("sort of thing").size(), 1u);
}

}  // namespace
}  // namespace tvae
