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

#include "models/model.hpp"
#include "tests/models/test_rows.hpp"

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

Model learn_at_once(const Stream& stream) {
  Model model(stream.options);
  model.learn(stream.rows.view());
  return model;
}

RC_GTEST_PROP(ModelProperty, HowCallsAreCutDoesNotChangeABit, ()) {
  const Stream stream = any_stream();
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  Model model(stream.options);
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    model.learn(piece(stream, cuts, i));
  }
  RC_ASSERT(model.encode() == learn_at_once(stream).encode());
}

RC_GTEST_PROP(ModelProperty, SavedRestoredAndContinuedIsUninterruptedBitForBit, ()) {
  const Stream stream = any_stream();
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  std::optional<Model> model(stream.options);
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    model->learn(piece(stream, cuts, i));
    const std::vector<std::byte> state = model->encode();
    RC_ASSERT(Model::decode(state, model) == DecodeError::kNone);
    RC_ASSERT(model->encode() == state);
  }
  const Model uninterrupted = learn_at_once(stream);
  RC_ASSERT(model->encode() == uninterrupted.encode());
  RC_ASSERT(model->learner().fit().coefficients == uninterrupted.learner().fit().coefficients);
}

RC_GTEST_PROP(ModelProperty, AnySplitAndMergeOrderGivesTheBatchFit, ()) {
  Stream stream = any_stream();
  stream.options.ridge = 0;
  const std::vector<std::size_t> cuts = any_cuts(stream.rows.count());
  std::vector<Model> parts;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    parts.emplace_back(stream.options).learn(piece(stream, cuts, i));
  }
  while (parts.size() > 1) {
    const auto from = *rc::gen::inRange<std::size_t>(1, parts.size());
    const auto into = *rc::gen::inRange<std::size_t>(0, from);
    parts[into].merge(parts[from]);
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(from));
  }
  const Model& merged = parts.front();
  RC_ASSERT(merged.learner().rows() == stream.rows.count());
  RC_ASSERT(merged.error().n() == stream.rows.count());
  const Eigen::VectorXd expected = batch_fit(stream.rows.view(), stream.options.intercept);
  const Eigen::VectorXd fitted =
      design_matrix(stream.rows.view(), stream.options.intercept) * (coefficients(merged.learner().fit()) - expected);
  RC_ASSERT(fitted.lpNorm<Eigen::Infinity>() < 1e-10 * targets(stream.rows.view()).lpNorm<Eigen::Infinity>());
}

RC_GTEST_PROP(ModelProperty, DamagedBytesAreRefused, ()) {
  const Stream stream = any_stream();
  std::vector<std::byte> state = learn_at_once(stream).encode();
  const auto at = *rc::gen::inRange<std::size_t>(0, state.size());
  const auto change = *rc::gen::inRange<int>(1, 256);
  state[at] ^= static_cast<std::byte>(change);
  std::optional<Model> model;
  RC_ASSERT(Model::decode(state, model) != DecodeError::kNone);
  RC_ASSERT(!model);
}

RC_GTEST_PROP(ModelProperty, GarbageInAGoodEnvelopeIsRefusedOrLearnsOn, ()) {
  const Stream stream = any_stream();
  const std::vector<std::byte> state = learn_at_once(stream).encode();
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
  std::optional<Model> model;
  if (Model::decode(std::move(writer).finish(), model) == DecodeError::kNone) {
    const TestRows more = random_rows(1, 300, model->learner().options().features);
    model->learn(more.view());
    RC_ASSERT(coefficients(model->learner().fit()).allFinite());
  }
}

}  // namespace
}  // namespace accrue::models
