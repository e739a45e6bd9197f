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
#include "models/least_squares.hpp"
#include "tests/support/exchange.hpp"

namespace accrue::tests {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

void require_equal(const std::string& what, std::uint64_t is, std::uint64_t should) {
  if (is != should) fail(what + " is " + std::to_string(is) + " and should be " + std::to_string(should));
}

// Sums of whole numbers survive the factor's roundings, so they tell exactly which rows are in.
std::uint64_t sum_of_column(const models::Model& model, std::size_t column) {
  const auto& learner = dynamic_cast<const models::LeastSquares&>(model.learner());
  const double sum = learner.describe().feature_means.at(column) * learner.sum_weights();
  const double whole = std::round(sum);
  if (std::abs(sum - whole) > 1e-3) fail("the sum of a whole-numbered column is " + std::to_string(sum));
  return static_cast<std::uint64_t>(whole);
}

// The one that the stream is created with, and that is never dropped here.
const models::Model& first_model(const models::ModelSet& set) {
  const models::Model* model = set.find(wire::kDefaultModel);
  if (!model) fail("the first model is not there");
  return *model;
}

std::vector<std::byte> bytes_of(const models::Model& model) {
  models::StateWriter writer;
  model.encode(writer);
  return std::move(writer).finish();
}

}  // namespace

void Ledger::exchange(Expected& expected) {
  if (!tests::exchange(expected.partitions)) fail("a share cannot be seen");
}

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
  require_equal("the number of partitions", epoch.states.size(), spec_.partitions);
  std::vector<models::ModelSet> parts;
  models::ModelSet whole = decoded(epoch.states.front().state);
  for (const auto& [partition, state] : epoch.states) {
    parts.push_back(decoded(state));
    if (partition > 0) whole.merge(parts.back());
  }
  std::multimap<std::uint64_t, models::ModelSpec> added;  // by the rows that the stream then had
  for (const models::Model& model : whole.models()) {
    if (model.learner().rows() > epoch.rows) fail("model " + model.spec().name + " has learned more than there was");
    if (&model != &first_model(whole)) added.emplace(epoch.rows - model.learner().rows(), model.spec());
  }
  const Expected expected = reference(epoch, std::move(added));
  if (newest) check_promises(epoch, whole);
  require_equal("the count of rows", epoch.rows, expected.rows);
  std::uint64_t rejected = 0;
  for (const auto& rejection : epoch.rejections) rejected += rejection.rows;
  require_equal("the count of rejected rows", rejected, expected.rejected);

  for (std::size_t i = 0; i < parts.size() && epoch.producers.size() == 1; ++i) {
    for (const models::Model& model : parts[i].models()) {
      if (bytes_of(model) == bytes_of(*expected.partitions[i].find(model.spec().name))) continue;
      fail("partition " + std::to_string(i) + " is not bit for bit the serial reference in model " + model.spec().name);
    }
  }
  const models::Model& first = first_model(whole);
  require_equal("the number of rows learned", first.learner().rows(), expected.rows);
  for (std::size_t f = 0; f < spec_.features.size() && expected.rows > 0; ++f) {
    require_equal("the sum of " + spec_.features[f], sum_of_column(first, f), expected.sums[f]);
  }
}

Ledger::Expected Ledger::reference(const daemon::StoredEpoch& epoch,
                                   std::multimap<std::uint64_t, models::ModelSpec> added) const {
  const ingest::Partitioner partitioner(spec_);
  const auto no_load = [](std::uint32_t) { return std::uint64_t{0}; };  // the strategies drawn do not ask for it
  const std::size_t features = spec_.features.size();
  const std::size_t columns = spec_.column_count();
  Expected expected{std::vector(spec_.partitions, daemon::first_models(spec_)), 0, 0,
                    std::vector<std::uint64_t>(features)};
  const auto add_what_is_due = [&] {
    const auto [first, last] = added.equal_range(expected.rows);
    for (auto due = first; due != last; ++due) {
      for (models::ModelSet& partition : expected.partitions) partition.add(due->second);
    }
    added.erase(first, last);
  };
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
        add_what_is_due();
        std::uint32_t partition = whole.value_or(0);
        if (!whole) partitioner.of_rows(row, 1, columns, &partition);
        expected.partitions[partition].learn({row, 1, columns, features, false, expected.rows});
        ++expected.rows;
        for (std::size_t f = 0; f < features; ++f) expected.sums[f] += static_cast<std::uint64_t>(row[f]);
        if (!whole && ingest::exchange_due(expected.rows - 1, expected.rows, columns)) exchange(expected);
      }
      if (whole && ingest::exchange_due(before, expected.rows, columns)) exchange(expected);
    }
  }
  add_what_is_due();
  return expected;
}

void Ledger::check_promises(const daemon::StoredEpoch& epoch, const models::ModelSet& models) const {
  for (const auto& [name, producer] : producers_) {
    const auto held = std::find_if(epoch.producers.begin(), epoch.producers.end(),
                                   [&name = name](const auto& mark) { return mark.producer == name; });
    const std::uint64_t sequence = held == epoch.producers.end() ? 0 : held->sequence;
    if (sequence >= producer.promised) continue;
    fail(name + "'s batches up to " + std::to_string(producer.promised) + " were called durable, and the store has " +
         std::to_string(sequence));
  }
  for (const std::string& model : promised_models_) {
    if (!models.find(model)) fail("model " + model + " was called durable, and the store does not have it");
  }
}

models::ModelSet Ledger::decoded(const wire::Bytes& state) const {
  std::optional<models::ModelSet> set;
  if (models::ModelSet::decode(state, set, spec_.features) != models::DecodeError::kNone) {
    fail("a state cannot be decoded");
  }
  return *std::move(set);
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
