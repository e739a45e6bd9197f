// What the daemon's own parts say to each other: receiver, workers and committer. The same encoding as the protocol
// with clients (one list of fields a message), on sockets of the daemon's own.
//
//   worker -> receiver     Join, Applied, PartitionState, Share, Alive, Leave
//   receiver -> worker     OpenPartition, Deliver (+ a second frame: the rows), Exchange, ChangeModels, Barrier,
//                          CloseStream, Stranger, Dismiss; and of other workers Share (passed on)
//   receiver -> committer  CreateStream, DropStream, EpochCut, PartitionState (passed on), Rewind,
//                          RollBackStream, Stop
//   committer -> receiver  StreamCreated, StreamDropped, EpochDurable, RecoveredStream, StreamRolledBack
//   supervisor -> receiver WorkerGone
//
// A stream's generation goes up whenever it is rewound: what a worker says of an earlier one is void.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "ingest/wire/assert.hpp"
#include "ingest/wire/codec.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::ingest {

// The message in a frame whose sender, one of these parts, cannot have sent another.
template <class Message>
Message read(const wire::Frame& frame) {
  Message message;
  ACCRUE_ASSERT(frame.read(message) == wire::DecodeError::kNone);
  return message;
}

// How one of these parts speaks to another: sends a message on, without ever blocking.
using Say = std::function<void(const wire::Bytes& message)>;

// Learn this partition from `state` on, or from nothing where it is empty.
struct OpenPartition {
  static constexpr std::uint8_t kType = 64;
  std::uint64_t stream_id = 0;
  std::uint64_t generation = 0;
  std::uint32_t partition = 0;
  wire::StreamSpec spec;
  wire::Bytes state;
  auto fields() { return std::tie(stream_id, generation, partition, spec, state); }
};

// Where a row stood in the batch that it was picked out of.
using Place = std::uint32_t;

// Of fixed width (wire/fixed_width.hpp).
// Learn the `rows` rows that begin at byte `offset` of the frame that follows. Deliveries to a worker are numbered.
// Among all rows of the stream they are first_index, first_index + 1 ...; or, when `picked`, first_index and the Place
// of each, which stand behind the rows. Sparse rows are a bin (wire/sparse_rows.hpp) of so many values.
struct Deliver {
  static constexpr std::uint8_t kType = 65;
  std::uint64_t stream_id = 0;
  std::uint32_t partition = 0;
  std::uint64_t ordinal = 0;
  wire::DataType dtype = wire::DataType::kFloat64;
  std::uint32_t rows = 0;
  std::uint64_t offset = 0;
  std::uint64_t first_index = 0;
  bool picked = false;
  std::uint64_t nonzeros = 0;
  auto fields() { return std::tie(stream_id, partition, ordinal, dtype, rows, offset, first_index, picked, nonzeros); }
};

// The cut of an epoch: send the committer the state of every partition of the stream as it is now.
struct Barrier {
  static constexpr std::uint8_t kType = 66;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;
  auto fields() { return std::tie(stream_id, epoch); }
};

// Forget what you hold of it, if you hold any.
struct CloseStream {
  static constexpr std::uint8_t kType = 67;
  std::uint64_t stream_id = 0;
  auto fields() { return std::tie(stream_id); }
};

struct Stop {
  static constexpr std::uint8_t kType = 68;
  auto fields() { return std::tie(); }
};

// Every delivery up to this one is learned.
struct Applied {
  static constexpr std::uint8_t kType = 69;
  std::uint64_t ordinal = 0;
  auto fields() { return std::tie(ordinal); }
};

struct PartitionState {
  static constexpr std::uint8_t kType = 70;
  std::uint64_t stream_id = 0;
  std::uint64_t generation = 0;
  std::uint64_t epoch = 0;
  std::uint32_t partition = 0;
  wire::BytesView state;         // into the message, which is passed on as it is
  wire::BytesView evicted = {};  // likewise: EvictedKeys, encoded; empty for none
  auto fields() { return std::tie(stream_id, generation, epoch, partition, state, evicted); }
};

struct EvictedKey {
  std::string model;
  std::uint64_t beginning = 0;  // of the state, as is the key
  double key = 0;
  wire::Bytes state;  // models/key_state.hpp
  auto fields() { return std::tie(model, beginning, key, state); }
};

