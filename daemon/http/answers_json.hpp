// The daemon's answers as HTTP gives them. A figure that is not defined is null. Functions are re-entrant.
#pragma once

#include "daemon/http/learning.hpp"
#include "daemon/http/problem.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::daemon::http {

Json json_of(const wire::Status& status);  // without its streams
Json json_of(const wire::StreamStatus& stream);
Json json_of(const wire::Models& models);
Json json_of(const wire::Coef& coef);
Json json_of(const wire::Metrics& metrics);
Json json_of(const wire::History& history);
Json json_of(const wire::Epochs& epochs);
Json json_of(const wire::Prediction& prediction);
Json json_of(const Learned& learned);

// "2026-11-26T22:07:26.123Z"
std::string rfc3339(std::uint64_t unix_ms);

}  // namespace accrue::daemon::http
