// The accrue command: reads the command line and runs one command.
// Exit codes: 0 done, 1 failed, 2 the command line is wrong.
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/cli/command_options.hpp"
#include "client/cli/commands.hpp"
#include "client/cli/output.hpp"
#include "client/cli/progress.hpp"
#include "datasets/streams.hpp"
#include "models/learners.hpp"

namespace accrue::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  accrue push homes homes.csv                   learn a file; the last column is the target
  tail -f log.csv | accrue push clicks -        learn a stream as it comes
  accrue predict homes new.csv                  one prediction a row
  accrue coef homes --format json               coefficients and their standard errors
  accrue epochs homes                           the past models that are kept, for --epoch
  accrue rollback homes --epoch 7               go on from one of them
  accrue metrics homes                          error of predictions made before learning
  accrue models homes                           the models that learn the stream, side by side
  accrue model add homes r2 --set ridge=2       one more, from now on
  accrue replay california --order shuffle      the public housing data, end to end
  accrue evaluate homes.csv --plot out.svg      which learner is best, without a daemon

`accrue COMMAND --help` tells the options of a command.)";

constexpr const char* kWaysToPartition =
    R"(Ways to partition; what is learned is the same:
  round_robin    batches in turn              hash           rows by the hash of their key
  random         batches by lot               range          rows by their key, cut where --partition-cuts says
  weighted       batches by weight            time_window    rows by their key, the time of an event in seconds
  least_loaded   batches to the idlest worker)";

// What the command line asks for; CLI11 writes into it, run is set by the subcommand that was named.
struct Invocation {
  Connection connection{.endpoint = default_endpoint()};
  std::string format = "table";
  std::string stream;
  std::optional<std::uint64_t> epoch;
  std::string model;
  ModelOptions added;
  PushOptions push;
  PredictOptions predict;
  ReplayOptions replay;
  EvaluateOptions evaluate;
  std::string path;
  std::string command;
  std::function<int()> run;
};

using Action = int (*)(const Invocation&);

// What every command takes, before its name or after it; the one after it holds where both are given.
void add_format(CLI::App& app, Invocation& asked, const std::string& group) {
  app.add_option("--format", asked.format, "form of the answer: table, json or csv (default: table)")
      ->type_name("FORM")
      ->check(one_of({"table", "json", "csv"}))
      ->group(group);
}

// The same, of those that ask a daemon.
void add_connection(CLI::App& app, Invocation& asked) {
  const std::string group = "Connection and output, before the command's name or after it";
  app.add_option("--endpoint", asked.connection.endpoint,
                 "where accrued listens (default: $ACCRUE_ENDPOINT, or tcp://127.0.0.1:7700)")
      ->type_name("tcp://HOST:PORT")
      ->group(group);
  app.add_option("--timeout", asked.connection.timeout_s, "give up when nothing has happened for so long (default: 10)")
      ->type_name("SECONDS")
      ->check(between(0.001, 1e6, "a number of seconds from 0.001 to 1000000"))
      ->group(group);
  add_format(app, asked, group);
}

CLI::App* add_offline_command(CLI::App& app, Invocation& asked, const std::string& name, const std::string& about,
                              Action action) {
  CLI::App* command = app.add_subcommand(name, about);
  command->callback([&asked, name, action] {
    asked.command = name;
    asked.run = [&asked, action] { return action(asked); };
  });
  return command;
}

CLI::App* add_command(CLI::App& app, Invocation& asked, const std::string& name, const std::string& about,
                      Action action) {
  CLI::App* command = add_offline_command(app, asked, name, about, action);
  add_connection(*command, asked);
  return command;
}

void add_stream(CLI::App* command, std::string& stream) {
  command->add_option("STREAM", stream, "name of the stream")->type_name("")->required();
}

void add_epoch(CLI::App* command, std::optional<std::uint64_t>& epoch) {
  command
      ->add_option("--epoch", epoch, "answer as of this epoch; accrue epochs STREAM lists them (default: the newest)")
      ->type_name("N")
      ->transform(epoch_number());
}

