#include "client/src/outbound.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "tests/client/sent_batch.hpp"

namespace accrue::client {
namespace {

constexpr std::size_t kRowBytes = 2 * sizeof(double);
constexpr std::uint64_t kAmple = 1'000'000;

wire::Opened opened(std::uint64_t accepted, std::uint64_t durable, std::uint64_t window_bytes = kAmple) {
  wire::StreamSpec spec;
  spec.features = {"x"};
  spec.target = "y";
  return {.stream = "s",
          .stream_id = 7,
          .spec = spec,
          .accepted = accepted,
          .durable = durable,
          .window_bytes = window_bytes};
}

void push_rows(Outbound& outbound, int rows) {
  outbound.append(std::vector<double>(static_cast<std::size_t>(2 * rows)), Clock::now());
}

std::uint64_t sequence_of(const SharedFrame& frame) {
  const wire::Batch batch = batch_of(frame);
  EXPECT_EQ(batch.stream_id, 7u);
  return batch.sequence;
}

std::vector<std::uint64_t> send_all(Outbound& outbound) {
  std::vector<std::uint64_t> sequences;
  while (const SharedFrame frame = outbound.next_to_send()) sequences.push_back(sequence_of(frame));
  return sequences;
}

TEST(Outbound, CutsBatchesAndNumbersThemFromTheNextAfterTheDaemons) {
  Outbound outbound(opened(41, 41), 2);
  push_rows(outbound, 5);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(42, 43));
  outbound.seal();
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(44));
  outbound.seal();
  EXPECT_THAT(send_all(outbound), testing::IsEmpty());
}

TEST(Outbound, SendsOnlyWhatTheCreditAllows) {
  const std::uint64_t frame = wire::kBatchHeaderBytes + kRowBytes;
  Outbound outbound(opened(0, 0, 2 * frame), 1);
  push_rows(outbound, 4);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(1, 2));
  outbound.acknowledge(0, 3 * frame - 1);
  EXPECT_THAT(send_all(outbound), testing::IsEmpty());
  outbound.acknowledge(1, 2 * frame);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(3));
  outbound.acknowledge(1, 3 * frame);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(4));
}

TEST(Outbound, ReleasesBytesAndCountsRowsWhenTheyAreDurable) {
  Outbound outbound(opened(0, 0), 2);
  push_rows(outbound, 5);
  send_all(outbound);
  EXPECT_EQ(outbound.kept_bytes(), 5 * kRowBytes);
  EXPECT_EQ(outbound.acknowledge(1, kAmple), 2 * kRowBytes);
  EXPECT_EQ(outbound.acknowledge(1, kAmple), 0u);
  EXPECT_EQ(outbound.kept_rows(), 3u);
  EXPECT_EQ(outbound.report().durable_rows, 2u);
  EXPECT_FALSE(outbound.all_durable());
  outbound.seal();
  send_all(outbound);
  EXPECT_EQ(outbound.acknowledge(3, kAmple), 3 * kRowBytes);
  EXPECT_TRUE(outbound.all_durable());
  EXPECT_FALSE(outbound.outstanding());
}

TEST(Outbound, WritesToTheMemoryOfAForgottenFrameOnceNobodyHasIt) {
  Outbound outbound(opened(0, 0), 1);
  push_rows(outbound, 4);
  SharedFrame first = outbound.next_to_send();
  const std::byte* const memory = first->data();
  const wire::Bytes bytes = *first;
  static_cast<void>(outbound.next_to_send());
  outbound.acknowledge(1, kAmple);
  push_rows(outbound, 3);
  EXPECT_EQ(*first, bytes) << "the socket still has it";
  outbound.acknowledge(2, kAmple);
  first = {};
  push_rows(outbound, 1);
  std::vector<SharedFrame> later;
  while (SharedFrame frame = outbound.next_to_send()) later.push_back(std::move(frame));
  ASSERT_EQ(later.size(), 6);
  EXPECT_EQ(later.back()->data(), memory);
  EXPECT_EQ(sequence_of(later.back()), 8);
}

