// The store on a disk that fails, fills up or loses its power, at every operation of a history in turn. Whatever
// happens: the store opens again, what returned is there bit for bit, what threw is there whole or not at all, and the
// history can go on to the same end.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "daemon/store.hpp"
#include "tests/daemon/sqlite_file.hpp"
#include "tests/support/simulated_disk.hpp"
#include "tests/support/simulated_file.hpp"
#include "tests/support/torture.hpp"

namespace accrue::daemon {
namespace {

using tests::SimulatedDisk;
using Operation = SimulatedDisk::Operation;

const std::filesystem::path kFile = "/store.sqlite";
constexpr std::uint32_t kKeepEpochs = 3;
constexpr std::uint64_t kMostOpeningOperations = 60;   // of the disk, to open a store that is there
constexpr std::size_t kCheckpointBytes = 1000 * 4096;  // SQLite checkpoints a write-ahead log of 1,000 pages

struct Step {
  std::string what;
  std::function<void(std::optional<Store>&)> run;
};
using Script = std::vector<Step>;

EpochRecord record(std::uint64_t stream, std::uint64_t epoch, std::size_t state_bytes = 6000) {
  EpochRecord r;
  r.stream = stream;
  r.epoch = epoch;
  r.rows = 100 * epoch;
  for (std::uint32_t partition = 0; partition < 2; ++partition) {
    std::vector<std::byte> state(state_bytes);
    for (std::size_t i = 0; i < state.size(); ++i) state[i] = std::byte(i * (2 * epoch + stream) + partition);
    r.states.push_back({partition, std::move(state)});
  }
  r.producers = {{"steady", epoch}, {"of epoch " + std::to_string(epoch), 7}};
  if (epoch > 1) r.departed = {"of epoch " + std::to_string(epoch - 1)};
  r.rejections = {{"a value is not finite", epoch}};
  r.metrics = {{"main", epoch, 0.5, 0.25, 0.125, 1.0 / static_cast<double>(epoch), 2, 3}};
  return r;
}

Step open() {
  return {"open", [](std::optional<Store>& store) { store.emplace(kFile, StoreOptions{.keep_epochs = kKeepEpochs}); }};
}
Step close() {
  return {"close", [](std::optional<Store>& store) { store.reset(); }};
}
Step create(const std::string& name) {
  return {"create " + name,
          [name](std::optional<Store>& store) { store->create_stream(name, R"({"of":"a stream"})"); }};
}
Step commit(std::vector<EpochRecord> epochs) {
  const std::string what = "commit epoch " + std::to_string(epochs.front().epoch);
  return {what, [epochs = std::move(epochs)](std::optional<Store>& store) { store->commit(epochs, 1'000'000); }};
}
Step rewind(std::uint64_t stream, std::uint64_t epoch) {
  return {"rewind", [=](std::optional<Store>& store) { store->rewind(stream, epoch); }};
}
Step drop(std::uint64_t stream) {
  return {"drop", [=](std::optional<Store>& store) { store->drop_stream(stream); }};
}

// Every operation of the store, pruning, recovery's rewinding, and the checkpoint of a store that is closed.
Script everyday() {
  return {open(),
          create("a"),
          create("b"),
          commit({record(1, 1), record(2, 1)}),
          commit({record(1, 2)}),
          commit({record(1, 3), record(2, 2)}),
          close(),
          open(),
          commit({record(1, 4), record(2, 3)}),
          rewind(1, 3),
          drop(2),
          create("c"),
          commit({record(1, 5), record(3, 1)}),
          close(),
          open(),
          commit({record(1, 6)})};
}

// A store that is used by the connection that made it.
Script beginning() { return {open(), create("a"), commit({record(1, 1)}), commit({record(1, 2)})}; }

// A write-ahead log that outgrows its limit is checkpointed in passing and then begun anew.
Script checkpointing() {
  return {open(),
          create("a"),
          commit({record(1, 1)}),
          commit({record(1, 2, kCheckpointBytes / 2)}),
          commit({record(1, 3)}),
          commit({record(1, 4)})};
}

// All that the store holds, as the store tells it and, of what it has no words for, as the tables do.
std::string content(Store& store) {
  std::string all;
  const auto add = [&all](const auto&... values) { ((all += values, all += '\n'), ...); };
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  for (const StreamRecord& stream : store.streams()) {
    add("stream", number(stream.id), stream.name, stream.spec);
    for (const std::uint64_t epoch : store.epochs(stream.id)) {
      const StoredEpoch stored = store.load(stream.id, epoch);
      add("epoch", number(stored.epoch), number(stored.rows));
      for (const PartitionState& state : stored.states) {
        add(number(state.partition),
            std::string(reinterpret_cast<const char*>(state.state.data()), state.state.size()));
      }
      for (const ProducerSequence& producer : stored.producers) add(producer.producer, number(producer.sequence));
      for (const Rejection& rejection : stored.rejections) add(rejection.reason, number(rejection.rows));
    }
  }
  tests::SqliteFile file(kFile);
  for (const char* table : {"metrics", "producers", "epochs"}) {
    for (const auto& row : file.query(std::string("SELECT * FROM ") + table + " ORDER BY 1, 2, 3")) {
      for (const std::string& value : row) add(value);
    }
  }
  return all;
}

// The script, and what the store holds before its first step and after each on a disk without fault.
struct History {
  explicit History(Script steps) : script(std::move(steps)) {
    SimulatedDisk disk({});
    std::optional<Store> store;
    open().run(store);
    contents.push_back(content(*store));
    for (const Step& step : script) {
      step.run(store);
      contents.push_back(store ? content(*store) : contents.back());
    }
    operations = disk.operations(Operation::kAny);
  }

