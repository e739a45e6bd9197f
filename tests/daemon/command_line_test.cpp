#include "daemon/command_line.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace accrue::daemon {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandLineTest : public ::testing::Test {
 protected:
  static ParsedCommand parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "accrued");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
  }

  static Config accepted(const std::vector<const char*>& arguments) {
    const ParsedCommand parsed = parse(arguments);
    if (const Exit* exit = std::get_if<Exit>(&parsed)) {
      ADD_FAILURE() << exit->text;
      return {};
    }
    return std::get<Config>(parsed);
  }

  // The message, without what every message has.
  static std::string refused(const std::vector<const char*>& arguments) {
    const ParsedCommand parsed = parse(arguments);
    const Exit* exit = std::get_if<Exit>(&parsed);
    if (exit == nullptr) return "accepted";
    EXPECT_EQ(exit->code, 2);
    EXPECT_THAT(exit->text, AllOf(StartsWith("accrued: "), EndsWith("\n")));
    return exit->text.substr(9, exit->text.size() - 10);
  }

  std::vector<const char*> with_file(const std::string& text) {
    std::ofstream(file) << text;
    return {"--config", file.c_str()};
  }

  std::string file_refused(const std::string& text) {
    std::string message = refused(with_file(text));
    EXPECT_THAT(message, StartsWith(file + ":"));
    return message.substr(std::min(message.size(), file.size() + 1));
  }

  tests::TemporaryDirectory directory;
  const std::string file = directory.path() / "accrued.toml";
};

