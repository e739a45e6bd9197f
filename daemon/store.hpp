// The store: one SQLite file that holds every stream's definition and its newest epochs. STORE.md documents its tables.
//
// Thread: one thread at a time, the committer's; it is the only connection that may write or checkpoint the file. Other
// readers, in this process or another, open the file read-only. Never fork while a Store lives.
// Units: times are Unix milliseconds, given by the caller. Unsigned 64-bit numbers keep all their bits.
// Errors: every failure is a StoreError (and keep_epochs below 2 a std::invalid_argument). After a change that failed,
// destroy the Store and construct it anew, which verifies the file, before anything else: what the operating system
// still holds of a failed write is unknown. The change is then in the file whole or, as a rule, not at all: streams()
// and epochs() tell. StoreError from the constructor leaves no Store; a file that is not an accrue store, or one of a
// newer version, is left as it was. Durability: what create_stream, drop_stream, rewind, roll_back and commit did
// survives power loss once they have returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace accrue::daemon {

class StoreError : public std::runtime_error {
 public:
  StoreError(const std::filesystem::path& file, const std::string& what, int sqlite_code = 0);

  // SQLite's extended result code; 0 where SQLite itself had nothing to complain of.
  int sqlite_code() const { return sqlite_code_; }

 private:
  int sqlite_code_;
};

struct StreamRecord {
  std::uint64_t id = 0;
  std::string name;
  std::string spec;  // JSON
};

struct PartitionState {
  std::uint32_t partition = 0;
  std::vector<std::byte> state;  // opaque here; carries its own CRC
};

struct ProducerSequence {
  std::string producer;
  std::uint64_t sequence = 0;
};

struct Rejection {
  std::string reason;
  std::uint64_t rows = 0;  // all of the stream's up to the epoch
};

// Figures that are not finite (R2 of a single row) are stored as NULL.
struct ModelMetrics {
  std::string model;
  std::uint64_t n = 0;
  double mse = 0;
  double mae = 0;
  double rmse = 0;
  double r2 = 0;
  double mse_clipped = 0;
  double mae_clipped = 0;
};

// A model's figures over some of its rows ("span", STORE.md), for plots. Stored as ModelMetrics are.
struct HistoryPoint {
  std::string model;
  std::string span;
  std::uint64_t n = 0;
  double mse = 0;
  double mae = 0;
  double rmse = 0;
  double r2 = 0;
  double mape = 0;
  double bias = 0;
  double mse_clipped = 0;
  double mae_clipped = 0;
  double conformal_coverage = 0;
  double conformal_width = 0;
  double model_coverage = 0;
  double model_width = 0;
};

// What happened to a model in the rows of an epoch.
struct ModelEvent {
  std::string model;
  std::string event;      // "drift"
  std::uint64_t row = 0;  // of the stream, from 0
};

// What a model had learned of a key when it let go of it.
struct EvictedKey {
  std::string model;
  std::uint64_t beginning = 0;  // which learner of that name it was (models/key_state.hpp)
  double key = 0;
  std::vector<std::byte> state;  // a models::KeyState's; carries its own CRC
};

// A learner whose evicted keys count.
struct KeyBeginning {
  std::string model;
  std::uint64_t beginning = 0;
};

struct EpochRecord {
  std::uint64_t stream = 0;
  std::uint64_t epoch = 0;  // increasing within the stream; gaps are allowed
  std::uint64_t rows = 0;
  std::vector<PartitionState> states;
  std::vector<ProducerSequence> producers;  // those whose sequence moved since the stream's last epoch
  std::vector<std::string> departed;        // producers to forget, from this epoch on
  std::vector<Rejection> rejections;
  std::string champion;               // one of those that have metrics
  std::vector<ModelMetrics> metrics;  // of every model
  std::vector<HistoryPoint> history;
  std::vector<ModelEvent> events;
  std::shared_ptr<const std::vector<EvictedKey>> evicted = {};  // since the epoch before, each key once; null for none
  std::vector<KeyBeginning> beginnings = {};
};

struct StoredEpoch {
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::vector<PartitionState> states;       // by partition
  std::vector<ProducerSequence> producers;  // every producer known at that epoch, by name
  std::vector<Rejection> rejections;        // by reason
};

struct StoreOptions {
  std::uint32_t keep_epochs = 16;       // of each stream, at least 2: recovery may have to fall back
  std::uint32_t keep_epochs_hours = 0;  // and no older than this, but for the newest 2; 0: however old
};

class Store {
 public:
  // Opens the file, creating it where there is none, brings its tables to this version and checks it whole. What is
  // there afterwards survives power loss, whatever failed before.
  explicit Store(const std::filesystem::path& file, const StoreOptions& options = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  std::vector<StreamRecord> streams();  // by id

  // The name must be new and the spec valid JSON. Answers the id, which no other stream ever had.
  std::uint64_t create_stream(const std::string& name, const std::string& spec);

  // Removes the stream and all its epochs; does nothing when there is no such stream.
  void drop_stream(std::uint64_t stream);

  // How much of the past stays for plots: every one of the newest kHistoryEpochs epochs, of the as many before these
  // every second, of twice as many before those every fourth, and so on; and the newest kEvents epochs that have
  // events.
  static constexpr std::uint64_t kHistoryEpochs = 1'024;
  static constexpr std::uint64_t kEvents = 1'000;

  // All the epochs and the pruning of what is then too much or too old, in one transaction.
  void commit(std::span<const EpochRecord> epochs, std::int64_t committed_unix_ms);

  // The numbers of the kept epochs, newest first.
  std::vector<std::uint64_t> epochs(std::uint64_t stream);

  // An epoch as it was committed; one that is not kept is a StoreError.
  StoredEpoch load(std::uint64_t stream, std::uint64_t epoch);

  // Commits a copy of an epoch as the newest, numbered `as`: its states, rows, rejections and metrics, and the
  // producers' sequences of its time. Pruning as in commit(). An epoch that is not kept is a StoreError.
  void roll_back(std::uint64_t stream, std::uint64_t epoch, std::uint64_t as, std::int64_t committed_unix_ms);

  // Forgets every epoch newer than this one, so that the stream goes on from it: recovery's step after the newest
  // epochs proved unreadable.
  void rewind(std::uint64_t stream, std::uint64_t epoch);

 private:
  class Statements;

  StoreOptions options_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace accrue::daemon
