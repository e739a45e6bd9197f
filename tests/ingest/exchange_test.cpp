#include "ingest/exchange.hpp"

#include <bit>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

constexpr std::uint64_t kColumns = 9;

// How many bits a number has from its first 1 to its last.
int significant_bits(std::uint64_t number) {
  return static_cast<int>(std::bit_width(number)) - std::countr_zero(number);
}

TEST(Exchange, IsAtEveryNumberOfAtMostTenSignificantBits) {
  std::uint64_t next = next_exchange(0, kColumns);
  for (std::uint64_t rows = 1; rows <= 300'000; ++rows) {
    if (significant_bits(rows) <= 10) {
      ASSERT_EQ(next, rows);
      next = next_exchange(rows, kColumns);
    }
    ASSERT_EQ(next_exchange(rows, kColumns), next) << rows;
  }
}

TEST(Exchange, IsAtTheSameNumbersForTheLongestStreams) {
  EXPECT_EQ(next_exchange((std::uint64_t{1} << 40) - 1, kColumns), std::uint64_t{1} << 40);
  EXPECT_EQ(next_exchange(std::uint64_t{1} << 40, kColumns), std::uint64_t{513} << 31);
  EXPECT_EQ(next_exchange((std::uint64_t{1} << 63) - 1, kColumns), std::uint64_t{1} << 63);
}

TEST(Exchange, IsDueWhenABatchReachesOrPassesSuchANumber) {
  EXPECT_TRUE(exchange_due(0, 1, kColumns));
  EXPECT_TRUE(exchange_due(1'023, 1'024, kColumns));
  EXPECT_FALSE(exchange_due(1'024, 1'025, kColumns));
  EXPECT_TRUE(exchange_due(1'025, 1'026, kColumns));
  EXPECT_TRUE(exchange_due(0, 4'096, kColumns));
  EXPECT_FALSE(exchange_due(4'096, 4'096, kColumns)) << "a batch without an accepted row";
  EXPECT_FALSE(exchange_due(4'096, 4'103, kColumns));
  EXPECT_TRUE(exchange_due(4'096, 4'104, kColumns));
  EXPECT_TRUE(exchange_due(4'103, 5'000, kColumns));
}

TEST(Exchange, OfManyColumnsIsWorthItsCost) {
  EXPECT_EQ(next_exchange(0, 31), 1u);
  EXPECT_EQ(next_exchange(0, 32), 2u);
  EXPECT_EQ(next_exchange(5, 1'026), 64u);
  EXPECT_EQ(next_exchange(64, 1'026), 128u);
  EXPECT_EQ(next_exchange(1u << 20, 1'026), next_exchange(1u << 20, kColumns));
}

TEST(Exchange, ComesFiveHundredTimesWhileTheRowsDouble) {
  for (const std::uint64_t first : {1'024u, 1u << 20, 3'000'000u}) {
    int exchanges = 0;
    for (std::uint64_t rows = first; (rows = next_exchange(rows, kColumns)) <= 2 * first;) ++exchanges;
    EXPECT_EQ(exchanges, 512) << first;
  }
}

}  // namespace
}  // namespace accrue::ingest
