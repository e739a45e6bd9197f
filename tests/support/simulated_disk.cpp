#include "tests/support/simulated_disk.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <utility>

#include <sqlite3.h>

#include "ingest/wire/assert.hpp"
#include "tests/support/simulated_vfs.hpp"

namespace accrue::tests {
namespace {

using Directory = SimulatedDisk::State::Directory;

void enter(const Directory::value_type& change, Directory& directory) {
  if (change.second) {
    directory.insert_or_assign(change.first, change.second);
  } else {
    directory.erase(change.first);
  }
}

}  // namespace

SimulatedDisk::State::Verdict SimulatedDisk::State::begin(Operation operation) {
  last_errno = 0;
  if (outage) return {outage_code, false};
  ++begun[static_cast<std::size_t>(operation)];
  outage = outage_in > 0 && --outage_in == 0;
  if (outage) return {outage_code, true};
  const bool counts = failing == Operation::kAny || failing == operation;
  if (failing_in == 0 || !counts || --failing_in > 0) return {};
  failure_met = true;
  return {failing_code, true};
}

std::uint64_t SimulatedDisk::State::used_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [path, node] : directory) {
    bytes += node->file.bytes().size();
    if (const auto index = node->index.lock()) bytes += index->bytes;
  }
  return bytes;
}

std::uint64_t SimulatedDisk::State::room() const { return capacity - std::min(capacity, used_bytes()); }

void SimulatedDisk::State::link(const std::string& path, const std::shared_ptr<SimulatedNode>& node) {
  directory_changes.emplace_back(path, node);
  enter(directory_changes.back(), directory);
}

void SimulatedDisk::State::sync_directory() {
  for (const auto& change : directory_changes) enter(change, durable_directory);
  directory_changes.clear();
}

// A handle of an earlier life keeps its node and its index, for itself.
void SimulatedDisk::State::end_life() {
  ++life;
  failing_in = outage_in = 0;
  outage = false;
  const auto forget_users = [](const Directory::value_type& entry) {
    if (!entry.second) return;
    entry.second->handles.clear();
    entry.second->index.reset();
  };
  std::for_each(directory.begin(), directory.end(), forget_users);
  std::for_each(durable_directory.begin(), durable_directory.end(), forget_users);
  std::for_each(directory_changes.begin(), directory_changes.end(), forget_users);
}

void SimulatedDisk::State::cut_power() {
  end_life();
  const std::uint64_t keep_percent = chance.below(101);
  for (const auto& change : std::exchange(directory_changes, {})) {
    if (chance.percent(keep_percent)) enter(change, durable_directory);
  }
  directory = durable_directory;
  for (const auto& [path, node] : directory) node->file.cut_power(chance);
}

SimulatedDisk::SimulatedDisk(const Options& options) : state_(std::make_unique<State>(options)) {
  static std::atomic<std::uint64_t> disks = 0;
  state_->name = "simulated-" + std::to_string(++disks);
  state_->vfs = simulated_vfs(*state_);
  use();
}

SimulatedDisk::~SimulatedDisk() {
  ACCRUE_ASSERT(state_->open_handles == 0);
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_randomness(0, nullptr);
}

const std::string& SimulatedDisk::name() const { return state_->name; }

void SimulatedDisk::use() {
  sqlite3_vfs_register(&state_->vfs, 1);
  sqlite3_randomness(0, nullptr);  // SQLite's generator, one a process, begins anew from the default VFS's
}

void SimulatedDisk::fail_nth(Operation operation, std::uint64_t n, int sqlite_code) {
  const std::scoped_lock guard(state_->mutex);
  state_->failing = operation;
  state_->failing_in = n;
  state_->failing_code = sqlite_code;
  state_->failure_met = false;
}

bool SimulatedDisk::failure_met() const {
  const std::scoped_lock guard(state_->mutex);
  return state_->failure_met;
}

void SimulatedDisk::fail_from(std::uint64_t n, int sqlite_code) {
  const std::scoped_lock guard(state_->mutex);
  state_->outage_in = n;
  state_->outage_code = sqlite_code;
}

void SimulatedDisk::heal() {
  const std::scoped_lock guard(state_->mutex);
  state_->failing_in = state_->outage_in = 0;
  state_->outage = false;
}

void SimulatedDisk::set_capacity(std::uint64_t bytes) {
  const std::scoped_lock guard(state_->mutex);
  state_->capacity = bytes;
}

std::uint64_t SimulatedDisk::used_bytes() const {
  const std::scoped_lock guard(state_->mutex);
  return state_->used_bytes();
}

std::uint64_t SimulatedDisk::operations(Operation operation) const {
  const std::scoped_lock guard(state_->mutex);
  if (operation != Operation::kAny) return state_->begun[static_cast<std::size_t>(operation)];
  return std::accumulate(state_->begun.begin(), state_->begun.end(), std::uint64_t{0});
}

bool SimulatedDisk::holds(const std::string& file) const {
  const std::scoped_lock guard(state_->mutex);
  return state_->directory.contains(file);
}

void SimulatedDisk::kill_process() {
  const std::scoped_lock guard(state_->mutex);
  state_->end_life();
}

void SimulatedDisk::cut_power() {
  const std::scoped_lock guard(state_->mutex);
  state_->cut_power();
}

}  // namespace accrue::tests
