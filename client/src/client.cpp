#include "accrue/client.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include <zmq.hpp>

#include "client/src/connection.hpp"
#include "client/src/convert.hpp"
#include "client/src/query_channel.hpp"
#include "ingest/wire/fresh_producer.hpp"
#include "ingest/wire/limits.hpp"

namespace accrue {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

namespace client {
namespace {

void require(bool good, const std::string& otherwise) {
  if (!good) throw Error(Error::Kind::kInvalid, otherwise);
}

// Never negative, and never so long that a deadline overflows the clock.
std::chrono::milliseconds bounded(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
  return std::clamp(timeout, std::chrono::milliseconds(0), kLongest);
}

ClientOptions completed(ClientOptions options) {
  require(options.batch_rows > 0, "batch_rows must be at least 1");
  constexpr std::size_t kMostMebibytes = 1'048'576;
  require(options.max_unacknowledged_mb > 0 && options.max_unacknowledged_mb <= kMostMebibytes,
          "max_unacknowledged_mb must be 1 to 1048576");
  require(options.producer.size() <= wire::kMaxNameBytes, "the producer's name is longer than 128 bytes");
  if (options.endpoint.empty()) options.endpoint = default_endpoint();
  if (options.producer.empty()) options.producer = wire::fresh_producer("client-");
  options.timeout = bounded(options.timeout);
  return options;
}

void require_stream_name(const std::string& name) {
  const std::string problem = wire::problem_with_stream_name(name);
  require(problem.empty(), problem);
}

}  // namespace

// What a Client and its Streams share. The last of them closes the connection.
struct Core {
  Core(const ClientOptions& options, bool ephemeral)
      : timeout(options.timeout), connection(context, options, ephemeral), queries(context, connection, options) {}

  std::chrono::milliseconds timeout;
  zmq::context_t context;
  Connection connection;
  QueryChannel queries;
};

}  // namespace client

struct Client::State {
  explicit State(ClientOptions options) {
    const bool ephemeral = options.producer.empty();
    core = std::make_shared<client::Core>(client::completed(std::move(options)), ephemeral);
  }
  std::shared_ptr<client::Core> core;
};

struct Stream::State {
  State(std::shared_ptr<client::Core> owner, std::shared_ptr<client::Channel> stream)
      : core(std::move(owner)),
        channel(std::move(stream)),
        spec(client::from_wire(channel->opened->spec)),
        shape(spec),
        columns(channel->opened->spec.column_count()) {}

  // A column of its own for a key or an event time is one that push(), push_features() and push_label() have no
  // argument for.
  void check_push_has_all_columns(bool with_id) const {
    const std::size_t has = spec.features.size() + 1 + (spec.weighted ? 1 : 0);
    if (columns == has + (with_id ? 1 : 0)) return;
    throw Error(Error::Kind::kInvalid,
                subject() + " has the column '" + channel->opened->spec.columns()[has] + "' too: use push_rows");
  }

  void check_features(std::span<const double> features) const {
    if (features.size() == spec.features.size()) return;
    throw Error(Error::Kind::kInvalid, subject() + " has " + std::to_string(spec.features.size()) + " features, not " +
                                           std::to_string(features.size()));
  }

  void check_weight(double weight) const {
    if (spec.weighted || weight == 1) return;
    throw Error(Error::Kind::kInvalid, subject() + " has no weights");
  }

  // A row whose features, or whose target, come at another time.
  void push_part(std::uint64_t id, std::span<const double> features, double target, double weight) const {
    constexpr std::uint64_t kMaxId = std::uint64_t{1} << 53;  // beyond it two ids may be one double
    if (spec.id.empty()) {
      throw Error(Error::Kind::kInvalid, subject() + " has no id: it was created without StreamSpec::id");
    }
    if (id > kMaxId) throw Error(Error::Kind::kInvalid, "an id is at most 2^53, not " + std::to_string(id));
    push_row(features, target, weight, id);
  }

  void push_row(std::span<const double> features, double target, double weight,
                std::optional<std::uint64_t> id = std::nullopt) const {
    check_weight(weight);
    check_push_has_all_columns(id.has_value());
    thread_local std::vector<double> row;  // keeps its memory from row to row
    row.assign(features.begin(), features.end());
    row.push_back(target);
    if (spec.weighted) row.push_back(weight);
    if (id) row.push_back(static_cast<double>(*id));
    core->connection.push(*channel, row);
  }

