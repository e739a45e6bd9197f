// What there is to ask by HTTP, of a real daemon: what is learned so is what is learned by any client, bad rows harm
// nobody, and a request that is made again counts once.
#include <future>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support/daemon.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/peer.hpp"

namespace accrue::tests {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCsv = "text/csv";
constexpr const char* kNdjson = "application/x-ndjson";

class HttpTest : public testing::Test {
 protected:
  void create(const std::string& name = "homes") {
    ASSERT_EQ(http.send("/v1/streams", {{"name", name}, {"features", {"rooms", "age"}}, {"target", "price"}}).status,
              201);
  }

  std::uint64_t rows(const std::string& name = "homes") {
    return http.get("/v1/streams/" + name).json.at("rows").get<std::uint64_t>();
  }

  // Rows i from `first` on, as lines of CSV.
  static std::string lines(int first, int count) {
    std::string text;
    for (int i = first; i < first + count; ++i) {
      text += std::to_string(i % 7) + "," + std::to_string(i % 53) + ".5," + std::to_string(i % 7 * 30 - i % 11) + "\n";
    }
    return text;
  }

  Daemon daemon{{}, {.http = true}};
  HttpClient http{daemon.http_url()};
};

TEST_F(HttpTest, AStreamIsMadeFilledAskedAndDropped) {
  const Json spec = {{"name", "homes"}, {"features", {"rooms", "age"}}, {"target", "price"}};
  const HttpAnswer created = http.send("/v1/streams", spec);
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.headers.find("Location")->second, "/v1/streams/homes");
  EXPECT_EQ(http.send("/v1/streams", spec).status, 200) << "it is there, and the same";
  const HttpAnswer learned =
      http.send("/v1/streams/homes/rows",
                Json{{"rows", {{{"rooms", 1}, {"age", 0}, {"price", 10}}, {2, 0, 20}, {1, 1, 11}, {2, 1, 21}}}});
  EXPECT_EQ(learned.status, 200);
  EXPECT_EQ(learned.json["learned"], 4);
  const HttpAnswer one = http.send("/v1/streams/homes/predict", Json{{"row", {{"rooms", 4}, {"age", 5}}}});
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ(one.json["rows"], 4);
  EXPECT_NEAR(one.json["predictions"].at(0).get<double>(), 45, 1e-9);
  const HttpAnswer many =
      http.send("/v1/streams/homes/predict",
                Json{{"rows", {{4, 5}, {{"age", 6}, {"rooms", 4}}}}, {"interval", 0.9}, {"epoch", one.json["epoch"]}});
  EXPECT_EQ(many.json["epoch"], one.json["epoch"]);
  EXPECT_NEAR(many.json["predictions"].at(1).get<double>(), 46, 1e-9);
  EXPECT_EQ(many.json["intervals"].size(), 2u);
  EXPECT_EQ(http.get("/v1/streams").json["streams"].size(), 1u);
  EXPECT_NEAR(http.get("/v1/streams/homes/coef").json["coefficients"].at(0)["estimate"].get<double>(), 10, 1e-9);
  EXPECT_EQ(http.get("/v1/streams/homes/metrics").json["rows"], 4);
  EXPECT_EQ(http.get("/v1/streams/homes/epochs").json["kept"], 1);
  EXPECT_EQ(http.remove("/v1/streams/homes").status, 204);
  EXPECT_EQ(http.get("/v1/streams/homes").status, 404);
}

