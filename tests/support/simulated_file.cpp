#include "tests/support/simulated_file.hpp"

#include <algorithm>
#include <utility>

namespace accrue::tests {
namespace {

constexpr std::uint64_t kAll = 100;  // percent
constexpr std::uint64_t kTornPercent = 25;

void put(std::vector<std::byte>& bytes, std::size_t offset, std::span<const std::byte> data) {
  if (data.empty()) return;
  if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size());
  std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

// All, nothing, or a share that itself is chance: with each sector on its own the extremes would never be seen.
std::uint64_t share_that_is_kept(Chance& chance) {
  switch (chance.below(4)) {
    case 0: return 0;
    case 1: return kAll;
    default: return chance.below(kAll);
  }
}

}  // namespace

void SimulatedFile::write(std::size_t offset, std::span<const std::byte> data) {
  put(bytes_, offset, data);
  changes_.push_back({offset, {data.begin(), data.end()}, false});
}

void SimulatedFile::truncate(std::size_t size) {
  bytes_.resize(size);
  changes_.push_back({size, {}, true});
}

void SimulatedFile::sync() {
  for (const Change& change : changes_) {
    change.truncates ? durable_.resize(change.offset) : put(durable_, change.offset, change.data);
  }
  changes_.clear();
}

void SimulatedFile::fail_sync(Chance& chance) {
  const std::uint64_t keep_percent = share_that_is_kept(chance);
  for (const Change& change : changes_) persist(change, keep_percent, chance);
  changes_.clear();
}

void SimulatedFile::cut_power(Chance& chance) {
  fail_sync(chance);
  bytes_ = durable_;
}

void SimulatedFile::persist(const Change& change, std::uint64_t keep_percent, Chance& chance) {
  if (change.truncates) {
    if (chance.percent(keep_percent)) durable_.resize(change.offset);
    return;
  }
  const std::size_t end = change.offset + change.data.size();
  for (std::size_t begin = change.offset; begin < end;) {
    const std::size_t sector_end = std::min(end, (begin / kSectorBytes + 1) * kSectorBytes);
    if (chance.percent(keep_percent)) {
      put(durable_, begin, std::span(change.data).subspan(begin - change.offset, sector_end - begin));
    } else if (keep_percent > 0 && chance.percent(kTornPercent)) {
      persist_torn(change, begin, sector_end, chance);
    }
    begin = sector_end;
  }
}

// The piece [begin, end) lies within one sector.
void SimulatedFile::persist_torn(const Change& change, std::size_t begin, std::size_t end, Chance& chance) {
  const std::size_t tear = begin + chance.below(end - begin);
  put(durable_, begin, std::span(change.data).subspan(begin - change.offset, tear - begin));
  if (durable_.size() < end) durable_.resize(end);
  const std::size_t sector_end = std::min(durable_.size(), (begin / kSectorBytes + 1) * kSectorBytes);
  const std::size_t damage_end = powersafe_overwrite_ ? end : sector_end;
  for (std::size_t i = tear; i < damage_end; ++i) durable_[i] = chance.byte();
}

}  // namespace accrue::tests
