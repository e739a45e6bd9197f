#include "daemon/worker.hpp"

#include <cstring>
#include <optional>
#include <utility>

#include "daemon/snapshot.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::daemon {
namespace {

constexpr std::chrono::milliseconds kHeartbeat{1'000};  // StreamTableOptions::worker_silence is several of them
constexpr const char* kNoDaemon = "what answers there does not speak to workers: is it a daemon's worker_listen?";

template <class Real>
void copy_as_doubles(const std::byte* from, std::size_t count, std::vector<double>& to) {
  to.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Real value;
    std::memcpy(&value, from + i * sizeof(Real), sizeof(Real));
    to[i] = value;
  }
}

}  // namespace

Worker::Worker(const std::string& name, ingest::Say to_receiver, TimePoint now)
    : to_receiver_(std::move(to_receiver)), spoke_(now) {
  to_receiver_(wire::encode(ingest::Join{ACCRUE_VERSION, name}));
}

void Worker::on_message(wire::BytesView message, wire::BytesView rows) {
  if (frame_.parse(message, wire::Sender::kTrusted) != wire::DecodeError::kNone) return dismissed(kNoDaemon);
  switch (frame_.type()) {
    case ingest::Deliver::kType: return learn(ingest::read<ingest::Deliver>(frame_), rows);
    case ingest::Barrier::kType: return report_states(ingest::read<ingest::Barrier>(frame_));
    case ingest::OpenPartition::kType: return open(ingest::read<ingest::OpenPartition>(frame_));
    case ingest::CloseStream::kType: streams_.erase(ingest::read<ingest::CloseStream>(frame_).stream_id); return;
    case ingest::Stranger::kType: standing_ = Standing::kStranger; return;
    case ingest::Dismiss::kType: return dismissed(ingest::read<ingest::Dismiss>(frame_).reason);
    default: return dismissed(kNoDaemon);
  }
}

void Worker::dismissed(const std::string& reason) {
  standing_ = Standing::kDismissed;
  reason_ = reason;
}

void Worker::open(const ingest::OpenPartition& open) {
  std::optional<models::Model> model(std::in_place, learner_options(open.spec));
  if (!open.state.empty()) {
    ACCRUE_ASSERT(models::Model::decode(open.state, model) == models::DecodeError::kNone);  // recovery has checked it
  }
  streams_[open.stream_id].insert_or_assign(
      open.partition, Partition{open.generation, open.spec, open.spec.column_count(), std::move(*model)});
}

void Worker::learn(const ingest::Deliver& deliver, wire::BytesView rows) {
  Partition& partition = streams_.at(deliver.stream_id).at(deliver.partition);
  const std::size_t values = deliver.rows * partition.columns;
  ACCRUE_ASSERT(deliver.offset + values * wire::size_of(deliver.dtype) <= rows.size());
  const std::byte* begin = rows.data() + deliver.offset;

  models::RowsView view{nullptr, deliver.rows, partition.columns, partition.spec.features.size(),
                        partition.spec.weighted};
  const bool aligned = reinterpret_cast<std::uintptr_t>(begin) % alignof(double) == 0;  // or it came over a network
  if (deliver.dtype == wire::DataType::kFloat64 && aligned) {
    view.data = reinterpret_cast<const double*>(begin);
  } else {
    const bool wide = deliver.dtype == wire::DataType::kFloat64;
    wide ? copy_as_doubles<double>(begin, values, copied_) : copy_as_doubles<float>(begin, values, copied_);
    view.data = copied_.data();
  }
  partition.model.learn(view);
  applied_ = deliver.ordinal;
}

void Worker::report_states(const ingest::Barrier& barrier) {
  for (const auto& [index, partition] : streams_.at(barrier.stream_id)) {
    const wire::Bytes state = partition.model.encode();
    to_receiver_(
        wire::encode(ingest::PartitionState{barrier.stream_id, partition.generation, barrier.epoch, index, state}));
  }
}

Worker::TimePoint Worker::settle(TimePoint now) {
  if (reported_ != applied_) {
    to_receiver_(wire::encode(ingest::Applied{applied_}));
    spoke_ = now;
  } else if (now >= spoke_ + kHeartbeat) {
    to_receiver_(wire::encode(ingest::Alive{}));
    spoke_ = now;
  }
  reported_ = applied_;
  return spoke_ + kHeartbeat;
}

void Worker::leave() { to_receiver_(wire::encode(ingest::Leave{})); }

}  // namespace accrue::daemon
