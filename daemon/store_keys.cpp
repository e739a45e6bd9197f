#include "daemon/store_keys.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/log.hpp"
#include "ingest/wire/assert.hpp"
#include "models/key_state.hpp"

namespace accrue::daemon {
namespace {

// A row that is damaged cannot be added to, and the next one takes its place: it must not keep all the others from
// becoming durable.
std::vector<std::byte> sum_of(const std::vector<std::byte>& before, const EvictedKey& evicted) {
  std::optional<models::KeyState> sum;
  std::optional<models::KeyState> more;
  const models::DecodeError damage = models::KeyState::decode(before, sum);
  ACCRUE_ASSERT(models::KeyState::decode(evicted.state, more) == models::DecodeError::kNone);
  if (!sum || !sum->is_of_the_same(*more)) {
    log_error(
        "evicted_key_damaged",
        {{"model", evicted.model}, {"key", evicted.key}, {"reason", sum ? "it is another key's" : to_string(damage)}});
    return evicted.state;
  }
  sum->merge(*more);
  return sum->encode();
}

}  // namespace

void StoreKeys::insert(const EpochRecord& record) {
  for (const KeyBeginning& of : record.beginnings) {
    insert_beginning_.bind(record.stream, record.epoch, of.model, of.beginning).run();
  }
  if (!record.evicted) return;
  for (const EvictedKey& evicted : *record.evicted) {
    newest_.bind(record.stream, record.epoch, evicted.model, evicted.beginning, evicted.key);
    const bool known = newest_.step() && !newest_.is_null(0);
    const std::vector<std::byte> state = known ? sum_of(newest_.blob(0), evicted) : evicted.state;
    newest_.bind();  // no longer held open
    insert_
        .bind(record.stream, record.epoch, evicted.model, evicted.beginning, evicted.key,
              std::span<const std::byte>(state))
        .run();
  }
}

void StoreKeys::prune(std::uint64_t stream, std::int64_t oldest_kept, std::int64_t oldest) {
  struct Moved {
    std::string model;
    std::uint64_t beginning;
    double key;
    std::uint64_t epoch;
  };
  std::vector<Moved> moved;
  for (moved_.bind(stream, oldest_kept, oldest); moved_.step();) {
    moved.push_back(
        {moved_.text(0), moved_.unsigned_integer(1), moved_.real(2).value_or(0), moved_.unsigned_integer(3)});
  }
  for (const Moved& key : moved) delete_older_.bind(stream, key.epoch, key.model, key.beginning, key.key).run();
  delete_past_nulls_.bind(stream, oldest_kept, oldest).run();
  std::vector<KeyBeginning> ended;
  for (ended_.bind(stream, oldest_kept); ended_.step();) ended.push_back({ended_.text(0), ended_.unsigned_integer(1)});
  for (const KeyBeginning& of : ended) delete_learner_.bind(stream, of.model, of.beginning).run();
}

void StoreKeys::roll_back(std::uint64_t stream, std::uint64_t epoch, std::uint64_t as) {
  copy_beginnings_.bind(stream, epoch, as).run();
  restore_.bind(stream, epoch, as).run();
}

void StoreKeys::rewind(std::uint64_t stream, std::uint64_t epoch) { delete_after_.bind(stream, epoch).run(); }

}  // namespace accrue::daemon
