#include "ingest/exchange.hpp"

#include <bit>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

// How many bits a number has from its first 1 to its last.
int significant_bits(std::uint64_t number) {
  return static_cast<int>(std::bit_width(number)) - std::countr_zero(number);
}

TEST(Exchange, IsAtEveryNumberOfAtMostSevenSignificantBits) {
  std::uint64_t next = next_exchange(0);
  for (std::uint64_t rows = 1; rows <= 300'000; ++rows) {
    if (significant_bits(rows) <= 7) {
      ASSERT_EQ(next, rows);
      next = next_exchange(rows);
    }
    ASSERT_EQ(next_exchange(rows), next) << rows;
  }
}

TEST(Exchange, IsAtTheSameNumbersForTheLongestStreams) {
  EXPECT_EQ(next_exchange((std::uint64_t{1} << 40) - 1), std::uint64_t{1} << 40);
  EXPECT_EQ(next_exchange(std::uint64_t{1} << 40), std::uint64_t{65} << 34);
  EXPECT_EQ(next_exchange((std::uint64_t{1} << 63) - 1), std::uint64_t{1} << 63);
}

TEST(Exchange, IsDueWhenABatchReachesOrPassesSuchANumber) {
  EXPECT_TRUE(exchange_due(0, 1));
  EXPECT_TRUE(exchange_due(127, 128));
  EXPECT_FALSE(exchange_due(128, 129));
  EXPECT_TRUE(exchange_due(129, 130));
  EXPECT_TRUE(exchange_due(0, 4096));
  EXPECT_FALSE(exchange_due(4096, 4096)) << "a batch without an accepted row";
  EXPECT_FALSE(exchange_due(4096, 4159));
  EXPECT_TRUE(exchange_due(4096, 4160));
  EXPECT_TRUE(exchange_due(4159, 5000));
}

TEST(Exchange, ComesSixtyFourTimesWhileTheRowsDouble) {
  for (const std::uint64_t first : {128u, 1u << 20, 3'000'000u}) {
    int exchanges = 0;
    for (std::uint64_t rows = first; (rows = next_exchange(rows)) <= 2 * first;) ++exchanges;
    EXPECT_EQ(exchanges, 64) << first;
  }
}

}  // namespace
}  // namespace accrue::ingest
