#include "daemon/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace accrue::daemon {
namespace {

// An environment variable of the test's own, as it was when the object goes.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    const char* const before = std::getenv(name);
    if (before != nullptr) before_ = before;
    was_set_ = before != nullptr;
    set(value);
  }
  ~ScopedVariable() { set(was_set_ ? before_.c_str() : nullptr); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  void set(const char* value) {
    if (value == nullptr) {
      unsetenv(name_);
    } else {
      setenv(name_, value, 1);
    }
  }

  const char* name_;
  std::string before_;
  bool was_set_ = false;
};

std::string data_dir_with(const char* state, const char* home) {
  const ScopedVariable xdg("XDG_STATE_HOME", state);
  const ScopedVariable user("HOME", home);
  return default_data_dir();
}

std::string query_endpoint_of(const std::string& listen) {
  Config config;
  config.listen = listen;
  return query_endpoint(config);
}

TEST(Config, DataDirectoryFollowsTheXdgSpecification) {
  EXPECT_EQ(data_dir_with("/state", "/home/u"), "/state/accrue");
  EXPECT_EQ(data_dir_with(nullptr, "/home/u"), "/home/u/.local/state/accrue");
  EXPECT_EQ(data_dir_with("", "/home/u"), "/home/u/.local/state/accrue");
  EXPECT_EQ(data_dir_with("relative", "/home/u"), "/home/u/.local/state/accrue");
  EXPECT_EQ(data_dir_with(nullptr, nullptr), "accrue-data");
  EXPECT_EQ(data_dir_with(nullptr, ""), "accrue-data");
}

TEST(Config, OneCoreIsLeftToTheOthers) {
  const unsigned cores = std::thread::hardware_concurrency();
  if (cores < 2 || cores > 65) GTEST_SKIP() << "the rule shows on 2 to 65 cores only";
  EXPECT_EQ(default_workers(), cores - 1);
}

TEST(Config, QueriesAreAnsweredBesideTheRows) {
  EXPECT_EQ(query_endpoint(Config()), "tcp://127.0.0.1:7701");
  EXPECT_EQ(query_endpoint_of("tcp://*:65534"), "tcp://*:65535");
  EXPECT_EQ(query_endpoint_of("tcp://lo:0"), "tcp://lo:*");
  EXPECT_EQ(query_endpoint_of("tcp://127.0.0.1:*"), "tcp://127.0.0.1:*");
  EXPECT_EQ(query_endpoint_of("ipc:///run/a"), "ipc:///run/a.query");
  EXPECT_THROW(query_endpoint_of("tcp://*:65535"), std::invalid_argument);
  EXPECT_THROW(query_endpoint_of("nowhere"), std::invalid_argument);
  Config own;
  own.query_listen = "tcp://*:9";
  EXPECT_EQ(query_endpoint(own), "tcp://*:9");
}

std::string http_of(const std::string& listen, const std::string& http_listen = {}) {
  Config config;
  config.listen = listen;
  config.http_listen = http_listen;
  const auto address = http_address(config);
  return address ? address->host + ":" + std::to_string(address->port) : "nowhere";
}

TEST(Config, HttpIsServedBesideTheQueries) {
  EXPECT_EQ(http_of(Config().listen), "127.0.0.1:7702");
  EXPECT_EQ(http_of("tcp://*:7700"), "0.0.0.0:7702");
  EXPECT_EQ(http_of("tcp://lo:7700"), "127.0.0.1:7702");
  EXPECT_EQ(http_of("tcp://127.0.0.1:0"), "127.0.0.1:0");
  EXPECT_EQ(http_of("ipc:///run/a"), "nowhere");
  EXPECT_EQ(http_of("tcp://*:65535", "none"), "nowhere");
  EXPECT_EQ(http_of("ipc:///run/a", "http://*:80"), "0.0.0.0:80");
  EXPECT_THROW(http_of("tcp://*:65534"), std::invalid_argument);
  for (const char* bad : {"tcp://127.0.0.1:80", "http://localhost:80", "http://127.0.0.1", "http://lo:80", "80"}) {
    Config config;
    const auto setting = std::ranges::find(settings(), std::string_view("http_listen"), &Setting::key);
    EXPECT_FALSE(setting->assign(config, bad)) << bad;
  }
}

TEST(Config, KeysAndFlagsAreUnique) {
  std::set<std::string> names;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(names.emplace(setting.key).second) << setting.key;
    EXPECT_TRUE(names.emplace(setting.flag).second) << setting.flag;
  }
}

TEST(Config, RefusedValueLeavesTheConfigurationAsItWas) {
  for (const Setting& setting : settings()) {
    Config config;
    config.listen = "tcp://*:9";
    if (setting.key == "data_dir") continue;  // takes any text but the empty one
    EXPECT_FALSE(setting.assign(config, "no such value")) << setting.key;
    EXPECT_EQ(config.listen, "tcp://*:9");
    EXPECT_EQ(config.epoch_rows, Config().epoch_rows);
  }
}

// What the example file must be, made from the table.
TEST(Config, ExampleFileIsTheTableOfSettings) {
  std::ostringstream expected;
  expected << "# Settings of accrued, each commented out with its default or an example. Use: accrued --config FILE\n"
              "# A flag on the command line overrules the file.\n";
  for (const Setting& setting : settings()) {
    expected << "\n# " << setting.help << ".\n# Allowed: " << setting.allowed
             << ".\n# Default: " << setting.default_text << ". Flag: " << setting.flag << "\n#" << setting.key << " = "
             << setting.example << "\n";
  }
  std::ifstream in(ACCRUE_SOURCE_DIR "/scripts/accrued.toml.example");
  std::ostringstream actual;
  actual << in.rdbuf();
  EXPECT_TRUE(actual.str() == expected.str()) << "scripts/accrued.toml.example should read:\n" << expected.str();
}

TEST(Config, ExamplesAreAllowed) {
  for (const Setting& setting : settings()) {
    std::string value = setting.example;
    if (!setting.is_integer) value = value.substr(1, value.size() - 2);
    Config config;
    EXPECT_TRUE(setting.assign(config, value)) << setting.key;
  }
}

}  // namespace
}  // namespace accrue::daemon
