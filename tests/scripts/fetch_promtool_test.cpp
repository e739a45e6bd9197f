// scripts/fetch-promtool, in a copy of the repository that holds nothing else, with an apt-get that makes its package
// itself or fails: no network.
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FetchPromtool : public ::testing::Test {
 protected:
  FetchPromtool() {
    fs::create_directories(root_ / "scripts");
    fs::copy_file(ACCRUE_SOURCE_DIR "/scripts/fetch-promtool", root_ / "scripts/fetch-promtool");
    const fs::path package = scratch_.path() / "package";
    write(package / "DEBIAN/control",
          "Package: prometheus\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n");
    write_program(package / "usr/bin/promtool", "echo checked");
    write_program(package / "usr/bin/prometheus", "echo serving");
    stub_apt_get("dpkg-deb --build " + package.string() + " prometheus_1_all.deb");
  }

  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  static void write_program(const fs::path& file, const std::string& script) {
    write(file, "#!/bin/sh\n" + script + "\n");
    fs::permissions(file, fs::perms::owner_all);
  }
  void stub_apt_get(const std::string& script) {
    write_program(bin_ / "apt-get", "echo \"$@\" >>" + calls_.string() + "\n" + script);
  }

  tests::Finished fetch(const std::string& accrue_promtool = {}) const {
    return tests::run({(root_ / "scripts/fetch-promtool").string()},
                      {.environment = {"ACCRUE_PROMTOOL=" + accrue_promtool, "BUILD=out",
                                       "PATH=" + bin_.string() + ":/usr/bin:/bin"}});
  }
  bool apt_get_was_called() const { return fs::exists(calls_); }

  tests::TemporaryDirectory scratch_;
  const fs::path root_ = fs::canonical(scratch_.path()) / "repository";
  const fs::path bin_ = scratch_.path() / "bin";
  const fs::path calls_ = scratch_.path() / "calls";
  const fs::path tools_ = root_ / "out/tools";
};

TEST_F(FetchPromtool, TakesNothingElseOutOfThePackage) {
  const tests::Finished result = fetch();
  EXPECT_EQ(result.exit_code, 0) << result.error_output;
  EXPECT_EQ(result.output, (tools_ / "promtool\n").string());
  EXPECT_EQ(tests::run({(tools_ / "promtool").string()}).output, "checked\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(tools_), {}), 1);
}

TEST_F(FetchPromtool, DoesNothingWhenItIsThere) {
  write_program(tools_ / "promtool", "echo there");
  EXPECT_EQ(fetch().output, (tools_ / "promtool\n").string());
  EXPECT_FALSE(apt_get_was_called());
}

TEST_F(FetchPromtool, PrintsTheOneThatWasChosen) {
  EXPECT_EQ(fetch("/chosen/promtool").output, "/chosen/promtool\n");
  EXPECT_FALSE(apt_get_was_called());
}

TEST_F(FetchPromtool, SaysPlainlyWhenThereIsNoneAndLeavesNothingBehind) {
  stub_apt_get("echo E: no network >&2; exit 100");
  const tests::Finished result = fetch();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.error_output, HasSubstr("E: no network\nfetch-promtool: no promtool: "));
  EXPECT_TRUE(fs::is_empty(tools_));
}

}  // namespace
}  // namespace accrue
