// What a worker does with its partitions of a stream, message by message, beside models that learn the same in place.
#include "daemon/held_stream.hpp"

#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/snapshot.hpp"

namespace accrue::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const wire::StreamSpec kTwoParts = {.features = {"x"}, .target = "y", .partitions = 2};

using Rows = std::vector<double>;
const Rows kFirst = {1, 2, 3, 5};
const Rows kSecond = {2, 1, 7, 8, 9, 4};

void learn(models::ModelSet& model, const Rows& rows) { model.learn({rows.data(), rows.size() / 2, 2, 1, false}); }

// A worker's hold on some partitions, and what it said.
struct Holder {
  explicit Holder(std::vector<std::uint32_t> partitions)
      : stream(
            {7, 3, partitions.front(), kTwoParts, {}}, [this](const wire::Bytes& message) { hear(message); },
            [this](std::uint64_t ordinal) { learned.push_back(ordinal); }) {
    for (const std::uint32_t partition : partitions) stream.open({7, 3, partition, kTwoParts, {}});
  }

  // From byte `shift` of its frame on; places only of rows that were picked out.
  void deliver(std::uint32_t partition, std::uint64_t ordinal, const Rows& rows, std::size_t shift = 0,
               std::uint64_t first_index = 0, const std::vector<ingest::Place>& places = {}) {
    const std::size_t row_bytes = rows.size() * sizeof(double);
    const std::size_t place_bytes = places.size() * sizeof(ingest::Place);
    zmq::message_t frame(200 + row_bytes + place_bytes);
    std::memcpy(frame.data<std::byte>() + shift, rows.data(), row_bytes);
    if (!places.empty()) std::memcpy(frame.data<std::byte>() + shift + row_bytes, places.data(), place_bytes);
    const auto count = static_cast<std::uint32_t>(rows.size() / 2);
    const ingest::Deliver what{7,     partition, ordinal,     wire::DataType::kFloat64,
                               count, shift,     first_index, !places.empty()};
    stream.take(HeldStream::Delivery{what, std::move(frame)});
  }
  void hear(const wire::Bytes& message) {
    wire::Frame frame;
    ASSERT_EQ(frame.parse(message), wire::DecodeError::kNone);
    if (frame.type() == ingest::Share::kType) {
      shares.push_back(message);
      return;
    }
    const auto state = ingest::read<ingest::PartitionState>(frame);
    EXPECT_EQ(state.stream_id, 7u);
    EXPECT_EQ(state.generation, 3u);
    states[state.partition].assign(state.state.begin(), state.state.end());
  }
  void see(const wire::Bytes& message) {
    wire::Frame frame;
    ASSERT_EQ(frame.parse(message), wire::DecodeError::kNone);
    stream.see(ingest::read<ingest::Share>(frame));
  }

  std::vector<wire::Bytes> shares;
  std::map<std::uint32_t, wire::Bytes> states;
  std::vector<std::uint64_t> learned;
  HeldStream stream;
};

// Both partitions as they should be after kFirst, an exchange, and kSecond.
std::vector<models::ModelSet> expected() {
  std::vector<models::ModelSet> models(2, first_models(kTwoParts));
  for (models::ModelSet& model : models) learn(model, kFirst);
  const auto share = models[0].share();
  const std::vector<std::span<const std::byte>> others = {share};  // the same for both
  for (models::ModelSet& model : models) {
    EXPECT_EQ(model.see(others), models::DecodeError::kNone);
    learn(model, kSecond);
  }
  return models;
}

TEST(HeldStream, WhatFollowsAnExchangeWaitsForTheSharesOfAll) {
  Holder one({0});
  Holder other({1});
  one.deliver(0, 1, kFirst);
  one.stream.take(ingest::Exchange{7, 4});
  one.deliver(0, 2, kSecond);
  one.stream.take(ingest::Barrier{7, 9});
  EXPECT_THAT(one.learned, ElementsAre(1));
  ASSERT_EQ(one.shares.size(), 1u);

  other.see(one.shares[0]);  // before its own exchange
  other.deliver(1, 1, kFirst);
  other.stream.take(ingest::Exchange{7, 4});
  other.deliver(1, 2, kSecond);
  other.stream.take(ingest::Barrier{7, 9});
  EXPECT_THAT(other.learned, ElementsAre(1, 2));

  EXPECT_THAT(one.states, IsEmpty());
  one.see(other.shares[0]);
  EXPECT_THAT(one.learned, ElementsAre(1, 2));
  EXPECT_EQ(one.states.at(0), expected()[0].encode());
  EXPECT_EQ(other.states.at(1), expected()[1].encode());
}

