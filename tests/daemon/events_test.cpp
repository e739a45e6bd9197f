#include "daemon/events.hpp"

#include <future>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>

namespace accrue::daemon {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};

TEST(Events, AreHeardInTheirOrderFromAnyOfThemOn) {
  Events events;
  const std::uint64_t before = events.newest();
  events.tell(Event::Kind::kEpoch, "a");
  events.tell(Event::Kind::kDrift, "b", {{"row", 7}});
  const auto first = events.next(before, Clock::now());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->stream, "a");
  const auto second = events.next(first->id, Clock::now());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->kind, Event::Kind::kDrift);
  EXPECT_EQ(second->data["row"], 7);
  EXPECT_EQ(second->id, events.newest());
  EXPECT_FALSE(events.next(second->id, Clock::now()));
}

TEST(Events, WhoWaitsIsWokenByTheNextAndByTheEnd) {
  Events events;
  const std::uint64_t before = events.newest();
  std::promise<std::optional<Event>> heard;
  std::optional<Event> after_the_end;
  std::thread listener([&] {
    const std::optional<Event> event = events.next(before, Clock::now() + kPatience);
    heard.set_value(event);
    after_the_end = events.next(events.newest(), Clock::now() + kPatience);
  });
  events.tell(Event::Kind::kDegraded, {}, {{"degraded", true}});
  const std::optional<Event> event = heard.get_future().get();
  events.close();
  listener.join();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, Event::Kind::kDegraded);
  EXPECT_FALSE(after_the_end);
  EXPECT_TRUE(events.closed());
}

TEST(Events, TheNewestAreKept) {
  Events events;
  const std::uint64_t before = events.newest();
  for (std::size_t i = 0; i < Events::kKept + 10; ++i) events.tell(Event::Kind::kEpoch, std::to_string(i));
  const auto oldest = events.next(before, Clock::now());
  ASSERT_TRUE(oldest);
  EXPECT_EQ(oldest->stream, "10");
}

}  // namespace
}  // namespace accrue::daemon
