#include "ingest/credit.hpp"

#include <gtest/gtest.h>

namespace accrue::ingest {
namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr Credit::TimePoint kNow{};
const Credit::Waiter kFirst{"a", 1};
const Credit::Waiter kSecond{"b", 1};

TEST(Credit, OneBatchAlwaysHasRoomAndTheNextOnlyWithinTheLimit) {
  Credit credit(100, 1'000);
  EXPECT_TRUE(credit.has_room(5'000));
  credit.take(60);
  EXPECT_TRUE(credit.has_room(40));
  EXPECT_FALSE(credit.has_room(41));
  credit.give_back(60);
  EXPECT_TRUE(credit.has_room(5'000));
}

TEST(Credit, WindowIsAnEvenShareOfWhatIsFree) {
  Credit credit(512 * kMiB, 64 * kMiB);
  credit.share_among(0);
  EXPECT_EQ(credit.window_bytes(), 64 * kMiB);
  credit.share_among(8);
  EXPECT_EQ(credit.window_bytes(), 64 * kMiB);
  credit.share_among(64);
  EXPECT_EQ(credit.window_bytes(), 8 * kMiB);
  credit.take(256 * kMiB);
  EXPECT_EQ(credit.window_bytes(), 4 * kMiB);
  credit.take(300 * kMiB);
  EXPECT_EQ(credit.window_bytes(), Credit::kLeastWindow) << "it is full, and more";
  credit.share_among(100'000);
  EXPECT_EQ(credit.window_bytes(), Credit::kLeastWindow);
  Credit narrow(512 * kMiB, 1'000);
  narrow.share_among(1);
  EXPECT_EQ(narrow.window_bytes(), 1'000u) << "never more than one producer may have";
}

TEST(Credit, WhoWasNotRefusedNeedNotWait) {
  Credit credit(100, 100);
  EXPECT_FALSE(credit.must_wait(kFirst));
  EXPECT_FALSE(credit.next_turn(kNow));
}

TEST(Credit, TurnsComeInTheOrderOfRefusalsOnceThereIsRoom) {
  Credit credit(100, 100);
  credit.take(80);
  credit.refuse(kFirst, 30);
  credit.refuse(kSecond, 30);
  EXPECT_TRUE(credit.must_wait(kSecond));
  EXPECT_TRUE(credit.must_wait(kFirst));
  EXPECT_FALSE(credit.next_turn(kNow)) << "there is no room yet";
  credit.give_back(80);
  EXPECT_EQ(credit.next_turn(kNow), kFirst);
  EXPECT_FALSE(credit.must_wait(kFirst)) << "it is its turn";
  EXPECT_FALSE(credit.next_turn(kNow)) << "one at a time";
  credit.end_turn(kFirst);
  EXPECT_EQ(credit.next_turn(kNow), kSecond);
}

TEST(Credit, OneThatDoesNotUseItsTurnHoldsUpTheOthersForAWhileOnly) {
  Credit credit(100, 100);
  for (const auto& waiter : {kFirst, kSecond}) {
    credit.refuse(waiter, 30);
    EXPECT_TRUE(credit.must_wait(waiter));
  }
  EXPECT_EQ(credit.next_turn(kNow), kFirst);
  EXPECT_EQ(credit.turn_ends(), kNow + Credit::kTurn);
  EXPECT_EQ(credit.next_turn(kNow + Credit::kTurn), kSecond);
}

TEST(Credit, OneThatHasNotAskedIsPassedOver) {
  Credit credit(100, 100);
  credit.refuse(kFirst, 30);
  credit.refuse(kSecond, 30);
  EXPECT_TRUE(credit.must_wait(kSecond));
  EXPECT_EQ(credit.next_turn(kNow), kSecond);
}

TEST(Credit, RefusedInItsTurnItIsTheNextAgain) {
  Credit credit(100, 100);
  for (const auto& waiter : {kFirst, kSecond}) {
    credit.refuse(waiter, 30);
    EXPECT_TRUE(credit.must_wait(waiter));
  }
  EXPECT_EQ(credit.next_turn(kNow), kFirst);
  credit.refuse(kFirst, 30);
  EXPECT_TRUE(credit.must_wait(kFirst));
  EXPECT_EQ(credit.next_turn(kNow), kFirst);
}

TEST(Credit, RefusedTwiceItWaitsOnce) {
  Credit credit(100, 100);
  credit.refuse(kFirst, 30);
  EXPECT_TRUE(credit.must_wait(kFirst));
  credit.refuse(kFirst, 30);  // the same batch came twice
  EXPECT_EQ(credit.next_turn(kNow), kFirst);
  credit.end_turn(kFirst);
  EXPECT_FALSE(credit.next_turn(kNow));
}

TEST(Credit, WhoIsGoneHasNoTurnAndLosesTheOneItHad) {
  Credit credit(100, 100);
  for (const auto& waiter : {kFirst, kSecond}) {
    credit.refuse(waiter, 30);
    EXPECT_TRUE(credit.must_wait(waiter));
  }
  EXPECT_EQ(credit.next_turn(kNow), kFirst);
  credit.forget(kFirst.session);
  EXPECT_EQ(credit.next_turn(kNow), kSecond);
  credit.end_turn(kSecond);
  credit.refuse(kFirst, 30);
  EXPECT_TRUE(credit.must_wait(kFirst));
  credit.forget(kFirst.session);
  EXPECT_FALSE(credit.next_turn(kNow));
}

}  // namespace
}  // namespace accrue::ingest
