// Events and Prometheus's figures by HTTP, of a real daemon.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/daemon.hpp"
#include "tests/support/http_client.hpp"

namespace accrue::tests {
namespace {

using testing::HasSubstr;

class HttpEventsTest : public testing::Test {
 protected:
  void create(const std::string& name) {
    ASSERT_EQ(http->send("/v1/streams", {{"name", name}, {"features", {"x"}}, {"target", "y"}}).status, 201);
  }

  void learn(const std::string& name, int rows, double slope) {
    std::string body = "x,y\n";
    for (int i = 0; i < rows; ++i) {
      body += std::to_string(i % 10) + "," + std::to_string(slope * (i % 10) + 0.01 * (i % 3)) + "\n";
    }
    ASSERT_EQ(http->post("/v1/streams/" + name + "/rows", body, "text/csv").status, 200);
  }

  Daemon daemon{{}, {.http = true}};
  std::optional<HttpClient> http{daemon.http_url()};
};

TEST_F(HttpEventsTest, AnEpochIsToldWithTheMetricsOfEachModel) {
  create("s");
  create("other");
  const auto heard = listen(
      daemon.http_url(), "/v1/events?stream=s", "", [](const Heard& one) { return one.event == "metrics"; },
      [&] {
        learn("other", 10, 1);
        learn("s", 10, 1);
      });
  ASSERT_EQ(heard.size(), 1u) << "nothing of the other stream";
  EXPECT_EQ(heard[0].data["stream"], "s");
  EXPECT_EQ(heard[0].data["rows"], 10);
  const Json told = heard[0].data["models"].at(0);
  const Json metrics = http->get("/v1/streams/s/metrics").json;
  for (const auto& [name, value] : metrics.items()) EXPECT_EQ(told[name], value) << name;
  EXPECT_EQ(told["champion"], true);
}

TEST_F(HttpEventsTest, ADriftIsTold) {
  create("s");
  const auto heard = listen(
      daemon.http_url(), "/v1/events", "", [](const Heard& one) { return one.event == "drift"; },
      [&] {
        learn("s", 3'000, 1);
        learn("s", 3'000, -40);
      });
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.back().data["stream"], "s");
  EXPECT_EQ(heard.back().data["model"], "least_squares");
  EXPECT_GE(heard.back().data["row"], 3'000);
}

TEST_F(HttpEventsTest, WhoComesAgainHearsOfTheRecoveryMeanwhile) {
  create("s");
  const auto before = listen(
      daemon.http_url(), "/v1/events", "", [](const Heard& one) { return one.event == "metrics"; },
      [&] { learn("s", 10, 1); });
  ASSERT_EQ(before.size(), 1u);
  http.reset();
  daemon.kill();
  daemon.start();
  const auto after =
      listen(daemon.http_url(), "/v1/events", before[0].id, [](const Heard& one) { return one.event == "recovery"; });
  ASSERT_FALSE(after.empty());
  EXPECT_EQ(after[0].data, (Json{{"stream", "s"}, {"epoch", before[0].data["epoch"]}, {"rows", 10}}));
}

TEST_F(HttpEventsTest, ARollbackIsARecoveryThatSaysSo) {
  create("s");
  learn("s", 10, 1);
  const auto epoch = http->get("/v1/streams/s").json["epoch"];
  learn("s", 10, 1);
  const auto heard = listen(
      daemon.http_url(), "/v1/events", "", [](const Heard& one) { return one.event == "recovery"; },
      [&] {
        EXPECT_EQ(http->send("/v1/streams/s/rollback", Json{{"epoch", epoch}}).status, 200);
      });
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.back().data["rolled_back_to"], epoch);
  EXPECT_EQ(heard.back().data["rows"], 10);
}

TEST_F(HttpEventsTest, TheDaemonEndsInTimeWhateverListens) {
  bool stopped = false;
  (void)listen(
      daemon.http_url(), "/v1/events", "", [](const Heard&) { return false; },
      [&] {
        daemon.process().signal(SIGTERM);
        stopped = true;
      });
  EXPECT_TRUE(stopped);
  EXPECT_EQ(daemon.process().wait(), 0);
}

TEST_F(HttpEventsTest, ListenersAreLimitedAndTheOthersAreServed) {
  // Each is connected while the next comes.
  const std::function<void(int)> one_more = [&](int already) {
    HttpClient mine(daemon.http_url());
    if (already == 16) {
      const HttpAnswer refused = mine.get("/v1/events");
      EXPECT_EQ(refused.status, 503);
      EXPECT_THAT(refused.json["detail"].get<std::string>(), HasSubstr("16 listeners"));
      EXPECT_EQ(mine.get("/healthz").status, 200);
      return;
    }
    (void)mine.client().Get("/v1/events", [&](const char*, std::size_t) {
      one_more(already + 1);
      return false;
    });
  };
  one_more(0);
}

TEST_F(HttpEventsTest, PrometheusIsToldOfStreamsAndModels) {
  create("s");
  learn("s", 10, 1);
  http->send("/v1/streams/s/predict", Json{{"row", {1}}});
  const HttpAnswer scraped = http->get("/metrics");
  EXPECT_EQ(scraped.status, 200);
  EXPECT_EQ(scraped.type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(scraped.text, HasSubstr("accrue_build_info{version=\"0.1.0\"} 1\n"));
  EXPECT_THAT(scraped.text, HasSubstr("stream=\"s\""));
  EXPECT_THAT(scraped.text, HasSubstr("model=\"least_squares\""));
  EXPECT_THAT(scraped.text,
              HasSubstr("accrue_prediction_duration_seconds_count{stream=\"s\",model=\"least_squares\"} 1"));
}

}  // namespace
}  // namespace accrue::tests
