#include "daemon/exposition.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace accrue::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

Labels with(Labels labels, const std::string& name, const std::string& value) {
  labels.push_back({name, value});
  return labels;
}

template <class Number>
void add(MetricFamily& family, Labels labels, Number number) {
  const auto value = static_cast<double>(number);
  if (!std::isfinite(value)) return;
  ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

void add_histogram(MetricFamily& family, Labels labels, ClientMetric histogram) {
  histogram.label = std::move(labels);
  family.metric.push_back(std::move(histogram));
}

// The families of a text, in the order they were asked for; references to them stay valid.
class Page {
 public:
  MetricFamily& counter(const char* name, const char* help) { return family(name, help, MetricType::Counter); }
  MetricFamily& gauge(const char* name, const char* help) { return family(name, help, MetricType::Gauge); }
  MetricFamily& histogram(const char* name, const char* help) { return family(name, help, MetricType::Histogram); }

  std::size_t samples() const {
    std::size_t samples = 0;
    for (const MetricFamily& family : families_) {
      const bool histograms = family.type == MetricType::Histogram && !family.metric.empty();
      samples += family.metric.size() * (histograms ? family.metric.front().histogram.bucket.size() + 2 : 1);
    }
    return samples;
  }

  std::string text() && {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(
        {std::make_move_iterator(families_.begin()), std::make_move_iterator(families_.end())});
  }

 private:
  MetricFamily& family(const char* name, const char* help, MetricType type) {
    return families_.emplace_back(MetricFamily{name, help, type, {}});
  }

  std::deque<MetricFamily> families_;
};

struct ModelFamilies {
  Page& page;
  MetricFamily& champion = page.gauge("accrue_model_champion", "Whether the stream's predictions are this model's.");
  MetricFamily& rows = page.gauge("accrue_model_rows", "Rows that the model has predicted, scored and learned.");
  MetricFamily& mse = page.gauge("accrue_model_mean_squared_error",
                                 "Progressive (test-then-train) error over all rows or the newest of the stream.");
  MetricFamily& mse_clipped = page.gauge("accrue_model_clipped_mean_squared_error",
                                         "The same of predictions clipped to the range of the targets seen before.");
  MetricFamily& mae = page.gauge("accrue_model_mean_absolute_error",
                                 "Progressive (test-then-train) error over all rows or the newest of the stream.");
  MetricFamily& r2 = page.gauge("accrue_model_r2", "Share of the targets' variance that the predictions explain.");
  MetricFamily& coverage = page.gauge("accrue_model_interval_coverage_ratio",
                                      "Share of the targets that the 95% intervals, given before, have held.");
  MetricFamily& drifts = page.gauge("accrue_model_drifts", "Times that the progressive error has risen for good.");
  MetricFamily& keys = page.gauge("accrue_model_keys", "Keys that the model holds, where it is one of each.");
  MetricFamily& keys_evicted = page.gauge("accrue_model_keys_evicted", "Times that it has let go of a key.");
  MetricFamily& predictions = page.histogram("accrue_prediction_duration_seconds",
                                             "Time from having a question to having its answer, whatever its rows.");

  void add_error(const Labels& of_model, const std::string& window, const models::ErrorMeans& error) {
    const Labels labels = with(of_model, "window", window);
    add(mse, labels, error.mse());
    add(mse_clipped, labels, error.mse_clipped());
    add(mae, labels, error.mae());
    add(r2, labels, error.r2());
  }

  void add_model(const Snapshot& snapshot, const models::Model& model) {
    const Labels labels = {{"stream", snapshot.stream}, {"model", model.spec().name}};
    const models::ProgressiveError error = model.error();
    add(champion, labels, &model == &snapshot.models.champion());
    add(rows, labels, error.n());
    add_error(labels, "lifetime", error);
    for (const std::uint64_t window : models::RollingError::kWindows) {
      add_error(labels, std::to_string(window), model.metrics().last(window).error);
    }
    const auto& [conformal, variance] = model.metrics().coverage();
    add(coverage, with(labels, "kind", "conformal"), conformal.rate());
    add(coverage, with(labels, "kind", "variance"), variance.rate());
    add(drifts, labels, model.drift().alarms());
    if (const std::optional<models::KeyFigures> figures = model.learner().keys()) {
      add(keys, labels, figures->held);
      add(keys_evicted, labels, figures->evicted);
    }
  }
};

struct StreamFamilies {
  Page& page;
  MetricFamily& rows = page.counter("accrue_stream_rows_total", "Rows accepted, those sent again after a rewind too.");
  MetricFamily& rejected = page.counter("accrue_stream_rows_rejected_total", "Rows refused, which are not learned.");
  MetricFamily& queued_rows = page.gauge("accrue_stream_queued_rows", "Rows accepted and not yet durable.");
  MetricFamily& queued_bytes = page.gauge("accrue_stream_queued_bytes", "Memory that the batches of these rows take.");
  MetricFamily& producers = page.gauge("accrue_stream_producers", "Producers that are connected.");
  MetricFamily& credit = page.gauge("accrue_stream_credit_bytes",
                                    "What these may still send: a window each, less what is not yet durable.");
  MetricFamily& epoch = page.gauge("accrue_stream_epoch", "The newest epoch; 0 before the first.");
  MetricFamily& epoch_rows = page.gauge("accrue_stream_epoch_rows", "Rows of the stream up to its newest epoch.");
  MetricFamily& epoch_age = page.gauge("accrue_stream_epoch_age_seconds",
                                       "Time since the newest epoch was published, or read at the daemon's start.");
  MetricFamily& labels = page.gauge("accrue_stream_late_labels",
                                    "Features that wait for a target or had none in time (expired), targets that "
                                    "found no features (unknown), features whose id waited already (repeated).");
  MetricFamily& epochs =
      page.histogram("accrue_epoch_duration_seconds", "Time from an epoch's cut until it is durable.");
  MetricFamily& first_rows = page.histogram(
      "accrue_epoch_first_row_wait_seconds",
      "Time from the arrival of an epoch's first row until it is durable: no row of it has waited longer.");
  ModelFamilies models{page};

  void add_gauges(const ingest::StreamGauges& gauges, std::uint64_t window_bytes) {
    const Labels of_stream = {{"stream", gauges.name}};
    add(rows, of_stream, gauges.rows.load());
    for (std::uint8_t reason = 0; reason < wire::kRejectReasons; ++reason) {
      add(rejected, with(of_stream, "reason", to_string(static_cast<wire::RejectReason>(reason))),
          gauges.rejected[reason].load());
    }
    add(queued_rows, of_stream, gauges.queued_rows.load());
    add(queued_bytes, of_stream, gauges.queued_bytes.load());
    add(producers, of_stream, gauges.producers.load());
    const std::uint64_t granted = gauges.producers * window_bytes;
    add(credit, of_stream, granted - std::min<std::uint64_t>(granted, gauges.outstanding_bytes));
  }

  void add_snapshot(const Snapshot& snapshot) {
    const Labels of_stream = {{"stream", snapshot.stream}};
    add(epoch, of_stream, snapshot.epoch);
    add(epoch_rows, of_stream, snapshot.rows);
    if (snapshot.epoch > 0) {
      const auto age = std::chrono::steady_clock::now() - snapshot.published;
      add(epoch_age, of_stream, std::chrono::duration<double>(age).count());
    }
    if (const std::optional<models::DelayedLabels>& late = snapshot.models.labels()) {
      add(labels, with(of_stream, "state", "waiting"), late->waiting());
      add(labels, with(of_stream, "state", "expired"), late->expired());
      add(labels, with(of_stream, "state", "unknown"), late->unknown());
      add(labels, with(of_stream, "state", "repeated"), late->repeated());
    }
    for (const models::Model& model : snapshot.models.models()) models.add_model(snapshot, model);
  }

  void add_latencies(const Snapshot& snapshot, Latencies::OfStream measured) {
    const Labels of_stream = {{"stream", snapshot.stream}};
    add_histogram(epochs, of_stream, std::move(measured.epoch));
    add_histogram(first_rows, of_stream, std::move(measured.first_row));
    for (auto& [model, predictions] : measured.predictions) {
      if (!snapshot.models.find(model)) continue;
      add_histogram(models.predictions, with(of_stream, "model", model), std::move(predictions));
    }
  }
};

}  // namespace