TEST_F(HttpTest, WhatIsLearnedByHttpIsWhatIsLearnedByAnyClientToTheLastBit) {
  const std::string header = "rooms,age,price\n";
  const std::string body = header + lines(0, 30'000);
  create("csv");
  create("ndjson");
  EXPECT_EQ(http.post("/v1/streams/csv/rows", body, kCsv).json["learned"], 30'000);
  std::string ndjson;
  for (std::size_t at = header.size(); at < body.size();) {
    const std::size_t end = body.find('\n', at);
    ndjson += "[" + body.substr(at, end - at) + "]\n";
    at = end + 1;
  }
  // Of a length that is not told beforehand.
  std::size_t sent = 0;
  const auto piece = [&](std::size_t, httplib::DataSink& sink) {
    const std::size_t size = std::min<std::size_t>(10'000, ndjson.size() - sent);
    if (size == 0) {
      sink.done();
    } else {
      sink.write(ndjson.data() + sent, size);
    }
    sent += size;
    return true;
  };
  const auto streamed = http.client().Post("/v1/streams/ndjson/rows", piece, kNdjson);
  ASSERT_TRUE(streamed);
  EXPECT_EQ(Json::parse(streamed->body)["learned"], 30'000);
  ASSERT_EQ(daemon.accrue({"push", "wire", "-", "--target", "price"}, body).exit_code, 0);
  const auto coef = [&](const std::string& stream) {
    Json json = http.get("/v1/streams/" + stream + "/coef").json;
    json.erase("epoch");
    return json;
  };
  EXPECT_EQ(coef("csv"), coef("wire"));
  EXPECT_EQ(coef("ndjson"), coef("wire"));
}

TEST_F(HttpTest, ABadRowIsCountedByItsReasonAndItsNeighboursAreLearned) {
  create();
  const HttpAnswer mixed =
      http.post("/v1/streams/homes/rows", "[1,2,3]\n[1,\"x\",3]\n{\"rooms\":1,\"aage\":2}\n[4]\n", kNdjson);
  EXPECT_EQ(mixed.status, 200);
  EXPECT_EQ(mixed.json["learned"], 1);
  EXPECT_EQ(mixed.json["rejected"], 3);
  EXPECT_EQ(mixed.json["rejections"].at(0), (Json{{"row", 2}, {"reason", "not_a_number"}, {"field", "age"}}));
  EXPECT_EQ(http.get("/v1/streams/homes").json["rejected"],
            (Json{{"row_length", 1}, {"unknown_column", 1}, {"not_a_number", 1}}));

  const HttpAnswer none = http.post("/v1/streams/homes/rows", "age,rooms,price\n1,1e200,7\n", kCsv);
  EXPECT_EQ(none.status, 422);
  EXPECT_EQ(none.type, "application/problem+json");
  EXPECT_EQ(none.json["field"], "rooms");
  EXPECT_EQ(none.json["rejections"].at(0)["reason"], "magnitude");
  EXPECT_EQ(rows(), 1u);
}

TEST_F(HttpTest, AProblemSaysWhatFieldItIsAbout) {
  create();
  struct Case {
    std::string path, body;
    int status;
    std::string field;
  };
  const std::string homes = "/v1/streams/homes";
  for (const Case& asked : std::vector<Case>{
           {"/v1/streams", R"({"name":"a b","features":["x"]})", 422, "name"},
           {"/v1/streams", R"({"features":["x"]})", 422, "name"},
           {"/v1/streams", R"({"name":"a","features":["x"],"ridge":"1"})", 422, "ridge"},
           {"/v1/streams", R"({"name":"a","features":["x"],"models":[{"name":"m","lerner":"sgd"}]})", 422,
            "models[0].lerner"},
           {homes + "/predict", R"({"rows":[[1,2]],"interval":1.5})", 422, "interval"},
           {homes + "/predict", R"({"rows":[[1,2],[1]]})", 422, "rows[1]"},
           {homes + "/predict", R"({"rows":[{"rooms":1,"age":"x"}]})", 422, "rows[0].age"},
           {homes + "/predict", R"({"rows":[{"rooms":1,"aage":1}]})", 422, "rows[0].aage"},
           {homes + "/predict", R"({"rows":[[1,2]],"model":"m"})", 404, "model"},
           {homes + "/predict", R"({"rows":[[1,2]],"epoch":-1})", 422, "epoch"},
           {homes + "/rows", R"({"row":[]})", 422, "row"},
           {homes + "/rollback", R"({"epoch":77})", 404, "epoch"},
           {homes + "/models", R"({"name":"least_squares"})", 409, "model"},
           {"/v1/streams/nowhere/rows", R"({"rows":[]})", 404, "stream"},
       }) {
    SCOPED_TRACE(asked.path + " " + asked.body);
    const HttpAnswer answer = http.post(asked.path, asked.body);
    EXPECT_EQ(answer.status, asked.status);
    EXPECT_EQ(answer.type, "application/problem+json");
    EXPECT_EQ(answer.json.value("field", ""), asked.field) << answer.text;
    EXPECT_EQ(answer.json["status"], asked.status);
    EXPECT_THAT(answer.json["type"].get<std::string>(), StartsWith("urn:accrue:"));
    EXPECT_FALSE(answer.json["detail"].get<std::string>().empty());
  }
  EXPECT_EQ(http.get(homes + "/coef?epochs=1").json["field"], "epochs");
  EXPECT_EQ(http.get(homes + "/coef?epoch=x").json["field"], "epoch");
  EXPECT_EQ(http.get(homes + "/metrics/history?span=year").json["field"], "span");
  EXPECT_EQ(http.post(homes + "/predict", "{}", "text/plain").json["field"], "Content-Type");
  EXPECT_EQ(http.post(homes + "/rows", "[1,2,3]", kNdjson, {{"Idempotency-Key", std::string(101, 'k')}}).json["field"],
            "Idempotency-Key");
  const HttpAnswer wrong_method = http.post("/v1/status", "{}");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers.find("Allow")->second, "GET");
  EXPECT_EQ(http.get("/v2").status, 404);
}

TEST_F(HttpTest, ModelsAreAddedPromotedAndRemovedAndAStreamIsRolledBack) {
  create();
  const std::string homes = "/v1/streams/homes";
  http.post(homes + "/rows", "rooms,age,price\n" + lines(0, 100), kCsv);
  const auto epoch = http.get(homes).json["epoch"];
  EXPECT_EQ(http.post(homes + "/models", R"({"name":"robust","learner":"sgd","settings":{"loss":"huber"}})").status,
            201);
  EXPECT_EQ(http.post(homes + "/models/robust/promote", "").status, 200);
  const Json models = http.get(homes + "/models").json["models"];
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[1]["champion"], true);
  EXPECT_EQ(models[1]["settings"], (Json{{"loss", "huber"}}));
  EXPECT_EQ(http.remove(homes + "/models/robust").status, 422) << "the champion stays";
  EXPECT_EQ(http.remove(homes + "/models/least_squares").status, 200);
  http.post(homes + "/rows", "rooms,age,price\n" + lines(0, 100), kCsv);
  EXPECT_EQ(http.send(homes + "/rollback", Json{{"epoch", epoch}}).status, 200);
  EXPECT_EQ(rows(), 100u);
  EXPECT_EQ(http.get(homes + "/models").json["models"].at(0)["name"], "least_squares");
}

TEST_F(HttpTest, HistoryHasAPointAnEpochAndEndsInWhatTheMetricsSay) {
  create();
  const std::string homes = "/v1/streams/homes";
  for (int i = 0; i < 3; ++i) http.post(homes + "/rows", "rooms,age,price\n" + lines(100 * i, 100), kCsv);
  const Json points = http.get(homes + "/metrics/history?span=lifetime").json["points"];
  ASSERT_EQ(points.size(), 3u);
  const Json metrics = http.get(homes + "/metrics").json;
  for (const char* figure : {"mse", "mae", "r2", "mse_clipped"}) EXPECT_EQ(points[2][figure], metrics[figure]);
  EXPECT_EQ(points[2]["epoch"], metrics["epoch"]);
  EXPECT_THAT(points[2]["committed"].get<std::string>(), testing::MatchesRegex("20..-..-..T..:..:..\\....Z"));
  const Json later =
      http.get(homes + "/metrics/history?span=epoch&from_epoch=" + std::to_string(points[1]["epoch"].get<int>())).json;
  EXPECT_EQ(later["span"], "epoch");
  ASSERT_EQ(later["points"].size(), 2u);
  EXPECT_EQ(later["points"][0]["rows"], 100);
}

TEST_F(HttpTest, ARequestThatIsMadeAgainUnderItsKeyCountsOnce) {
  create();
  const std::string path = "/v1/streams/homes/rows";
  const std::string body = "rooms,age,price\n" + lines(0, 10'000) + "1,2,x\n";
  const HttpAnswer first = http.post(path, body, kCsv, {{"Idempotency-Key", "key a"}});
  EXPECT_EQ(first.json["learned"], 10'000);
  EXPECT_EQ(first.json["rejected"], 1);
  const HttpAnswer again = http.post(path, body, kCsv, {{"Idempotency-Key", "key a"}});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.json["learned"], 0);
  EXPECT_EQ(again.json["repeated"], 10'001);
  EXPECT_EQ(rows(), 10'000u);
  EXPECT_EQ(http.post(path, body, kCsv, {{"Idempotency-Key", "key b"}}).json["learned"], 10'000);
  EXPECT_EQ(http.post(path, body, kCsv).json["learned"], 10'000) << "without one it is another request";
  EXPECT_EQ(rows(), 30'000u);
  while (http.get("/v1/status").json["producers"] != 0) {  // nobody is left behind, for longer than a goodbye takes
  }
}

// The daemon is killed when it has learned a part of a body; the body is sent again.
TEST_F(HttpTest, ARequestThatACrashCutOffCountsOnceWhenItIsMadeAgain) {
  create();
  const std::string path = "/v1/streams/homes/rows";
  const std::string header = "rooms,age,price\n";
  constexpr int kRows = 100'000;
  std::promise<void> learned_some;
  std::shared_future<void> killed;
  std::promise<void> killed_promise;
  killed = killed_promise.get_future().share();
  std::thread request([&] {
    int sent = 0;
    const auto piece = [&](std::size_t, httplib::DataSink& sink) {
      if (sent == 0) sink.write(header.data(), header.size());
      if (sent == kRows / 2) {
        learned_some.set_value();
        killed.wait();
      }
      const std::string part = lines(sent, 1'000);
      sent += 1'000;
      if (sent == kRows) sink.done();
      return sink.write(part.data(), part.size());
    };
    HttpClient cut_off(daemon.http_url());
    (void)cut_off.client().Post(path, {{"Idempotency-Key", "k"}}, piece, kCsv);
  });
  learned_some.get_future().wait();
  while (rows() < 2 * 4'096) {  // the second batch has come, so the first is durable
  }
  daemon.kill();
  killed_promise.set_value();
  request.join();
  daemon.start();
  HttpClient anew(daemon.http_url());
  const HttpAnswer again = anew.post(path, header + lines(0, kRows), kCsv, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(again.status, 200) << again.text;
  EXPECT_GE(again.json["repeated"], 4'096);
  EXPECT_EQ(again.json["repeated"].get<int>() + again.json["learned"].get<int>(), kRows);
  EXPECT_EQ(anew.get("/v1/streams/homes").json["rows"], kRows);
}

// What was on its way when a request was cut off may be in an epoch, and not on disk yet, when it is made again.
TEST(Http, ARequestMadeAgainIsAnsweredWhenItsRowsAreDurable) {
  Daemon daemon({"--epoch-interval-ms", "60000"}, {.http = true});
  HttpClient http(daemon.http_url());
  Peer cut_off(daemon.endpoint());
  cut_off.say(wire::Hello{.producer = "http-key k"});
  cut_off.say(wire::Open{.stream = "s", .spec = wire::StreamSpec{.features = {"x"}, .target = "y"}});
  const std::uint64_t id = cut_off.expect<wire::Opened>().stream_id;
  const std::vector<double> values = {1, 2, 2, 4, 3, 6};
  cut_off.say(wire::Batch{id, 1, wire::DataType::kFloat64, 3, {std::as_bytes(std::span(values))}});
  while (cut_off.expect<wire::Ack>().applied < 1) {
  }
  ASSERT_EQ(http.get("/v1/streams/s").json["rows"], 0);
  const HttpAnswer again = http.post("/v1/streams/s/rows", "x,y\n1,2\n2,4\n3,6\n", kCsv, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(again.json["repeated"], 3) << again.text;
  EXPECT_EQ(http.get("/v1/streams/s").json["rows"], 3);
}

TEST_F(HttpTest, RowsThatAreRolledBackWhileTheirRequestGoesOnAreAProblem) {
  create();
  const std::string homes = "/v1/streams/homes";
  const std::string header = "rooms,age,price\n";
  http.post(homes + "/rows", header + lines(0, 100), kCsv);
  const Json epoch = http.get(homes).json["epoch"];
  HttpClient other(daemon.http_url());
  int sent = 0;
  const auto piece = [&](std::size_t, httplib::DataSink& sink) {
    if (sent == 50'000) {
      while (rows() < 100 + 4'096) {
      }
      EXPECT_EQ(other.send(homes + "/rollback", Json{{"epoch", epoch}}).status, 200);
    }
    const std::string part = (sent == 0 ? header : "") + lines(sent, 1'000);
    sent += 1'000;
    sink.write(part.data(), part.size());
    if (sent == 100'000) sink.done();
    return true;
  };
  HttpClient streaming(daemon.http_url());
  const auto answer = streaming.client().Post(homes + "/rows", {}, piece, kCsv);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 409);
  EXPECT_THAT(answer->body, HasSubstr("rolled_back"));
}

TEST_F(HttpTest, PredictionsAreOfTheEpochAndTheLevelThatIsAskedFor) {
  create();
  const std::string homes = "/v1/streams/homes";
  http.post(homes + "/rows", "rooms,age,price\n" + lines(0, 100), kCsv);
  const Json epoch = http.get(homes).json["epoch"];
  const auto asked = [&](Json question) {
    question["row"] = {4, 5};
    return http.send(homes + "/predict", question).json;
  };
  const Json before = asked({{"interval", 0.5}});
  http.post(homes + "/rows", "rooms,age,price\n1,2,3\n2,4,100\n3,7,-50\n", kCsv);
  EXPECT_NE(asked({{"interval", 0.5}})["predictions"], before["predictions"]);
  EXPECT_EQ(asked({{"interval", 0.5}, {"epoch", epoch}}), before);
  const auto width = [](const Json& answer) {
    const Json& interval = answer["intervals"].at(0);
    return interval.at("upper").get<double>() - interval.at("lower").get<double>();
  };
  EXPECT_LT(width(before), width(asked({{"interval", 0.99}, {"epoch", epoch}})));
  EXPECT_EQ(http.get(homes + "/coef?epoch=" + epoch.dump()).json["epoch"], epoch);
}

TEST_F(HttpTest, AModelOfEachKeyIsAskedWithTheKeyByItsNameOrBehindTheFeatures) {
  const Json spec = {{"name", "shops"},
                     {"features", {"x"}},
                     {"target", "y"},
                     {"key", "shop"},
                     {"models", {{{"name", "each"}, {"settings", {{"group_by", "key"}}}}}}};
  ASSERT_EQ(http.send("/v1/streams", spec).status, 201);
  std::string body = "shop,x,y\n";
  for (int i = 0; i < 50; ++i) {
    body += "1," + std::to_string(i) + "," + std::to_string(i) + "\n2," + std::to_string(i) + "," +
            std::to_string(3 * i) + "\n";
  }
  ASSERT_EQ(http.post("/v1/streams/shops/rows", body, kCsv).json["learned"], 100);
  const Json answer = http.send("/v1/streams/shops/predict", Json{{"rows", {{10, 1}, {{"shop", 2}, {"x", 10}}}}}).json;
  EXPECT_LT(answer["predictions"].at(0), 15) << answer;  // 10, shrunk towards the stream's 20
  EXPECT_GT(answer["predictions"].at(1), 25) << answer;
}

TEST_F(HttpTest, BodiesHaveLimits) {
  create();
  const std::string path = "/v1/streams/homes/";
  const std::string large = R"({"rows":[)" + std::string(1u << 20, ' ') + "]}";
  for (const char* what : {"rows", "predict"}) {
    const HttpAnswer refused = http.post(path + what, large);
    EXPECT_EQ(refused.status, 413);
    EXPECT_THAT(refused.json["detail"].get<std::string>(), HasSubstr("1048576 bytes"));
  }
  EXPECT_EQ(http.post(path + "rows", "rooms,age,price\n" + std::string(2u << 20, '1'), kCsv).status, 413);
  EXPECT_EQ(http.get("/healthz").status, 200);
}

TEST(Http, IsReadyOnceThereIsAWorker) {
  Daemon daemon({"--workers", "0", "--worker-listen", "tcp://127.0.0.1:0"}, {.http = true});
  HttpClient http(daemon.http_url());
  EXPECT_EQ(http.get("/healthz").status, 200);
  const HttpAnswer unready = http.get("/readyz");
  EXPECT_EQ(unready.status, 503);
  EXPECT_THAT(unready.json["detail"].get<std::string>(), HasSubstr("no worker"));
}

TEST(Http, AnAddressThatIsTakenIsAnErrorThatSaysWhatToDo) {
  Daemon first({}, {.http = true});
  const Finished second = run({ACCRUED_PATH, "--data", (first.data_dir() / "other").string(), "--listen",
                               "tcp://127.0.0.1:0", "--http-listen", first.http_url()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.error_output, HasSubstr("cannot listen on " + first.http_url()));
  EXPECT_THAT(second.error_output, HasSubstr("--http-listen"));
}

}  // namespace
}  // namespace accrue::tests
