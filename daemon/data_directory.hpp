// The daemon's data directory: holds the store, and belongs to one daemon at a time.
//
// Thread: any one. Errors: the constructor throws std::runtime_error with what to do about it; nothing is then held,
// though the directory may have been created. The lock is the operating system's: it goes with the process, however
// that ends, and is not inherited by programs it starts.
#pragma once

#include <filesystem>

namespace accrue::daemon {

// Where a data directory has its store.
inline std::filesystem::path store_file_in(const std::filesystem::path& directory) {
  return directory / "store.sqlite";
}

class DataDirectory {
 public:
  // Creates the directory, readable by its owner alone, where there is none, and locks it.
  explicit DataDirectory(const std::filesystem::path& directory);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }  // absolute
  std::filesystem::path store_file() const { return store_file_in(path_); }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace accrue::daemon
