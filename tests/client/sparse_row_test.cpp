#include "client/src/sparse_row.hpp"

#include <vector>

#include <gmock/gmock.h>

#include "client/src/outbound.hpp"
#include "tests/client/sent_batch.hpp"

namespace accrue::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Streams that are stored depend on these: they change never.
TEST(HashedFeature, IsTheSameForEver) {
  EXPECT_EQ(hashed_feature("", 1'048'576), 824'467u);
  EXPECT_EQ(hashed_feature("good", 1'048'576), 283'258u);
  EXPECT_EQ(hashed_feature("price:USD", 1'048'576), 91'139u);
  EXPECT_EQ(hashed_feature("größe", 1'048'576), 324'944u);
  EXPECT_EQ(hashed_feature("größe", 1'000), 856u);
  EXPECT_EQ(hashed_feature("good", 1), 0u);
  EXPECT_THROW((void)hashed_feature("good", 0), Error);
}

// The transform `hash` puts these three into the same of 4 buckets (tests/models/transforms_test.cpp).
TEST(HashedFeature, IsTheBucketOfTheTransform) {
  EXPECT_EQ(hashed_feature("a", 4), 1u);
  EXPECT_EQ(hashed_feature("b", 4), 0u);
  EXPECT_EQ(hashed_feature("c", 4), 3u);
}

TEST(InOrder, LeavesWhatIsInOrderAsItIs) {
  const std::vector<std::uint32_t> columns = {1, 5, 9};
  const std::vector<double> values = {3, 2, 1};
  InOrder row;
  row.put("s", columns, values, 10);
  EXPECT_EQ(row.columns().data(), columns.data());
  EXPECT_EQ(row.values().data(), values.data());
}

TEST(InOrder, SortsTheRestAndAddsUpWhatComesTwice) {
  const std::vector<std::uint32_t> columns = {5, 1, 5, 9, 1};
  const std::vector<double> values = {1, 2, 4, 8, 16};
  InOrder row;
  row.put("s", columns, values, 10);
  EXPECT_THAT(row.columns(), ElementsAre(1, 5, 9));
  EXPECT_THAT(row.values(), ElementsAre(18, 5, 8));
  row.put("s", {}, {}, 10);
  EXPECT_THAT(row.columns(), IsEmpty());
}

TEST(InOrder, RefusesWhatNoRowCanHave) {
  const std::vector<std::uint32_t> columns(wire::kMaxNonzeros + 1);
  const std::vector<double> values(columns.size());
  InOrder row;
  EXPECT_THROW(row.put("s", std::span(columns).first(2), values, 10), Error);
  EXPECT_THROW(row.put("s", std::span(columns).first(1), std::span(values).first(1), 0), Error);
  EXPECT_THROW(row.put("s", columns, values, 10), Error);
  row.put("s", std::span(columns).first(wire::kMaxNonzeros), std::span(values).first(wire::kMaxNonzeros), 10);
}

constexpr std::size_t kRowBytes = 8 + 4;  // target and end
constexpr std::size_t kNonzeroBytes = 8 + 4;

wire::Opened opened() {
  wire::StreamSpec spec;
  spec.target = "y";
  spec.dimension = 100;
  return {.stream = "s", .stream_id = 7, .spec = spec, .accepted = 0, .durable = 0, .window_bytes = 1'000'000};
}

void push(Outbound& outbound, std::size_t nonzeros) {
  std::vector<std::uint32_t> columns(nonzeros);
  for (std::size_t i = 0; i < nonzeros; ++i) columns[i] = static_cast<std::uint32_t>(i);
  const std::vector<double> values(nonzeros, 1.5);
  outbound.append(SparseRow{columns, values, 2, 1}, Clock::now());
}

std::vector<std::uint32_t> rows_sent(Outbound& outbound) {
  std::vector<std::uint32_t> rows;
  while (const SharedFrame frame = outbound.next_to_send()) {
    const wire::Batch batch = batch_of(frame);
    EXPECT_EQ(batch.sequence, rows.size() + 1);
    EXPECT_TRUE(wire::sparse_nonzeros(wire::SparseForm::kTarget, batch.count, batch.rows.bin.size()));
    rows.push_back(batch.count);
  }
  return rows;
}

TEST(SparseOutbound, CountsTheBytesThatRowsReallyHave) {
  Outbound outbound(opened(), 3);
  push(outbound, 2);
  push(outbound, 0);
  EXPECT_EQ(outbound.kept_bytes(), 2 * kRowBytes + 2 * kNonzeroBytes);
  push(outbound, 5);
  push(outbound, 1);
  outbound.seal();
  EXPECT_EQ(outbound.kept_bytes(), 4 * kRowBytes + 8 * kNonzeroBytes);
  EXPECT_THAT(rows_sent(outbound), ElementsAre(3, 1));
  EXPECT_EQ(outbound.acknowledge(1, 1'000'000), 3 * kRowBytes + 7 * kNonzeroBytes);
  EXPECT_EQ(outbound.acknowledge(2, 1'000'000), kRowBytes + kNonzeroBytes);
  EXPECT_TRUE(outbound.all_durable());
  EXPECT_EQ(outbound.kept_bytes(), 0u);
}

TEST(SparseOutbound, CutsABatchBeforeItIsTooLarge) {
  Outbound outbound(opened(), 100, 3 * (kRowBytes + 10 * kNonzeroBytes));
  for (int i = 0; i < 7; ++i) push(outbound, 10);
  push(outbound, 90);  // alone it is more than a batch should have
  push(outbound, 10);
  outbound.seal();
  EXPECT_THAT(rows_sent(outbound), ElementsAre(3, 3, 1, 1, 1));
}

}  // namespace
}  // namespace accrue::client
