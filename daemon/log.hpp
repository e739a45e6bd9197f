// Structured logs on stderr: one event a line, named, with fields; as text for people or as JSON for programs.
//
//   log_info("epoch_durable", {{"stream", name}, {"epoch", epoch}});
//
// Any thread. configure_log() once, before the first event.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "daemon/config.hpp"

namespace accrue::daemon {

void configure_log(LogLevel level, LogFormat format);

using LogFields = nlohmann::ordered_json;  // an object

void log_debug(std::string_view event, const LogFields& fields = LogFields::object());
void log_info(std::string_view event, const LogFields& fields = LogFields::object());
void log_warn(std::string_view event, const LogFields& fields = LogFields::object());
void log_error(std::string_view event, const LogFields& fields = LogFields::object());

}  // namespace accrue::daemon
