#include "daemon/worker.hpp"

#include <utility>

#include "ingest/wire/assert.hpp"
#include "ingest/wire/fixed_width.hpp"

namespace accrue::daemon {
namespace {

constexpr std::chrono::milliseconds kHeartbeat{1'000};  // StreamTableOptions::worker_silence is several of them
constexpr const char* kNoDaemon = "what answers there does not speak to workers: is it a daemon's worker_listen?";

}  // namespace

Worker::Worker(const std::string& name, ingest::Say to_receiver, TimePoint now)
    : to_receiver_(std::move(to_receiver)), spoke_(now) {
  to_receiver_(wire::encode(ingest::Join{ACCRUE_VERSION, name}));
}

void Worker::on_message(wire::BytesView message, zmq::message_t rows) {
  // Most are these, which need no parser.
  if (const auto what = wire::read_fixed<ingest::Deliver>(message)) {
    return streams_.at(what->stream_id).take(HeldStream::Delivery{*what, std::move(rows)});
  }
  if (frame_.parse(message, wire::Sender::kTrusted) != wire::DecodeError::kNone) return dismissed(kNoDaemon);
  const auto step = [&](const auto& what) { streams_.at(what.stream_id).take(what); };
  switch (frame_.type()) {
    case ingest::Exchange::kType: return step(ingest::read<ingest::Exchange>(frame_));
    case ingest::ChangeModels::kType: return step(ingest::read<ingest::ChangeModels>(frame_));
    case ingest::Barrier::kType: return step(ingest::read<ingest::Barrier>(frame_));
    case ingest::Share::kType: {
      const auto share = ingest::read<ingest::Share>(frame_);
      return streams_.at(share.stream_id).see(share);
    }
    case ingest::OpenPartition::kType: return open(ingest::read<ingest::OpenPartition>(frame_));
    case ingest::CloseStream::kType: return close(ingest::read<ingest::CloseStream>(frame_).stream_id);
    case ingest::Stranger::kType: standing_ = Standing::kStranger; return;
    case ingest::Dismiss::kType: return dismissed(ingest::read<ingest::Dismiss>(frame_).reason);
    default: return dismissed(kNoDaemon);
  }
}

void Worker::open(const ingest::OpenPartition& open) {
  const auto [stream, is_new] =
      streams_.try_emplace(open.stream_id, open, to_receiver_, [this](std::uint64_t ordinal) { learned(ordinal); });
  stream->second.open(open);
}

void Worker::close(std::uint64_t stream_id) {
  const auto closed = streams_.find(stream_id);
  if (closed == streams_.end()) return;
  closed->second.close();
  streams_.erase(closed);
}

void Worker::learned(std::uint64_t ordinal) {
  if (ordinal != applied_ + 1) {
    ahead_.insert(ordinal);
    return;
  }
  ++applied_;
  while (ahead_.erase(applied_ + 1) == 1) ++applied_;
}

void Worker::dismissed(const std::string& reason) {
  standing_ = Standing::kDismissed;
  reason_ = reason;
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