Exposition::Exposition(DaemonFacts facts, const SnapshotBoard& board, const Health& health,
                       const ingest::Gauges& gauges, const Latencies& latencies)
    : facts_(std::move(facts)), board_(board), health_(health), gauges_(gauges), latencies_(latencies) {}

std::string Exposition::text() const {
  Page page;
  add(page.gauge("accrue_build_info", "1, for the version of the daemon."), {{"version", facts_.version}}, 1);
  add(page.gauge("accrue_start_time_seconds", "When the daemon started, in seconds since 1970 UTC."), {},
      std::chrono::duration<double>(facts_.started_at.time_since_epoch()).count());
  add(page.gauge("accrue_degraded", "Whether nothing becomes durable because the store fails."), {},
      !health_.degraded().empty());
  add(page.gauge("accrue_workers", "Workers that are there."), {}, gauges_.workers.load());
  add(page.gauge("accrue_producers", "Producers that are connected."), {}, gauges_.producers.load());
  add(page.gauge("accrue_memory_bytes", "Memory accounted for: batches not yet durable, messages in and out."), {},
      gauges_.memory_bytes());
  add(page.gauge("accrue_memory_limit_bytes", "What memory_limit_mb allows of that."), {}, facts_.memory_limit_bytes);
  add(page.gauge("accrue_outstanding_bytes", "Memory of batches that are accepted and not yet durable."), {},
      gauges_.outstanding_bytes.load());
  add(page.gauge("accrue_window_bytes", "What a producer may have outstanding of a stream at present: its credit."), {},
      gauges_.window_bytes.load());
  add_histogram(page.histogram("accrue_store_commit_duration_seconds", "Time that a transaction of epochs takes."), {},
                latencies_.commits());
  MetricFamily& streams = page.gauge("accrue_streams", "Streams that there are.");
  MetricFamily& exposed = page.gauge("accrue_streams_exposed", "Those of them that are told of here, the oldest.");

  StreamFamilies families{page};
  std::size_t told = 0;
  const auto all = gauges_.streams.all();
  for (const std::shared_ptr<const ingest::StreamGauges>& of_stream : all) {
    if (page.samples() >= kMaxSamples) break;
    const auto snapshot = board_.find(of_stream->name);
    if (!snapshot) continue;  // it has just been dropped
    families.add_gauges(*of_stream, gauges_.window_bytes);
    families.add_snapshot(*snapshot);
    if (auto measured = latencies_.of(of_stream->name)) families.add_latencies(*snapshot, *std::move(measured));
    ++told;
  }
  add(streams, {}, all.size());
  add(exposed, {}, told);
  return std::move(page).text();
}

}  // namespace accrue::daemon
