// An Exposition over what it reads, which a test sets in the place of receiver, committer and query service; and its
// text, taken apart.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/exposition.hpp"

namespace accrue::daemon {

// Samples by name and labels as they are written, types by the name of the family.
struct Exposed {
  std::map<std::string, double> samples;
  std::map<std::string, std::string> types;

  explicit Exposed(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name, type;
      if (line.starts_with("# TYPE ")) {
        words.ignore(7) >> name >> type;
        types[name] = type;
      } else if (!line.starts_with("#")) {
        const std::size_t value = line.rfind(' ');
        samples[line.substr(0, value)] = std::stod(line.substr(value));
      }
    }
  }

  // The labels of a sample of that name.
  std::vector<std::string> labels(const std::string& name) const {
    const auto sample = std::find_if(samples.begin(), samples.end(), [&](const auto& one) {
      return one.first == name || one.first.starts_with(name + "{");
    });
    std::vector<std::string> labels;
    if (sample == samples.end()) return labels;
    const std::string& text = sample->first;
    for (auto equals = text.find("=\""); equals != std::string::npos; equals = text.find("=\"", equals + 1)) {
      const std::size_t begin = text.find_last_of("{,", equals) + 1;
      labels.push_back(text.substr(begin, equals - begin));
    }
    return labels;
  }

  // Names that a query may have: of a histogram those of its parts.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, type] : types) {
      if (type == "histogram") {
        for (const char* part : {"_bucket", "_sum", "_count"}) names.push_back(name + part);
      } else {
        names.push_back(name);
      }
    }
    return names;
  }
};

class ExpositionFixture : public ::testing::Test {
 protected:
  // A stream that has learned nothing.
  std::shared_ptr<ingest::StreamGauges> add_stream(std::uint64_t id, const std::string& name,
                                                   const wire::StreamSpec& spec = {.features = {"x"}, .target = "y"}) {
    auto of_stream = std::make_shared<ingest::StreamGauges>(name);
    gauges.streams.add(id, of_stream);
    latencies.add(name);
    board.post(empty_snapshot(name, spec));
    return of_stream;
  }
  void publish(const std::string& stream, std::uint64_t epoch, std::uint64_t rows, models::ModelSet models) {
    board.post(ready({stream, board.find(stream)->spec, epoch, rows, {}, std::move(models)}));
  }

  // A stream of which there is something in every family.
  void add_stream_of_everything() {
    const wire::StreamSpec spec{
        .features = {"x"},
        .target = "y",
        .key = "k",
        .models = {{"main", "least_squares", {}}, {"each", "least_squares", {{"group_by", "key"}, {"max_keys", "2"}}}},
        .id = "i"};
    add_stream(1, "everything", spec);
    models::ModelSet models = first_models(spec);
    for (std::uint64_t i = 0; i < 2'000; ++i) {
      const auto n = static_cast<double>(i);
      const double row[] = {n, 3 * n + static_cast<double>(i % 7), static_cast<double>(i % 4), n};  // x, y, k, i
      models.learn({.data = row,
                    .count = 1,
                    .stride = 4,
                    .features = 1,
                    .weighted = false,
                    .first_index = i,
                    .key_column = 2,
                    .id_column = 3});
    }
    publish("everything", 1, 2'000, std::move(models));
    latencies.predicted("everything", "main", std::chrono::microseconds(30));
    latencies.made_durable("everything", std::chrono::milliseconds(3), std::chrono::milliseconds(30));
    latencies.committed(std::chrono::milliseconds(2));
  }

  Exposed exposed() const { return Exposed(exposition.text()); }

  SnapshotBoard board;
  Health health;
  ingest::Gauges gauges;
  Latencies latencies;
  const std::chrono::system_clock::time_point began = std::chrono::system_clock::now();
  Exposition exposition{{"1.2.3", "/data", 1u << 30}, board, health, gauges, latencies};
};

}  // namespace accrue::daemon
