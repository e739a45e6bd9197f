#include "daemon/worker.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/snapshot.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::daemon {
namespace {

template <class Message>
Message read(const wire::Frame& frame) {
  Message message;
  ACCRUE_ASSERT(frame.read(message) == wire::DecodeError::kNone);
  return message;
}

}  // namespace

Worker::Worker(std::uint32_t index, ingest::Say to_receiver, ingest::Say to_committer)
    : index_(index), to_receiver_(std::move(to_receiver)), to_committer_(std::move(to_committer)) {}

void Worker::on_message(wire::BytesView message, wire::BytesView rows) {
  ACCRUE_ASSERT(frame_.parse(message, wire::Sender::kTrusted) == wire::DecodeError::kNone);
  switch (frame_.type()) {
    case ingest::Deliver::kType: return learn(read<ingest::Deliver>(frame_), rows);
    case ingest::Barrier::kType: return report_states(read<ingest::Barrier>(frame_));
    case ingest::OpenPartition::kType: return open(read<ingest::OpenPartition>(frame_));
    case ingest::ClosePartition::kType: return close(read<ingest::ClosePartition>(frame_));
    default: ACCRUE_ASSERT(frame_.type() == ingest::Stop::kType); stopped_ = true;
  }
}

void Worker::open(const ingest::OpenPartition& open) {
  std::optional<models::Model> model(std::in_place, learner_options(open.spec));
  if (!open.state.empty()) {
    ACCRUE_ASSERT(models::Model::decode(open.state, model) == models::DecodeError::kNone);  // recovery has checked it
  }
  streams_[open.stream_id].insert_or_assign(open.partition,
                                            Partition{open.spec, open.spec.column_count(), std::move(*model)});
}

void Worker::close(const ingest::ClosePartition& close) {
  auto& partitions = streams_[close.stream_id];
  partitions.erase(close.partition);
  if (partitions.empty()) streams_.erase(close.stream_id);
}

void Worker::learn(const ingest::Deliver& deliver, wire::BytesView rows) {
  Partition& partition = streams_.at(deliver.stream_id).at(deliver.partition);
  const std::size_t values = deliver.rows * partition.columns;
  ACCRUE_ASSERT(deliver.offset + values * wire::size_of(deliver.dtype) <= rows.size());
  const std::byte* begin = rows.data() + deliver.offset;

  models::RowsView view{nullptr, deliver.rows, partition.columns, partition.spec.features.size(),
                        partition.spec.weighted};
  if (deliver.dtype == wire::DataType::kFloat64) {
    view.data = reinterpret_cast<const double*>(begin);
  } else {
    const auto* narrow = reinterpret_cast<const float*>(begin);
    widened_.assign(narrow, narrow + values);
    view.data = widened_.data();
  }
  partition.model.learn(view);
  applied_ = deliver.ordinal;
}

void Worker::report_states(const ingest::Barrier& barrier) {
  for (const auto& [index, partition] : streams_.at(barrier.stream_id)) {
    to_committer_(
        wire::encode(ingest::PartitionState{barrier.stream_id, barrier.epoch, index, partition.model.encode()}));
  }
}

void Worker::report_applied() {
  if (reported_ == applied_) return;
  reported_ = applied_;
  to_receiver_(wire::encode(ingest::Applied{index_, applied_}));
}

}  // namespace accrue::daemon
