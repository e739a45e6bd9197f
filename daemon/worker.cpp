#include "daemon/worker.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "daemon/snapshot.hpp"
#include "ingest/link.hpp"
#include "ingest/receiver.hpp"
#include "ingest/wire/assert.hpp"

namespace accrue::daemon {
namespace {

// Deliveries learned before the receiver is told, while more are waiting.
constexpr std::uint64_t kReportEvery = 64;

template <class Message>
Message read(const wire::Frame& frame) {
  Message message;
  ACCRUE_ASSERT(frame.read(message) == wire::DecodeError::kNone);
  return message;
}

}  // namespace

Worker::Worker(zmq::context_t& context, std::uint32_t index)
    : index_(index),
      inbox_(ingest::pull_socket(context, ingest::worker_link(index))),
      receiver_(ingest::push_socket(context, ingest::kReceiverLink)),
      committer_(ingest::push_socket(context, ingest::kCommitterLink)) {}

void Worker::run() {
  std::vector<zmq::pollitem_t> items = {{inbox_.handle(), 0, ZMQ_POLLIN, 0}};
  zmq::message_t message;
  for (;;) {
    if (!ingest::try_receive(inbox_, message)) {
      report_applied();
      ingest::wait(items, std::chrono::milliseconds(-1));
      continue;
    }
    if (!handle(ingest::view(message))) return;
    if (applied_ - reported_ >= kReportEvery) report_applied();
  }
}

bool Worker::handle(wire::BytesView message) {
  ACCRUE_ASSERT(frame_.parse(message, wire::Sender::kTrusted) == wire::DecodeError::kNone);
  switch (frame_.type()) {
    case ingest::Deliver::kType: {
      zmq::message_t rows;
      ACCRUE_ASSERT(ingest::try_receive(inbox_, rows));
      learn(read<ingest::Deliver>(frame_), ingest::view(rows));
      return true;
    }
    case ingest::Barrier::kType: report_states(read<ingest::Barrier>(frame_)); return true;
    case ingest::OpenPartition::kType: open(read<ingest::OpenPartition>(frame_)); return true;
    case ingest::ClosePartition::kType: {
      const auto close = read<ingest::ClosePartition>(frame_);
      auto& partitions = streams_[close.stream_id];
      partitions.erase(close.partition);
      if (partitions.empty()) streams_.erase(close.stream_id);
      return true;
    }
    default: ACCRUE_ASSERT(frame_.type() == ingest::Stop::kType); return false;
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
    ingest::send(committer_, wire::encode(ingest::PartitionState{barrier.stream_id, barrier.epoch, index,
                                                                 partition.model.encode()}));
  }
}

void Worker::report_applied() {
  if (reported_ == applied_) return;
  reported_ = applied_;
  ingest::send(receiver_, wire::encode(ingest::Applied{index_, applied_}));
}

}  // namespace accrue::daemon
