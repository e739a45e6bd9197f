// A stream's specification as the JSON text that the store keeps, so that SQL can look into it. Functions are
// re-entrant.
#pragma once

#include <string>

#include "ingest/wire/stream_spec.hpp"

namespace accrue::daemon {

std::string to_json(const wire::StreamSpec& spec);

// Throws std::runtime_error that says what is wrong with the text.
wire::StreamSpec spec_from_json(const std::string& text);

}  // namespace accrue::daemon