TEST(Outbound, KeepsNoMoreSpareMemoryThanTheWindowAndNoneWhenAllIsDurable) {
  const std::uint64_t frame = wire::kBatchHeaderBytes + kRowBytes;
  Outbound outbound(opened(0, 0, 2 * frame), 1);
  std::vector<SharedFrame> frames;
  const auto send = [&] {
    while (const SharedFrame sent = outbound.next_to_send()) frames.push_back(sent);
  };
  const auto left = [&] {
    return std::count_if(frames.begin(), frames.end(), [](const SharedFrame& each) { return each.has_others(); });
  };
  push_rows(outbound, 4);
  for (std::uint64_t durable = 1; durable <= 3; ++durable) {
    send();
    outbound.acknowledge(durable, 2 * frame);
  }
  send();
  EXPECT_EQ(left(), 3) << "two spare ones and the last";
  outbound.acknowledge(4, 2 * frame);
  EXPECT_EQ(left(), 0);
}

TEST(Outbound, DoesNotBelieveThatWhatWasNotSentIsDurable) {
  const std::uint64_t frame = wire::kBatchHeaderBytes + kRowBytes;
  Outbound outbound(opened(0, 0, frame), 1);
  push_rows(outbound, 3);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(1));
  EXPECT_EQ(outbound.acknowledge(3, kAmple), kRowBytes);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(2, 3));
}

TEST(Outbound, SendsAgainExactlyWhatTheDaemonDoesNotHave) {
  Outbound outbound(opened(0, 0), 1);
  push_rows(outbound, 5);
  send_all(outbound);
  const auto reopened = outbound.reopen(opened(3, 2));
  EXPECT_EQ(reopened.problem, "");
  EXPECT_EQ(reopened.released_bytes, 2 * kRowBytes);
  EXPECT_EQ(outbound.kept_rows(), 3u);  // the third is accepted but could still be lost
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(4, 5));
  EXPECT_EQ(outbound.reopen(opened(2, 2)).problem, "");
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(3, 4, 5));
}

TEST(Outbound, CountsAcceptedBatchesAgainstTheCreditAfterReopening) {
  const std::uint64_t frame = wire::kBatchHeaderBytes + kRowBytes;
  Outbound outbound(opened(0, 0), 1);
  push_rows(outbound, 4);
  send_all(outbound);
  ASSERT_EQ(outbound.reopen(opened(2, 1, 2 * frame)).problem, "");
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(3));
}

TEST(Outbound, RefusesToGoOnInAStreamThatCannotBeTheSame) {
  Outbound outbound(opened(0, 0), 1);
  push_rows(outbound, 3);
  send_all(outbound);
  outbound.acknowledge(2, kAmple);
  wire::Opened other = opened(2, 2);
  other.stream_id = 8;
  EXPECT_THAT(outbound.reopen(other).problem, testing::HasSubstr("dropped and made anew"));
  EXPECT_THAT(outbound.reopen(opened(1, 1)).problem, testing::HasSubstr("lost batches"));
  EXPECT_THAT(outbound.reopen(opened(4, 2)).problem, testing::HasSubstr("never sent"));
  EXPECT_EQ(outbound.kept_rows(), 1u);
}

TEST(Outbound, AsksToFlushOnceEverythingItCoversIsSentAndAgainAfterReopening) {
  const std::uint64_t frame = wire::kBatchHeaderBytes + kRowBytes;
  Outbound outbound(opened(0, 0, frame), 1);
  push_rows(outbound, 2);
  EXPECT_FALSE(outbound.flush_pending());
  EXPECT_EQ(outbound.request_flush(), 2u);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(1));
  EXPECT_FALSE(outbound.take_flush()) << "the second batch has no credit yet";
  outbound.acknowledge(1, frame);
  EXPECT_THAT(send_all(outbound), testing::ElementsAre(2));
  EXPECT_TRUE(outbound.take_flush());
  EXPECT_FALSE(outbound.take_flush());
  ASSERT_EQ(outbound.reopen(opened(2, 1)).problem, "");
  EXPECT_TRUE(outbound.take_flush());
  outbound.acknowledge(2, kAmple);
  EXPECT_FALSE(outbound.flush_pending());
  EXPECT_FALSE(outbound.take_flush());
}