  template <class Real>
  void push_rows(std::span<const Real> rows) const {
    check_whole_rows(rows.size());
    core->connection.push(*channel, rows);
  }

  template <class Real>
  bool try_push_rows(std::span<const Real> rows) const {
    check_whole_rows(rows.size());
    return core->connection.try_push(*channel, rows);
  }

  void check_whole_rows(std::size_t values) const {
    check_sparse(false);
    if (values % columns == 0) return;
    throw Error(Error::Kind::kInvalid,
                subject() + ": " + std::to_string(values) + " values are not whole rows of " + std::to_string(columns));
  }

  void check_sparse(bool wanted) const {
    if (wanted == (spec.dimension > 0)) return;
    throw Error(Error::Kind::kInvalid, subject() + (wanted ? " has no sparse rows: use push and predict"
                                                           : " has sparse rows: use push_sparse and predict_sparse"));
  }

  std::string subject() const { return "stream '" + channel->name + "'"; }

  std::shared_ptr<client::Core> core;
  std::shared_ptr<client::Channel> channel;
  StreamSpec spec;
  client::RowShape shape;
  std::size_t columns;
};

Stream::Stream(std::shared_ptr<State> state) : state_(std::move(state)) {}

const std::string& Stream::name() const { return state_->channel->name; }
const StreamSpec& Stream::spec() const { return state_->spec; }
std::size_t Stream::columns() const { return state_->columns; }

void Stream::push(std::span<const double> features, double target, double weight) {
  state_->check_sparse(false);
  state_->check_features(features);
  state_->push_row(features, target, weight);
}

void Stream::push(std::initializer_list<double> features, double target, double weight) {
  push(std::span(features.begin(), features.size()), target, weight);
}

void Stream::push_features(std::uint64_t id, std::span<const double> features) {
  state_->check_features(features);
  const bool any = std::any_of(features.begin(), features.end(), [](double x) { return !std::isnan(x); });
  if (!any) throw Error(Error::Kind::kInvalid, "stream '" + name() + "': a row of which every feature is missing");
  state_->push_part(id, features, kMissing, 1);
}

void Stream::push_features(std::uint64_t id, std::initializer_list<double> features) {
  push_features(id, std::span(features.begin(), features.size()));
}

void Stream::push_label(std::uint64_t id, double target, double weight) {
  if (std::isnan(target)) throw Error(Error::Kind::kInvalid, "stream '" + name() + "': a target that is missing");
  state_->push_part(id, std::vector<double>(state_->spec.features.size(), kMissing), target, weight);
}

void Stream::push_sparse(std::span<const std::uint32_t> columns, std::span<const double> values, double target,
                         double weight) {
  state_->check_sparse(true);
  state_->check_weight(weight);
  thread_local client::InOrder row;
  row.put(state_->subject(), columns, values, state_->spec.dimension);
  state_->core->connection.push(*state_->channel, client::SparseRow{row.columns(), row.values(), target, weight});
}

void Stream::push_rows(std::span<const double> rows) { state_->push_rows(rows); }
void Stream::push_rows(std::span<const float> rows) { state_->push_rows(rows); }
bool Stream::try_push_rows(std::span<const double> rows) { return state_->try_push_rows(rows); }
bool Stream::try_push_rows(std::span<const float> rows) { return state_->try_push_rows(rows); }

FlushReport Stream::flush(std::optional<std::chrono::milliseconds> timeout) {
  return state_->core->connection.flush(*state_->channel, client::bounded(timeout.value_or(state_->core->timeout)));
}

FlushReport Stream::progress() const { return state_->core->connection.progress(*state_->channel); }

Prediction Stream::predict(std::span<const double> rows, std::optional<std::uint64_t> epoch, const std::string& model,
                           std::optional<double> interval) const {
  state_->check_sparse(false);
  return state_->core->queries.predict(name(), state_->shape, rows, {epoch, model}, interval);
}

Prediction Stream::predict(std::initializer_list<double> rows, std::optional<std::uint64_t> epoch,
                           const std::string& model, std::optional<double> interval) const {
  return predict(std::span(rows.begin(), rows.size()), epoch, model, interval);
}

Prediction Stream::predict_sparse(std::span<const std::uint32_t> columns, std::span<const double> values,
                                  std::optional<std::uint64_t> epoch, const std::string& model,
                                  std::optional<double> interval) const {
  const auto end = static_cast<std::uint32_t>(columns.size());
  return predict_sparse_rows(columns, values, {&end, 1}, epoch, model, interval);
}

Prediction Stream::predict_sparse_rows(std::span<const std::uint32_t> columns, std::span<const double> values,
                                       std::span<const std::uint32_t> ends, std::optional<std::uint64_t> epoch,
                                       const std::string& model, std::optional<double> interval) const {
  state_->check_sparse(true);
  const std::uint32_t dimension = state_->spec.dimension;
  const client::SparseQuestion rows{columns, values, ends};
  return state_->core->queries.predict(name(), dimension, rows, {epoch, model}, interval);
}

Coefficients Stream::coef(std::optional<std::uint64_t> epoch, const std::string& model) const {
  return state_->core->queries.coef(name(), {epoch, model});
}

Metrics Stream::metrics(const std::string& model) const { return state_->core->queries.metrics(name(), model); }
Models Stream::models() const { return state_->core->queries.models(name()); }
KeptEpochs Stream::epochs() const { return state_->core->queries.epochs(name()); }

Client::Client(ClientOptions options) : state_(std::make_shared<State>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Stream Client::stream(const std::string& name, const StreamSpec& spec) {
  client::require_stream_name(name);
  const wire::StreamSpec asked = client::to_wire(spec);
  const std::string problem = wire::problem_with(asked);
  client::require(problem.empty(), problem);
  return Stream(std::make_shared<Stream::State>(state_->core, state_->core->connection.open(name, asked)));
}

Stream Client::stream(const std::string& name) {
  client::require_stream_name(name);
  return Stream(std::make_shared<Stream::State>(state_->core, state_->core->connection.open(name, std::nullopt)));
}

void Client::drop(const std::string& name) {
  client::require_stream_name(name);
  state_->core->connection.drop(name);
}

std::uint64_t Client::rollback(const std::string& name, std::uint64_t epoch) {
  client::require_stream_name(name);
  return state_->core->connection.ask(name, wire::Rollback{.stream = name, .epoch = epoch}, "rolled back");
}

void Client::add_model(const std::string& stream, const ModelSpec& model) {
  client::require_stream_name(stream);
  const wire::ModelSpec asked = client::to_wire(model);
  const std::string problem = wire::problem_with(asked);
  client::require(problem.empty(), problem);
  state_->core->connection.ask(stream, wire::AddModel{.stream = stream, .model = asked},
                               "given the model '" + model.name + "'");
}

void Client::drop_model(const std::string& stream, const std::string& model) {
  client::require_stream_name(stream);
  state_->core->connection.ask(stream, wire::DropModel{.stream = stream, .model = model},
                               "rid of the model '" + model + "'");
}

void Client::promote_model(const std::string& stream, const std::string& model) {
  client::require_stream_name(stream);
  state_->core->connection.ask(stream, wire::PromoteModel{.stream = stream, .model = model},
                               "given the champion '" + model + "'");
}

Prediction Client::predict(const std::string& stream, std::span<const double> rows, std::optional<std::uint64_t> epoch,
                           const std::string& model, std::optional<double> interval) const {
  return state_->core->queries.predict(stream, rows, {epoch, model}, interval);
}

Prediction Client::predict_sparse_rows(const std::string& stream, std::span<const std::uint32_t> columns,
                                       std::span<const double> values, std::span<const std::uint32_t> ends,
                                       std::optional<std::uint64_t> epoch, const std::string& model,
                                       std::optional<double> interval) const {
  return state_->core->queries.predict(stream, client::SparseQuestion{columns, values, ends}, {epoch, model}, interval);
}

Coefficients Client::coef(const std::string& stream, std::optional<std::uint64_t> epoch,
                          const std::string& model) const {
  return state_->core->queries.coef(stream, {epoch, model});
}

Metrics Client::metrics(const std::string& stream, const std::string& model) const {
  return state_->core->queries.metrics(stream, model);
}

Models Client::models(const std::string& stream) const { return state_->core->queries.models(stream); }
KeptEpochs Client::epochs(const std::string& stream) const { return state_->core->queries.epochs(stream); }
Status Client::status() const { return state_->core->queries.status(); }

std::string default_endpoint() {
  const char* set = std::getenv("ACCRUE_ENDPOINT");
  return set && *set ? set : "tcp://127.0.0.1:7700";
}

}  // namespace accrue
