#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "ingest/wire/usable.hpp"

namespace accrue::wire {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Each value alone is looked at, wherever it stands, in both widths.
TEST(WireUsable, RowsSurelyAreWhenEveryNumberIs) {
  for (std::size_t count = 0; count < 40; ++count) {
    std::vector<double> wide(count, -4.9e149);
    std::vector<float> narrow(count, std::numeric_limits<float>::max());
    EXPECT_TRUE(all_surely_usable(wide.data(), count));
    EXPECT_TRUE(all_surely_usable(narrow.data(), count));
    for (std::size_t i = 0; i < count; ++i) {
      for (const double bad : {kNaN, kInf, -kInf, 1.0001e150, -1.0001e150, 5.1e149}) {
        wide[i] = bad;
        EXPECT_FALSE(all_surely_usable(wide.data(), count)) << bad << " at " << i << " of " << count;
      }
      wide[i] = 0;
      for (const float bad : {NAN, INFINITY, -INFINITY}) {
        narrow[i] = bad;
        EXPECT_FALSE(all_surely_usable(narrow.data(), count)) << bad << " at " << i << " of " << count;
      }
      narrow[i] = 0;
    }
  }
}

}  // namespace
}  // namespace accrue::wire
