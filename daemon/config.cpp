#include "daemon/config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/un.h>

namespace accrue::daemon {
namespace {

constexpr std::uint32_t kMaxWorkers = 64;
constexpr std::uint32_t kMaxPort = 65'535;
const std::vector<std::string> kLogLevels = {"trace", "debug", "info", "warn", "error"};  // as enumerated
const std::vector<std::string> kLogFormats = {"text", "json"};
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIpc = "ipc://";
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kNowhere = "none";
constexpr std::string_view kQuerySuffix = ".query";
// Leaves room for the query socket's suffix and the closing zero.
constexpr std::size_t kMaxIpcPathBytes = sizeof(sockaddr_un::sun_path) - 1 - kQuerySuffix.size();

std::optional<std::uint32_t> parse_integer(std::string_view text, std::uint32_t low, std::uint32_t high) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < low || value > high) return std::nullopt;
  return value;
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// Names that need a look-up are not among them: ZeroMQ binds addresses and interfaces only.
bool is_bindable_host(const std::string& host) {
  return host == "*" || is_ipv4(host) || if_nametoindex(host.c_str()) != 0;
}

struct TcpAddress {
  std::string host;
  std::uint32_t port;  // 0 for an ephemeral one, also when it was written as *
};

std::optional<TcpAddress> parse_address(std::string_view endpoint, std::string_view scheme) {
  if (!endpoint.starts_with(scheme)) return std::nullopt;
  const std::string_view address = endpoint.substr(scheme.size());
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host(address.substr(0, colon));
  const std::string_view port_text = address.substr(colon + 1);
  const auto port = port_text == "*" ? std::optional<std::uint32_t>(0) : parse_integer(port_text, 0, kMaxPort);
  if (!port || !is_bindable_host(host)) return std::nullopt;
  return TcpAddress{std::move(host), *port};
}

std::optional<TcpAddress> parse_tcp(std::string_view endpoint) { return parse_address(endpoint, kTcp); }

std::optional<HttpAddress> parse_http(std::string_view url) {
  const auto address = parse_address(url, kHttp);
  if (!address || (address->host != "*" && !is_ipv4(address->host))) return std::nullopt;
  return HttpAddress{address->host == "*" ? "0.0.0.0" : address->host, static_cast<std::uint16_t>(address->port)};
}

bool is_endpoint(std::string_view text) {
  if (text.starts_with(kIpc)) return text.size() > kIpc.size() && text.size() <= kIpc.size() + kMaxIpcPathBytes;
  return parse_tcp(text).has_value();
}

std::string flag_of(std::string_view key) {
  std::string flag = "--" + std::string(key);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

struct Range {
  std::uint32_t low;
  std::uint32_t high;
};

Setting integer_setting(std::string_view key, std::uint32_t Config::*member, Range range, std::string_view help) {
  const std::string value = std::to_string(Config().*member);
  return {.key = key,
          .flag = flag_of(key),
          .help = help,
          .allowed = "an integer from " + std::to_string(range.low) + " to " + std::to_string(range.high),
          .default_text = value,
          .example = value,
          .is_integer = true,
          .assign = [member, range](Config& config, std::string_view text) {
            const auto parsed = parse_integer(text, range.low, range.high);
            if (parsed) config.*member = *parsed;
            return parsed.has_value();
          }};
}

// `names` in the order of the enumeration.
template <typename Enum>
Setting choice_setting(std::string_view key, Enum Config::*member, std::vector<std::string> names,
                       std::string_view help) {
  const std::string value = names[static_cast<std::size_t>(Config().*member)];
  std::string allowed = "one of";
  for (const std::string& name : names) allowed += (&name == &names.front() ? " " : ", ") + name;
  return {.key = key,
          .flag = flag_of(key),
          .help = help,
          .allowed = std::move(allowed),
          .default_text = value,
          .example = quoted(value),
          .is_integer = false,
          .assign = [member, names = std::move(names)](Config& config, std::string_view text) {
            const auto found = std::find(names.begin(), names.end(), text);
            if (found != names.end()) config.*member = static_cast<Enum>(found - names.begin());
            return found != names.end();
          }};
}

Setting data_dir_setting() {
  return {.key = "data_dir",
          .flag = "--data",
          .help = "The directory that holds the models; made when missing",
          .allowed = "a path",
          .default_text = "$XDG_STATE_HOME/accrue, else ~/.local/state/accrue, else ./accrue-data",
          .example = quoted("/var/lib/accrue"),
          .is_integer = false,
          .assign = [](Config& config, std::string_view text) {
            if (!text.empty()) config.data_dir = text;
            return !text.empty();
          }};
}

Setting listen_setting() {
  const std::string value = Config().listen;
  return {.key = "listen",
          .flag = "--listen",
          .help = "Where rows are received",
          .allowed =
              "tcp://HOST:PORT or ipc://PATH (HOST: an IPv4 address, an interface or *; PORT: 0 to 65535, 0 or * for "
              "any free one; PATH: at most " +
              std::to_string(kMaxIpcPathBytes) + " bytes)",
          .default_text = value,
          .example = quoted(value),
          .is_integer = false,
          .assign = [](Config& config, std::string_view text) {
            if (is_endpoint(text)) config.listen = text;
            return is_endpoint(text);
          }};
}

// An endpoint that follows from others where it is empty.
Setting optional_endpoint_setting(std::string_view key, std::string Config::*member, std::string_view help,
                                  const std::string& or_empty) {
  return {.key = key,
          .flag = flag_of(key),
          .help = help,
          .allowed = "an endpoint as for listen, or empty for " + or_empty,
          .default_text = "empty",
          .example = quoted(""),
          .is_integer = false,
          .assign = [member](Config& config, std::string_view text) {
            const bool allowed = text.empty() || is_endpoint(text);
            if (allowed) config.*member = text;
            return allowed;
          }};
}

Setting http_setting() {
  return {.key = "http_listen",
          .flag = "--http-listen",
          .help = "Where HTTP is served: REST, events, metrics for Prometheus",
          .allowed =
              "http://HOST:PORT (HOST: an IPv4 address or *; PORT: as for listen), none, or empty for the same "
              "host and the port after the next, or none where listen is no tcp",
          .default_text = "empty",
          .example = quoted(""),
          .is_integer = false,
          .assign = [](Config& config, std::string_view text) {
            const bool allowed = text.empty() || text == kNowhere || parse_http(text);
            if (allowed) config.http_listen = text;
            return allowed;
          }};
}

Setting workers_setting() {
  Setting setting = integer_setting("workers", &Config::workers, {0, kMaxWorkers},
                                    "Workers that learn; with 0, those that join from outside do");
  setting.default_text = "the machine's cores less one";
  setting.example = "4";
  return setting;
}

std::vector<Setting> make_settings() {
  return {
      data_dir_setting(),
      listen_setting(),
      optional_endpoint_setting("query_listen", &Config::query_listen, "Where queries are answered",
                                "the same host and the next port"),
      http_setting(),
      workers_setting(),
      choice_setting("worker_kind", &Config::worker_kind, {"threads", "processes"},
                     "What workers are: threads of accrued, or processes that it starts and restarts"),
      optional_endpoint_setting("worker_listen", &Config::worker_listen,
                                "Where workers of other processes join (accrued worker)", "none from outside"),
      integer_setting("epoch_interval_ms", &Config::epoch_interval_ms, {1, 3'600'000},
                      "Milliseconds after which new rows are made durable"),
      integer_setting("epoch_rows", &Config::epoch_rows, {1, 1'000'000'000},
                      "New rows after which they are made durable sooner"),
      integer_setting("keep_epochs", &Config::keep_epochs, {2, 1'000'000}, "Newest epochs of a stream that are kept"),
      integer_setting("keep_epochs_hours", &Config::keep_epochs_hours, {0, 876'000},
                      "Hours for which they are kept at most, but for the newest two; 0: however old"),
      integer_setting("memory_limit_mb", &Config::memory_limit_mb, {64, 1'048'576},
                      "MiB that clients may make the daemon use, models aside"),
      integer_setting(
          "window_mb", &Config::window_mb, {1, 4096},
          "MiB that one producer may have sent and that are not durable yet; at half of it, they are made so"),
      integer_setting("max_message_mb", &Config::max_message_mb, {1, 1024},
                      "MiB of the largest message accepted; at most window_mb, and a sixteenth of memory_limit_mb"),
      integer_setting("max_streams", &Config::max_streams, {1, 1'000'000}, "Streams that may exist at once"),
      choice_setting("log_level", &Config::log_level, kLogLevels, "The least severe messages that are logged"),
      choice_setting("log_format", &Config::log_format, kLogFormats, "How log lines are written"),
  };
}

}  // namespace

std::string to_string(LogLevel level) { return kLogLevels.at(static_cast<std::size_t>(level)); }
std::string to_string(LogFormat format) { return kLogFormats.at(static_cast<std::size_t>(format)); }

std::filesystem::path default_data_dir() {
  // The XDG base directory specification has relative paths ignored.
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state && *state == '/') return std::filesystem::path(state) / "accrue";
  const char* const home = std::getenv("HOME");
  if (home && *home) return std::filesystem::path(home) / ".local/state/accrue";
  return "accrue-data";
}

std::uint32_t default_workers() {
  const std::uint32_t cores = std::thread::hardware_concurrency();  // 0 when unknown
  return std::clamp<std::uint32_t>(cores, 2, kMaxWorkers + 1) - 1;
}

std::string query_endpoint(const Config& config) {
  if (!config.query_listen.empty()) return config.query_listen;
  if (config.listen.starts_with(kIpc)) return config.listen + std::string(kQuerySuffix);
  const auto address = parse_tcp(config.listen);
  if (!address) throw std::invalid_argument("not an endpoint: " + config.listen);
  if (address->port == kMaxPort) {
    throw std::invalid_argument("listen = " + config.listen + " leaves no next port for queries: set query_listen");
  }
  const std::string port = address->port == 0 ? "*" : std::to_string(address->port + 1);
  return std::string(kTcp) + address->host + ":" + port;
}

std::optional<HttpAddress> http_address(const Config& config) {
  if (config.http_listen == kNowhere) return std::nullopt;
  if (!config.http_listen.empty()) return parse_http(config.http_listen);
  const auto address = parse_tcp(config.listen);
  if (!address) return std::nullopt;
  if (address->port + 2 > kMaxPort) {
    throw std::invalid_argument("listen = " + config.listen + " leaves no port for HTTP: set http_listen");
  }
  const std::string host = address->host == "*" ? "0.0.0.0" : is_ipv4(address->host) ? address->host : "127.0.0.1";
  return HttpAddress{host, static_cast<std::uint16_t>(address->port == 0 ? 0 : address->port + 2)};
}

std::string worker_endpoint(const Config& config) {
  if (!config.worker_listen.empty() || config.worker_kind == WorkerKind::kThreads) return config.worker_listen;
  const std::string path = (std::filesystem::absolute(config.data_dir) / "workers.socket").string();
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    throw std::invalid_argument("the data directory's path is too long for a socket in it: set worker_listen");
  }
  return std::string(kIpc) + path;
}

std::span<const Setting> settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

}  // namespace accrue::daemon
