// Questions to the daemon's query socket, asked and answered by the calling thread. A question is idempotent: it is
// sent again every second until its answer comes, and answers to earlier ones are passed over.
//
// Threads: any; questions take turns. Errors: accrue::Error; kTimeout leaves nothing behind.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <zmq.hpp>

#include "accrue/client.hpp"
#include "client/src/connection.hpp"
#include "ingest/wire/queries.hpp"

namespace accrue::client {

// What is to answer: the newest epoch unless one is given, and the champion unless a model is named.
struct Subject {
  std::optional<std::uint64_t> epoch;
  std::string model;
};

// Sparse rows as their user gives them, one after the other, each up to its end.
struct SparseQuestion {
  std::span<const std::uint32_t> columns;
  std::span<const double> values;
  std::span<const std::uint32_t> ends;
};

// What a row to predict is made of: features with names, or so many without.
struct RowShape {
  std::vector<std::string> features;
  bool key_of_its_own = false;  // behind the features may stand a key, as the model asks for; the daemon knows
  std::uint32_t dimension = 0;

  explicit RowShape(const StreamSpec& spec);
};

class QueryChannel {
 public:
  QueryChannel(zmq::context_t& context, Connection& connection, const ClientOptions& options)
      : context_(context), connection_(connection), endpoint_(options.endpoint), timeout_(options.timeout) {}

  Prediction predict(const std::string& stream, const RowShape& shape, std::span<const double> rows,
                     const Subject& subject, std::optional<double> interval);
  Prediction predict(const std::string& stream, std::uint32_t dimension, const SparseQuestion& rows,
                     const Subject& subject, std::optional<double> interval);
  // These ask the daemon for the shape of the stream's rows first, when it has not yet.
  Prediction predict(const std::string& stream, std::span<const double> rows, const Subject& subject,
                     std::optional<double> interval);
  Prediction predict(const std::string& stream, const SparseQuestion& rows, const Subject& subject,
                     std::optional<double> interval);
  Coefficients coef(const std::string& stream, const Subject& subject);
  Metrics metrics(const std::string& stream, const std::string& model);
  Models models(const std::string& stream);
  KeptEpochs epochs(const std::string& stream);
  Status status();

 private:
  template <class Answer, class Question, class Convert>
  auto ask(Question question, Convert convert) -> std::invoke_result_t<Convert, const Answer&>;
  void connect(Patience& patience);
  Prediction ask_prediction(const wire::Predict& question);
  template <class Predict>
  Prediction knowing_shape(const std::string& stream, Predict predict);
  std::optional<RowShape> remembered_shape(const std::string& stream);
  RowShape ask_shape(const std::string& stream);

  zmq::context_t& context_;
  Connection& connection_;
  const std::string endpoint_;
  const std::chrono::milliseconds timeout_;

  std::mutex mutex_;  // guards the next five
  std::optional<DealerSocket> socket_;
  std::uint64_t greeting_ = 0;  // the one that named the socket's peer
  std::uint64_t max_message_bytes_ = 0;
  std::uint64_t request_ = 0;
  wire::Frame frame_;

  std::mutex shapes_mutex_;
  std::unordered_map<std::string, RowShape> shapes_;  // of streams not opened here
};

}  // namespace accrue::client
