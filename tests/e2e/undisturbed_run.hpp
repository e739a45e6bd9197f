// What "nothing lost, nothing twice" is measured by: random rows of one stream, and what a run that nothing disturbs
// leaves on the disk of them, to be compared byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <accrue/client.hpp>

#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::tests {

inline constexpr std::size_t kColumns = 3;  // x, z, y

// The rows of a partition come in the order of the push, however they were cut into batches.
inline const StreamSpec kHashed = {
    .features = {"x", "z"}, .target = "y", .key = "x", .partitions = 3, .partition_by = PartitionBy::kHash};

inline const std::vector<std::string> kEpochsOften = {"--epoch-interval-ms", "5", "--workers", "2"};

std::vector<double> rows_of(std::size_t count, std::uint64_t seed);

// What the stopped daemon's store holds of its one stream: rows, and the bytes of every partition's state.
std::vector<SqliteFile::Row> stored(const Daemon& daemon);

// The same of a daemon that learned these rows as kHashed, undisturbed.
std::vector<SqliteFile::Row> stored_undisturbed(const std::vector<double>& rows);

}  // namespace accrue::tests
