// The alerts and the dashboard go by what the daemon tells Prometheus, and Prometheus understands them.
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/daemon/exposition_fixture.hpp"
#include "tests/support/promtool.hpp"
#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::SizeIs;

const std::string kAlerts = ACCRUE_SOURCE_DIR "/scripts/prometheus-alerts.yml";
const std::string kAlertsTest = ACCRUE_SOURCE_DIR "/tests/scripts/prometheus_alerts_test.yml";
const std::string kDashboard = ACCRUE_SOURCE_DIR "/scripts/grafana-dashboard.json";

std::string read(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Of the words in the text that begin so, each once.
std::set<std::string> words_beginning(std::string_view beginning, const std::string& text) {
  std::set<std::string> words;
  for (std::size_t at = text.find(beginning); at != std::string::npos; at = text.find(beginning, at + 1)) {
    std::size_t end = at;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    words.insert(text.substr(at, end - at));
  }
  return words;
}

std::size_t count(const std::string& text, const std::string& of) {
  std::size_t found = 0;
  for (std::size_t at = text.find(of); at != std::string::npos; at = text.find(of, at + 1)) ++found;
  return found;
}

// The expressions that a dashboard has anywhere, with values in the place of its variables.
void collect_expressions(const json& part, std::vector<std::string>& expressions) {
  if (part.is_object() && part.contains("expr")) {
    std::string expression = part["expr"];
    for (const auto& [variable, value] : {std::pair<std::string, std::string>{"$__rate_interval", "5m"},
                                          {"$instance", "i"},
                                          {"$stream", "s"},
                                          {"$model", "m"},
                                          {"$window", "1000"}}) {
      for (auto at = expression.find(variable); at != std::string::npos; at = expression.find(variable)) {
        expression.replace(at, variable.size(), value);
      }
    }
    expressions.push_back(expression);
  }
  if (!part.is_structured()) return;
  for (const json& inner : part) collect_expressions(inner, expressions);
}

class PrometheusFiles : public ExpositionFixture {
 protected:
  PrometheusFiles() { add_stream_of_everything(); }

  void expect_good(const tests::Finished& finished) {
    EXPECT_EQ(finished.exit_code, 0) << finished.output << finished.error_output;
  }
};

TEST_F(PrometheusFiles, AlertsAreRulesThatPrometheusTakes) {
  expect_good(tests::promtool({"check", "rules", "--lint=all", "--lint-fatal", kAlerts}));
}

TEST_F(PrometheusFiles, AlertsFireWhenTheyShouldAndNotBefore) {
  expect_good(tests::promtool({"test", "rules", kAlertsTest}));
}

TEST_F(PrometheusFiles, EveryAlertIsTestedAndSaysHowBadItIsAndWhatToDo) {
  const std::string alerts = read(kAlerts);
  const std::string alerts_test = read(kAlertsTest);
  const std::size_t rules = count(alerts, "- alert: ");
  ASSERT_GT(rules, 5u);
  for (const char* part : {"expr: ", "for: ", "severity: ", "summary: ", "description: >-"}) {
    EXPECT_EQ(count(alerts, std::string("  ") + part), rules) << part;
  }
  for (std::size_t at = alerts.find("- alert: "); at != std::string::npos; at = alerts.find("- alert: ", at + 1)) {
    const std::string name = alerts.substr(at + 9, alerts.find('\n', at) - at - 9);
    EXPECT_THAT(alerts_test, HasSubstr("{alertname=\"" + name + "\",alertstate=\"firing\""));
  }
}

TEST_F(PrometheusFiles, AlertsAndTheirTestsAreOfMetricsThatThereAre) {
  const std::set<std::string> of_alerts = words_beginning("accrue_", read(kAlerts));
  ASSERT_THAT(of_alerts, SizeIs(Gt(10u)));
  EXPECT_THAT(exposed().names(), IsSupersetOf(of_alerts));
  EXPECT_THAT(exposed().names(), IsSupersetOf(words_beginning("accrue_", read(kAlertsTest))));
}

TEST_F(PrometheusFiles, TheDashboardIsOfMetricsThatThereAreAndShowsThemAll) {
  const std::set<std::string> shown = words_beginning("accrue_", read(kDashboard));
  const Exposed now = exposed();
  EXPECT_THAT(now.names(), IsSupersetOf(shown));
  for (const auto& [name, type] : now.types)
    EXPECT_THAT(shown, Contains(type == "histogram" ? name + "_bucket" : name));
}

TEST_F(PrometheusFiles, EveryQueryOfTheDashboardIsOneThatPrometheusTakes) {
  std::vector<std::string> expressions;
  collect_expressions(json::parse(read(kDashboard)), expressions);
  ASSERT_GT(expressions.size(), 30u);
  json rules = json::array();  // JSON is YAML
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    EXPECT_EQ(expressions[i].find('$'), std::string::npos) << expressions[i];
    rules.push_back({{"record", "query_" + std::to_string(i)}, {"expr", expressions[i]}});
  }
  const tests::TemporaryDirectory directory;
  const std::string file = directory.path() / "queries.yml";
  std::ofstream(file) << json{{"groups", {{{"name", "dashboard"}, {"rules", rules}}}}};
  expect_good(tests::promtool({"check", "rules", file}));
}

TEST_F(PrometheusFiles, TheDashboardIsOfNoOneGrafanaAndLetsDaemonStreamAndModelBeChosen) {
  const json dashboard = json::parse(read(kDashboard));
  EXPECT_TRUE(dashboard.at("id").is_null());
  std::set<std::string> variables;
  for (const json& variable : dashboard.at("templating").at("list"))
    variables.insert(variable.at("name").get<std::string>());
  EXPECT_THAT(variables, IsSupersetOf({"datasource", "instance", "stream", "model", "window"}));
  std::set<int> ids;
  for (const json& panel : dashboard.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second) << panel.at("title");
    if (panel.at("type") == "row") continue;
    EXPECT_EQ(panel.at("datasource").at("uid"), "${datasource}") << panel.at("title");
    for (const json& target : panel.at("targets")) EXPECT_EQ(target.at("datasource").at("uid"), "${datasource}");
  }
  EXPECT_GT(ids.size(), 20u);
}

}  // namespace
}  // namespace accrue::daemon
