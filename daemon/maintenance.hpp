// What accrued does with a data directory instead of serving it: verify, backup, restore. Each is done by a process of
// its own on the daemon's machine, so that no client ever names a path of the server.
//
// Errors: std::runtime_error with what to do about it.
#pragma once

#include <filesystem>
#include <string>

namespace accrue::daemon {

struct Chore {
  enum class Kind {
    kVerify,   // while no daemon runs
    kBackup,   // of the store into `file`; a daemon may run and goes on
    kRestore,  // of the store from `file`, into a directory that holds none
  };
  Kind kind = Kind::kVerify;
  std::filesystem::path data_dir;
  std::filesystem::path file = {};
};

struct ChoreResult {
  bool good = true;  // no problem was found
  std::string text;  // what was checked or copied, and every problem
};

ChoreResult run(const Chore& chore);

}  // namespace accrue::daemon
