#include "daemon/store_view.hpp"

#include <algorithm>

#include "daemon/store_connection.hpp"
#include "daemon/store_schema.hpp"
#include "ingest/wire/stream_spec.hpp"

namespace accrue::daemon {
namespace {

KeptEpoch kept_epoch(Statement& row) {
  return {.epoch = row.unsigned_integer(0),
          .rows = row.unsigned_integer(1),
          .committed_unix_ms = row.integer(2),
          .champion = row.text(3),
          .mse = row.real(4),
          .mse_clipped = row.real(5)};
}

}  // namespace

StoreView::StoreView(const std::filesystem::path& file)
    : connection_(std::make_unique<StoreConnection>(file, StoreConnection::Access::kRead)) {
  connection_->set_task("be read");
  connection_->execute("PRAGMA mmap_size = 0");
  connection_->execute("BEGIN");
  require_readable_store(*connection_);
  const std::int64_t version = Statement(*connection_, "PRAGMA user_version").first_integer().value_or(0);
  const bool one_model = version == 1;  // of each stream
  has_evicted_keys_ = version >= 3;
  const std::string champion = one_model ? std::string("'") + wire::kDefaultModel + "'" : "e.champion";
  kept_epochs_ = "SELECT e.epoch, e.rows, e.committed_unix_ms, " + champion +
                 ", m.mse, m.mse_clipped FROM epochs AS e LEFT JOIN metrics AS m"
                 " ON m.stream = e.stream AND m.epoch = e.epoch AND m.model = " +
                 champion;
}

StoreView::~StoreView() = default;

std::vector<StreamRecord> StoreView::streams() {
  std::vector<StreamRecord> streams;
  for (Statement row(*connection_, "SELECT id, name, spec FROM streams ORDER BY id"); row.step();) {
    streams.push_back({.id = row.unsigned_integer(0), .name = row.text(1), .spec = row.text(2)});
  }
  return streams;
}

std::optional<StreamRecord> StoreView::stream(const std::string& name) {
  Statement row(*connection_, "SELECT id, name, spec FROM streams WHERE name = ?1");
  if (!row.bind(name).step()) return std::nullopt;
  return StreamRecord{.id = row.unsigned_integer(0), .name = row.text(1), .spec = row.text(2)};
}

std::vector<KeptEpoch> StoreView::epochs(std::uint64_t stream, std::uint64_t most) {
  std::vector<KeptEpoch> epochs;
  Statement row(*connection_, (kept_epochs_ + " WHERE e.stream = ?1 ORDER BY e.epoch DESC LIMIT ?2").c_str());
  for (row.bind(stream, most); row.step();) epochs.push_back(kept_epoch(row));
  return epochs;
}

std::optional<KeptEpoch> StoreView::epoch(std::uint64_t stream, std::uint64_t epoch) {
  Statement row(*connection_, (kept_epochs_ + " WHERE e.stream = ?1 AND e.epoch = ?2").c_str());
  if (!row.bind(stream, epoch).step()) return std::nullopt;
  return kept_epoch(row);
}

EpochRange StoreView::epoch_range(std::uint64_t stream) {
  Statement row(*connection_, "SELECT count(*), min(epoch), max(epoch) FROM epochs WHERE stream = ?1");
  row.bind(stream).step();
  return {.count = row.unsigned_integer(0), .oldest = row.unsigned_integer(1), .newest = row.unsigned_integer(2)};
}

std::vector<wire::HistoryPoint> StoreView::history(std::uint64_t stream, const std::string& model, wire::Span span,
                                                   std::uint64_t from_epoch, std::uint64_t most) {
  std::vector<wire::HistoryPoint> points;
  Statement row(*connection_,
                "SELECT epoch, committed_unix_ms, n, mse, mae, rmse, r2, mape, bias, mse_clipped, mae_clipped,"
                " conformal_coverage, conformal_width, model_coverage, model_width FROM history"
                " WHERE stream = ?1 AND model = ?2 AND span = ?3 AND epoch >= ?4 ORDER BY epoch DESC LIMIT ?5");
  const std::string span_name = to_string(span);
  for (row.bind(stream, model, span_name, from_epoch, most); row.step();) {
    points.push_back({.epoch = row.unsigned_integer(0),
                      .committed_unix_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(1), 0)),
                      .n = row.unsigned_integer(2),
                      .mse = row.real(3),
                      .mae = row.real(4),
                      .rmse = row.real(5),
                      .r2 = row.real(6),
                      .mape = row.real(7),
                      .bias = row.real(8),
                      .mse_clipped = row.real(9),
                      .mae_clipped = row.real(10),
                      .conformal_coverage = row.real(11),
                      .conformal_width = row.real(12),
                      .model_coverage = row.real(13),
                      .model_width = row.real(14)});
  }
  std::reverse(points.begin(), points.end());
  return points;
}

