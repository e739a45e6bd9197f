#include "daemon/log.hpp"

#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace accrue::daemon {
namespace {

bool as_json = false;  // written once, before other threads start

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace: return spdlog::level::trace;
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

// key=value, values with blanks in them quoted.
std::string as_text(std::string_view event, const LogFields& fields) {
  std::string line(event);
  for (const auto& [key, value] : fields.items()) {
    const bool bare =
        value.is_string() && value.get_ref<const std::string&>().find_first_of(" \"\n") == std::string::npos;
    line += " " + key + "=" + (bare ? value.get<std::string>() : value.dump());
  }
  return line;
}

void log_event(spdlog::level::level_enum level, std::string_view event, const LogFields& fields) {
  if (!spdlog::should_log(level)) return;
  if (!as_json) {
    spdlog::log(level, "{}", as_text(event, fields));
    return;
  }
  LogFields line = {{"event", event}};
  line.update(fields);
  spdlog::log(level, "{}", line.dump(-1, ' ', false, LogFields::error_handler_t::replace).substr(1));
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  as_json = format == LogFormat::kJson;
  auto logger = std::make_shared<spdlog::logger>("accrued", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog_level(level));
  logger->flush_on(spdlog::level::trace);
  const char* text = "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v";
  const char* json = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)";  // the fields bring the closing brace
  logger->set_pattern(as_json ? json : text, spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(logger));
}

void log_debug(std::string_view event, const LogFields& fields) { log_event(spdlog::level::debug, event, fields); }
void log_info(std::string_view event, const LogFields& fields) { log_event(spdlog::level::info, event, fields); }
void log_warn(std::string_view event, const LogFields& fields) { log_event(spdlog::level::warn, event, fields); }
void log_error(std::string_view event, const LogFields& fields) { log_event(spdlog::level::err, event, fields); }

}  // namespace accrue::daemon