TEST_F(CommandLineTest, NothingGivenMeansTheDefaults) {
  const Config config = accepted({});
  EXPECT_EQ(config.data_dir, default_data_dir());
  EXPECT_EQ(config.listen, "tcp://127.0.0.1:7700");
  EXPECT_EQ(config.query_listen, "");
  EXPECT_EQ(config.workers, default_workers());
  EXPECT_EQ(config.worker_kind, WorkerKind::kThreads);
  EXPECT_EQ(config.worker_listen, "");
  EXPECT_EQ(config.epoch_interval_ms, 100u);
  EXPECT_EQ(config.epoch_rows, 65'536u);
  EXPECT_EQ(config.keep_epochs, 16u);
  EXPECT_EQ(config.keep_epochs_hours, 0u);
  EXPECT_EQ(config.memory_limit_mb, 1024u);
  EXPECT_EQ(config.window_mb, 64u);
  EXPECT_EQ(config.max_message_mb, 16u);
  EXPECT_EQ(config.max_streams, 10'000u);
  EXPECT_EQ(config.log_level, LogLevel::kInfo);
  EXPECT_EQ(config.log_format, LogFormat::kText);
}

// As the next test and that of the file set them, but for the level of the log.
void expect_every_setting(const Config& config) {
  EXPECT_EQ(config.data_dir, "/d");
  EXPECT_EQ(config.listen, "tcp://*:1");
  EXPECT_EQ(config.query_listen, "ipc:///q");
  EXPECT_EQ(config.workers, 3u);
  EXPECT_EQ(config.worker_kind, WorkerKind::kProcesses);
  EXPECT_EQ(config.worker_listen, "tcp://*:2");
  EXPECT_EQ(config.epoch_interval_ms, 5u);
  EXPECT_EQ(config.epoch_rows, 6u);
  EXPECT_EQ(config.keep_epochs, 7u);
  EXPECT_EQ(config.keep_epochs_hours, 24u);
  EXPECT_EQ(config.memory_limit_mb, 200u);
  EXPECT_EQ(config.window_mb, 80u);
  EXPECT_EQ(config.max_message_mb, 8u);
  EXPECT_EQ(config.max_streams, 9u);
  EXPECT_EQ(config.log_format, LogFormat::kJson);
}

TEST_F(CommandLineTest, EveryFlagIsTaken) {
  const Config config = accepted({"--data",
                                  "/d",
                                  "--listen",
                                  "tcp://*:1",
                                  "--query-listen=ipc:///q",
                                  "--workers",
                                  "3",
                                  "--worker-kind",
                                  "processes",
                                  "--worker-listen=tcp://*:2",
                                  "--epoch-interval-ms",
                                  "5",
                                  "--epoch-rows=6",
                                  "--keep-epochs",
                                  "7",
                                  "--keep-epochs-hours",
                                  "24",
                                  "--memory-limit-mb",
                                  "200",
                                  "--window-mb",
                                  "80",
                                  "--max-message-mb",
                                  "8",
                                  "--max-streams",
                                  "9",
                                  "--log-level",
                                  "error",
                                  "--log-format",
                                  "json"});
  expect_every_setting(config);
  EXPECT_EQ(config.log_level, LogLevel::kError);
}

TEST_F(CommandLineTest, ChoreIsDoneInsteadOfServing) {
  const auto chore = [](const std::vector<const char*>& arguments) { return std::get<Chore>(parse(arguments)); };
  EXPECT_EQ(chore({"--verify"}).kind, Chore::Kind::kVerify);
  EXPECT_EQ(chore({"--verify"}).data_dir, default_data_dir());
  EXPECT_EQ(chore({"--backup", "/b", "--data", "/d"}).kind, Chore::Kind::kBackup);
  EXPECT_EQ(chore({"--backup", "/b", "--data", "/d"}).data_dir, "/d");
  EXPECT_EQ(chore({"--backup=/b"}).file, "/b");
  EXPECT_EQ(chore({"--restore", "/b"}).kind, Chore::Kind::kRestore);
  EXPECT_EQ(chore({"--restore", "/b"}).file, "/b");
  EXPECT_EQ(refused({"--verify", "--backup", "/b"}), "give one of --verify, --backup and --restore");
  EXPECT_EQ(refused({"--backup", "/b", "--restore", "/c"}), "give one of --verify, --backup and --restore");
  EXPECT_THAT(refused({"--backup"}), HasSubstr("--backup"));
  EXPECT_THAT(refused({"--backup", "/b", "--workers", "65"}), HasSubstr("--workers"));
}

TEST_F(CommandLineTest, EveryKeyOfTheFileIsTakenAndFlagsOverruleIt) {
  std::vector<const char*> arguments = with_file(
      "data_dir = '/d'\nlisten = 'tcp://*:1'\nquery_listen = 'ipc:///q'\nworkers = 3\nworker_kind = 'processes'\n"
      "worker_listen = 'tcp://*:2'\nepoch_interval_ms = 5\nepoch_rows = 6\nkeep_epochs = 7\nkeep_epochs_hours = "
      "24\nmemory_limit_mb = 200\nwindow_mb = 80\nmax_message_mb = 8\nmax_streams = 9\n"
      "log_level = 'trace'\nlog_format = 'json'\n");
  Config config = accepted(arguments);
  expect_every_setting(config);
  EXPECT_EQ(config.log_level, LogLevel::kTrace);

  arguments.insert(arguments.begin(), {"--workers", "2", "--query-listen", ""});
  config = accepted(arguments);
  EXPECT_EQ(config.workers, 2u);
  EXPECT_EQ(config.query_listen, "");
  EXPECT_EQ(config.epoch_rows, 6u);
}

TEST_F(CommandLineTest, EmptyFileChangesNothing) { EXPECT_EQ(accepted(with_file("")).epoch_rows, 65'536u); }

TEST_F(CommandLineTest, MistypedKeyIsNamedWithTheOneThatWasMeant) {
  const std::string message = file_refused("# settings\n\nworker = 3\n");
  EXPECT_THAT(message, StartsWith("3: unknown key 'worker' (did you mean 'workers'?); allowed: data_dir, listen, "));
  EXPECT_THAT(message, EndsWith("log_level, log_format"));
  EXPECT_THAT(file_refused("epoch-interval-ms = 3\n"), HasSubstr("did you mean 'epoch_interval_ms'?"));
}

TEST_F(CommandLineTest, KeyLikeNoOtherIsGivenNoGuess) {
  EXPECT_THAT(file_refused("[network]\nport = 1\n"),
              AllOf(StartsWith("1: unknown key 'network'; allowed: "), Not(HasSubstr("did you mean"))));
}

TEST_F(CommandLineTest, ValueOutOfRangeIsNamedWithTheRange) {
  EXPECT_EQ(file_refused("\nworkers = 65\n"), "2: workers must be an integer from 0 to 64, not '65'");
  EXPECT_EQ(file_refused("log_level = 'loud'\n"),
            "1: log_level must be one of trace, debug, info, warn, error, not 'loud'");
  EXPECT_EQ(file_refused("data_dir = ''\n"), "1: data_dir must be a path, not ''");
  EXPECT_EQ(refused({"--workers", "-1"}), "--workers must be an integer from 0 to 64, not '-1'");
  for (const char* wrong : {"-1", "1.5", "", "1x", " 1", "99999999999999999999"}) {
    EXPECT_THAT(refused({(std::string("--workers=") + wrong).c_str()}), StartsWith("--workers")) << wrong;
  }
}

TEST_F(CommandLineTest, ValueOfTheWrongTypeIsNamedWithTheType) {
  EXPECT_EQ(file_refused("workers = '3'\n"),
            "1: workers must be an integer from 0 to 64, given as a TOML integer, not as string");
  EXPECT_THAT(file_refused("workers = 3.0\n"), HasSubstr("not as floating-point"));
  EXPECT_THAT(file_refused("listen = [1]\n"), HasSubstr("given as a TOML string, not as array"));
}

TEST_F(CommandLineTest, FileThatIsNoTomlIsNamedWithTheLine) {
  EXPECT_THAT(file_refused("workers = 3\nlisten =\n"), StartsWith("2: "));
  EXPECT_THAT(file_refused("workers = 3\nworkers = 4\n"), StartsWith("2: "));
}

TEST_F(CommandLineTest, FileThatCannotBeReadIsNamed) {
  EXPECT_EQ(refused({"--config", "/missing"}), "cannot read configuration file /missing: No such file or directory");
  EXPECT_EQ(refused({"--config", "/"}), "cannot read configuration file /: Is a directory");
}

TEST_F(CommandLineTest, MistypedFlagIsNamedWithTheOneThatWasMeant) {
  EXPECT_THAT(refused({"--worker", "3"}), StartsWith("unknown flag '--worker' (did you mean '--workers'?); allowed: "));
  EXPECT_THAT(refused({"--epoch_rows=3"}), StartsWith("unknown flag '--epoch_rows' (did you mean '--epoch-rows'?)"));
  EXPECT_THAT(
      refused({"-x"}),
      StartsWith("unknown flag '-x'; allowed: --help, --version, --config, --verify, --backup, --restore, --data, "));
}

TEST_F(CommandLineTest, OtherMistakesAreRefused) {
  EXPECT_EQ(refused({"start"}), "unexpected argument 'start'; see accrued --help");
  EXPECT_THAT(refused({"--workers"}), StartsWith("--workers"));
  EXPECT_THAT(refused({"--workers", "1", "--workers", "2"}), StartsWith("--workers"));
}

TEST_F(CommandLineTest, MessageLargerThanTheWindowIsRefusedWithTheOriginsOfBoth) {
  EXPECT_EQ(refused({"--window-mb", "8"}), "max_message_mb = 16 (default) must be at most window_mb = 8 (--window-mb)");
  std::vector<const char*> arguments = with_file("\nmax_message_mb = 9\n");
  arguments.insert(arguments.end(), {"--window-mb", "8"});
  EXPECT_THAT(refused(arguments), HasSubstr("max_message_mb = 9 (" + file + ":2) must be"));
}

TEST_F(CommandLineTest, MessageLargerThanASixteenthOfTheMemoryIsRefusedWithTheOriginsOfBoth) {
  EXPECT_EQ(refused({"--memory-limit-mb", "255"}),
            "max_message_mb = 16 (default) must be at most a sixteenth of memory_limit_mb = 255 (--memory-limit-mb)");
  EXPECT_EQ(accepted({"--memory-limit-mb", "256"}).memory_limit_mb, 256u);
}

TEST_F(CommandLineTest, EndpointsAreChecked) {
  for (const char* good : {"tcp://127.0.0.1:0", "tcp://*:*", "tcp://lo:65533", "ipc:///run/accrue.socket", "ipc://x"}) {
    EXPECT_EQ(accepted({"--listen", good}).listen, good);
  }
  for (const char* bad : {"", "7700", "127.0.0.1:7700", "udp://127.0.0.1:7700", "tcp://127.0.0.1", "tcp://:7700",
                          "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:7700/",
                          "tcp://no.such.host:7700", "ipc://"}) {
    EXPECT_THAT(refused({(std::string("--listen=") + bad).c_str()}), StartsWith("--listen")) << bad;
    EXPECT_THAT(
        file_refused(std::string("listen = '") + bad + "'"),
        StartsWith("1: listen must be tcp://HOST:PORT or ipc://PATH (HOST: an IPv4 address, an interface or *;"));
  }
  EXPECT_THAT(refused({"--listen", ("ipc://" + std::string(102, 'x')).c_str()}), HasSubstr("at most 101 bytes"));
  EXPECT_THAT(refused({"--query-listen", "x"}),
              StartsWith("--query-listen must be an endpoint as for listen, or empty"));
}

TEST_F(CommandLineTest, LastPortLeavesNoneForQueries) {
  EXPECT_EQ(refused({"--listen", "tcp://*:65535"}),
            "listen = tcp://*:65535 leaves no next port for queries: set query_listen");
  EXPECT_EQ(refused({"--listen", "tcp://*:65534"}), "listen = tcp://*:65534 leaves no port for HTTP: set http_listen");
  EXPECT_EQ(accepted({"--listen", "tcp://*:65535", "--query-listen", "tcp://*:1", "--http-listen", "none"}).listen,
            "tcp://*:65535");
}

TEST_F(CommandLineTest, NoWorkerOfItsOwnNeedsAPlaceForOthers) {
  EXPECT_THAT(refused({"--workers", "0"}), StartsWith("workers = 0 (--workers) needs worker_listen"));
  EXPECT_EQ(accepted({"--workers", "0", "--worker-listen", "ipc:///w"}).workers, 0u);
}

TEST_F(CommandLineTest, PathOfTheDataMustLeaveRoomForTheWorkersSocket) {
  const std::string deep = "/" + std::string(120, 'd');
  EXPECT_EQ(accepted({"--data", deep.c_str()}).data_dir, deep);
  EXPECT_THAT(refused({"--data", deep.c_str(), "--worker-kind", "processes"}), HasSubstr("set worker_listen"));
  const Config set =
      accepted({"--data", deep.c_str(), "--worker-kind", "processes", "--worker-listen", "tcp://127.0.0.1:0"});
  EXPECT_EQ(worker_endpoint(set), "tcp://127.0.0.1:0");
}

TEST_F(CommandLineTest, WorkerIsToldWhereItsDaemonIs) {
  const auto worker = std::get<WorkerCommand>(
      parse({"worker", "--connect", "tcp://10.0.0.1:7702", "--log-level", "error", "--log-format=json"}));
  EXPECT_EQ(worker.endpoint, "tcp://10.0.0.1:7702");
  EXPECT_EQ(worker.supervisor, std::nullopt);
  EXPECT_EQ(worker.log_level, LogLevel::kError);
  EXPECT_EQ(worker.log_format, LogFormat::kJson);
  EXPECT_THAT(refused({"worker"}), HasSubstr("--connect is required"));
  EXPECT_EQ(refused({"worker", "--connect", "x"}),
            "--connect must be tcp://HOST:PORT or ipc://PATH, where the daemon has worker_listen, not 'x'");
  EXPECT_THAT(refused({"worker", "--connect", "ipc:///w", "--log-level", "loud"}),
              StartsWith("--log-level must be one of trace, "));
  EXPECT_EQ(std::get<Exit>(parse({"worker", "--help"})).code, 0);
}

TEST_F(CommandLineTest, VersionAndHelpEndTheProgramWell) {
  const Exit version = std::get<Exit>(parse({"--version"}));
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.text, "accrued 0.1.0\n");
  const Exit help = std::get<Exit>(parse({"--help"}));
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.text, AllOf(HasSubstr("--config"), HasSubstr("--version")));
  for (const Setting& setting : settings()) {
    EXPECT_THAT(help.text, HasSubstr(setting.flag + " "));
    EXPECT_THAT(help.text, HasSubstr("(default: " + setting.default_text + ")"));
  }
}

}  // namespace
}  // namespace accrue::daemon
