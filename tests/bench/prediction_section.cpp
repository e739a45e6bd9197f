#include <filesystem>
#include <stdexcept>

#include <zmq.hpp>

#include "ingest/wire/predict_frame.hpp"
#include "tests/bench/flows.hpp"
#include "tests/bench/sections.hpp"
#include "tests/bench/statistics.hpp"
#include "tests/support/daemon.hpp"

namespace accrue::bench {
namespace {

// Features of so many rows, row-major.
std::vector<double> features_of(const Rows& rows, std::size_t count) {
  std::vector<double> features;
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = rows.batch(i, 1).first(rows.features());
    features.insert(features.end(), row.begin(), row.end());
  }
  return features;
}

// A DEALER that asks with the bytes of a prediction and is answered with as many as one has.
class RawQuestion {
 public:
  explicit RawQuestion(const std::vector<double>& features)
      : answer_(wire::encode(wire::Prediction{.request = 1'000,
                                              .epoch = 1'000,
                                              .rows = 1'000'000'000,
                                              .values = std::as_bytes(std::span(features).first(count(features)))})),
        question_(wire::encode_aligned({.request = 1'000,
                                        .stream = kStream,
                                        .dtype = wire::DataType::kFloat64,
                                        .count = static_cast<std::uint32_t>(count(features)),
                                        .rows = {.bin = std::as_bytes(std::span(features))}})),
        reference_({"router", std::to_string(answer_.size())}),
        dealer_(context_, zmq::socket_type::dealer) {
    dealer_.set(zmq::sockopt::linger, 0);
    dealer_.connect(reference_.endpoint());
  }

  void ask() {
    dealer_.send(zmq::const_buffer(question_.data(), question_.size()), zmq::send_flags::none);
    zmq::message_t answer;
    if (!dealer_.recv(answer) || answer.size() != answer_.size()) throw std::runtime_error("a wrong raw answer");
  }

 private:
  static std::size_t count(const std::vector<double>& features) { return features.size() / kFeatures; }

  wire::Bytes answer_;
  wire::Bytes question_;
  Reference reference_;
  zmq::context_t context_;
  zmq::socket_t dealer_;
};

template <class Ask>
std::vector<double> microseconds(std::size_t times, const Ask& ask) {
  std::vector<double> taken;
  taken.reserve(times);
  for (std::size_t i = 0; i < times; ++i) {
    const auto begin = Clock::now();
    ask();
    taken.push_back(seconds_since(begin) * 1e6);
  }
  return taken;
}

template <class Ask>
void add_round_trips(Report& report, const std::string& what, const std::string& who, std::size_t times,
                     const Ask& ask) {
  const std::vector<double> taken = microseconds(times, ask);
  report.add(what + "_p50/" + who, "us", quantile(taken, 0.50));
  report.add(what + "_p99/" + who, "us", quantile(taken, 0.99));
}

}  // namespace

void measure_predictions(Report& report, const Effort& effort) {
  constexpr std::size_t kBatchRows = 4'096;
  const Rows rows(kFeatures);
  tests::Daemon daemon;
  Client client({.endpoint = daemon.endpoint()});
  Stream stream = client.stream(kStream, stream_spec(kFeatures));
  stream.push_rows(rows.values());
  stream.flush();

  const std::vector<double> one = features_of(rows, 1);
  const std::vector<double> many = features_of(rows, kBatchRows);
  RawQuestion raw_one(one);
  RawQuestion raw_many(many);
  const auto ask_accrue = [&] { (void)stream.predict(one); };
  const auto ask_raw = [&] { raw_one.ask(); };
  microseconds(effort.round_trips / 4, ask_accrue);
  microseconds(effort.round_trips / 4, ask_raw);
  for (int round = 0; round < effort.rounds; ++round) {
    add_round_trips(report, "predict_idle", "accrue", effort.round_trips, ask_accrue);
    add_round_trips(report, "predict_idle", "zeromq", effort.round_trips, ask_raw);
  }

  const std::size_t batches = std::max<std::size_t>(effort.round_trips / 4, 1);
  const auto batch_rate = [&](const auto& ask) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < batches; ++i) ask();
    return static_cast<double>(batches * kBatchRows) / seconds_since(begin);
  };
  for (int round = -1; round < effort.rounds; ++round) {
    const double accrue = batch_rate([&] { (void)stream.predict(many); });
    const double raw = batch_rate([&] { raw_many.ask(); });
    if (round < 0) continue;
    report.add("predict_4096/accrue", "rows/s", accrue);
    report.add("predict_4096/zeromq", "rows/s", raw);
  }

  // The raw round trip shows what it takes on a machine whose cores are as busy.
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  tests::ChildProcess load({self, "--push-flat-out", daemon.endpoint()});
  if (load.read_line() != "pushing") throw std::runtime_error("the load did not start");
  for (int round = 0; round < effort.rounds; ++round) {
    add_round_trips(report, "predict_loaded", "accrue", effort.round_trips, ask_accrue);
    add_round_trips(report, "predict_loaded", "zeromq", effort.round_trips, ask_raw);
  }
}

}  // namespace accrue::bench
