// What the daemon's own parts say to each other: receiver, workers and committer. The same encoding as the protocol
// with clients (one list of fields a message), on sockets of the daemon's own that no client can reach.
//
//   receiver -> worker     OpenPartition, Deliver (+ a second frame: the rows), Barrier, ClosePartition, Stop
//   worker -> receiver     Applied
//   worker -> committer    PartitionState
//   receiver -> committer  CreateStream, DropStream, EpochCut, Stop
//   committer -> receiver  StreamCreated, StreamDropped, EpochDurable
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "ingest/wire/codec.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::ingest {

// How one of these parts speaks to another: sends a message on, without ever blocking.
using Say = std::function<void(const wire::Bytes& message)>;

// Learn this partition from `state` on, or from nothing where it is empty.
struct OpenPartition {
  static constexpr std::uint8_t kType = 64;
  std::uint64_t stream_id = 0;
  std::uint32_t partition = 0;
  wire::StreamSpec spec;
  wire::Bytes state;
  auto fields() { return std::tie(stream_id, partition, spec, state); }
};

// Learn the `rows` rows that begin at byte `offset` of the frame that follows. Deliveries to a worker are numbered.
struct Deliver {
  static constexpr std::uint8_t kType = 65;
  std::uint64_t stream_id = 0;
  std::uint32_t partition = 0;
  std::uint64_t ordinal = 0;
  wire::DataType dtype = wire::DataType::kFloat64;
  std::uint32_t rows = 0;
  std::uint64_t offset = 0;
  auto fields() { return std::tie(stream_id, partition, ordinal, dtype, rows, offset); }
};

// The cut of an epoch: send the committer the state of every partition of the stream as it is now.
struct Barrier {
  static constexpr std::uint8_t kType = 66;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;
  auto fields() { return std::tie(stream_id, epoch); }
};

struct ClosePartition {
  static constexpr std::uint8_t kType = 67;
  std::uint64_t stream_id = 0;
  std::uint32_t partition = 0;
  auto fields() { return std::tie(stream_id, partition); }
};

struct Stop {
  static constexpr std::uint8_t kType = 68;
  auto fields() { return std::tie(); }
};

// Every delivery up to this one is learned.
struct Applied {
  static constexpr std::uint8_t kType = 69;
  std::uint32_t worker = 0;
  std::uint64_t ordinal = 0;
  auto fields() { return std::tie(worker, ordinal); }
};

struct PartitionState {
  static constexpr std::uint8_t kType = 70;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;
  std::uint32_t partition = 0;
  wire::Bytes state;
  auto fields() { return std::tie(stream_id, epoch, partition, state); }
};

struct CreateStream {
  static constexpr std::uint8_t kType = 71;
  std::string name;
  wire::StreamSpec spec;
  auto fields() { return std::tie(name, spec); }
};

struct DropStream {
  static constexpr std::uint8_t kType = 72;
  std::uint64_t stream_id = 0;
  std::string name;
  auto fields() { return std::tie(stream_id, name); }
};

struct ProducerMark {
  std::string producer;
  std::uint64_t sequence = 0;
  auto fields() { return std::tie(producer, sequence); }
};

// What an epoch holds besides the states: rows so far, the producers whose sequence moved, those that may be forgotten.
struct EpochCut {
  static constexpr std::uint8_t kType = 73;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::vector<ProducerMark> producers;
  std::vector<std::string> departed;
  std::vector<wire::RejectedRows> rejected;
  auto fields() { return std::tie(stream_id, epoch, rows, producers, departed, rejected); }
};

struct StreamCreated {
  static constexpr std::uint8_t kType = 74;
  std::string name;
  std::uint64_t stream_id = 0;  // 0 where it failed
  std::string error;
  auto fields() { return std::tie(name, stream_id, error); }
};

struct StreamDropped {
  static constexpr std::uint8_t kType = 75;
  std::string name;
  std::string error;  // empty where it went well
  auto fields() { return std::tie(name, error); }
};

struct EpochDurable {
  static constexpr std::uint8_t kType = 76;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;
  auto fields() { return std::tie(stream_id, epoch); }
};

}  // namespace accrue::ingest
