// Holds the house's include arrows: which folder may include which. A folder that is not in the table may not exist.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ACCRUE_SOURCE_DIR;

// Boxes, and what each may include besides itself. A box is named by its folder; the longest that fits counts.
const std::map<std::string, std::set<std::string>> kArrows = {
    {"models", {}},
    {"ingest/wire", {}},
    {"ingest", {"ingest/wire"}},
    {"daemon", {"models", "ingest", "ingest/wire", "daemon/http"}},
    {"daemon/http", {"daemon", "ingest", "ingest/wire", "datasets"}},  // which reads CSV
    {"client/include", {}},
    {"client/src", {"client/include", "ingest/wire"}},
    {"client/cli", {"client/include", "datasets", "models"}},
    {"datasets", {"client/include"}},
};

// Headers that only one file or folder may use, so that a dependency stays where it can be replaced.
const std::map<std::string, std::string> kPrivateHeaders = {
    {"sqlite3.h", "daemon/store"},
    {"httplib.h", "daemon/http/server"},
    {"Eigen/", "models/"},
    {"prometheus/", "daemon/"},
};

std::string box_of(const std::string& path) {
  std::string best;
  for (const auto& [box, may_include] : kArrows) {
    if (path.starts_with(box + "/") && box.size() > best.size()) best = box;
  }
  return best;
}

struct Include {
  std::string file;  // from the root
  std::string target;
};

// Every include of a file of ours; <accrue/...> is the client's public header.
std::vector<Include> includes_below(const std::string& folder) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  std::vector<Include> includes;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".hpp" && extension != ".cpp") continue;
    std::ifstream file(entry.path());
    std::smatch match;
    for (std::string line; std::getline(file, line);) {
      if (!std::regex_search(line, match, kInclude)) continue;
      std::string target = match[1];
      if (target.starts_with("accrue/")) target = "client/include/" + target;
      includes.push_back({fs::relative(entry.path(), kRoot).string(), target});
    }
  }
  return includes;
}

const std::vector<std::string> kCodeFolders = {"models", "ingest", "daemon", "client", "datasets"};

TEST(IncludeArrows, EveryIncludeFollowsAnArrow) {
  std::vector<std::string> violations;
  std::size_t seen = 0;
  for (const std::string& folder : kCodeFolders) {
    for (const auto& [file, target] : includes_below(folder)) {
      const std::string from = box_of(file);
      const std::string to = box_of(target);
      if (to.empty() && !target.starts_with("tests/")) continue;  // a library's header
      ++seen;
      if (from.empty() || (from != to && !kArrows.at(from).contains(to))) violations.push_back(file + " -> " + target);
    }
  }
  EXPECT_THAT(violations, testing::IsEmpty());
  EXPECT_GT(seen, 50u) << "the test has looked at too little to mean anything";
}

TEST(IncludeArrows, PrivateHeadersStayWhereTheyBelong) {
  std::vector<std::string> violations;
  for (const std::string& folder : kCodeFolders) {
    for (const auto& [file, target] : includes_below(folder)) {
      for (const auto& [header, place] : kPrivateHeaders) {
        const bool reference_fit = header == "Eigen/" && file.starts_with("client/cli/batch_fit");
        if (target.starts_with(header) && !file.starts_with(place) && !reference_fit)
          violations.push_back(file + " -> " + target);
      }
    }
  }
  EXPECT_THAT(violations, testing::IsEmpty());
}

TEST(IncludeArrows, PublicHeaderNeedsNothingButTheStandardLibrary) {
  for (const auto& [file, target] : includes_below("client/include")) {
    EXPECT_THAT(target, testing::MatchesRegex("[a-z_]+")) << file << " includes <" << target << ">";
  }
}

TEST(IncludeArrows, ThereAreNoOtherCodeFolders) {
  const std::set<std::string> known = {"models", "ingest", "daemon", "client", "datasets", "scripts", "tests"};
  for (const auto& entry : fs::directory_iterator(kRoot)) {
    const std::string name = entry.path().filename();
    if (entry.is_directory() && !name.starts_with(".") && !name.starts_with("build")) {
      EXPECT_TRUE(known.contains(name)) << name;
    }
  }
}

}  // namespace
