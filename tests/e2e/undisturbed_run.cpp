#include "tests/e2e/undisturbed_run.hpp"

#include <gtest/gtest.h>

#include "datasets/random.hpp"

namespace accrue::tests {

std::vector<double> rows_of(std::size_t count, std::uint64_t seed) {
  datasets::Random random(seed);
  std::vector<double> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(random.below(1'000));
    rows.insert(rows.end(), {x, random.normal(), 3 + 2 * x + random.normal()});
  }
  return rows;
}

std::vector<SqliteFile::Row> stored(const Daemon& daemon) {
  SqliteFile store(daemon.store_file());
  return store.query(
      "SELECT rows, partition, hex(state) FROM states JOIN epochs USING (stream, epoch)"
      " WHERE epoch = (SELECT max(epoch) FROM epochs) ORDER BY partition");
}

std::vector<SqliteFile::Row> stored_undisturbed(const std::vector<double>& rows) {
  Daemon daemon(kEpochsOften);
  {
    Client client({.endpoint = daemon.endpoint(), .timeout = kPatience});
    Stream stream = client.stream("s", kHashed);
    stream.push_rows(rows);
    EXPECT_EQ(stream.flush().durable_rows, rows.size() / kColumns);
  }
  EXPECT_EQ(daemon.stop(), 0);
  std::vector<SqliteFile::Row> result = stored(daemon);
  EXPECT_EQ(result.size(), kHashed.partitions);
  return result;
}

}  // namespace accrue::tests
