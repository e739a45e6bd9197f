// What arrived and what was promised, kept beside the system under test, and the serial reference: what an epoch must
// hold, learned from the batches one after another.
//
// A batch that never became durable may be followed by another of the same sequence, when its producer died and a new
// process goes on under its name: the later process's batches are those that count, from its first sequence on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/store.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::tests {

class Ledger {
 public:
  explicit Ledger(wire::StreamSpec spec) : spec_(std::move(spec)) {}

  // Every message on its way is shown; throws std::runtime_error when one says what may not be said.
  void producer_began(const std::string& producer);
  void arrived(const std::string& producer, const wire::Bytes& frame);
  void said(const std::string& producer, const wire::Bytes& message);

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

  const Rows& batch(const std::string& producer, std::uint64_t sequence) const;

  wire::StreamSpec spec_;
  std::map<std::string, Producer> producers_;
};

}  // namespace accrue::tests