std::vector<ScoredModel> StoreView::scored(std::uint64_t stream, std::uint64_t epoch) {
  std::vector<ScoredModel> models;
  Statement row(*connection_, "SELECT model, n FROM metrics WHERE stream = ?1 AND epoch = ?2 ORDER BY model");
  for (row.bind(stream, epoch); row.step();) models.push_back({.model = row.text(0), .rows = row.unsigned_integer(1)});
  return models;
}

std::vector<PartitionState> StoreView::states(std::uint64_t stream, std::uint64_t epoch) {
  std::vector<PartitionState> states;
  Statement row(*connection_,
                "SELECT partition, state FROM states WHERE stream = ?1 AND epoch = ?2 ORDER BY partition");
  for (row.bind(stream, epoch); row.step();) {
    states.push_back({.partition = static_cast<std::uint32_t>(row.integer(0)), .state = row.blob(1)});
  }
  return states;
}

std::vector<std::byte> StoreView::evicted_key(std::uint64_t stream, const KeyBeginning& learner, double key,
                                              std::uint64_t epoch) {
  if (!evicted_key_) {
    evicted_key_ = std::make_unique<Statement>(
        *connection_,
        "SELECT state FROM evicted_keys WHERE stream = ?1 AND model = ?2 AND beginning = ?3 AND key = ?4"
        " AND epoch <= ?5 ORDER BY epoch DESC LIMIT 1");
  }
  Statement& row = *evicted_key_;
  if (!row.bind(stream, learner.model, learner.beginning, key, epoch).step() || row.is_null(0)) return {};
  return row.blob(0);
}

void StoreView::evicted_keys(std::uint64_t stream, const EachKey& each) {
  if (!has_evicted_keys_) return;
  Statement row(*connection_,
                "SELECT model, beginning, key, epoch, state FROM evicted_keys"
                " WHERE stream = ?1 AND state IS NOT NULL ORDER BY model, beginning, key, epoch");
  for (row.bind(stream); row.step();) {
    each({row.text(0), row.unsigned_integer(1), row.real(2).value_or(0), row.blob(4)}, row.unsigned_integer(3));
  }
}

std::vector<std::string> StoreView::producers_ahead(std::uint64_t stream) {
  std::vector<std::string> producers;
  Statement row(*connection_,
                "SELECT DISTINCT producer FROM producers WHERE stream = ?1"
                " AND epoch > (SELECT coalesce(max(epoch), 0) FROM epochs WHERE stream = ?1) ORDER BY producer");
  for (row.bind(stream); row.step();) producers.push_back(row.text(0));
  return producers;
}

std::vector<std::string> StoreView::damage() {
  std::vector<std::string> found;
  for (Statement row(*connection_, "PRAGMA integrity_check"); row.step();) {
    if (std::string verdict = row.text(0); verdict != "ok") found.push_back(std::move(verdict));
  }
  for (Statement row(*connection_, "PRAGMA foreign_key_check"); row.step();) {
    found.push_back("a row of table " + row.text(0) + " belongs to nothing in table " + row.text(2));
  }
  return found;
}

}  // namespace accrue::daemon
