// What a store is worth: every byte of it read and held against what the daemon promises.
//
// Checked are: SQLite's own integrity and that nothing has lost its stream or epoch; of every stream its specification;
// of every epoch that all partitions are there, that each state's checksum holds and it decodes to models of the
// stream's specification, that no model has learned more rows than the epoch has and each as many as its metrics say,
// that all partitions have the same models, and that rows
// only become fewer where an epoch that is kept, or one before those, may have been rolled back to; and that no
// producer's sequence is ahead of the newest epoch. (That epochs increase is their table's primary key.)
//
// Thread: any; beside a daemon too, though a store that is being written to is verified as of one moment, and its
// write-ahead log grows until that is done. Changes nothing.
// Errors: a file that is no accrue store, or one of a newer version, is a StoreError; all else that is wrong is a
// problem.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace accrue::daemon {

struct Verification {
  struct Stream {
    std::string name;
    std::uint64_t epochs = 0;
    std::uint64_t states = 0;
    std::uint64_t rows = 0;  // of the newest epoch
  };
  struct Problem {
    std::string stream;  // empty where it is the file's
    std::optional<std::uint64_t> epoch;
    std::string what;
  };
  std::vector<Stream> streams;
  std::vector<Problem> problems;
};

Verification verify_store(const std::filesystem::path& file);

// "stream 's', epoch 3: ..."
std::string to_string(const Verification::Problem& problem);

// What was checked, a line for each stream, and each problem.
std::string to_text(const Verification& verification);

}  // namespace accrue::daemon
