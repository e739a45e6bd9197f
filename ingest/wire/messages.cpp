#include "ingest/wire/messages.hpp"

namespace accrue::wire {

const char* to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformed: return "malformed";
    case ErrorCode::kUnknownType: return "unknown_type";
    case ErrorCode::kNoSession: return "no_session";
    case ErrorCode::kUnknownStream: return "unknown_stream";
    case ErrorCode::kBadSpec: return "bad_spec";
    case ErrorCode::kSpecMismatch: return "spec_mismatch";
    case ErrorCode::kSequenceGap: return "sequence_gap";
    case ErrorCode::kOverWindow: return "over_window";
    case ErrorCode::kSuperseded: return "superseded";
    case ErrorCode::kTooMany: return "too_many";
    case ErrorCode::kNoModelYet: return "no_model_yet";
    case ErrorCode::kBadRows: return "bad_rows";
    case ErrorCode::kStoreFailed: return "store_failed";
    case ErrorCode::kShuttingDown: return "shutting_down";
    case ErrorCode::kUnknownEpoch: return "unknown_epoch";
    case ErrorCode::kRolledBack: return "rolled_back";
    case ErrorCode::kUnknownModel: return "unknown_model";
    case ErrorCode::kModelExists: return "model_exists";
  }
  return "unknown";
}

const char* to_string(RejectReason reason) {
  switch (reason) {
    case RejectReason::kNotFinite: return "not_finite";
    case RejectReason::kMagnitude: return "magnitude";
    case RejectReason::kWeight: return "weight";
    case RejectReason::kRowLength: return "row_length";
    case RejectReason::kMissingColumn: return "missing_column";
    case RejectReason::kUnknownColumn: return "unknown_column";
    case RejectReason::kNotANumber: return "not_a_number";
    case RejectReason::kBadIndex: return "bad_index";
  }
  return "unknown";
}

}  // namespace accrue::wire
