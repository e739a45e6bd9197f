#include "daemon/command_line.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

namespace accrue::daemon {
namespace {

constexpr int kUsageError = 2;
constexpr std::uint32_t kMessagesInMemory = 16;  // the largest, at least: some are worked on, each in a few copies

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);  // of the distances of a's first i characters to each beginning of b
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

// " (did you mean 'x'?); allowed: x, y, z"
std::string allowed_instead(std::string_view wrong, const std::vector<std::string>& allowed) {
  std::string hint;
  std::string list;
  std::size_t nearest = wrong.size() / 3 + 1;  // beyond it, it is another word rather than a typo
  for (const std::string& candidate : allowed) {
    const std::size_t distance = edit_distance(wrong, candidate);
    if (distance <= nearest) {
      nearest = distance;
      hint = " (did you mean '" + candidate + "'?)";
    }
    list += (list.empty() ? "" : ", ") + candidate;
  }
  return hint + "; allowed: " + list;
}

const Setting& setting_of(std::string_view key) {
  return *std::find_if(settings().begin(), settings().end(), [&](const Setting& s) { return s.key == key; });
}

// A configuration in the making, which remembers where each value came from.
class Draft {
 public:
  Draft() : origins_(settings().size(), "default") {}

  // `named` is how the user knows the setting, `origin` where it stands.
  void assign(std::size_t index, std::string_view value, const std::string& named, const std::string& origin) {
    const Setting& setting = settings()[index];
    if (!setting.assign(config_, value)) {
      throw std::runtime_error(named + " must be " + setting.allowed + ", not '" + std::string(value) + "'");
    }
    origins_[index] = origin;
  }

  // What no setting can check alone.
  Config finish() const {
    if (config_.max_message_mb > config_.window_mb) {
      throw std::runtime_error(
          "max_message_mb = " + std::to_string(config_.max_message_mb) + " (" + origin("max_message_mb") +
          ") must be at most window_mb = " + std::to_string(config_.window_mb) + " (" + origin("window_mb") + ")");
    }
    if (config_.max_message_mb > config_.memory_limit_mb / kMessagesInMemory) {
      throw std::runtime_error("max_message_mb = " + std::to_string(config_.max_message_mb) + " (" +
                               origin("max_message_mb") + ") must be at most a sixteenth of memory_limit_mb = " +
                               std::to_string(config_.memory_limit_mb) + " (" + origin("memory_limit_mb") + ")");
    }
    static_cast<void>(query_endpoint(config_));
    static_cast<void>(worker_endpoint(config_));
    static_cast<void>(http_address(config_));
    if (config_.workers == 0 && config_.worker_listen.empty()) {
      throw std::runtime_error("workers = 0 (" + origin("workers") +
                               ") needs worker_listen: with no worker of its own, others must be able to join");
    }
    return config_;
  }

 private:
  const std::string& origin(std::string_view key) const {
    return origins_[static_cast<std::size_t>(&setting_of(key) - settings().data())];
  }

  Config config_;
  std::vector<std::string> origins_;
};

void apply_value(const toml::node& node, std::size_t index, const std::string& origin, Draft& draft) {
  const Setting& setting = settings()[index];
  const std::string named = origin + ": " + std::string(setting.key);
  const toml::node_type expected = setting.is_integer ? toml::node_type::integer : toml::node_type::string;
  if (node.type() != expected) {
    std::ostringstream message;
    message << named << " must be " << setting.allowed << ", given as a TOML " << expected << ", not as "
            << node.type();
    throw std::runtime_error(message.str());
  }
  const std::string value = setting.is_integer ? std::to_string(node.as_integer()->get()) : node.as_string()->get();
  draft.assign(index, value, named, origin);
}

void apply_file(const std::string& file, Draft& draft) {
  errno = 0;
  std::ifstream in(file);
  std::ostringstream text;
  // An empty file fails the output stream too, but leaves errno alone.
  if (!in || (!(text << in.rdbuf()) && errno != 0)) {
    throw std::runtime_error("cannot read configuration file " + file + ": " + std::strerror(errno));
  }
  const auto at = [&](const toml::source_region& region) { return file + ":" + std::to_string(region.begin.line); };
  toml::table table;
  try {
    table = toml::parse(text.str(), file);
  } catch (const toml::parse_error& error) {
    throw std::runtime_error(at(error.source()) + ": " + std::string(error.description()));
  }
  std::vector<std::string> keys;
  for (const Setting& setting : settings()) keys.emplace_back(setting.key);
  for (const auto& [key, node] : table) {
    const auto found = std::find(keys.begin(), keys.end(), key.str());
    if (found == keys.end()) {
      throw std::runtime_error(at(key.source()) + ": unknown key '" + std::string(key.str()) + "'" +
                               allowed_instead(key.str(), keys));
    }
    apply_value(node, static_cast<std::size_t>(found - keys.begin()), at(key.source()), draft);
  }
}

// The flags that ask for something else than to serve.
class ChoreFlags {
 public:
  explicit ChoreFlags(CLI::App& app) {
    verify_ = app.add_flag("--verify")
                  ->description("Check the data directory, of no running daemon, and exit: 1 if it has problems");
    backup_ = app.add_option("--backup", file_, "Copy the data directory's store into this new file, and exit");
    restore_ = app.add_option("--restore", file_, "Copy such a file into a data directory without a store, and exit");
    for (CLI::Option* option : {backup_, restore_}) option->type_name("FILE");
  }