// What models of each key had learned of those that they let go of since the epoch before. Never sent by itself: a bin,
// as a frame of so many values is only read where its sender is trusted.
struct EvictedKeys {
  static constexpr std::uint8_t kType = 95;
  std::vector<EvictedKey> keys;
  auto fields() { return std::tie(keys); }
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

// The partitions of the stream are to see what the others have learned when it had so many rows (ingest/exchange.hpp):
// hand out a share of each that you hold, and learn nothing more of the stream before you have those of all.
struct Exchange {
  static constexpr std::uint8_t kType = 85;
  std::uint64_t stream_id = 0;
  std::uint64_t rows = 0;
  auto fields() { return std::tie(stream_id, rows); }
};

struct Share {
  static constexpr std::uint8_t kType = 86;
  std::uint64_t stream_id = 0;
  std::uint64_t generation = 0;
  std::uint64_t rows = 0;  // of the exchange
  std::uint32_t partition = 0;
  wire::BytesView share;  // into the message, which is passed on as it is
  auto fields() { return std::tie(stream_id, generation, rows, partition, share); }
};

struct ModelChange {
  enum class Kind : std::uint8_t { kAdd, kDrop, kPromote };
  friend constexpr std::uint8_t enumerators(Kind) { return 3; }
  Kind kind = Kind::kAdd;
  wire::ModelSpec model;  // of one that is dropped or promoted only the name

  bool operator==(const ModelChange&) const = default;
  auto fields() { return std::tie(kind, model); }
};

// At this place among the rows the models of the stream change. They can: the receiver has judged it.
struct ChangeModels {
  static constexpr std::uint8_t kType = 89;
  std::uint64_t stream_id = 0;
  ModelChange change;
  auto fields() { return std::tie(stream_id, change); }
};

// A worker's first word on a connection. It holds nothing.
struct Join {
  static constexpr std::uint8_t kType = 77;
  std::string version;
  std::string name;  // the same in WorkerGone, and for people
  auto fields() { return std::tie(version, name); }
};

// A worker's word when it has had nothing else to say for a while.
struct Alive {
  static constexpr std::uint8_t kType = 78;
  auto fields() { return std::tie(); }
};

// The worker ends; its partitions may go elsewhere at once.
struct Leave {
  static constexpr std::uint8_t kType = 79;
  auto fields() { return std::tie(); }
};

// To a worker that is not known, or no more: whatever you hold is void. Join anew, on a new connection.
struct Stranger {
  static constexpr std::uint8_t kType = 80;
  auto fields() { return std::tie(); }
};

// To a worker that cannot be used, and why: end.
struct Dismiss {
  static constexpr std::uint8_t kType = 81;
  std::string reason;
  auto fields() { return std::tie(reason); }
};

// A worker's process has ended.
struct WorkerGone {
  static constexpr std::uint8_t kType = 82;
  std::string name;
  auto fields() { return std::tie(name); }
};

// The stream's epochs that are not ready to be written are void: answer with its newest one.
struct Rewind {
  static constexpr std::uint8_t kType = 83;
  std::uint64_t stream_id = 0;
  auto fields() { return std::tie(stream_id); }
};

// A stream as its newest intact epoch has it: what it goes on from, after a restart, a Rewind and a RollBackStream.
struct RecoveredStream {
  static constexpr std::uint8_t kType = 84;
  std::uint64_t id = 0;
  std::string name;
  wire::StreamSpec spec;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::vector<ProducerMark> producers;
  std::vector<wire::RejectedRows> rejected;
  std::vector<wire::Bytes> states;   // by partition; empty before the first epoch
  std::uint64_t rolled_back_to = 0;  // the epoch that this one is a copy of, when it has just been made; otherwise 0
  std::vector<std::string> models = {};  // by name, in the order they were added; empty: those of the specification
  std::string champion = {};
  auto fields() {
    return std::tie(id, name, spec, epoch, rows, producers, rejected, states, rolled_back_to, models, champion);
  }
};

// As Rewind, but before that make an epoch numbered `as` that is a copy of `epoch`. A StreamRolledBack answers too.
struct RollBackStream {
  static constexpr std::uint8_t kType = 87;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;
  std::uint64_t as = 0;
  auto fields() { return std::tie(stream_id, epoch, as); }
};

struct StreamRolledBack {
  static constexpr std::uint8_t kType = 88;
  std::uint64_t stream_id = 0;
  std::uint64_t epoch = 0;  // the copy's number; 0 where it failed
  wire::ErrorCode code = wire::ErrorCode::kStoreFailed;
  std::string error;
  auto fields() { return std::tie(stream_id, epoch, code, error); }
};

}  // namespace accrue::ingest
