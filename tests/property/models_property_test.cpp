// What must hold of a model whatever the rows, the split, the order and the moment. Rows come from a seed: it is the
// shape of the stream that is searched, and a failing shape is shrunk to its seed, size and cuts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "models/model_set.hpp"
#include "tests/models/test_rows.hpp"
#include "tests/support/exchange.hpp"

namespace accrue::models {
namespace {

struct Stream {
  LeastSquaresOptions options;
  TestRows rows;
};

// The longer ones reach blocks of several rows.
Stream any_stream() {
  const auto features = *rc::gen::inRange<std::size_t>(1, 7).as("features");
  const auto count = *rc::gen::inRange<std::size_t>(3 * features + 6, 5000).as("rows");
  const auto seed = *rc::gen::arbitrary<std::uint32_t>().as("seed");
  const bool weighted = *rc::gen::arbitrary<bool>().as("weighted");
  LeastSquaresOptions options{.features = features};
  options.intercept = *rc::gen::arbitrary<bool>().as("intercept");
  options.ridge = *rc::gen::element(0.0, 0.5, 100.0).as("ridge");
  return {options, random_rows(seed, count, features, weighted)};
}

// Where a stream of this many rows is cut: increasing, the first 0, the last `count`; pieces may be empty.
std::vector<std::size_t> any_cuts(std::size_t count) {
  auto cuts = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, count + 1)).as("cuts");
  cuts.push_back(0);
  cuts.push_back(count);
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

RowsView piece(const Stream& stream, const std::vector<std::size_t>& cuts, std::size_t i) {
  return stream.rows.view().slice(cuts[i], cuts[i + 1] - cuts[i]);
}

ModelSet learn_at_once(const Stream& stream) {
  ModelSet model = least_squares_set(stream.options);
  model.learn(stream.rows.view());
  return model;
}

RC_GTEST_PROP(ModelProperty, HowCallsAreCutDoesNotChangeABit, ()) {
  const Stream stream = any_stream();
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  ModelSet model = least_squares_set(stream.options);
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    model.learn(piece(stream, cuts, i));
  }
  RC_ASSERT(model.encode() == learn_at_once(stream).encode());
}

RC_GTEST_PROP(ModelProperty, SavedRestoredAndContinuedIsUninterruptedBitForBit, ()) {
  const Stream stream = any_stream();
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  std::optional<ModelSet> model = least_squares_set(stream.options);
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    model->learn(piece(stream, cuts, i));
    const std::vector<std::byte> state = model->encode();
    RC_ASSERT(ModelSet::decode(state, model) == DecodeError::kNone);
    RC_ASSERT(model->encode() == state);
  }
  const ModelSet uninterrupted = learn_at_once(stream);
  RC_ASSERT(model->encode() == uninterrupted.encode());
  RC_ASSERT(learner_of(*model).fit().coefficients == learner_of(uninterrupted).fit().coefficients);
}

RC_GTEST_PROP(ModelProperty, PartitionsSavedRestoredAndContinuedAreUninterruptedBitForBit, ()) {
  const Stream stream = any_stream();
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  const auto count = *rc::gen::inRange<std::size_t>(2, 5).as("partitions");
  std::vector<ModelSet> uninterrupted(count, least_squares_set(stream.options));
  std::vector<ModelSet> restored = uninterrupted;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const RowsView rows = piece(stream, cuts, i);
    uninterrupted[i % count].learn(rows);
    const std::size_t half = rows.count / 2;
    restored[i % count].learn(rows.slice(0, half));
    for (ModelSet& partition : restored) {
      std::optional<ModelSet> again;
      RC_ASSERT(ModelSet::decode(partition.encode(), again) == DecodeError::kNone);
      partition = *again;
    }
    restored[i % count].learn(rows.slice(half, rows.count - half));
    if (*rc::gen::arbitrary<bool>().as("an exchange")) {
      RC_ASSERT(tests::exchange(uninterrupted));
      RC_ASSERT(tests::exchange(restored));
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    RC_ASSERT(restored[i].encode() == uninterrupted[i].encode());
  }
}

