// What the store does with the keys that models have evicted (models/key_state.hpp; STORE.md, evicted_keys): the
// statements of Store for them.
//
// Like the sequences of producers, what is known of a key as of an epoch is its newest row that is not newer. A key
// that is evicted again gets a row that is the sum of the one before and of what was learned since.
//
// Thread: the store's. Within the caller's transaction. Errors: StoreError.
#pragma once

#include <cstdint>

#include "daemon/store.hpp"
#include "daemon/store_connection.hpp"

namespace accrue::daemon {

class StoreKeys {
 public:
  explicit StoreKeys(StoreConnection& connection) : connection_(connection) {}

  void insert(const EpochRecord& record);
  // The oldest kept epoch is about to move. To be called while what goes is still there.
  void prune(std::uint64_t stream, std::int64_t oldest_kept, std::int64_t oldest);
  // `as` is a copy of `epoch`, and is there already.
  void roll_back(std::uint64_t stream, std::uint64_t epoch, std::uint64_t as);
  void rewind(std::uint64_t stream, std::uint64_t epoch);

 private:
  StoreConnection& connection_;

  // ?1 is the stream, ?2 the epoch.
  Statement newest_{connection_,
                    "SELECT state FROM evicted_keys WHERE stream = ?1 AND model = ?3 AND beginning = ?4 AND key = ?5"
                    " ORDER BY epoch DESC LIMIT 1"};
  Statement insert_{connection_, "INSERT INTO evicted_keys VALUES (?1, ?3, ?4, ?5, ?2, ?6)"};
  Statement insert_beginning_{connection_, "INSERT INTO key_beginnings VALUES (?1, ?2, ?3, ?4)"};

  // As the oldest kept epoch moves from ?3 to ?2, only keys that were evicted in between have a row to lose. One by
  // one: SQLite would look through all keys of an epoch for each that it is to delete of it.
  Statement moved_{connection_,
                   "SELECT model, beginning, key, epoch FROM evicted_keys"
                   " WHERE stream = ?1 AND epoch > ?3 AND epoch <= ?2"};
  Statement delete_older_{connection_,
                          "DELETE FROM evicted_keys"
                          " WHERE stream = ?1 AND model = ?3 AND beginning = ?4 AND key = ?5 AND epoch < ?2"};
  Statement delete_past_nulls_{
      connection_, "DELETE FROM evicted_keys WHERE stream = ?1 AND epoch > ?3 AND epoch <= ?2 AND state IS NULL"};
  // Of learners that no epoch from ?2 on has: their models were dropped, or began anew.
  Statement ended_{connection_,
                   "SELECT model, beginning FROM key_beginnings WHERE stream = ?1 AND epoch < ?2"
                   " EXCEPT SELECT model, beginning FROM key_beginnings WHERE stream = ?1 AND epoch >= ?2"};
  Statement delete_learner_{connection_,
                            "DELETE FROM evicted_keys WHERE stream = ?1 AND model = ?2 AND beginning = ?3"};

  Statement copy_beginnings_{connection_,
                             "INSERT INTO key_beginnings SELECT stream, ?3, model, beginning FROM key_beginnings"
                             " WHERE stream = ?1 AND epoch = ?2"};
  // Only keys evicted since; what was not known then is forgotten by its NULL.
  Statement restore_{connection_,
                     "INSERT INTO evicted_keys SELECT ?1, model, beginning, key, ?3,"
                     " (SELECT past.state FROM evicted_keys AS past WHERE past.stream = ?1 AND past.model = moved.model"
                     "  AND past.beginning = moved.beginning AND past.key = moved.key AND past.epoch <= ?2"
                     "  ORDER BY past.epoch DESC LIMIT 1)"
                     " FROM (SELECT DISTINCT model, beginning, key FROM evicted_keys INDEXED BY evicted_keys_by_epoch"
                     "       WHERE stream = ?1 AND epoch > ?2) AS moved"};
  Statement delete_after_{connection_, "DELETE FROM evicted_keys WHERE stream = ?1 AND epoch > ?2"};
};

}  // namespace accrue::daemon
