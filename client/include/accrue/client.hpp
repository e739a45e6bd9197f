// The accrue client: push rows to a stream, wait until they are durable, ask for predictions.
//
//   accrue::Client client;                                          // tcp://127.0.0.1:7700, or $ACCRUE_ENDPOINT
//   accrue::Stream homes = client.stream("homes", {.features = {"rooms", "age"}, .target = "price"});
//   homes.push({4, 30}, 210.5);                                     // batched and sent in the background
//   homes.flush();                                                  // returns when every row is durable
//   double price = homes.predict({5, 12}).values.front();
//
// Delivery: a row that flush() reported durable is in the model exactly once, whatever crashed meanwhile. The client
// keeps every batch until the daemon has it on disk, reconnects by itself and sends again what was not acknowledged.
// What is lost: rows that were pushed but not yet durable when the pushing process itself dies.
//
// Threads: Client and Stream may be used from any number of threads at once. Rows pushed by one thread keep their
// order. A Stream is a handle; copies are the same stream, and it keeps what it needs of its Client alive.
//
// Errors: accrue::Error, whose message says what happened and what to do. A timeout leaves everything as it was: rows
// that were taken are still queued, rows that were not are not, and the call may be made again. When a stream cannot go
// on without losing rows (it was dropped or rolled back, an old store was restored), every push and flush of it throws
// from then on; Client::stream() opens it anew.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace accrue {