RC_GTEST_PROP(ModelProperty, WhatIsSeenOfOthersIsNotLearned, ()) {
  const Stream stream = any_stream();
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  std::vector<ModelSet> alone(2, least_squares_set(stream.options));
  std::vector<ModelSet> seeing = alone;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    alone[i % 2].learn(piece(stream, cuts, i));
    seeing[i % 2].learn(piece(stream, cuts, i));
    RC_ASSERT(tests::exchange(seeing));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    RC_ASSERT(coefficients(learner_of(seeing[i]).fit()) == coefficients(learner_of(alone[i]).fit()));
    RC_ASSERT(learner_of(seeing[i]).sum_weights() == learner_of(alone[i]).sum_weights());
    RC_ASSERT(seeing[i].champion().error().n() == alone[i].champion().error().n());
  }
}

RC_GTEST_PROP(ModelProperty, AnySplitAndMergeOrderGivesTheBatchFit, ()) {
  Stream stream = any_stream();
  stream.options.ridge = 0;
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  std::vector<ModelSet> parts;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    parts.emplace_back(least_squares_set(stream.options)).learn(piece(stream, cuts, i));
  }
  while (parts.size() > 1) {
    const auto from = *rc::gen::inRange<std::size_t>(1, parts.size());
    const auto into = *rc::gen::inRange<std::size_t>(0, from);
    parts[into].merge(parts[from]);
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(from));
  }
  const ModelSet& merged = parts.front();
  RC_ASSERT(merged.champion().learner().rows() == stream.rows.count());
  RC_ASSERT(merged.champion().error().n() == stream.rows.count());
  const Eigen::VectorXd expected = batch_fit(stream.rows.view(), stream.options.intercept);
  const Eigen::VectorXd fitted =
      design_matrix(stream.rows.view(), stream.options.intercept) * (coefficients(learner_of(merged).fit()) - expected);
  RC_ASSERT(fitted.lpNorm<Eigen::Infinity>() < 1e-10 * targets(stream.rows.view()).lpNorm<Eigen::Infinity>());
}

// By itself, or a partition that has seen others.
std::vector<std::byte> any_state() {
  const Stream stream = any_stream();
  ModelSet model = learn_at_once(stream);
  if (*rc::gen::arbitrary<bool>().as("others seen")) {
    RC_ASSERT(see(model, {model.share()}));
  }
  return model.encode();
}

RC_GTEST_PROP(ModelProperty, DamagedBytesAreRefused, ()) {
  std::vector<std::byte> state = any_state();
  const auto at = *rc::gen::inRange<std::size_t>(0, state.size());
  const auto change = *rc::gen::inRange<int>(1, 256);
  state[at] ^= static_cast<std::byte>(change);
  std::optional<ModelSet> model;
  RC_ASSERT(ModelSet::decode(state, model) != DecodeError::kNone);
  RC_ASSERT(!model);
}

RC_GTEST_PROP(ModelProperty, GarbageInAGoodEnvelopeIsRefusedOrLearnsOn, ()) {
  const std::vector<std::byte> state = any_state();
  StateReader reader;
  RC_ASSERT(reader.open(state) == DecodeError::kNone);
  const auto at = *rc::gen::inRange<std::size_t>(0, reader.remaining() / 8);
  const auto garbage = *rc::gen::arbitrary<std::uint64_t>();
  StateWriter writer;
  for (std::size_t i = 0; reader.remaining() > 0; ++i) {
    std::uint64_t word = 0;
    RC_ASSERT(reader.get_count(word));
    writer.put_count(i == at ? garbage : word);
  }
  std::optional<ModelSet> model;
  if (ModelSet::decode(std::move(writer).finish(), model) == DecodeError::kNone) {
    const TestRows more = random_rows(1, 300, model->features());
    model->learn(more.view());
    RC_ASSERT(coefficients(learner_of(*model).fit()).allFinite());
  }
}

}  // namespace
}  // namespace accrue::models
