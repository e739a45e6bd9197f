// Fixed amounts of work by the units that every row passes, for counting instructions (scripts/bench-check), which do
// not depend on how busy the machine is.
//   hot_units                 names them
//   hot_units NAME TIMES      does one so many times; what comes before is the same for any number
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "client/src/outbound.hpp"
#include "ingest/validation.hpp"
#include "ingest/wire/queries.hpp"
#include "models/evidence.hpp"
#include "models/model.hpp"
#include "tests/bench/rows.hpp"

namespace accrue::bench {
namespace {

using Unit = std::function<void()>;

void require(bool good) {
  if (!good) throw std::runtime_error("a unit of work went wrong");
}

Unit fold_block(std::size_t features) {
  constexpr std::size_t kBlock = 256;
  constexpr std::size_t kStride = models::WaitingRows::kStride;
  const std::size_t columns = features + 2;
  const Rows rows(columns - 1, kBlock);
  std::vector<double> block(kStride * columns);
  std::copy(rows.values().begin(), rows.values().end(), block.begin());
  return [block, scratch = block, factor = models::Factor(columns)]() mutable {
    std::copy(block.begin(), block.end(), scratch.begin());
    factor.fold_block(scratch.data(), kBlock, kStride);
  };
}

// A batch of 256 rows, by a model that has learned enough for its blocks to have grown.
Unit learn(const std::string& learner, std::size_t features) {
  constexpr std::size_t kBatch = 256;
  auto rows = std::make_shared<const Rows>(features, 64 * kBatch);
  auto model = std::make_shared<models::Model>(models::ModelSpec{.name = "m", .learner = learner}, features);
  const models::RowsView view{rows->values().data(), rows->count(), rows->columns(), features, false};
  for (int i = 0; i < 4; ++i) model->learn(view);
  return [rows, model, view, next = std::size_t{0}]() mutable {
    model->learn(view.slice(next++ * kBatch % rows->count(), kBatch));
  };
}

wire::Opened opened(std::size_t features) {
  wire::Opened opened;
  opened.stream = "s";
  opened.stream_id = 1;
  opened.spec = wire_spec(features);
  opened.window_bytes = 64u << 20;
  return opened;
}

// What the client makes of 4,096 rows, until they are durable.
Unit encode_batch() {
  constexpr std::size_t kBatch = 4'096;
  auto rows = std::make_shared<const Rows>(8, kBatch);
  auto outbound = std::make_shared<client::Outbound>(opened(8), kBatch);
  return [rows, outbound, sequence = std::uint64_t{0}]() mutable {
    outbound->append(rows->batch(0, kBatch), {});
    require(static_cast<bool>(outbound->next_to_send()));
    require(outbound->acknowledge(++sequence, 64u << 20) > 0);
  };
}

// What the receiver makes of the frame.
Unit decode_and_screen_batch() {
  constexpr std::size_t kBatch = 4'096;
  const Rows rows(8, kBatch);
  client::Outbound outbound(opened(8), kBatch);
  outbound.append(rows.batch(0, kBatch), {});
  const client::SharedFrame frame = outbound.next_to_send();
  auto parser = std::make_shared<wire::Frame>();
  return [frame, parser, gate = ingest::Gate(wire_spec(8))] {
    wire::Batch batch;
    require(parser->parse(*frame) == wire::DecodeError::kNone);
    require(parser->read(batch) == wire::DecodeError::kNone);
    auto* values = const_cast<double*>(reinterpret_cast<const double*>(batch.rows.bin.data()));  // all are good
    require(ingest::screen_rows(values, batch.count, gate).rejected == 0);
  };
}

// One row, with the question's and the answer's encoding and decoding.
Unit predict() {
  auto rows = std::make_shared<const Rows>(8, 4'096);
  models::Model model(models::ModelSpec{.name = "m"}, 8);
  model.learn({rows->values().data(), rows->count(), rows->columns(), 8, false});
  std::shared_ptr<const models::Predictor> predictor = model.predictor();
  auto parser = std::make_shared<wire::Frame>();
  return [rows, predictor, parser] {
    const std::span<const double> features = rows->batch(0, 1).first(8);
    const wire::Bytes question = wire::encode(
        wire::Predict{.request = 1, .stream = "s", .dtype = {}, .count = 1, .rows = {.bin = std::as_bytes(features)}});
    wire::Predict asked;
    require(parser->parse(question) == wire::DecodeError::kNone);
    require(parser->read(asked) == wire::DecodeError::kNone);
    const double value = predictor->predict(reinterpret_cast<const double*>(asked.rows.bin.data()));
    const wire::Bytes answer =
        wire::encode(wire::Prediction{.request = 1, .values = std::as_bytes(std::span(&value, 1))});
    wire::Prediction read;
    require(parser->parse(answer, wire::Sender::kTrusted) == wire::DecodeError::kNone);
    require(parser->read(read) == wire::DecodeError::kNone);
  };
}

const std::map<std::string, std::function<Unit()>> kUnits = {
    {"fold_block_d8", [] { return fold_block(8); }},
    {"fold_block_d32", [] { return fold_block(32); }},
    {"learn_256_least_squares_d8", [] { return learn("least_squares", 8); }},
    {"learn_256_adaptive_d8", [] { return learn("adaptive", 8); }},
    {"encode_4096", encode_batch},
    {"decode_and_screen_4096", decode_and_screen_batch},
    {"predict_1", predict},
};

}  // namespace
}  // namespace accrue::bench

int main(int argc, char** argv) {
  using accrue::bench::kUnits;
  if (argc == 1) {
    for (const auto& [name, make] : kUnits) std::printf("%s\n", name.c_str());
    return 0;
  }
  const auto found = argc == 3 ? kUnits.find(argv[1]) : kUnits.end();
  if (found == kUnits.end()) {
    std::fprintf(stderr, "usage: hot_units [NAME TIMES]\n");
    return 2;
  }
  const auto unit = found->second();
  for (long times = std::stol(argv[2]); times > 0; --times) unit();
}