  Script script;
  std::vector<std::string> contents;
  std::uint64_t operations = 0;  // that the disk sees
};

enum class Afterwards : std::uint8_t { kDiskWorks, kDiskFailsUntilClosed, kPowerIsCut };

// Runs the history on a disk with a fault in store. After a step that throws, the store is closed, with what befell the
// disk, and opened again on a disk that works.
class Trial {
 public:
  Trial(const History& history, std::uint64_t seed)
      : history_(history), chance_(seed), disk_({.seed = seed, .powersafe_overwrite = seed % 2 == 0}) {}

  SimulatedDisk& disk() { return disk_; }

  void run(Afterwards afterwards) {
    for (std::size_t i = 0; i < history_.script.size() && !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE("step " + std::to_string(i) + ": " + history_.script[i].what);
      try {
        history_.script[i].run(store_);
      } catch (const StoreError& error) {
        SCOPED_TRACE(std::string("after ") + error.what());
        recover_in(i, afterwards);
      }
    }
    disk_.cut_power();
    store_.reset();
    ASSERT_NO_THROW(open().run(store_)) << "after the power cut at the end";
    EXPECT_TRUE(content(*store_) == history_.contents.back()) << "something was lost in the power cut at the end";
    require_integrity();
  }

 private:
  void recover_in(std::size_t step, Afterwards afterwards) {
    if (afterwards == Afterwards::kDiskWorks) disk_.heal();
    if (afterwards == Afterwards::kPowerIsCut) disk_.cut_power();
    store_.reset();
    disk_.heal();
    if (afterwards == Afterwards::kPowerIsCut && chance_.percent(50)) cut_power_while_opening();
    ASSERT_NO_THROW(open().run(store_));
    const std::string found = content(*store_);
    const bool is_whole = found == history_.contents[step + 1];
    const bool is_absent = found == history_.contents[step];
    ASSERT_TRUE(is_whole || is_absent) << "it is there in part, or something else is not";
    require_integrity();
    if (is_whole) return;
    ASSERT_NO_THROW(history_.script[step].run(store_)) << "the second time";
  }

  void cut_power_while_opening() {
    disk_.fail_from(1 + chance_.below(kMostOpeningOperations), SQLITE_IOERR);
    try {
      open().run(store_);
    } catch (const StoreError&) {
    }
    disk_.cut_power();
    store_.reset();
  }

