#include "daemon/data_directory.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace fs = std::filesystem;

std::string refusal(const fs::path& path) {
  try {
    const DataDirectory directory(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "not refused";
}

TEST(DataDirectory, IsCreatedForItsOwnerAlone) {
  const tests::TemporaryDirectory temporary;
  const fs::path path = temporary.path() / "a" / "b";
  const DataDirectory directory(path);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
  EXPECT_EQ(directory.path(), path);
  EXPECT_EQ(directory.store_file().parent_path(), path);
}

TEST(DataDirectory, TrailingSlashAndRelativePathAreFine) {
  const tests::TemporaryDirectory temporary;
  EXPECT_EQ(refusal(temporary.path() / "a" / ""), "not refused");
  const fs::path before = fs::current_path();
  fs::current_path(temporary.path());
  EXPECT_EQ(refusal("b/c/."), "not refused");
  fs::current_path(before);
  EXPECT_TRUE(fs::is_directory(temporary.path() / "b" / "c"));
}

TEST(DataDirectory, SecondDaemonIsToldWhoHoldsIt) {
  const tests::TemporaryDirectory temporary;
  std::array<int, 2> ready{}, done{};
  ASSERT_EQ(pipe(ready.data()), 0);
  ASSERT_EQ(pipe(done.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  char byte = 0;
  if (child == 0) {
    close(done[1]);
    const DataDirectory directory(temporary.path());
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    _exit(read(done[0], &byte, 1) == 0 ? 0 : 1);  // the parent has closed its end
  }
  close(done[0]);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(refusal(temporary.path()), "data directory " + temporary.path().string() +
                                           " is in use by another accrued (pid " + std::to_string(child) +
                                           "); stop it, or choose another with --data");
  close(done[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(refusal(temporary.path()), "not refused") << "the lock goes with the process";
}

TEST(DataDirectory, IsFreeAgainWhenTheObjectIsGone) {
  const tests::TemporaryDirectory temporary;
  {
    const DataDirectory directory(temporary.path());
    EXPECT_THAT(refusal(temporary.path()), HasSubstr("(pid " + std::to_string(getpid()) + ")"));
  }
  EXPECT_EQ(refusal(temporary.path()), "not refused");
}

TEST(DataDirectory, PlaceThatCannotBeADirectoryIsRefused) {
  const tests::TemporaryDirectory temporary;
  const fs::path file = temporary.path() / "file";
  std::ofstream(file) << "x";
  for (const fs::path& path : {file, file / "below"}) {
    EXPECT_EQ(refusal(path),
              "cannot write to data directory " + path.string() + ": Not a directory; choose another with --data");
  }
  EXPECT_THAT(refusal("/proc/accrue"), AllOf(StartsWith("cannot write to data directory /proc/accrue: "),
                                             EndsWith("; choose another with --data")));
}

// What somebody without privileges is told: permissions do not stop root, who may well be running this.
std::string refusal_of_an_ordinary_user(const fs::path& path) {
  constexpr uid_t kNobody = 65'534;
  std::array<int, 2> answer{};
  if (pipe(answer.data()) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    const bool ordinary = geteuid() != 0 || setresuid(kNobody, kNobody, kNobody) == 0;
    const std::string text = ordinary ? refusal(path) : "root could not become anybody else";
    _exit(write(answer[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(answer[1]);
  std::string text;
  std::array<char, 512> part{};
  for (ssize_t size = 0; (size = read(answer[0], part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  close(answer[0]);
  waitpid(child, nullptr, 0);
  return text;
}

TEST(DataDirectory, DirectoryWithoutPermissionIsRefused) {
  const tests::TemporaryDirectory temporary;
  fs::permissions(temporary.path(), fs::perms(0555));
  EXPECT_EQ(refusal_of_an_ordinary_user(temporary.path()), "cannot write to data directory " +
                                                               temporary.path().string() +
                                                               ": Permission denied; choose another with --data");
  fs::permissions(temporary.path(), fs::perms::owner_all);
}

}  // namespace
}  // namespace accrue::daemon