  std::optional<Chore> chosen(const std::filesystem::path& data_dir) const {
    std::optional<Chore> chore;
    const auto look_at = [&](const CLI::Option* option, Chore::Kind kind) {
      if (option->count() == 0) return;
      if (chore) throw std::runtime_error("give one of --verify, --backup and --restore");
      chore = Chore{kind, data_dir, file_};
    };
    look_at(verify_, Chore::Kind::kVerify);
    look_at(backup_, Chore::Kind::kBackup);
    look_at(restore_, Chore::Kind::kRestore);
    return chore;
  }

 private:
  std::string file_;
  CLI::Option* verify_;
  CLI::Option* backup_;
  CLI::Option* restore_;
};

std::string help_of(const Setting& setting) {
  return std::string(setting.help) + ": " + setting.allowed + " (default: " + setting.default_text + ")";
}

Exit usage_error(const std::exception& error) { return {kUsageError, std::string("accrued: ") + error.what() + "\n"}; }

ParsedCommand parse_worker_command(int argc, const char* const* argv) {
  CLI::App app("Works for an accrue daemon: learns the partitions that it is given, until it is told to end.",
               "accrued worker");
  WorkerCommand command;
  pid_t supervisor = 0;
  app.add_option("--connect", command.endpoint, "The daemon's worker_listen: tcp://HOST:PORT or ipc://PATH")
      ->required()
      ->type_name("ENDPOINT");
  const CLI::Option* const supervised = app.add_option("--supervisor", supervisor)->group("");  // accrued's own use
  std::vector<const Setting*> shared = {&setting_of("log_level"), &setting_of("log_format")};
  std::vector<std::string> values(shared.size());
  std::vector<const CLI::Option*> flags;
  for (std::size_t i = 0; i < shared.size(); ++i) {
    flags.push_back(app.add_option(shared[i]->flag, values[i], help_of(*shared[i]))->type_name("TEXT"));
  }
  try {
    app.parse(argc, argv);
    if (!command.endpoint.starts_with("tcp://") && !command.endpoint.starts_with("ipc://")) {
      throw std::runtime_error(
          "--connect must be tcp://HOST:PORT or ipc://PATH, where the daemon has worker_listen, not '" +
          command.endpoint + "'");
    }
    Config config;
    for (std::size_t i = 0; i < shared.size(); ++i) {
      if (flags[i]->count() == 0 || shared[i]->assign(config, values[i])) continue;
      throw std::runtime_error(shared[i]->flag + " must be " + shared[i]->allowed + ", not '" + values[i] + "'");
    }
    command.log_level = config.log_level;
    command.log_format = config.log_format;
    if (supervised->count() != 0) command.supervisor = supervisor;
    return command;
  } catch (const CLI::CallForHelp&) {
    return Exit{0, app.help()};
  } catch (const std::exception& error) {
    return usage_error(error);
  }
}

void refuse_extras(const std::vector<std::string>& extras) {
  if (extras.empty()) return;
  const std::string& first = extras.front();
  if (!first.starts_with("-")) throw std::runtime_error("unexpected argument '" + first + "'; see accrued --help");
  std::vector<std::string> flags = {"--help", "--version", "--config", "--verify", "--backup", "--restore"};
  for (const Setting& setting : settings()) flags.push_back(setting.flag);
  const std::string flag = first.substr(0, first.find('='));
  throw std::runtime_error("unknown flag '" + flag + "'" + allowed_instead(flag, flags));
}

}  // namespace

ParsedCommand parse_command_line(int argc, const char* const* argv) {
  if (argc > 1 && std::string_view(argv[1]) == "worker") return parse_worker_command(argc - 1, argv + 1);
  CLI::App app("The accrue daemon: learns streams of rows as they arrive, and answers for them.", "accrued");
  app.footer("accrued worker --connect ENDPOINT works for a daemon that has worker_listen; see accrued worker --help");
  app.set_version_flag("--version", "accrued " ACCRUE_VERSION);
  app.allow_extras();  // refused below, by name
  std::string file;
  const CLI::Option* const config_flag =
      app.add_option("--config", file, "A TOML file of settings; flags overrule it")->type_name("FILE");
  ChoreFlags chores(app);
  std::vector<std::string> values(settings().size());
  std::vector<const CLI::Option*> flags;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    flags.push_back(
        app.add_option(setting.flag, values[i], help_of(setting))->type_name(setting.is_integer ? "N" : "TEXT"));
  }
  try {
    app.parse(argc, argv);
    refuse_extras(app.remaining());
    Draft draft;
    if (config_flag->count() != 0) apply_file(file, draft);
    for (std::size_t i = 0; i < flags.size(); ++i) {
      if (flags[i]->count() != 0) draft.assign(i, values[i], settings()[i].flag, settings()[i].flag);
    }
    const Config config = draft.finish();
    if (const std::optional<Chore> chore = chores.chosen(config.data_dir)) return *chore;
    return config;
  } catch (const CLI::CallForHelp&) {
    return Exit{0, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Exit{0, std::string(version.what()) + "\n"};
  } catch (const std::exception& error) {
    return usage_error(error);
  }
}

}  // namespace accrue::daemon