TEST(HeldStream, OneThatHoldsAllPartitionsWaitsForNobody) {
  Holder all({0, 1});
  for (const std::uint32_t partition : {0u, 1u}) all.deliver(partition, 1 + partition, kFirst);
  all.stream.take(ingest::Exchange{7, 4});
  for (const std::uint32_t partition : {0u, 1u}) all.deliver(partition, 3 + partition, kSecond);
  all.stream.take(ingest::Barrier{7, 9});
  EXPECT_THAT(all.shares, IsEmpty());
  EXPECT_THAT(all.learned, ElementsAre(1, 2, 3, 4));
  for (const std::uint32_t partition : {0u, 1u}) EXPECT_EQ(all.states.at(partition), expected()[partition].encode());
}

TEST(HeldStream, RowsNeedNotBeAligned) {
  Holder holder({0});
  holder.deliver(0, 1, kFirst, 3);
  holder.stream.take(ingest::Barrier{7, 9});
  models::ModelSet model = first_models(kTwoParts);
  learn(model, kFirst);
  EXPECT_EQ(holder.states.at(0), model.encode());
}

TEST(HeldStream, RowsAreLearnedAtTheirPlacesInTheStream) {
  Holder holder({0});
  holder.deliver(0, 1, kFirst, 0, 5'000);
  holder.deliver(0, 2, kSecond, 3, 20'000, {7, 150, 90'000});
  holder.stream.take(ingest::Barrier{7, 9});
  models::ModelSet model = first_models(kTwoParts);
  models::RowsView rows{kFirst.data(), 2, 2, 1, false};
  rows.first_index = 5'000;
  model.learn(rows);
  const std::vector<std::uint64_t> indices = {20'007, 20'150, 110'000};
  rows = {kSecond.data(), 3, 2, 1, false};
  rows.indices = indices.data();
  model.learn(rows);
  EXPECT_EQ(holder.states.at(0), model.encode());
}

TEST(HeldStream, WhatWaitsWhenItIsClosedIsDoneWith) {
  Holder one({0});
  one.stream.take(ingest::Exchange{7, 4});
  one.deliver(0, 1, kFirst);
  one.stream.take(ingest::Barrier{7, 9});
  one.deliver(0, 2, kSecond);
  one.stream.close();
  EXPECT_THAT(one.learned, ElementsAre(1, 2));
  EXPECT_THAT(one.states, IsEmpty());
}

TEST(HeldStream, ModelsChangeInAllPartitionsAtOnePlaceAmongTheRows) {
  using Kind = ingest::ModelChange::Kind;
  const wire::ModelSpec late{.name = "late", .learner = "least_squares", .settings = {{"ridge", "2"}}};
  const auto change = [](Kind kind, const wire::ModelSpec& model) { return ingest::ChangeModels{7, {kind, model}}; };
  Holder one({0});
  Holder other({1});
  std::uint32_t partition = 0;
  for (Holder* holder : {&one, &other}) {
    holder->deliver(partition, 1, kFirst);
    holder->stream.take(ingest::Exchange{7, 4});
    holder->stream.take(change(Kind::kAdd, late));  // which waits with what follows
    holder->deliver(partition, 2, kSecond);
    holder->stream.take(change(Kind::kPromote, {"late", {}}));
    holder->stream.take(change(Kind::kDrop, {wire::kDefaultModel, {}}));
    holder->stream.take(ingest::Barrier{7, 9});
    ++partition;
  }
  one.see(other.shares.at(0));
  other.see(one.shares.at(0));
  models::ModelSet expected = first_models(kTwoParts);
  expected.add(model_spec(late));
  learn(expected, kSecond);
  expected.promote("late");
  expected.drop(wire::kDefaultModel);
  EXPECT_EQ(one.states.at(0), expected.encode());
  EXPECT_EQ(other.states.at(1), expected.encode());
}

}  // namespace
}  // namespace accrue::daemon
