#include "daemon/sparse_delivery.hpp"

#include <array>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/wire/sparse_rows.hpp"

namespace accrue::daemon {
namespace {

using testing::ElementsAre;

wire::StreamSpec spec_of(bool weighted) {
  wire::StreamSpec spec;
  spec.target = "y";
  spec.weighted = weighted;
  spec.dimension = 100;
  return spec;
}

TEST(SparseDelivery, IsReadAtAnyAlignment) {
  constexpr std::array<std::uint32_t, 3> kColumns{3, 70, 99};
  constexpr std::array<double, 3> kValues{1.5, 2, -1};
  for (const bool weighted : {false, true}) {
    wire::SparseRowsBin bin(wire::batch_form(spec_of(weighted)));
    bin.append(std::span(kColumns).first(2), std::span(kValues).first(2), 4, 0.5);
    bin.append({}, {}, 5, 1);
    bin.append(std::span(kColumns).last(1), std::span(kValues).last(1), 6, 2);
    SparseDelivery delivery;
    for (std::size_t shift = 0; shift < 9; ++shift) {
      alignas(double) std::array<std::byte, 300> memory{};
      bin.write(memory.data() + shift);
      ingest::Deliver what;
      what.rows = 3;
      what.offset = shift;
      what.first_index = 40;
      what.nonzeros = 3;
      const models::SparseRowsView view = delivery.view(what, spec_of(weighted), memory);
      ASSERT_EQ(view.count, 3u);
      EXPECT_EQ(view.features, 100u);
      EXPECT_EQ(view.index(2), 42u);
      EXPECT_THAT(view.row_columns(0), ElementsAre(3, 70));
      EXPECT_THAT(view.row_columns(1), ElementsAre());
      EXPECT_THAT(view.row_columns(2), ElementsAre(99));
      EXPECT_EQ(view.row_values(2)[0], -1);
      EXPECT_EQ(view.target(1), 5);
      EXPECT_EQ(view.weight(2), weighted ? 2 : 1);
    }
  }
}

}  // namespace
}  // namespace accrue::daemon
