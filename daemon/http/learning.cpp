#include "daemon/http/learning.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/fresh_producer.hpp"
#include "ingest/wire/limits.hpp"

namespace accrue::daemon::http {
namespace {

// Of the value of a friendly row, as the daemon has judged it.
bool at_fault(const msgpack::object& value, wire::RejectReason reason) {
  double number = 0;
  const bool is_number = wire::detail::get(value, number);
  switch (reason) {
    case wire::RejectReason::kNotANumber: return !is_number;
    case wire::RejectReason::kNotFinite: return !is_number || !std::isfinite(number);
    case wire::RejectReason::kMagnitude: return is_number && std::abs(number) > wire::kMaxMagnitude;
    default: return false;
  }
}

std::string name_of(const msgpack::object& key) {
  std::string name;
  return wire::detail::get(key, name) ? name : std::string();
}

// In a row that is an array the columns are in their order.
std::string field_in(const msgpack::object_array& row, const std::vector<std::string>& columns,
                     wire::RejectReason reason) {
  const std::size_t size = std::min<std::size_t>(row.size, columns.size());
  if (reason == wire::RejectReason::kWeight) return wire::kWeightColumn;
  for (std::size_t i = 0; i < size; ++i) {
    if (at_fault(row.ptr[i], reason)) return columns[i];
  }
  return {};
}

std::string field_in(const msgpack::object_map& row, const std::vector<std::string>& columns,
                     wire::RejectReason reason) {
  if (reason == wire::RejectReason::kWeight) return wire::kWeightColumn;
  const std::span<const msgpack::object_kv> pairs(row.ptr, row.size);
  const auto known = [&](const std::string& name) { return std::ranges::find(columns, name) != columns.end(); };
  for (const auto& [key, value] : pairs) {
    std::string name = name_of(key);
    if (reason == wire::RejectReason::kUnknownColumn ? !known(name) : at_fault(value, reason)) return name;
  }
  for (const std::string& column : columns) {
    if (std::ranges::none_of(pairs, [&](const auto& pair) { return name_of(pair.key) == column; })) return column;
  }
  return {};
}

}  // namespace

Learning::Learning(const Inside& inside, const std::string& key)
    : conversation_(inside.rows, kRowsLink, inside.stop, inside.patience) {
  const bool ephemeral = key.empty();
  conversation_.say(wire::Hello{.producer = ephemeral ? wire::fresh_producer(kProducerPrefix) : "http-key " + key,
                                .ephemeral = ephemeral});
}

Learning::~Learning() { conversation_.say(wire::Bye{}); }

const wire::StreamSpec& Learning::open(const std::string& stream, const std::optional<wire::StreamSpec>& spec) {
  conversation_.say(wire::Open{.stream = stream, .spec = spec});
  while (opened_.stream_id == 0) {
    const wire::Frame& frame = conversation_.hear(true);
    if (frame.type() == wire::Error::kType) throw problem_of(Conversation::read<wire::Error>(frame));
    if (frame.type() == wire::Opened::kType) opened_ = Conversation::read<wire::Opened>(frame);
  }
  durable_ = opened_.durable;
  make_durable(opened_.accepted, {});  // or lost: what was not durable may be
  return opened_.spec;
}

void Learning::learn(const RowBatch& batch) {
  ++sequence_;
  learned_.rows += batch.count();
  if (sequence_ <= durable_) {
    learned_.repeated += batch.count();
    return;
  }
  rejected_before_it_ = learned_.rejected;
  make_durable(sequence_, batch.frame(opened_.stream_id, sequence_));
}

void Learning::send(const wire::Bytes& batch) {
  if (!batch.empty()) conversation_.say_bytes(batch);
  conversation_.say(wire::Flush{opened_.stream_id});
}

// Sends the batch, if there is one to send, and waits for it. After whatever happens to the stream meanwhile it goes on
// from what the daemon says it has.
void Learning::make_durable(std::uint64_t sequence, const wire::Bytes& batch) {
  if (durable_ >= sequence) return;
  conversation_.patience_anew();
  send(batch);
  bool opening = false;
  while (durable_ < sequence) {
    const wire::Frame& frame = conversation_.hear(true);
    switch (frame.type()) {
      case wire::Ack::kType:
        if (!opening) durable_ = std::max(durable_, Conversation::read<wire::Ack>(frame).durable);
        break;
      case wire::RowsRejected::kType: on_rejected(Conversation::read<wire::RowsRejected>(frame), batch); break;
      case wire::Opened::kType:
        opening = false;
        on_opened(Conversation::read<wire::Opened>(frame));
        if (batch.empty()) sequence = std::min(sequence, opened_.accepted);
        if (durable_ < sequence) send(opened_.accepted < sequence ? batch : wire::Bytes());
        break;
      case wire::Error::kType: {
        const auto error = Conversation::read<wire::Error>(frame);
        if (error.code != wire::ErrorCode::kSequenceGap && error.code != wire::ErrorCode::kOverWindow) {
          throw problem_of(error);
        }
        if (!std::exchange(opening, true)) conversation_.say(wire::Open{.stream = opened_.stream, .spec = {}});
        break;
      }
      default: break;  // Welcome, Pong
    }
  }
}

void Learning::on_opened(const wire::Opened& opened) {
  if (opened.stream_id != opened_.stream_id || opened.durable < durable_) {
    throw Problem(409, "rolled_back",
                  "stream '" + opened_.stream + "' was rolled back or made anew while the rows were learned");
  }
  opened_.accepted = opened.accepted;
  durable_ = opened.durable;
}

// Set, not added: a batch that is sent again is judged again.
void Learning::on_rejected(const wire::RowsRejected& rejected, const wire::Bytes& batch) {
  if (rejected.sequence != sequence_ || batch.empty()) return;
  const bool first_time = learned_.rejected == rejected_before_it_;
  learned_.rejected = rejected_before_it_ + rejected.rows;
  if (!first_time || learned_.rejections.size() == kMaxRejectionsListed) return;
  const auto header = wire::read_fixed<wire::BatchHeader>(batch, 1);
  ACCRUE_ASSERT(header);
  learned_.rejections.push_back({.row = learned_.rows - header->count + rejected.first_row + 1,
                                 .reason = rejected.reason,
                                 .field = field_at_fault(rejected, batch)});
}

std::string Learning::field_at_fault(const wire::RowsRejected& rejected, const wire::Bytes& batch) const {
  wire::Frame frame;
  ACCRUE_ASSERT(frame.parse(batch, wire::Sender::kTrusted) == wire::DecodeError::kNone);
  const auto rows = Conversation::read<wire::Batch>(frame).rows;
  const msgpack::object& row = rows.friendly->via.array.ptr[rejected.first_row];
  const std::vector<std::string> columns = opened_.spec.columns();
  if (row.type == msgpack::type::ARRAY) return field_in(row.via.array, columns, rejected.reason);
  if (row.type == msgpack::type::MAP) return field_in(row.via.map, columns, rejected.reason);
  return {};
}

}  // namespace accrue::daemon::http
