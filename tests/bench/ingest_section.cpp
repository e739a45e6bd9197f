#include <span>
#include <vector>

#include "ingest/wire/messages.hpp"
#include "tests/bench/flows.hpp"
#include "tests/bench/sections.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::bench {
namespace {

constexpr const char* kRate = "rows/s";

// The bytes of an acknowledgement as the daemon sends it.
std::string acknowledgement_bytes() {
  return std::to_string(wire::encode(wire::Ack{1, 100'000, 100'000, kWindowBytes}).size());
}

}  // namespace

void measure_ingest(Report& report, const Effort& effort) {
  const Rows rows(kFeatures);
  tests::Daemon daemon;
  Reference zeromq({"router", acknowledgement_bytes()});
  Reference tcp({"tcp"});
  for (int round = -1; round < effort.rounds; ++round) {
    for (const std::size_t batch_rows : {std::size_t{4'096}, std::size_t{256}}) {
      Client client({.endpoint = daemon.endpoint(), .batch_rows = batch_rows});
      Stream stream = client.stream(kStream, stream_spec(kFeatures));
      const double accrue = accrue_flow(stream, rows, batch_rows, effort.flow);
      const double raw = zeromq_flow(zeromq.endpoint(), rows, batch_rows, effort.flow);
      const double framed = tcp_flow(tcp.endpoint(), rows, batch_rows, effort.flow / 2);
      const double copied = memcpy_flow(rows, batch_rows, effort.flow / 4);
      if (round < 0) continue;  // all is warm now
      const std::string name = "ingest_" + std::to_string(batch_rows);
      report.add(name + "/accrue", kRate, accrue);
      report.add(name + "/zeromq", kRate, raw);
      report.add(name + "/tcp", kRate, framed);
      report.add(name + "/memcpy", kRate, copied);
    }
  }
}

void measure_float32(Report& report, const Effort& effort) {
  constexpr std::size_t kBatchRows = 4'096;
  const Rows rows(kFeatures);
  const std::vector<float> narrow(rows.values().begin(), rows.values().end());
  tests::Daemon daemon;
  Client client({.endpoint = daemon.endpoint(), .batch_rows = kBatchRows});
  Stream stream = client.stream(kStream, stream_spec(kFeatures));
  const auto narrow_batch = [&](std::size_t number) {
    const std::size_t values = kBatchRows * rows.columns();
    return std::span(narrow).subspan(number * values % narrow.size(), values);
  };
  for (int round = -1; round < effort.rounds; ++round) {
    const double wide = accrue_flow(stream, rows, kBatchRows, effort.flow);
    const auto begin = Clock::now();
    std::size_t batches = 0;
    while (Clock::now() - begin < effort.flow) stream.push_rows(narrow_batch(batches++));
    stream.flush();
    const double half = static_cast<double>(batches * kBatchRows) / seconds_since(begin);
    if (round < 0) continue;
    report.add("float32/float64", kRate, wide);
    report.add("float32/float32", kRate, half);
  }
}

void push_flat_out(const std::string& endpoint) {
  constexpr std::size_t kBatchRows = 4'096;
  const Rows rows(kFeatures);
  Client client({.endpoint = endpoint, .batch_rows = kBatchRows});
  Stream stream = client.stream(kStream, stream_spec(kFeatures));
  for (std::size_t batch = 0;; ++batch) {
    stream.push_rows(rows.batch(batch, kBatchRows));
    if (batch != 1'000) continue;
    std::printf("pushing\n");  // and has for a while
    std::fflush(stdout);
  }
}

}  // namespace accrue::bench
