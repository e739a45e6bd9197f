// The document at /openapi.json is of the routes that there are. What they take and answer is held to it by
// tests/e2e/openapi_test.py, from outside.
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <zmq.hpp>

#include "daemon/http/api.hpp"

namespace accrue::daemon::http {
namespace {

std::string in_capitals(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

TEST(OpenApi, DescribesTheRoutesThatThereAre) {
  zmq::context_t context;
  SnapshotBoard board;
  Health health;
  ingest::Gauges gauges;
  Latencies latencies;
  Events events;
  const Exposition exposition({}, board, health, gauges, latencies);
  Api api({context, context, -1}, board, events, exposition);
  std::set<std::string> served;
  for (const Route& route : api.routes()) {
    EXPECT_TRUE(served.insert(route.method + " " + route.path).second) << route.path;
  }
  std::set<std::string> described;
  const Json document = Json::parse(openapi_json());
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      if (method != "parameters") described.insert(in_capitals(method) + " " + path);
    }
  }
  EXPECT_EQ(described, served);
}

}  // namespace
}  // namespace accrue::daemon::http
