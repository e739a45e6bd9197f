#include "daemon/maintenance.hpp"

#include <stdexcept>

#include "daemon/data_directory.hpp"
#include "daemon/store_copy.hpp"
#include "daemon/store_identity.hpp"
#include "daemon/verification.hpp"

namespace accrue::daemon {
namespace {

namespace fs = std::filesystem;

// Before a directory is made, or a lock put into one, that is the wrong one.
void require_file(const fs::path& file, const std::string& advice) {
  if (!fs::exists(file)) throw std::runtime_error("there is no " + file.string() + "; " + advice);
}

ChoreResult verify(const Chore& chore) {
  require_file(store_file_in(chore.data_dir), "name the data directory with --data");
  const DataDirectory directory(chore.data_dir);
  const Verification verification = verify_store(directory.store_file());
  return {verification.problems.empty(), to_text(verification)};
}

ChoreResult backup(const Chore& chore) {
  require_file(store_file_in(chore.data_dir), "name the data directory with --data");
  const Verification verification = copy_store(store_file_in(chore.data_dir), chore.file);
  return {true, to_text(verification) + "backed up to " + chore.file.string() + "\n"};
}

ChoreResult restore(const Chore& chore) {
  require_file(chore.file, "name the file that accrued --backup made");
  (void)require_accrue_store(chore.file);  // a first page that is to be restored, SQLite restores
  const DataDirectory directory(chore.data_dir);
  const Verification verification = copy_store(chore.file, directory.store_file());
  return {true, to_text(verification) + "restored to " + directory.path().string() + "\n"};
}

}  // namespace

ChoreResult run(const Chore& chore) {
  switch (chore.kind) {
    case Chore::Kind::kVerify: return verify(chore);
    case Chore::Kind::kBackup: return backup(chore);
    case Chore::Kind::kRestore: break;
  }
  return restore(chore);
}

}  // namespace accrue::daemon
