// The commands of `accrue`. Each does its work, writes its answer and returns the exit code: 0, or 1 where it has told
// on standard error what went wrong. What it could not finish at all it throws, for main() to tell: UsageError where it
// is the command line that is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "accrue/client.hpp"
#include "client/cli/connection.hpp"
#include "client/cli/output.hpp"
#include "client/cli/partition_options.hpp"
#include "models/model_spec.hpp"

namespace accrue::cli {

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Of a model that is to be made.
struct ModelOptions {
  std::optional<std::string> learner;
  std::vector<std::string> settings;  // key=value
};

// A CSV file, and what of it is learned.
struct FileOptions {
  std::string file;  // "-" is standard input
  std::optional<std::string> target;
  std::vector<std::string> features;
  std::optional<std::string> weight;
  std::optional<std::string> time;
  bool skip_bad = false;
};

// What is not given is the existing stream's, or the default of a new one.
struct PushOptions : FileOptions {
  std::string stream;
  bool no_intercept = false;
  std::optional<double> ridge;
  ModelOptions model;  // the champion of a new stream
  std::optional<std::string> id;
  std::optional<std::uint64_t> label_ttl_rows;
  std::optional<double> label_ttl_s;
  std::optional<std::uint32_t> dimension;  // of sparse rows, whose file is not CSV
  PartitionOptions partitioning;
};

struct PredictOptions {
  std::string stream;
  std::string file;
  bool skip_bad = false;
  std::optional<std::uint64_t> epoch;  // the newest, or one that is kept
  std::string model;                   // the champion where it is empty
  std::optional<double> interval;      // its level
};

struct ReplayOptions {
  std::string stream = "california";
  bool shuffle = false;
  std::uint64_t seed = 1;
  double rate = 0;                    // rows a second; 0 is as fast as it goes
  std::vector<std::string> learners;  // side by side, the champion first; none: the default
  PartitionOptions partitioning;
  std::size_t batch_rows = ClientOptions().batch_rows;
};

// The file may be kCalifornia instead, the public housing data, or synthetic:NAME, kSyntheticRows of that stream.
struct EvaluateOptions : FileOptions {
  std::vector<models::ModelSpec> learners;  // their names are not looked at; none: one of every kind
  std::string key;                          // empty: none
  bool shuffle = false;
  std::uint64_t seed = 1;  // of the shuffle, and of a synthetic stream
  std::string plot;        // a file to be written; empty: none
};

inline constexpr const char* kCalifornia = "california";
inline constexpr std::size_t kSyntheticRows = 100'000;

int push(const Connection& connection, const PushOptions& options);
int predict(const Connection& connection, const PredictOptions& options);
int replay_california(const Connection& connection, const ReplayOptions& options);
int evaluate(Format format, const EvaluateOptions& options);
int coef(const Connection& connection, const std::string& stream, std::optional<std::uint64_t> epoch,
         const std::string& model);
int metrics(const Connection& connection, const std::string& stream, const std::string& model);
int epochs(const Connection& connection, const std::string& stream);
int status(const Connection& connection);
int streams(const Connection& connection);
int drop(const Connection& connection, const std::string& stream);
int rollback(const Connection& connection, const std::string& stream, std::uint64_t epoch);
int models(const Connection& connection, const std::string& stream);
int add_model(const Connection& connection, const std::string& stream, const std::string& model,
              const ModelOptions& options);
int promote_model(const Connection& connection, const std::string& stream, const std::string& model);
int drop_model(const Connection& connection, const std::string& stream, const std::string& model);
int verify(const std::string& directory);
int backup(const Connection& connection, const std::string& file);

}  // namespace accrue::cli
