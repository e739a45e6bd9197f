#include "tests/crash/ledger.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "daemon/snapshot.hpp"
#include "ingest/exchange.hpp"
#include "ingest/partitioning.hpp"
#include "models/model_set.hpp"
#include "tests/support/exchange.hpp"
#include "tests/support/model_sets.hpp"

namespace accrue::tests {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

void require_equal(const std::string& what, std::uint64_t is, std::uint64_t should) {
  if (is != should) fail(what + " is " + std::to_string(is) + " and should be " + std::to_string(should));
}

// Sums of whole numbers survive the factor's roundings, so they tell exactly which rows are in.
std::uint64_t sum_of_column(const models::LeastSquares& learner, std::size_t column) {
  const double sum = learner.describe().feature_means.at(column) * learner.sum_weights();
  const double whole = std::round(sum);
  if (std::abs(sum - whole) > 1e-3) fail("the sum of a whole-numbered column is " + std::to_string(sum));
  return static_cast<std::uint64_t>(whole);
}

struct Expected {
  std::vector<models::ModelSet> partitions;
  std::uint64_t rows = 0;
  std::uint64_t rejected = 0;
  std::vector<std::uint64_t> sums;  // by feature

  void exchange() {
    if (!tests::exchange(partitions)) fail("a share cannot be seen");
  }
};

}  // namespace

void Ledger::producer_began(const std::string& producer) { producers_[producer].lives.emplace_back(); }

void Ledger::arrived(const std::string& producer, const wire::Bytes& bytes) {
  wire::Frame frame;
  wire::Batch batch;
  if (frame.parse(bytes) != wire::DecodeError::kNone || frame.type() != wire::Batch::kType) return;
  if (frame.read(batch) != wire::DecodeError::kNone) fail("a producer sent a batch that cannot be read");
  Rows rows(batch.rows.bin.size() / sizeof(double));
  std::memcpy(rows.data(), batch.rows.bin.data(), batch.rows.bin.size());
  Life& life = producers_.at(producer).lives.back();
  const auto [known, is_new] = life.batches.emplace(batch.sequence, rows);
  const bool same = known->second.size() == rows.size() &&
                    std::memcmp(known->second.data(), rows.data(), rows.size() * sizeof(double)) == 0;
  if (!same) fail(producer + " sent other rows as batch " + std::to_string(batch.sequence));
}

void Ledger::said(const std::string& producer, const wire::Bytes& message) {
  wire::Frame frame;
  if (frame.parse(message) != wire::DecodeError::kNone) fail("the daemon said what cannot be read");
  const auto promise = [&](std::uint64_t applied, std::uint64_t durable) {
    if (durable > applied) fail("batches are called durable before they are learned");
    std::uint64_t& promised = producers_.at(producer).promised;
    promised = std::max(promised, durable);
  };
  if (wire::Ack ack; frame.type() == wire::Ack::kType && frame.read(ack) == wire::DecodeError::kNone) {
    promise(ack.applied, ack.durable);
  }
  if (wire::Opened opened; frame.type() == wire::Opened::kType && frame.read(opened) == wire::DecodeError::kNone) {
    promise(opened.accepted, opened.durable);
  }
}

void Ledger::check(const daemon::StoredEpoch& epoch, bool newest) const {
  const ingest::Partitioner partitioner(spec_);
  const auto no_load = [](std::uint32_t) { return std::uint64_t{0}; };  // the strategies drawn do not ask for it
  const std::size_t features = spec_.features.size();
  const std::size_t columns = spec_.column_count();
  Expected expected{std::vector(spec_.partitions, daemon::first_models(spec_)), 0, 0,
                    std::vector<std::uint64_t>(features)};
  for (const auto& [name, sequence] : epoch.producers) {
    for (std::uint64_t i = 1; i <= sequence; ++i) {
      const Rows& rows = batch(name, i);
      const std::uint64_t before = expected.rows;
      const auto whole = partitioner.of_batch({name, i}, no_load);
      for (std::size_t begin = 0; begin < rows.size(); begin += columns) {
        const double* row = rows.data() + begin;
        if (!std::all_of(row, row + columns, [](double value) { return std::isfinite(value); })) {
          ++expected.rejected;
          continue;
        }
        std::uint32_t partition = whole.value_or(0);
        if (!whole) partitioner.of_rows(row, 1, columns, &partition);
        expected.partitions[partition].learn({row, 1, columns, features, false, expected.rows});
        ++expected.rows;
        for (std::size_t f = 0; f < features; ++f) expected.sums[f] += static_cast<std::uint64_t>(row[f]);
        if (!whole && ingest::exchange_due(expected.rows - 1, expected.rows, columns)) expected.exchange();
      }
      if (whole && ingest::exchange_due(before, expected.rows, columns)) expected.exchange();
    }
  }
  if (newest) {
    for (const auto& [name, producer] : producers_) {
      const auto held = std::find_if(epoch.producers.begin(), epoch.producers.end(),
                                     [&name = name](const auto& mark) { return mark.producer == name; });
      const std::uint64_t sequence = held == epoch.producers.end() ? 0 : held->sequence;
      if (sequence >= producer.promised) continue;
      fail(name + "'s batches up to " + std::to_string(producer.promised) + " were called durable, and the store has " +
           std::to_string(sequence));
    }
  }
  require_equal("the count of rows", epoch.rows, expected.rows);
  std::uint64_t rejected = 0;
  for (const auto& rejection : epoch.rejections) rejected += rejection.rows;
  require_equal("the count of rejected rows", rejected, expected.rejected);

  require_equal("the number of partitions", epoch.states.size(), spec_.partitions);
  models::ModelSet whole = daemon::first_models(spec_);
  for (const auto& [partition, state] : epoch.states) {
    std::optional<models::ModelSet> part;
    if (models::ModelSet::decode(state, part) != models::DecodeError::kNone) fail("a state cannot be decoded");
    whole.merge(*part);
    if (epoch.producers.size() == 1 && expected.partitions.at(partition).encode() != state) {
      fail("partition " + std::to_string(partition) + " is not bit for bit the serial reference");
    }
  }
  require_equal("the number of rows learned", whole.champion().learner().rows(), expected.rows);
  for (std::size_t f = 0; f < features && expected.rows > 0; ++f) {
    require_equal("the sum of " + spec_.features[f], sum_of_column(learner_of(whole), f), expected.sums[f]);
  }
}

std::uint64_t Ledger::rows_promised() const {
  std::uint64_t rows = 0;
  for (const auto& [name, producer] : producers_) {
    for (std::uint64_t i = 1; i <= producer.promised; ++i) rows += batch(name, i).size() / spec_.column_count();
  }
  return rows;
}

const Ledger::Rows& Ledger::batch(const std::string& producer, std::uint64_t sequence) const {
  const auto& lives = producers_.at(producer).lives;
  for (auto life = lives.rbegin(); life != lives.rend(); ++life) {
    if (life->batches.empty() || life->batches.begin()->first > sequence) continue;
    const auto found = life->batches.find(sequence);
    if (found != life->batches.end()) return found->second;
    break;
  }
  fail("the store has batch " + std::to_string(sequence) + " of " + producer + ", which never arrived");
}

}  // namespace accrue::tests
