// What arrived and what was promised, kept beside the system under test, and the serial reference: what an epoch must
// hold, learned from the batches one after another.
//
// A batch that never became durable may be followed by another of the same sequence, when its producer died and a new
// process goes on under its name: the later process's batches are those that count, from its first sequence on.
//
// How many rows a model has learned says where it was added: there the reference adds it, too.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/store.hpp"
#include "ingest/wire/messages.hpp"
#include "models/model_set.hpp"

namespace accrue::tests {

class Ledger {
 public:
  explicit Ledger(wire::StreamSpec spec) : spec_(std::move(spec)) {}

  // Every message on its way is shown; throws std::runtime_error when one says what may not be said.
  void producer_began(const std::string& producer);
  void arrived(const std::string& producer, const wire::Bytes& frame);
  void said(const std::string& producer, const wire::Bytes& message);

  // A model was added, and that was called durable; it is to be dropped, so that it need not be there any more.
  void model_promised(const std::string& model) { promised_models_.insert(model); }
  void model_to_be_dropped(const std::string& model) { promised_models_.erase(model); }

  // Throws std::runtime_error when the epoch is not what the rows of its producers' batches give: the same bits for one
  // producer (batch order fixes row order), the same rows for several. `newest`: it must also hold all that was ever
  // called durable.
  void check(const daemon::StoredEpoch& epoch, bool newest) const;

  std::uint64_t rows_promised() const;  // of the batches that were called durable, bad ones too

 private:
  using Rows = std::vector<double>;
  struct Life {
    std::map<std::uint64_t, Rows> batches;  // by sequence
  };
  struct Producer {
    std::vector<Life> lives;
    std::uint64_t promised = 0;  // sequence
  };

  struct Expected {
    std::vector<models::ModelSet> partitions;
    std::uint64_t rows = 0;
    std::uint64_t rejected = 0;
    std::vector<std::uint64_t> sums;  // by feature
  };

  // What the rows of the epoch's batches give, when models are added where the stream had so many rows.
  Expected reference(const daemon::StoredEpoch& epoch, std::multimap<std::uint64_t, models::ModelSpec> added) const;
  void check_promises(const daemon::StoredEpoch& epoch, const models::ModelSet& models) const;
  static void exchange(Expected& expected);
  models::ModelSet decoded(const wire::Bytes& state) const;
  const Rows& batch(const std::string& producer, std::uint64_t sequence) const;

  wire::StreamSpec spec_;
  std::map<std::string, Producer> producers_;
  std::set<std::string> promised_models_;
};

}  // namespace accrue::tests
