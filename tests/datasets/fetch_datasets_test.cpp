// scripts/fetch-datasets, in a copy of the repository that holds nothing else, with a curl that only fails: no network.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::datasets {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FetchDatasets : public ::testing::Test {
 protected:
  FetchDatasets() {
    fs::create_directories(root_ / "scripts");
    fs::create_directories(bin_);
    fs::copy_file(ACCRUE_FETCH_DATASETS, root_ / "scripts/fetch-datasets");
    stub_curl("exit 6");
  }

  void stub_curl(const std::string& script) {
    std::ofstream(bin_ / "curl") << "#!/bin/sh\necho called >>" << calls_ << "\n" << script << "\n";
    fs::permissions(bin_ / "curl", fs::perms::owner_all);
  }

  tests::Finished fetch(const std::string& accrue_datasets) const {
    return tests::run(
        {(root_ / "scripts/fetch-datasets").string()},
        {.environment = {"ACCRUE_DATASETS=" + accrue_datasets, "PATH=" + bin_.string() + ":/usr/bin:/bin"}});
  }

  static void put(const fs::path& directory, const std::string& content) {
    fs::create_directories(directory);
    std::ofstream(directory / "cal_housing.data") << content;
  }

  // A good file, or a skipped test.
  static std::string good_data() {
    const auto file = find_california();
    if (!file) return "";
    std::ifstream in(*file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  bool curl_was_called() const { return fs::exists(calls_); }

  tests::TemporaryDirectory scratch_;
  const fs::path root_ = fs::canonical(scratch_.path()) / "repository";
  const fs::path bin_ = scratch_.path() / "bin";
  const fs::path calls_ = scratch_.path() / "calls";
};

#define REQUIRE_DATA(data)              \
  const std::string data = good_data(); \
  if (data.empty()) GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets"

TEST_F(FetchDatasets, SaysPlainlyWhenThereIsNoneAndLeavesNothingBehind) {
  const tests::Finished result = fetch("");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.error_output, HasSubstr("fetch-datasets: no California housing data: "));
  EXPECT_TRUE(curl_was_called());
  EXPECT_TRUE(fs::is_empty(root_ / "datasets/cache"));
}

TEST_F(FetchDatasets, RefusesADownloadWithAnotherChecksum) {
  stub_curl("while [ \"$1\" != --output ]; do shift; done; echo not the archive >\"$2\"");
  const tests::Finished result = fetch("");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.error_output, HasSubstr("another checksum"));
  EXPECT_TRUE(fs::is_empty(root_ / "datasets/cache"));
}

TEST_F(FetchDatasets, PassesOverACorruptFileAndSaysSo) {
  const fs::path chosen = scratch_.path() / "chosen";
  put(chosen, "-122.23,37.88\n");
  const tests::Finished result = fetch(chosen.string());
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_THAT(result.error_output, HasSubstr("passing over " + chosen.string() + "/cal_housing.data"));
  EXPECT_TRUE(curl_was_called());
}

TEST_F(FetchDatasets, PrintsTheDirectoryOfTheFirstGoodFile) {
  REQUIRE_DATA(data);
  const fs::path chosen = fs::canonical(scratch_.path()) / "chosen one";
  put(root_ / "../shared/datasets", data);
  EXPECT_EQ(fetch("").output, (root_.parent_path() / "shared/datasets\n").string());
  put(root_ / "datasets/cache", data);
  EXPECT_EQ(fetch("").output, (root_ / "datasets/cache\n").string());
  put(chosen, data);
  const tests::Finished result = fetch(chosen.string());
  EXPECT_EQ(result.output, chosen.string() + "\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.error_output, IsEmpty());
  EXPECT_FALSE(curl_was_called());
}

TEST_F(FetchDatasets, ACorruptFileDoesNotHideAGoodOne) {
  REQUIRE_DATA(data);
  put(root_ / "datasets/cache", data);
  const fs::path chosen = scratch_.path() / "chosen";
  put(chosen, data.substr(0, data.size() - 1));
  const tests::Finished result = fetch(chosen.string());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, (root_ / "datasets/cache\n").string());
  EXPECT_THAT(result.error_output, HasSubstr("passing over"));
}

}  // namespace
}  // namespace accrue::datasets
