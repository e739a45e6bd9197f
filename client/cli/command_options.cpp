#include "client/cli/command_options.hpp"

#include <charconv>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "models/learners.hpp"

namespace accrue::cli {
namespace {

constexpr const char* kPartitioning = "Partitioning";

void add_numbers(CLI::App* command, const std::string& name, std::vector<double>& numbers, const std::string& about) {
  command->add_option(name, numbers, about)
      ->type_name("A,B,C")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kPartitioning);
}

// CLI11 alone would take -1 for the largest number there is, 010 for 8, and a number that is too large for the largest.
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const auto rewrite = [low, high](std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || value < low || value > high) {
      return "'" + text + "' is not a whole number from " + std::to_string(low) + " to " + std::to_string(high);
    }
    text = std::to_string(value);
    return std::string();
  };
  return CLI::Validator(rewrite, "");
}

CLI::Validator setting() {
  const auto check = [](const std::string& text) {
    const std::size_t equals = text.find('=');
    return equals != std::string::npos && equals > 0 ? std::string() : "'" + text + "' is not KEY=VALUE";
  };
  return CLI::Validator(check, "");
}

}  // namespace

CLI::Validator one_of(std::vector<std::string> words) { return CLI::IsMember(std::move(words)).description(""); }

CLI::Validator between(double low, double high, const std::string& what) {
  const auto check = [low, high, what](const std::string& text) {
    double value = 0;
    const bool fits = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;  // a NaN does not
    return fits ? std::string() : "'" + text + "' is not " + what;
  };
  return CLI::Validator(check, "");
}

CLI::Validator count() { return whole_number(1, std::numeric_limits<std::uint32_t>::max()); }
CLI::Validator epoch_number() { return whole_number(1, std::numeric_limits<std::int64_t>::max()); }
CLI::Validator seed() { return whole_number(0, std::numeric_limits<std::uint64_t>::max()); }

void add_rows(CLI::App* command, std::string& file, const std::string& about, bool& skip_bad,
              const std::string& skipped) {
  command->add_option("FILE", file, about)->type_name("")->required();
  command->add_flag("--skip-bad", skip_bad, skipped);
}

void add_learned_file(CLI::App* command, FileOptions& options, const std::string& about) {
  add_rows(command, options.file, about, options.skip_bad,
           "count and skip lines that cannot be used, instead of stopping");
  command->add_option("--target", options.target, "what to learn (default: the last column)")->type_name("COLUMN");
  command->add_option("--features", options.features, "what to learn it from (default: all other columns)")
      ->type_name("A,B,C")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--weight", options.weight, "the weight of each row (default: 1)")->type_name("COLUMN");
  command->add_option("--time", options.time, "the time of each row's event, in seconds (default: none)")
      ->type_name("COLUMN");
}

void add_order(CLI::App* command, bool& shuffle, std::uint64_t& of_shuffle) {
  const auto set = [&shuffle](const std::string& order) { shuffle = order == "shuffle"; };
  command->add_option_function<std::string>("--order", set, "file or shuffle (default: file)")
      ->type_name("ORDER")
      ->check(one_of({"file", "shuffle"}));
  command->add_option("--seed", of_shuffle, "of the shuffle, which is the same everywhere (default: 1)")
      ->type_name("N")
      ->transform(seed());
}

void add_late_targets(CLI::App* command, PushOptions& options) {
  command
      ->add_option("--id", options.id,
                   "joins features to a target that comes later: a line lacks its target, or all its features")
      ->type_name("COLUMN");
  command
      ->add_option("--label-ttl-rows", options.label_ttl_rows,
                   "a target is late so many rows after its features (default: 100000)")
      ->type_name("N")
      ->transform(count());
  command->add_option("--label-ttl", options.label_ttl_s, "... or so many seconds of event time (default: never late)")
      ->type_name("SECONDS")
      ->check(between(0, 1e300, "a number of seconds of at least 0"));
}

void add_partitioning(CLI::App* command, PartitionOptions& options) {
  command
      ->add_option("--partitions", options.partitions,
                   "shares of the rows, learned side by side (default: 1, or as weights or cuts need)")
      ->type_name("N")
      ->transform(count())
      ->group(kPartitioning);
  const auto set_how = [&options](const std::string& how) { options.by = partition_by_named(how); };
  command
      ->add_option_function<std::string>(
          "--partition-by", set_how,
          "how rows find theirs, as told below (default: what these options need; otherwise round_robin)")
      ->type_name("HOW")
      ->check(one_of(partition_by_names()))
      ->group(kPartitioning);
  command->add_option("--key", options.key, "the column that hash, range and time_window look at")
      ->type_name("COLUMN")
      ->group(kPartitioning);
  add_numbers(command, "--partition-cuts", options.cuts,
              "of range: where the 2nd partition begins, the 3rd, ... (default: even, by the first rows)");
  add_numbers(command, "--partition-weights", options.weights, "of weighted: the share of each partition");
  command->add_option("--partition-window", options.window_s, "of time_window: its length")
      ->type_name("SECONDS")
      ->check(between(0.001, 1e300, "a number of seconds of at least 0.001"))
      ->group(kPartitioning);
  command->add_option("--partition-seed", options.seed, "of random: which draw (default: 0)")
      ->type_name("N")
      ->transform(seed())
      ->group(kPartitioning);
}

void add_model_name(CLI::App* command, std::string& model) {
  command->add_option("--model", model, "answer by this model; accrue models STREAM lists them (default: the champion)")
      ->type_name("NAME");
}

void add_learner(CLI::App* command, ModelOptions& options) {
  command->add_option("--learner", options.learner, "what is to learn (default: least_squares)")->type_name("LEARNER");
  command->add_option("--set", options.settings, "a setting of the learner; may be given again")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->check(setting());
}

// Every setting is of the learner before it, so each is taken up when it is met.
void add_learners(CLI::App* command, std::vector<models::ModelSpec>& learners) {
  const auto known = [](const std::string& name) {
    try {
      (void)models::learner_kind(name);
      return std::string();
    } catch (const std::invalid_argument& problem) {
      return std::string(problem.what());
    }
  };
  const auto add = [&learners](const std::string& name) { learners.emplace_back().learner = name; };
  command->add_option_function<std::string>("--learner", add, "to be compared; may be repeated (default: all below)")
      ->type_name("NAME")
      ->check(CLI::Validator(known, ""))
      ->trigger_on_parse();
  const auto set = [&learners](const std::string& pair) {
    if (learners.empty()) throw CLI::ValidationError("--set", "stands behind the --learner whose setting it is");
    const std::size_t equals = pair.find('=');
    learners.back().settings.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
  };
  command->add_option_function<std::string>("--set", set, "a setting of the --learner before it; may be repeated")
      ->type_name("KEY=VALUE")
      ->check(setting())
      ->trigger_on_parse();
}

}  // namespace accrue::cli
