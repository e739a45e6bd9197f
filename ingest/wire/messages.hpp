// Every message between a client and the daemon's ingest socket, and what these have in common with those of the query
// socket (queries.hpp). WIRE.md describes each with an example of its bytes; these headers and that document are held
// together by golden files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "ingest/wire/codec.hpp"
#include "ingest/wire/stream_spec.hpp"

namespace accrue::wire {

enum class DataType : std::uint8_t { kFloat64 = 0, kFloat32 = 1 };
constexpr std::uint8_t enumerators(DataType) { return 2; }
constexpr std::size_t size_of(DataType type) { return type == DataType::kFloat64 ? sizeof(double) : sizeof(float); }

enum class ErrorCode : std::uint8_t {
  kMalformed = 0,  // the frame could not be decoded
  kUnknownType,    // a message type that this socket does not serve
  kNoSession,      // not greeted (the daemon may have restarted): say Hello and Open again
  kUnknownStream,  // no such stream
  kBadSpec,        // a stream's name or specification is not acceptable
  kSpecMismatch,   // the stream exists with another specification
  kSequenceGap,    // a batch is missing before this one: Open again and resend from there
  kOverWindow,     // more bytes outstanding than the credit granted
  kSuperseded,     // another connection has taken over this producer's name
  kTooMany,        // a limit on streams or producers is reached
  kNoModelYet,     // the stream has not learned a row yet
  kBadRows,        // rows to predict are not usable
  kStoreFailed,    // the daemon could not read or write its store
  kShuttingDown,   // the daemon is stopping
  kUnknownEpoch,   // the epoch asked for is not kept
  kRolledBack,     // the stream is as of an earlier epoch again: what came after is not in it
  kUnknownModel,   // the stream has no model of that name
  kModelExists,    // the stream has a model of that name already
};
constexpr std::uint8_t enumerators(ErrorCode) { return 18; }
const char* to_string(ErrorCode code);

enum class RejectReason : std::uint8_t {
  kNotFinite = 0,  // a NaN or an infinity
  kMagnitude,      // beyond 1e150, or beyond it after weighting
  kWeight,         // a negative weight
  kRowLength,      // not the stream's number of columns
  kMissingColumn,  // a row given by names lacks a column
  kUnknownColumn,  // a row given by names has a column that the stream does not
  kNotANumber,     // a friendly row's value is not a number
  kBadIndex,       // a sparse row's columns do not increase, or one is not below the dimension
};
inline constexpr std::uint8_t kRejectReasons = 8;
constexpr std::uint8_t enumerators(RejectReason) { return kRejectReasons; }
const char* to_string(RejectReason reason);

struct RejectedRows {
  RejectReason reason = RejectReason::kNotFinite;
  std::uint64_t rows = 0;
  auto fields() { return std::tie(reason, rows); }
};

// ---- client to the ingest socket ----

struct Hello {
  static constexpr std::uint8_t kType = 1;
  std::string producer;    // who sends; must be the same after a reconnect
  bool ephemeral = false;  // the daemon may forget this producer after its Bye
  auto fields() { return std::tie(producer, ephemeral); }
};

struct Open {
  static constexpr std::uint8_t kType = 2;
  std::string stream;
  std::optional<StreamSpec> spec;  // given: create the stream if it is new, otherwise it must be the same
  auto fields() { return std::tie(stream, spec); }
};

struct Batch {
  static constexpr std::uint8_t kType = 3;
  std::uint64_t stream_id = 0;
  std::uint64_t sequence = 0;  // 1, 2, 3 ... for each stream and producer
  DataType dtype = DataType::kFloat64;
  std::uint32_t count = 0;  // rows
  Rows rows;
  auto fields() { return std::tie(stream_id, sequence, dtype, count, rows); }
};

struct Flush {
  static constexpr std::uint8_t kType = 4;
  std::uint64_t stream_id = 0;
  auto fields() { return std::tie(stream_id); }
};

struct Ping {
  static constexpr std::uint8_t kType = 5;
  auto fields() { return std::tie(); }
};

struct Bye {
  static constexpr std::uint8_t kType = 6;
  auto fields() { return std::tie(); }
};

struct Drop {
  static constexpr std::uint8_t kType = 7;
  std::string stream;
  auto fields() { return std::tie(stream); }
};

struct Rollback {
  static constexpr std::uint8_t kType = 8;
  std::uint64_t request = 0;  // echoed in the answer
  std::string stream;
  std::uint64_t epoch = 0;  // a kept one: the stream is to be again what it was then
  auto fields() { return std::tie(request, stream, epoch); }
};

struct AddModel {
  static constexpr std::uint8_t kType = 9;
  std::uint64_t request = 0;
  std::string stream;
  ModelSpec model;
  auto fields() { return std::tie(request, stream, model); }
};

struct DropModel {
  static constexpr std::uint8_t kType = 10;
  std::uint64_t request = 0;
  std::string stream;
  std::string model;
  auto fields() { return std::tie(request, stream, model); }
};

struct PromoteModel {
  static constexpr std::uint8_t kType = 11;
  std::uint64_t request = 0;
  std::string stream;
  std::string model;  // to be the champion
  auto fields() { return std::tie(request, stream, model); }
};

// ---- the ingest socket to a client ----

struct Welcome {
  static constexpr std::uint8_t kType = 32;
  std::string version;
  std::string query_endpoint;  // where predictions are answered; for tcp only the port counts, the host is the client's
  std::uint64_t max_message_bytes = 0;
  auto fields() { return std::tie(version, query_endpoint, max_message_bytes); }
};

struct Opened {
  static constexpr std::uint8_t kType = 33;
  std::string stream;
  std::uint64_t stream_id = 0;
  StreamSpec spec;
  std::uint64_t accepted = 0;      // this producer's last batch the daemon has: resend from the next
  std::uint64_t durable = 0;       // and the last one that is in an epoch on disk
  std::uint64_t window_bytes = 0;  // credit: bytes of batches that may be outstanding (sent, not durable)
  auto fields() { return std::tie(stream, stream_id, spec, accepted, durable, window_bytes); }
};

struct Ack {
  static constexpr std::uint8_t kType = 34;
  std::uint64_t stream_id = 0;
  std::uint64_t applied = 0;  // every batch up to this sequence is learned
  std::uint64_t durable = 0;  // ... is in an epoch on disk
  std::uint64_t window_bytes = 0;
  auto fields() { return std::tie(stream_id, applied, durable, window_bytes); }
};

struct RowsRejected {
  static constexpr std::uint8_t kType = 35;
  std::uint64_t stream_id = 0;
  std::uint64_t sequence = 0;
  std::uint32_t rows = 0;                          // how many of the batch
  std::uint32_t first_row = 0;                     // the first of them, from 0
  RejectReason reason = RejectReason::kNotFinite;  // of the first
  auto fields() { return std::tie(stream_id, sequence, rows, first_row, reason); }
};

struct Pong {
  static constexpr std::uint8_t kType = 36;
  auto fields() { return std::tie(); }
};

struct Error {
  static constexpr std::uint8_t kType = 37;
  std::uint64_t request = 0;  // the query, rollback or change of models it answers; otherwise 0
  ErrorCode code = ErrorCode::kMalformed;
  std::string about;  // the stream's name, where it is about one
  std::string text;
  auto fields() { return std::tie(request, code, about, text); }
};

struct Dropped {
  static constexpr std::uint8_t kType = 38;
  std::string stream;
  auto fields() { return std::tie(stream); }
};

struct RolledBack {
  static constexpr std::uint8_t kType = 39;
  std::uint64_t request = 0;
  std::string stream;
  std::uint64_t epoch = 0;  // the new one, a copy of the one asked for
  auto fields() { return std::tie(request, stream, epoch); }
};

struct ModelsChanged {
  static constexpr std::uint8_t kType = 40;
  std::uint64_t request = 0;
  std::string stream;
  std::uint64_t epoch = 0;  // the first on disk that has the change
  auto fields() { return std::tie(request, stream, epoch); }
};

}  // namespace accrue::wire
