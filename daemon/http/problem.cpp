#include "daemon/http/problem.hpp"

#include <utility>

namespace accrue::daemon::http {
namespace {

int status_of(wire::ErrorCode code) {
  using wire::ErrorCode;
  switch (code) {
    case ErrorCode::kUnknownStream:
    case ErrorCode::kUnknownEpoch:
    case ErrorCode::kUnknownModel: return 404;
    case ErrorCode::kSpecMismatch:
    case ErrorCode::kModelExists:
    case ErrorCode::kNoModelYet:
    case ErrorCode::kSuperseded:
    case ErrorCode::kRolledBack: return 409;
    case ErrorCode::kBadSpec:
    case ErrorCode::kBadRows: return 422;
    case ErrorCode::kTooMany:
    case ErrorCode::kStoreFailed:
    case ErrorCode::kShuttingDown: return 503;
    case ErrorCode::kMalformed:
    case ErrorCode::kUnknownType:
    case ErrorCode::kNoSession:
    case ErrorCode::kSequenceGap:
    case ErrorCode::kOverWindow: return 500;  // this side speaks the protocol, and is at fault
  }
  return 500;
}

const char* field_of(wire::ErrorCode code) {
  using wire::ErrorCode;
  switch (code) {
    case ErrorCode::kUnknownStream: return "stream";
    case ErrorCode::kUnknownEpoch: return "epoch";
    case ErrorCode::kUnknownModel:
    case ErrorCode::kModelExists: return "model";
    case ErrorCode::kBadRows: return "rows";
    default: return "";
  }
}

}  // namespace

Json Problem::body() const {
  std::string title = code_;
  for (char& c : title) {
    if (c == '_') c = ' ';
  }
  Json json = {
      {"type", "urn:accrue:" + code_}, {"title", title}, {"status", status_}, {"code", code_}, {"detail", what()}};
  if (!field_.empty()) json["field"] = field_;
  json.update(more);
  return json;
}

Problem problem_of(const wire::Error& error) {
  const std::string text = error.text.empty() ? to_string(error.code) : error.text;
  return {status_of(error.code), to_string(error.code), text, field_of(error.code)};
}

Problem bad_field(std::string field, const std::string& why) {
  std::string detail = field;
  detail += ": ";
  detail += why;
  return {422, "bad_field", detail, std::move(field)};
}

}  // namespace accrue::daemon::http
