// DelayedLabels: features whose target comes later. They wait here, with what every model foretold of them, until a row
// with the same id brings it.
//
// A row with an id is one of three:
//   whole     its target and features are there: learned like any other row
//   features  its target is missing (NaN): every model predicts it, and the row waits
//   label     all its features are missing: with those that wait under its id it is a row, which is learned now, at the
//             label's own place, weight, time and key among the rows of the stream; what is scored is the prediction
//             that was made then
// Features wait for ttl_rows rows of the stream and, if ttl_seconds is above 0, for as much of event time; a label
// that is later finds nothing. Of features of an id that waits already the first count. What came to nothing is
// counted.
//
// All is by the rows' own indices and times, so the same rows in the same order give the same state. Partitions are by
// the id: features and label meet in one. A merge has what waits in either.
//
// Threads: a value without locks; const members may run in several threads at once, the others in one.
// Costs: O(log waiting) a row, and what the models take to predict; memory about 8 bytes for each feature, 24 a model
// and 200 more for every row that waits, of which there are at most ttl_rows.
// Errors: decode answers DecodeError, and what could not be decoded is only good for destruction. Source: verification
// latency and its test-then-train: Zliobaite, "Change with delayed labeling: when is it detectable?" (2010);
// Grzenda, Gomes and Bifet, "Delayed labelling evaluation for data streams" (2020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "models/learner.hpp"
#include "models/rows.hpp"
#include "models/state_codec.hpp"

namespace accrue::models {

struct LabelOptions {
  std::uint64_t ttl_rows = 0;  // at least 1
  double ttl_seconds = 0;      // 0: however long

  bool operator==(const LabelOptions&) const = default;
};

class DelayedLabels {
 public:
  enum class Kind : std::uint8_t { kWhole, kFeatures, kLabel };
  static Kind kind_of(const RowsView& rows, std::size_t i);

  struct Waiting {
    double id = 0;
    double time = 0;  // of its event; 0 in a stream without, NaN where it is a feature that is missing
    std::vector<double> features;
    std::vector<std::optional<Forecast>> foretold;  // by each of the models; none by one that came later
  };

  explicit DelayedLabels(const LabelOptions& options) : options_(options) {}

  /// To be told of every row in turn: lets go of what has waited for too long.
  void pass(const RowsView& rows, std::size_t i);
  /// Whether features may wait under their id: whether none do.
  bool is_free(const RowsView& rows, std::size_t i) const { return !indices_.contains(rows.id(i)); }
  /// Features whose id is free.
  void wait(const RowsView& rows, std::size_t i, std::vector<std::optional<Forecast>> foretold);
  /// Features whose id is not.
  void count_repeated() { ++repeated_; }
  /// What waits for this label; none where that came to nothing.
  std::optional<Waiting> take(const RowsView& rows, std::size_t i);

  void add_model();
  void drop_model(std::size_t position);
  void merge(const DelayedLabels& other);

  const LabelOptions& options() const { return options_; }
  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t expired() const { return expired_; }    // features whose label did not come in time
  std::uint64_t unknown() const { return unknown_; }    // labels that found nothing, or came too late
  std::uint64_t repeated() const { return repeated_; }  // features of an id that waited already

  void encode(StateWriter& writer) const;
  /// Of rows of so many features, and forecasts of so many models.
  [[nodiscard]] DecodeError decode(StateReader& reader, std::size_t features, std::size_t models);

 private:
  using WaitingByIndex = std::map<std::uint64_t, Waiting>;

  bool is_late(const WaitingByIndex::value_type& waiting, std::uint64_t index, double time) const;
  WaitingByIndex::iterator forget(WaitingByIndex::iterator waiting);
  [[nodiscard]] static bool decode_waiting(StateReader& reader, std::size_t features, std::size_t models,
                                           Waiting& waiting);

  LabelOptions options_;
  WaitingByIndex waiting_;                             // by the index of the row in the stream
  std::unordered_map<double, std::uint64_t> indices_;  // by id
  std::uint64_t expired_ = 0;
  std::uint64_t unknown_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace accrue::models
