#include "daemon/recovery.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "daemon/log.hpp"
#include "daemon/spec_json.hpp"
#include "daemon/stored_models.hpp"

namespace accrue::daemon {
namespace {

wire::RejectReason reason_named(const std::string& name) {
  for (std::uint8_t i = 0; i < wire::kRejectReasons; ++i) {
    if (name == to_string(static_cast<wire::RejectReason>(i))) return static_cast<wire::RejectReason>(i);
  }
  throw std::runtime_error("the store counts rows rejected for '" + name + "', which this version does not know");
}

ingest::RecoveredStream recovered_from(StoredEpoch&& epoch, const StreamRecord& record, wire::StreamSpec spec) {
  ingest::RecoveredStream stream{record.id, record.name, std::move(spec), epoch.epoch, epoch.rows, {}, {}, {}};
  for (auto& [producer, sequence] : epoch.producers) stream.producers.push_back({producer, sequence});
  for (auto& [reason, rows] : epoch.rejections) stream.rejected.push_back({reason_named(reason), rows});
  for (auto& [partition, state] : epoch.states) stream.states.push_back(std::move(state));
  return stream;
}

}  // namespace

ingest::RecoveredStream recover(Store& store, const StreamRecord& record, SnapshotBoard& board) {
  const wire::StreamSpec spec = spec_from_json(record.spec);
  const std::vector<std::uint64_t> epochs = store.epochs(record.id);
  for (const std::uint64_t number : epochs) {
    StoredEpoch epoch = store.load(record.id, number);
    std::string why;
    std::optional<models::ModelSet> models = merged_models(epoch.states, spec, why);
    if (!models) {
      log_error("epoch_damaged", {{"stream", record.name}, {"epoch", number}, {"rows", epoch.rows}, {"reason", why}});
      continue;
    }
    if (number != epochs.front()) {
      store.rewind(record.id, number);
      log_error("stream_rewound", {{"stream", record.name}, {"epoch", number}, {"rows", epoch.rows}});
    }
    ingest::RecoveredStream stream = recovered_from(std::move(epoch), record, spec);
    for (const models::Model& model : models->models()) stream.models.push_back(model.spec().name);
    stream.champion = models->champion().spec().name;
    board.post(ready({record.name, spec, number, stream.rows, stream.rejected, *std::move(models)}));
    return stream;
  }
  if (!epochs.empty()) {
    throw std::runtime_error("stream '" + record.name + "': none of its " + std::to_string(epochs.size()) +
                             " stored epochs is intact; move the store away and put back a backup (accrued --restore)");
  }
  board.post(empty_snapshot(record.name, spec));
  return {record.id, record.name, spec, 0, 0, {}, {}, {}};
}

std::vector<ingest::RecoveredStream> recover(Store& store, SnapshotBoard& board) {
  std::vector<ingest::RecoveredStream> streams;
  for (const StreamRecord& record : store.streams()) streams.push_back(recover(store, record, board));
  return streams;
}

void tell_recovery(const ingest::RecoveredStream& stream, Events& events) {
  nlohmann::ordered_json data = {{"stream", stream.name}, {"epoch", stream.epoch}, {"rows", stream.rows}};
  if (stream.rolled_back_to != 0) data["rolled_back_to"] = stream.rolled_back_to;
  events.tell(Event::Kind::kRecovery, stream.name, std::move(data));
}

}  // namespace accrue::daemon