  static void require_integrity() {
    EXPECT_EQ(tests::SqliteFile(kFile).query("PRAGMA integrity_check").at(0).at(0), "ok");
    EXPECT_TRUE(tests::SqliteFile(kFile).query("PRAGMA foreign_key_check").empty());
  }

  const History& history_;
  tests::Chance chance_;
  SimulatedDisk disk_;
  std::optional<Store> store_;
};

struct Fault {
  Operation operation;
  int code;
  std::string name;
};

const std::vector<Fault> kFaults = {
    {Operation::kWrite, SQLITE_FULL, "full disk"},
    {Operation::kWrite, SQLITE_IOERR_WRITE, "failed write"},
    {Operation::kSync, SQLITE_IOERR_FSYNC, "failed sync"},
    {Operation::kTruncate, SQLITE_IOERR_TRUNCATE, "failed truncation"},
    {Operation::kOpen, SQLITE_CANTOPEN, "failed opening"},
    {Operation::kDelete, SQLITE_IOERR_DELETE, "failed deletion"},
};

// The fault at every `stride`th operation of its kind in turn, until the history ends without meeting it.
std::uint64_t run_faults(const History& history, const Fault& fault, std::uint64_t stride) {
  std::uint64_t cases = 0;
  for (bool met = true; met && !::testing::Test::HasFailure(); cases += met) {
    const std::uint64_t n = cases * stride + 1;
    const std::uint64_t seed = tests::torture_seed() + cases;
    SCOPED_TRACE(fault.name + " " + std::to_string(n) + ", seed " + std::to_string(seed));
    Trial trial(history, seed);
    trial.disk().fail_nth(fault.operation, n, fault.code);
    trial.run(Afterwards::kDiskWorks);
    met = trial.disk().failure_met();
  }
  return cases;
}

TEST(StoreFaultsTest, EveryOperationMayFailOnce) {
  const History history(everyday());
  for (const Fault& fault : kFaults) {
    const std::uint64_t cases =
        run_faults(history, fault, tests::torture() || fault.operation != Operation::kWrite ? 1 : 4);
    tests::report_torture(cases, "store histories with a " + fault.name);
    EXPECT_GT(cases, 0u) << fault.name;
  }
}

// From one operation on everything fails, the closing of the store too; then the disk works again, or what was not
// synced is gone with the power.
std::uint64_t run_outages(const History& history, Afterwards afterwards, std::uint64_t stride) {
  std::uint64_t cases = 0;
  for (std::uint64_t n = 1; n <= history.operations && !::testing::Test::HasFailure(); n += stride, ++cases) {
    const std::uint64_t seed = tests::torture_seed() + cases;
    SCOPED_TRACE("from operation " + std::to_string(n) + " on, seed " + std::to_string(seed));
    Trial trial(history, seed);
    trial.disk().fail_from(n, SQLITE_IOERR);
    trial.run(afterwards);
  }
  return cases;
}

TEST(StoreFaultsTest, EveryOperationOfTheBeginningMayFailOnce) {
  const History history(beginning());
  std::uint64_t cases = 0;
  for (const Fault& fault : kFaults) cases += run_faults(history, fault, 1);
  tests::report_torture(cases, "faults at a store's beginning");
  EXPECT_GT(cases, 100u);
}

TEST(StoreFaultsTest, EverythingMayFailFromAnyOperationOn) {
  const History history(everyday());
  const std::uint64_t cases = run_outages(history, Afterwards::kDiskFailsUntilClosed, tests::torture() ? 1 : 3);
  tests::report_torture(cases, "store histories with an outage");
  EXPECT_GT(cases, 100u);
}

TEST(StoreFaultsTest, CheckpointInPassingMayFailAnywhere) {
  const std::uint64_t stride = tests::torture() ? 1 : 307;
  const History history(checkpointing());
  std::uint64_t cases = run_outages(history, Afterwards::kDiskFailsUntilClosed, stride);
  for (const Fault& fault : kFaults) cases += run_faults(history, fault, stride);
  tests::report_torture(cases, "faults around a checkpoint");
  EXPECT_GT(cases, 10u);
}

// The history with the power cut at one of its operations.
void cut_power_at(const History& history, std::uint64_t operation, std::uint64_t seed) {
  SCOPED_TRACE("power cut at operation " + std::to_string(operation) + ", seed " + std::to_string(seed));
  Trial trial(history, seed);
  trial.disk().fail_from(operation, SQLITE_IOERR);
  trial.run(Afterwards::kPowerIsCut);
}

TEST(StoreFaultsTest, PowerMayFailAnywhereInTheBeginning) {
  const History history(beginning());
  const std::uint64_t seeds = tests::torture() ? 400 : 2;
  std::uint64_t cases = 0;
  for (std::uint64_t operation = 1; operation <= history.operations; ++operation) {
    for (std::uint64_t i = 0; i < seeds && !HasFailure(); ++i)
      cut_power_at(history, operation, tests::torture_seed() + cases++);
  }
  tests::report_torture(cases, "power cuts at a store's beginning");
  EXPECT_GT(cases, 100u);
}

TEST(StoreFaultsTest, PowerMayFailAtAnyMoment) {
  const History everyday_history(everyday());
  const History checkpointing_history(checkpointing());
  const std::uint64_t cuts = tests::torture() ? 20'000 : 500;
  std::uint64_t cases = 0;
  for (; cases < cuts && !HasFailure(); ++cases) {
    const std::uint64_t seed = tests::torture_seed() + cases;
    const History& history = cases % 20 == 19 ? checkpointing_history : everyday_history;
    const std::uint64_t operation = 1 + tests::Chance(seed).below(history.operations);
    cut_power_at(history, operation, seed);
  }
  tests::report_torture(cases, "power cuts");
  EXPECT_EQ(cases, cuts);
}

// Which of a commit's operations its flush is: the last.
std::uint64_t flush_of_second_commit() {
  SimulatedDisk disk({});
  std::optional<Store> store(std::in_place, kFile);
  const std::uint64_t stream = store->create_stream("a", "{}");
  commit({record(stream, 1)}).run(store);
  const std::uint64_t before = disk.operations(Operation::kAny);
  commit({record(stream, 2)}).run(store);
  return disk.operations(Operation::kAny) - before;
}

// What a failed flush leaves in the log is there to be read and yet not on the disk. A store that went on appending to
// that log would lose all that it commits from there on with the next power cut.
TEST(StoreFaultsTest, FailedFlushCostsNoLaterCommit) {
  const std::uint64_t flush = flush_of_second_commit();
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk({.seed = seed});
    std::optional<Store> store(std::in_place, kFile);
    const std::uint64_t stream = store->create_stream("a", "{}");
    commit({record(stream, 1)}).run(store);
    disk.fail_from(flush, SQLITE_IOERR_FSYNC);
    EXPECT_THROW(commit({record(stream, 2)}).run(store), StoreError);
    store.reset();
    disk.heal();
    store.emplace(kFile);
    commit({record(stream, 3)}).run(store);
    disk.cut_power();
    store.reset();
    store.emplace(kFile);
    ASSERT_EQ(store->epochs(stream).front(), 3u);
  }
}

TEST(StoreFaultsTest, ReaderThatHoldsTheLogIsToldOf) {
  SimulatedDisk disk({});
  std::optional<Store> store(std::in_place, kFile);
  store->create_stream("a", "{}");
  disk.kill_process();
  store.reset();
  std::optional<tests::SqliteFile> reader(std::in_place, kFile);
  reader->query("BEGIN; SELECT * FROM streams");
  try {
    store.emplace(kFile);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_STREQ(error.what(),
                 "store /store.sqlite: is held by a read transaction of another program; end that program");
  }
  reader.reset();
  store.emplace(kFile);
  EXPECT_EQ(store->streams().size(), 1u);
}

}  // namespace
}  // namespace accrue::daemon