class Error : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t {
    kTimeout,        // no answer in time; may be tried again
    kInvalid,        // the arguments are at fault: sizes, names, endpoint
    kUnknownStream,  // there is no such stream
    kSpecMismatch,   // the stream exists with another specification
    kNoModelYet,     // the stream has not learned a row yet
    kUnknownEpoch,   // the epoch asked for is not kept; the message says which are
    kUnknownModel,   // the stream has no model of that name
    kRolledBack,     // the stream was rolled back: open it again, and push what is to be learned from there
    kRefused,        // the daemon refused, for a reason it gave
  };
  Error(Kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// How rows find the partition, and so the worker, that learns them. The model is the same but for its last bits.
enum class PartitionBy : std::uint8_t {
  kRoundRobin,   // whole batches in turn
  kHash,         // rows by the hash of their key: those of one key meet
  kRandom,       // whole batches as partition_seed draws them
  kWeighted,     // whole batches in proportion to partition_weights
  kLeastLoaded,  // whole batches to the worker with the least to learn
  kRange,        // rows by where their key lies among partition_cuts
  kTimeWindow,   // rows by the window of partition_window_s that their key, the event time, falls into
};
const char* to_string(PartitionBy by);  // "round_robin", "hash", ...

// key=value, as a learner takes it.
struct Setting {
  std::string key;
  std::string value;

  bool operator==(const Setting&) const = default;
};

// A model of a stream: which learner is to learn, and how. The daemon knows which there are.
struct ModelSpec {
  std::string name;
  std::string learner = "least_squares";
  std::vector<Setting> settings{};

  bool operator==(const ModelSpec&) const = default;
};

// What a stream is. Fixed when it is created, but for its models.
struct StreamSpec {
  std::vector<std::string> features{};
  std::string target = "target";
  bool weighted = false;  // every row carries a weight
  std::string key{};      // a feature, or a column of its own, by which rows are partitioned; empty for none
  bool intercept = true;
  double ridge = 0;  // penalty at solve time, in rows' worth of prior; 0 is plain least squares
  std::uint32_t partitions = 1;
  PartitionBy partition_by = PartitionBy::kRoundRobin;
  std::uint64_t partition_seed = 0;         // of kRandom
  std::vector<double> partition_weights{};  // of kWeighted: one a partition, above 0
  std::vector<double> partition_cuts{};     // of kRange: increasing, one fewer than partitions; a cut begins a range
  double partition_window_s = 0;            // of kTimeWindow: seconds, at least 0.001
  std::string time{};  // in seconds, of a row's event: a feature, the key, or a column of its own; empty for none
  // What it is created with, the champion first; none: one "least_squares" with the intercept and the ridge above.
  std::vector<ModelSpec> models{};
  // A column of its own that joins the features of a row to a target that comes later (Stream::push_features); empty
  // for none. A target is late more than so many rows, or seconds of event time if that is above 0, after its features.
  std::string id{};
  std::uint64_t label_ttl_rows = 100'000;
  double label_ttl_s = 0;
  std::uint32_t dimension = 0;  // of a stream of sparse rows (Stream::push_sparse), whose features have no names

  bool operator==(const StreamSpec&) const = default;
};

// Cut points for StreamSpec::partition_cuts that share a sample of keys evenly and leave no partition without
// (probabilistic splitting: DeWitt, Naughton and Schneider 1991). Throws kInvalid where a key is not finite, or fewer
// of them differ than there are to be partitions.
std::vector<double> learned_cuts(std::vector<double> keys, std::uint32_t partitions);

// Where features that have names stand in a stream of sparse rows: the number of this one, below the dimension. Two
// names may share a number; the wider the stream, the fewer do. It is the same everywhere and for ever. Throws kInvalid
// for a dimension of 0.
std::uint32_t hashed_feature(std::string_view name, std::uint32_t dimension);

struct ClientOptions {
  std::string endpoint{};                  // empty: $ACCRUE_ENDPOINT, or tcp://127.0.0.1:7700
  std::string producer{};                  // who sends; empty: a fresh name for this Client, forgotten when it is done
  std::size_t batch_rows = 1'024;          // a batch is sent when it has so many rows
  std::uint32_t batch_linger_ms = 2;       // or when its first row is so old
  std::size_t max_unacknowledged_mb = 64;  // MiB of rows, of all streams, kept for resending; push blocks beyond
  std::chrono::milliseconds timeout{10'000};  // of every call that waits, unless the call says otherwise
};

struct FlushReport {
  std::uint64_t durable_rows = 0;   // rows this Client sent to the stream that are now in the model, on disk
  std::uint64_t rejected_rows = 0;  // rows the daemon refused since the stream was opened here, each for a bad value
  std::string first_rejection;      // what was wrong with the first: "row 7: ...", rows counted from 1 as pushed here
};

struct Prediction {
  std::uint64_t epoch = 0;  // the snapshot that answered
  std::uint64_t rows = 0;   // rows its model has learned
  std::vector<double> values;
  // Where intervals were asked for: each reaches so far on either side of its value. By the model's own variance, if
  // its errors are normal: one a value, NaN from a model that knows none; and free of assumptions about the errors, but
  // that the rows are like those before: the same for all values, none while there were too few rows.
  std::vector<double> margins{};
  std::optional<double> conformal_margin{};
};

struct Estimate {
  double estimate = 0;
  std::optional<double> std_error;  // none where it cannot be estimated
  std::optional<double> t;
};

struct Coefficients {
  std::string model;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::vector<std::string> names;
  std::optional<Estimate> intercept;
  std::vector<Estimate> coefficients;
  std::optional<double> residual_std;
  std::optional<double> r2;
  std::uint32_t rank = 0;
  std::optional<double> condition;
  // Of a stream of sparse rows only coefficients that are not zero are listed, named by their features' numbers, and of
  // very many the largest. This many are not.
  std::uint64_t left_out = 0;
};

// How often the 95% intervals that a model gave before each row held its target.
struct Coverage {
  std::uint64_t rows = 0;  // that had an interval
  std::optional<double> rate, mean_width;
};

// Progressive (test-then-train) error: every row was predicted before it was learned.
struct ErrorFigures {
  std::uint64_t window = 0;  // of so many of the stream's newest rows
  std::uint64_t rows = 0;    // scored
  std::optional<double> mse, mae, rmse, r2;
  std::optional<double> mape, bias;                // mean |error / target|, a fraction; mean of prediction less target
  std::optional<double> mse_clipped, mae_clipped;  // predictions clipped to the targets seen so far
  Coverage conformal{}, variance{};                // of the two kinds of intervals (Prediction)
};

struct Metrics {
  std::string model;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::optional<double> mse, mae, rmse, r2;
  std::optional<double> mse_clipped, mae_clipped;
  std::optional<double> mape, bias;
  std::vector<ErrorFigures> last{};               // over 1,000, 10,000 and 100,000 rows
  Coverage conformal, variance;                   // of the two kinds of intervals (Prediction)
  std::uint64_t drifts = 0;                       // times the error has risen for good
  std::optional<std::uint64_t> last_drift_row{};  // of the stream, from 0
  std::optional<std::uint64_t> keys{};          // held in memory, by a model of each (group_by = key); none for others
  std::optional<std::uint64_t> evicted_keys{};  // how often one went to the store; likewise
};

struct ModelStatus {
  ModelSpec spec;
  bool champion = false;                                         // its predictions are the stream's
  std::uint64_t rows = 0;                                        // learned since it was added
  std::optional<double> mse, mae, r2, mse_clipped, mae_clipped;  // as in Metrics
};

struct Models {
  std::uint64_t epoch = 0;
  std::vector<ModelStatus> models;  // in the order they were added
};

// An epoch that the daemon keeps on disk: what the stream was when it was committed.
struct Epoch {
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::chrono::system_clock::time_point committed;  // by the daemon's clock
  std::optional<double> mse, mse_clipped;           // of the champion; progressive, as in Metrics
};

struct KeptEpochs {
  std::uint64_t kept = 0;     // how many there are
  std::vector<Epoch> epochs;  // the newest 10,000 of them, newest first
};

struct RejectedRows {
  std::string reason;
  std::uint64_t rows = 0;
};

// Of a stream with an id.
struct LateLabels {
  std::uint64_t waiting = 0;   // features that have no target yet
  std::uint64_t expired = 0;   // ... and had none in time
  std::uint64_t unknown = 0;   // targets that found no features, or came too late
  std::uint64_t repeated = 0;  // features of an id that waited already, which are left out
};

struct StreamStatus {
  std::string name;
  StreamSpec spec;
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::optional<double> mse;
  std::vector<RejectedRows> rejected;
  std::optional<LateLabels> labels{};
};

struct Status {
  std::string version;
  std::uint64_t pid = 0;
  double uptime_s = 0;
  std::string data_dir;
  std::uint32_t workers = 0;
  std::uint64_t producers = 0;          // connected
  std::uint64_t outstanding_bytes = 0;  // of batches accepted and not yet durable
  std::string degraded;                 // why nothing becomes durable at the moment; empty when all is well
  std::vector<StreamStatus> streams;
  std::uint64_t memory_bytes = 0;  // accounted for, of what clients make the daemon hold
  std::uint64_t memory_limit_bytes = 0;
};

class Stream {
 public:
  const std::string& name() const;
  const StreamSpec& spec() const;
  std::size_t columns() const;  // values of a row for push_rows: features, target, [weight], [key], [time], [id]

  // One row. Blocks while the credit is used up, until `timeout` of the options. For a stream whose key and event time,
  // where it has them, are features.
  void push(std::span<const double> features, double target, double weight = 1);
  void push(std::initializer_list<double> features, double target, double weight = 1);

  // Of a stream with an id, which are whole numbers up to 2^53 here: the features of a row now, and its target when it
  // is known. The models are scored by what they predicted of the features when these came, and learn the row when its
  // target does. A target that comes too late, or before its features, is counted (Client::status) and not learned;
  // so are features of an id that waits already.
  void push_features(std::uint64_t id, std::span<const double> features);
  void push_features(std::uint64_t id, std::initializer_list<double> features);
  void push_label(std::uint64_t id, double target, double weight = 1);

  // One row of a stream of sparse rows: the features that are not zero, by their numbers, in any order, and as many
  // values. Those of a feature that is named twice are added up, as hashed names want it. Blocks like push().
  void push_sparse(std::span<const std::uint32_t> columns, std::span<const double> values, double target,
                   double weight = 1);

  // Whole rows, row-major, columns() values each, max_unacknowledged_mb of them at most. All are taken or, on an error,
  // none. Batches are cut after every batch_rows rows. NaN is a value that is missing: a feature that all the models
  // the stream was created with take so; or, in a stream with an id, the target, or all of the features. Floats are
  // sent as they are, in half the bytes, and learned as the doubles that they are.
  void push_rows(std::span<const double> rows);
  void push_rows(std::span<const float> rows);

  // As push_rows, but takes no row at all and returns false when it would have to wait for credit.
  [[nodiscard]] bool try_push_rows(std::span<const double> rows);
  [[nodiscard]] bool try_push_rows(std::span<const float> rows);

  // Sends what is gathered and returns when all that was pushed before is durable.
  FlushReport flush(std::optional<std::chrono::milliseconds> timeout = std::nullopt);

  // Rows of this Client that are durable by now; never waits.
  FlushReport progress() const;

  // One prediction a row; rows hold features only, row-major, and behind them the key where that is no feature and the
  // model groups by it. From the newest epoch, or from one that is kept; by the champion, or by the model that is
  // named; with intervals where their level is given, such as 0.95.
  Prediction predict(std::span<const double> rows, std::optional<std::uint64_t> epoch = std::nullopt,
                     const std::string& model = {}, std::optional<double> interval = std::nullopt) const;
  Prediction predict(std::initializer_list<double> rows, std::optional<std::uint64_t> epoch = std::nullopt,
                     const std::string& model = {}, std::optional<double> interval = std::nullopt) const;
  // One sparse row as push_sparse() takes it; or several, one after the other, each up to `ends` of its row.
  Prediction predict_sparse(std::span<const std::uint32_t> columns, std::span<const double> values,
                            std::optional<std::uint64_t> epoch = std::nullopt, const std::string& model = {},
                            std::optional<double> interval = std::nullopt) const;
  Prediction predict_sparse_rows(std::span<const std::uint32_t> columns, std::span<const double> values,
                                 std::span<const std::uint32_t> ends, std::optional<std::uint64_t> epoch = std::nullopt,
                                 const std::string& model = {}, std::optional<double> interval = std::nullopt) const;
  Coefficients coef(std::optional<std::uint64_t> epoch = std::nullopt, const std::string& model = {}) const;
  Metrics metrics(const std::string& model = {}) const;
  Models models() const;
  KeptEpochs epochs() const;

 private:
  friend class Client;
  struct State;
  explicit Stream(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

class Client {
 public:
  explicit Client(ClientOptions options = {});  // returns at once; connects, and reconnects, in the background
  ~Client();                                    // does not wait: flush() what must be durable first
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  Stream stream(const std::string& name, const StreamSpec& spec);  // creates it, or opens it if it is the same
  Stream stream(const std::string& name);                          // opens it
  void drop(const std::string& name);                              // and all it has learned

  // Makes the stream what it was at an epoch that is kept (epochs()), for everybody, and returns the number of the new
  // epoch, which is a copy of that one and durable. What was learned since is undone, also what was reported durable.
  // Every Stream that was open, here too, throws kRolledBack from then on. Whoever pushed to it decides: open it again
  // and push new rows, or also, once more, those that came after the epoch. After a timeout it may have happened;
  // another call does no harm.
  std::uint64_t rollback(const std::string& name, std::uint64_t epoch);

  // Changes the models of a stream for everybody, and returns when that is durable. A model that is added learns the
  // rows from then on; the champion cannot be dropped. After a timeout it may have happened.
  void add_model(const std::string& stream, const ModelSpec& model);
  void drop_model(const std::string& stream, const std::string& model);
  void promote_model(const std::string& stream, const std::string& model);  // it becomes the champion

  // Without opening the stream for pushing.
  Prediction predict(const std::string& stream, std::span<const double> rows,
                     std::optional<std::uint64_t> epoch = std::nullopt, const std::string& model = {},
                     std::optional<double> interval = std::nullopt) const;
  Prediction predict_sparse_rows(const std::string& stream, std::span<const std::uint32_t> columns,
                                 std::span<const double> values, std::span<const std::uint32_t> ends,
                                 std::optional<std::uint64_t> epoch = std::nullopt, const std::string& model = {},
                                 std::optional<double> interval = std::nullopt) const;
  Coefficients coef(const std::string& stream, std::optional<std::uint64_t> epoch = std::nullopt,
                    const std::string& model = {}) const;
  Metrics metrics(const std::string& stream, const std::string& model = {}) const;
  Models models(const std::string& stream) const;
  KeptEpochs epochs(const std::string& stream) const;
  Status status() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The default of ClientOptions::endpoint: $ACCRUE_ENDPOINT if set, else tcp://127.0.0.1:7700.
std::string default_endpoint();

}  // namespace accrue
