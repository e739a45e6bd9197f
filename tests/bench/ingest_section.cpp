#include "tests/bench/flows.hpp"
#include "tests/bench/sections.hpp"
#include "tests/bench/wire_producer.hpp"
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
  zmq::context_t context;
  WireProducer producer(context, daemon.endpoint(), "wire", kStream, wire_spec(kFeatures));
  const auto flow = [&](wire::DataType dtype, const std::byte* values) {
    const std::size_t batch_bytes = kBatchRows * rows.columns() * wire::size_of(dtype);
    const auto begin = Clock::now();
    std::size_t batches = 0;
    while (Clock::now() - begin < effort.flow) {
      const std::size_t first = batches++ * kBatchRows % rows.count() / kBatchRows;
      const wire::BytesView batch(values + first * batch_bytes, batch_bytes);
      while (!producer.try_send(batch, kBatchRows, dtype)) producer.wait();
    }
    producer.flush();
    return static_cast<double>(batches * kBatchRows) / seconds_since(begin);
  };
  for (int round = -1; round < effort.rounds; ++round) {
    const double wide = flow(wire::DataType::kFloat64, reinterpret_cast<const std::byte*>(rows.values().data()));
    const double half = flow(wire::DataType::kFloat32, reinterpret_cast<const std::byte*>(narrow.data()));
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