TEST(Outbound, FloatsAreSentAsTheyAreInBatchesOfTheirOwn) {
  Outbound outbound(opened(0, 0), 3);
  const std::vector<double> wide{1, 2};
  const std::vector<float> narrow{3, 4, 5, 6, 7, 8, 9, 10};
  outbound.append(wide, Clock::now());
  outbound.append(narrow, Clock::now());
  outbound.append(wide, Clock::now());
  outbound.seal();
  EXPECT_EQ(outbound.kept_bytes(), 2 * kRowBytes + 4 * kRowBytes / 2);
  std::vector<std::pair<wire::DataType, std::uint32_t>> batches;
  std::vector<std::byte> rows;
  while (const SharedFrame frame = outbound.next_to_send()) {
    const wire::Batch batch = batch_of(frame);
    batches.emplace_back(batch.dtype, batch.count);
    if (batch.dtype == wire::DataType::kFloat32) rows.insert(rows.end(), batch.rows.bin.begin(), batch.rows.bin.end());
  }
  using enum wire::DataType;
  EXPECT_THAT(batches, testing::ElementsAre(testing::Pair(kFloat64, 1u), testing::Pair(kFloat32, 3u),
                                            testing::Pair(kFloat32, 1u), testing::Pair(kFloat64, 1u)));
  EXPECT_THAT(rows, testing::ElementsAreArray(std::as_bytes(std::span(narrow))));
  outbound.acknowledge(4, kAmple);
  EXPECT_EQ(outbound.kept_bytes(), 0u);
  EXPECT_EQ(outbound.report().durable_rows, 6u);
}

TEST(Outbound, APartialBatchWaitsOnlyWhenNothingIsQueuedBeforeIt) {
  Outbound outbound(opened(0, 0, kRowBytes), 2);
  const Clock::time_point start{std::chrono::seconds(1)};
  const std::vector<double> row{1, 2};
  EXPECT_EQ(outbound.waiting_since(), std::nullopt);
  outbound.append(row, start);
  EXPECT_EQ(outbound.waiting_since(), start);
  outbound.append(row, start + std::chrono::seconds(1));
  outbound.append(row, start + std::chrono::seconds(2));
  EXPECT_TRUE(outbound.has_sealed());
  EXPECT_EQ(outbound.waiting_since(), std::nullopt) << "the batch before it has no credit";
}

TEST(Outbound, ARejectionNamesTheRowInTheOrderOfPushing) {
  Outbound outbound(opened(10, 10), 2);
  push_rows(outbound, 6);
  send_all(outbound);
  const wire::RowsRejected rejected{
      .stream_id = 7, .sequence = 12, .rows = 1, .first_row = 1, .reason = wire::RejectReason::kNotFinite};
  outbound.reject(rejected);
  EXPECT_EQ(outbound.report().rejected_rows, 1u);
  EXPECT_EQ(outbound.report().first_rejection, "row 4: a value is not a finite number");
  outbound.reject(rejected);  // the batch was sent again
  EXPECT_EQ(outbound.report().rejected_rows, 1u);
  outbound.acknowledge(13, kAmple);
  EXPECT_EQ(outbound.report().durable_rows, 5u);
  outbound.reject(rejected);
  EXPECT_EQ(outbound.report().rejected_rows, 1u);
}

// A daemon that loses its memory back to what is durable at any moment, seen from here: it must be able to accept every
// batch exactly once and in order.
TEST(Outbound, EveryBatchArrivesOnceWhateverIsLost) {
  EXPECT_TRUE(rc::check([] {
    Outbound outbound(opened(0, 0), 1);
    std::uint64_t pushed = 0;
    std::uint64_t accepted = 0;
    std::uint64_t durable = 0;
    const auto receive = [&](std::uint64_t sequence) {
      RC_ASSERT(sequence == accepted + 1);
      accepted = sequence;
    };
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
    for (const int step : steps) {
      const std::uint64_t window = *rc::gen::inRange<std::uint64_t>(0, 400);
      switch (step) {
        case 0:
          push_rows(outbound, 3);
          pushed += 3;
          break;
        case 1:
          for (const std::uint64_t sequence : send_all(outbound)) receive(sequence);
          break;
        case 2: durable = accepted; break;
        case 3: outbound.acknowledge(durable, window); break;
        default:
          accepted = *rc::gen::inRange(durable, accepted + 1);  // a new connection, perhaps a new daemon
          RC_ASSERT(outbound.reopen(opened(accepted, durable, window)).problem.empty());
      }
    }
    outbound.acknowledge(durable, kAmple * 100);
    for (const std::uint64_t sequence : send_all(outbound)) receive(sequence);
    RC_ASSERT(accepted == pushed);
    outbound.acknowledge(accepted, kAmple);
    RC_ASSERT(outbound.all_durable() && !outbound.outstanding() && outbound.kept_bytes() == 0);
  }));
}

}  // namespace
}  // namespace accrue::client
