// Options that several commands take, and checks of what an option is given.
//
// For one thread. What a check allows is said in words, not in CLI11's notation. What an option is bound to must
// outlive the parsing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/cli/commands.hpp"

namespace accrue::cli {

inline constexpr const char* kCsvFile = "CSV whose first line names the columns; - is standard input";

CLI::Validator one_of(std::vector<std::string> words);
CLI::Validator between(double low, double high, const std::string& what);
CLI::Validator count();  // at least 1; these three take whole numbers
CLI::Validator epoch_number();
CLI::Validator seed();

// FILE and --skip-bad; `about` and `skipped` say what they are here.
void add_rows(CLI::App* command, std::string& file, const std::string& about, bool& skip_bad,
              const std::string& skipped);

// The same, with what of the file is learned.
void add_learned_file(CLI::App* command, FileOptions& options, const std::string& about);

void add_order(CLI::App* command, bool& shuffle, std::uint64_t& of_shuffle);

// --id, and when a target that it joins to features is late.
void add_late_targets(CLI::App* command, PushOptions& options);

void add_partitioning(CLI::App* command, PartitionOptions& options);

// --model, of a question.
void add_model_name(CLI::App* command, std::string& model);

// --learner and --set, of one model that is to be made.
void add_learner(CLI::App* command, ModelOptions& options);

// --learner, any number of times, and --set, any number of times behind each.
void add_learners(CLI::App* command, std::vector<models::ModelSpec>& learners);

}  // namespace accrue::cli
