// The progressive error of a stream in partitions is honest: what one learner of all the rows would have shown, to half
// a percent. California housing is dealt to models in process as ingest deals it, with the exchanges that
// ingest/exchange.hpp asks for: a batch whole, and an exchange after it when one is due; or row by row, in pieces cut
// at the exchanges.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "datasets/california.hpp"
#include "datasets/random.hpp"
#include "ingest/exchange.hpp"
#include "ingest/partitioning.hpp"
#include "models/model_set.hpp"
#include "tests/models/test_rows.hpp"
#include "tests/support/exchange.hpp"

namespace accrue::models {
namespace {

constexpr std::size_t kFeatures = 8;
constexpr std::size_t kColumns = kFeatures + 1;
constexpr std::size_t kPopulation = 4;
constexpr double kTolerance = 0.005;

// All rows in file order (order 0), or in the order of a shuffle.
std::vector<double> california_rows(std::uint64_t order) {
  const datasets::Table table = datasets::read_california(*datasets::find_california());
  if (order == 0) {
    return table.values;
  }
  std::vector<double> rows;
  for (const std::size_t i : datasets::permutation(table.rows, order)) {
    rows.insert(rows.end(), table.row(i).begin(), table.row(i).end());
  }
  return rows;
}

RowsView view_of(const std::vector<double>& rows) {
  return {rows.data(), rows.size() / kColumns, kColumns, kFeatures, false};
}

class Partitions {
 public:
  explicit Partitions(std::uint32_t count) : models_(count, least_squares_set({.features = kFeatures})) {}

  ModelSet& operator[](std::size_t i) { return models_[i]; }

  void exchange() { ASSERT_TRUE(tests::exchange(models_)); }

  ProgressiveError error() const {
    ModelSet whole = least_squares_set({.features = kFeatures});
    for (const ModelSet& model : models_) {
      whole.merge(model);
    }
    return whole.champion().error();
  }

 private:
  std::vector<ModelSet> models_;
};

ProgressiveError in_batches(const RowsView& rows, std::uint32_t partitions, std::size_t batch_rows) {
  Partitions parts(partitions);
  for (std::size_t begin = 0, batch = 0; begin < rows.count; begin += batch_rows, ++batch) {
    const std::size_t end = std::min(begin + batch_rows, rows.count);
    parts[batch % partitions].learn(rows.slice(begin, end - begin));
    if (ingest::exchange_due(begin, end, kColumns)) {
      parts.exchange();
    }
  }
  return parts.error();
}

ProgressiveError row_by_row(const RowsView& rows, std::uint32_t partitions) {
  Partitions parts(partitions);
  wire::StreamSpec spec;
  spec.partitions = partitions;
  const ingest::KeyHash hash(spec);
  for (std::size_t begin = 0; begin < rows.count;) {
    const std::size_t end = std::min<std::size_t>(ingest::next_exchange(begin, kColumns), rows.count);
    for (std::size_t i = begin; i < end; ++i) {
      parts[hash.of_key(rows.row(i)[kPopulation])].learn(rows.slice(i, 1));
    }
    parts.exchange();
    begin = end;
  }
  return parts.error();
}

class PartitionedError : public testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override {
    if (!datasets::find_california()) {
      GTEST_SKIP() << "no cal_housing.data here: run scripts/fetch-datasets";
    }
    values_ = california_rows(GetParam());
    rows_ = view_of(values_);
    ModelSet model = least_squares_set({.features = kFeatures});
    model.learn(rows_);
    one_ = model.champion().error();
  }

  void expect_like_one(const ProgressiveError& error, const std::string& what) const {
    EXPECT_EQ(error.n(), one_.n()) << what;
    EXPECT_NEAR(error.mse(), one_.mse(), kTolerance * one_.mse()) << what;
    EXPECT_NEAR(error.mse_clipped(), one_.mse_clipped(), kTolerance * one_.mse_clipped()) << what;
    EXPECT_NEAR(error.mae(), one_.mae(), kTolerance * one_.mae()) << what;
  }

  std::vector<double> values_;
  RowsView rows_{};
  ProgressiveError one_;
};

TEST_P(PartitionedError, OfBatchesInTurnIsWithinHalfAPercentOfOnePartition) {
  for (const std::uint32_t partitions : {2u, 4u, 8u}) {
    for (const std::size_t batch_rows : {1u, 32u, 256u, 4096u}) {
      expect_like_one(in_batches(rows_, partitions, batch_rows),
                      std::to_string(partitions) + " partitions, batches of " + std::to_string(batch_rows));
    }
  }
}

TEST_P(PartitionedError, OfRowsByTheHashOfAColumnIsWithinHalfAPercentOfOnePartition) {
  for (const std::uint32_t partitions : {2u, 4u, 8u}) {
    expect_like_one(row_by_row(rows_, partitions), std::to_string(partitions) + " partitions");
  }
}

INSTANTIATE_TEST_SUITE_P(California, PartitionedError, testing::Range<std::uint64_t>(0, 6), [](const auto& info) {
  return info.param == 0 ? std::string("file") : "shuffle" + std::to_string(info.param);
});

}  // namespace
}  // namespace accrue::models