void add_push(CLI::App& app, Invocation& asked) {
  CLI::App* command =
      add_command(app, asked, "push", "Learn the rows of a CSV file, or of standard input; return when all are durable",
                  [](const Invocation& given) { return push(given.connection, given.push); });
  PushOptions& options = asked.push;
  add_stream(command, options.stream);
  add_learned_file(command, options, kCsvFile);
  command->add_flag("--no-intercept", options.no_intercept, "fit through the origin");
  command->add_option("--ridge", options.ridge, "penalty on the coefficients (default: 0, plain least squares)")
      ->type_name("ALPHA")
      ->check(between(0, 1e300, "a number of at least 0"));
  command->add_option("--dimension", options.dimension, "learn sparse rows of so many features, as told below")
      ->type_name("D")
      ->transform(count());
  add_learner(command, options.model);
  add_late_targets(command, options);
  add_partitioning(command, options.partitioning);
  command->footer(kWaysToPartition + std::string(R"(

A new stream is made of the file's columns and the options; key and event time are no features unless --features names
them. An existing stream takes the columns it has by their names in the file's header, in whatever order they are there.

With --dimension the file is not CSV but has a line TARGET FEATURE:VALUE FEATURE:VALUE ... for each row, as libsvm does.
A feature is a number from 0, below D (where a file counts from 1, D is one more than its last), or a name, which is
hashed to a number; # begins a comment. Features that a row does not have are 0. The default learner is then sgd.

Examples:
  accrue push homes homes.csv --target price --features rooms,age
  accrue push words words.svm --dimension 1048576 --set loss=huber
  zcat big.csv.gz | accrue push big - --skip-bad --partitions 4
  accrue push homes homes.csv --features rooms,age --key age --partition-cuts 10,30
  accrue push clicks clicks.csv --key shop --partition-by range --partitions 4
  accrue push clicks shown_and_bought.csv --id click --label-ttl-rows 50000

An empty cell is a missing value, where the models take that: --set 'transforms=impute(mean) | standard_scaler' does.)"));
}

void add_predict(CLI::App& app, Invocation& asked) {
  CLI::App* command = add_command(app, asked, "predict", "Print a prediction for every row of a CSV file",
                                  [](const Invocation& given) { return predict(given.connection, given.predict); });
  add_stream(command, asked.predict.stream);
  add_rows(command, asked.predict.file, kCsvFile, asked.predict.skip_bad,
           "answer a line that cannot be used with an empty one (null in JSON), instead of stopping");
  add_epoch(command, asked.predict.epoch);
  add_model_name(command, asked.predict.model);
  command
      ->add_option("--interval", asked.predict.interval,
                   "tell intervals of this level too: the model's own, and a distribution-free one")
      ->type_name("LEVEL")
      ->check(between(1e-6, 1 - 1e-6, "a level such as 0.95"));
  command->footer(
      R"(The stream's features are taken by their names in the header; other columns are ignored. Of a stream of sparse rows the
file has the lines that accrue push --dimension takes; their targets are ignored, and may be left out.

Examples:
  echo '3:1.5 price:70' | accrue predict words -
  printf 'rooms,age\n5,12\n' | accrue predict homes -)");
}

void add_replay(CLI::App& app, Invocation& asked) {
  CLI::App* command =
      add_command(app, asked, "replay", "Replay a public data set and evaluate what was learned",
                  [](const Invocation& given) { return replay_california(given.connection, given.replay); });
  command->add_option("DATASET", "california: the California housing data, 20,640 rows")
      ->type_name("")
      ->required()
      ->check(one_of({kCalifornia}));
  ReplayOptions& options = asked.replay;
  command->add_option("--stream", options.stream, "a stream that has no rows yet (default: california)")
      ->type_name("STREAM");
  add_order(command, options.shuffle, options.seed);
  command->add_option("--rate", options.rate, "rows a second (default: as fast as it goes)")
      ->type_name("ROWS_PER_S")
      ->check(between(0.001, 1e12, "a number of rows from 0.001 to 1e12"));
  command->add_option("--learner", options.learners, "may be given again: learners side by side, the champion first")
      ->type_name("LEARNER")
      ->allow_extra_args(false);
  add_partitioning(command, options.partitioning);
  command->add_option("--batch-rows", options.batch_rows, "rows sent at once (default: 1024)")
      ->type_name("N")
      ->transform(count());
  command->footer(kWaysToPartition);
}

// A line of a list of names.
std::string described(std::string_view name, std::string_view what) {
  std::string line = "  " + std::string(name);
  line.resize(std::max<std::size_t>(line.size(), 20), ' ');
  return line + "  " + std::string(what) + "\n";
}

std::string learners() {
  std::string text = "Learners:\n";
  for (const models::LearnerKind& kind : models::learner_kinds()) text += described(kind.name, kind.what);
  return text;
}

void add_evaluate(CLI::App& app, Invocation& asked) {
  CLI::App* command =
      add_offline_command(app, asked, "evaluate", "Compare learners on the rows of a CSV file; needs no daemon",
                          [](const Invocation& given) { return evaluate(given.connection.format, given.evaluate); });
  EvaluateOptions& options = asked.evaluate;
  add_learned_file(command, options, std::string(kCsvFile) + "; or california, or synthetic:NAME");
  add_learners(command, options.learners);
  command->add_option("--key", options.key, "what learners of one model a key go by (default: none)")
      ->type_name("COLUMN");
  add_order(command, options.shuffle, options.seed);
  command->add_option("--plot", options.plot, "write the rolling error of each learner as a picture")
      ->type_name("FILE.svg");
  add_format(*command, asked, "Output, before the command's name or after it");
  std::string about = learners();
  about += "\nData sets: california, the public housing data, and " + grouped(kSyntheticRows) +
           " rows made from --seed, as synthetic:NAME:\n";
  for (const datasets::SyntheticStream& stream : datasets::synthetic_streams()) {
    about += described(stream.name, stream.what);
  }
  command->footer(about + R"(
Each learner predicts each row before it learns it. n rows were so predicted; MSE, MAE and R2 are of these predictions,
MSE clipped of the same when kept to the range of the targets seen before: a few outlying rows cannot dominate it. The
plot shows its root over the last rows, a window that moves along. rows/s is predicting, scoring and learning on one
core, without reading: all rows are held in memory, 8 bytes a number. memory is what the model holds on the heap after
the last row.

Examples:
  accrue evaluate homes.csv --target price --plot errors.svg
  accrue evaluate homes.csv --learner least_squares --learner least_squares --set ridge=1e-3
  accrue evaluate california --order shuffle --seed 7 --format json)");
}

void add_questions(CLI::App& app, Invocation& asked) {
  CLI::App* of_coef = add_command(
      app, asked, "coef", "Show a stream's coefficients, their standard errors and the fit",
      [](const Invocation& given) { return coef(given.connection, given.stream, given.epoch, given.model); });
  add_stream(of_coef, asked.stream);
  add_epoch(of_coef, asked.epoch);
  add_model_name(of_coef, asked.model);
  CLI::App* of_metrics =
      add_command(app, asked, "metrics", "Show how well a stream was predicted before it was learned",
                  [](const Invocation& given) { return metrics(given.connection, given.stream, given.model); });
  add_stream(of_metrics, asked.stream);
  add_model_name(of_metrics, asked.model);
  add_stream(add_command(app, asked, "models", "List the models of a stream, and how well each predicts",
                         [](const Invocation& given) { return models(given.connection, given.stream); }),
             asked.stream);
  add_stream(add_command(app, asked, "epochs", "List the past epochs of a stream that are kept, newest first",
                         [](const Invocation& given) { return epochs(given.connection, given.stream); }),
             asked.stream);
  add_command(app, asked, "status", "Show how the daemon is doing",
              [](const Invocation& given) { return status(given.connection); });
  add_command(app, asked, "streams", "List the streams",
              [](const Invocation& given) { return streams(given.connection); });
  add_stream(add_command(app, asked, "drop", "Remove a stream and all it has learned, at once",
                         [](const Invocation& given) { return drop(given.connection, given.stream); }),
             asked.stream);
}

void add_rollback(CLI::App& app, Invocation& asked) {
  CLI::App* command =
      add_command(app, asked, "rollback", "Make a stream again what it was at a past epoch",
                  [](const Invocation& given) { return rollback(given.connection, given.stream, *given.epoch); });
  add_stream(command, asked.stream);
  command->add_option("--epoch", asked.epoch, "which, to be given; accrue epochs STREAM lists those that are kept")
      ->type_name("N")
      ->required()
      ->transform(epoch_number());
  command->footer(
      R"(A new epoch is made, a copy of that one: the epochs between stay, and a rollback can be rolled back. Whoever is pushing
to the stream is told, and goes on with new rows or sends again what came after the epoch, as they choose.

Example:
  accrue epochs homes
  accrue rollback homes --epoch 7)");
}

CLI::App* add_change_of_model(CLI::App& model, Invocation& asked, const std::string& name, const std::string& about,
                              Action action) {
  CLI::App* command = add_command(model, asked, name, about, action);
  add_stream(command, asked.stream);
  command->add_option("NAME", asked.model, "name of the model")->type_name("")->required();
  return command;
}

void add_model(CLI::App& app, Invocation& asked) {
  CLI::App* model = app.add_subcommand("model", "Add, promote or drop a model of a stream, while it runs");
  model->require_subcommand(1);
  CLI::App* add = add_change_of_model(
      *model, asked, "add", "Let one more model learn the stream, from now on",
      [](const Invocation& given) { return add_model(given.connection, given.stream, given.model, given.added); });
  add_learner(add, asked.added);
  add->footer(learners() + R"(
A setting that the learner does not have is refused, with a list of those it has. All have clip, on_drift and transforms.

Examples:
  accrue model add homes recent --set half_life_rows=10000
  accrue model add homes scaled --learner sgd --set transforms="log1p(Population) | standard_scaler")");
  add_change_of_model(
      *model, asked, "promote", "Make a model the champion, whose predictions are the stream's",
      [](const Invocation& given) { return promote_model(given.connection, given.stream, given.model); });
  add_change_of_model(*model, asked, "drop", "Remove a model, not the champion, and all it has learned",
                      [](const Invocation& given) { return drop_model(given.connection, given.stream, given.model); });
  model->footer(R"(Each returns when the change is durable.

Example:
  accrue model add homes ridge2 --set ridge=2
  accrue models homes
  accrue model promote homes ridge2)");
}

void add_store_chores(CLI::App& app, Invocation& asked) {
  add_command(app, asked, "backup", "Copy the store of the running daemon, on this machine, into a new file",
              [](const Invocation& given) { return backup(given.connection, given.path); })
      ->add_option("FILE", asked.path, "to be written; accrued --restore FILE puts it into a data directory")
      ->type_name("")
      ->required();
  add_offline_command(app, asked, "verify", "Check a data directory, of no running daemon; 1 if it has problems",
                      [](const Invocation& given) { return verify(given.path); })
      ->add_option("DIR", asked.path, "the daemon's data directory")
      ->type_name("")
      ->required();
}

int refuse(const std::string& problem, const std::string& command) {
  complain(problem + "; see: accrue " + (command.empty() ? "" : command + " ") + "--help");
  return 2;
}

// The exit code where there is nothing to run: help, the version, a wrong command line.
std::optional<int> parse(int argc, char** argv, Invocation& asked) {
  CLI::App app("accrue feeds accrued, the online machine-learning daemon, and asks it questions.", "accrue");
  app.set_version_flag("--version", "accrue " ACCRUE_VERSION);
  app.get_formatter()->column_width(36);
  app.get_formatter()->label("REQUIRED", "");
  add_connection(app, asked);
  add_push(app, asked);
  add_predict(app, asked);
  add_questions(app, asked);
  add_rollback(app, asked);
  add_model(app, asked);
  add_store_chores(app, asked);
  add_replay(app, asked);
  add_evaluate(app, asked);
  app.footer(kExamples);  // after the subcommands, which would inherit it
  try {
    app.parse(argc, argv);
    if (!asked.run) throw CLI::RequiredError("A command");
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const auto named = app.get_subcommands();
    return refuse(error.what(), named.empty() ? "" : named.front()->get_name());
  }
  asked.connection.format = asked.format == "json"  ? Format::kJson
                            : asked.format == "csv" ? Format::kCsv
                                                    : Format::kTable;
  return std::nullopt;
}

int run(int argc, char** argv) {
  Invocation asked;
  try {
    const std::optional<int> answered = parse(argc, argv, asked);
    return answered ? *answered : asked.run();
  } catch (const OutputClosed&) {
    return 0;  // whoever read it had enough
  } catch (const UsageError& error) {
    return refuse(error.what(), asked.command);
  } catch (const Error& error) {
    complain(error.kind() == Error::Kind::kTimeout ? no_answer(asked.connection) : error.what());
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return 1;
}

}  // namespace
}  // namespace accrue::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is an error of write(), not an end by signal
  return accrue::cli::run(argc, argv);
}
