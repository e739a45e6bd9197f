#include "daemon/store.hpp"

#include <algorithm>
#include <bit>
#include <optional>

#include "daemon/store_connection.hpp"
#include "daemon/store_identity.hpp"
#include "daemon/store_keys.hpp"
#include "daemon/store_schema.hpp"

namespace accrue::daemon {
namespace {

std::unique_ptr<StoreConnection> open_store(const std::filesystem::path& file) {
  if (require_accrue_store(file) == FirstPage::kToBeRestored) {
    // By a connection of its own: SQLite takes some of a connection's settings from that page as it finds it.
    StoreConnection(file).query_text("PRAGMA schema_version");
  }
  auto connection = std::make_unique<StoreConnection>(file);
  prepare_store(*connection);
  return connection;
}

}  // namespace

StoreError::StoreError(const std::filesystem::path& file, const std::string& what, int sqlite_code)
    : std::runtime_error("store " + file.string() + ": " + what), sqlite_code_(sqlite_code) {}

// Everything the store ever asks, prepared once. ?1 is the stream wherever a statement takes one, ?2 the epoch.
class Store::Statements {
 public:
  explicit Statements(const std::filesystem::path& file) : owned_connection_(open_store(file)) {}

 private:
  std::unique_ptr<StoreConnection> owned_connection_;

 public:
  StoreConnection& connection = *owned_connection_;

  Statement streams{connection, "SELECT id, name, spec FROM streams ORDER BY id"};
  Statement insert_stream{connection, "INSERT INTO streams (name, spec) VALUES (?1, ?2)"};
  Statement delete_stream{connection, "DELETE FROM streams WHERE id = ?1"};

  Statement insert_epoch{connection, "INSERT INTO epochs VALUES (?1, ?2, ?3, ?4, ?5)"};
  Statement insert_state{connection, "INSERT INTO states VALUES (?1, ?2, ?3, ?4)"};
  Statement insert_sequence{connection, "INSERT INTO producers VALUES (?1, ?3, ?2, ?4)"};
  Statement insert_departure{connection, "INSERT INTO producers VALUES (?1, ?3, ?2, NULL)"};
  Statement insert_rejection{connection, "INSERT INTO rejections VALUES (?1, ?2, ?3, ?4)"};
  Statement insert_metrics{connection, "INSERT INTO metrics VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"};

  Statement insert_history{connection,
                           "INSERT INTO history VALUES"
                           " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"};
  Statement insert_event{connection, "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6)"};
  Statement delete_history{connection, "DELETE FROM history WHERE stream = ?1 AND epoch = ?2"};
  Statement delete_history_after{connection, "DELETE FROM history WHERE stream = ?1 AND epoch > ?2"};
  Statement delete_events_after{connection, "DELETE FROM events WHERE stream = ?1 AND epoch > ?2"};
  Statement delete_old_events{connection,
                              "DELETE FROM events WHERE stream = ?1 AND epoch < (SELECT min(epoch) FROM"
                              " (SELECT DISTINCT epoch FROM events WHERE stream = ?1 ORDER BY epoch DESC LIMIT ?2))"};

  Statement epochs{connection, "SELECT epoch FROM epochs WHERE stream = ?1 ORDER BY epoch DESC"};
  Statement rows{connection, "SELECT rows FROM epochs WHERE stream = ?1 AND epoch = ?2"};
  Statement states{connection, "SELECT partition, state FROM states WHERE stream = ?1 AND epoch = ?2 ORDER BY 1"};
  Statement rejections{connection, "SELECT reason, rows FROM rejections WHERE stream = ?1 AND epoch = ?2 ORDER BY 1"};
  // SQLite promises that a column beside max() is taken from the row that has the maximum.
  Statement sequences{connection,
                      "SELECT producer, sequence FROM (SELECT producer, sequence, max(epoch) FROM producers"
                      " WHERE stream = ?1 AND epoch <= ?2 GROUP BY producer) WHERE sequence IS NOT NULL ORDER BY 1"};

  Statement oldest_epoch{connection, "SELECT min(epoch) FROM epochs WHERE stream = ?1"};
  Statement nth_newest_epoch{connection,
                             "SELECT epoch FROM epochs WHERE stream = ?1 ORDER BY epoch DESC LIMIT 1 OFFSET ?2"};
  Statement first_epoch_since{
      connection, "SELECT epoch FROM epochs WHERE stream = ?1 AND committed_unix_ms >= ?2 ORDER BY epoch LIMIT 1"};
  Statement delete_epochs_before{connection, "DELETE FROM epochs WHERE stream = ?1 AND epoch < ?2"};
  Statement delete_epochs_after{connection, "DELETE FROM epochs WHERE stream = ?1 AND epoch > ?2"};
  Statement delete_sequences_after{connection, "DELETE FROM producers WHERE stream = ?1 AND epoch > ?2"};
  // As the oldest kept epoch moves from ?3 to ?2, only producers that moved in between have a row to lose. CROSS JOIN
  // makes SQLite begin with those few and not with every producer there is.
  Statement delete_superseded_sequences{
      connection,
      "DELETE FROM producers WHERE (stream, producer, epoch) IN"
      " (SELECT older.stream, older.producer, older.epoch FROM producers AS newer CROSS JOIN producers AS older"
      "  ON older.stream = newer.stream AND older.producer = newer.producer AND older.epoch < newer.epoch"
      "  WHERE newer.stream = ?1 AND newer.epoch > ?3 AND newer.epoch <= ?2)"};
  Statement delete_past_departures{
      connection, "DELETE FROM producers WHERE stream = ?1 AND epoch > ?3 AND epoch <= ?2 AND sequence IS NULL"};

  // ?3 is the copy's number.
  Statement copy_epoch{connection,
                       "INSERT INTO epochs SELECT stream, ?3, rows, ?4, champion FROM epochs"
                       " WHERE stream = ?1 AND epoch = ?2"};
  Statement copy_states{
      connection,
      "INSERT INTO states SELECT stream, ?3, partition, state FROM states WHERE stream = ?1 AND epoch = ?2"};
  Statement copy_rejections{
      connection,
      "INSERT INTO rejections SELECT stream, ?3, reason, rows FROM rejections WHERE stream = ?1 AND epoch = ?2"};
  Statement copy_metrics{connection,
                         "INSERT INTO metrics SELECT stream, ?3, model, n, mse, mae, rmse, r2, mse_clipped, mae_clipped"
                         " FROM metrics WHERE stream = ?1 AND epoch = ?2"};
  // Only what differs from now; a producer that was not known then is forgotten by its NULL.
  Statement restore_sequences{
      connection,
      "INSERT INTO producers SELECT ?1, producer, ?3, past.sequence FROM"
      " (SELECT producer, sequence, max(epoch) FROM producers WHERE stream = ?1 GROUP BY producer) AS now"
      " LEFT JOIN (SELECT producer, sequence, max(epoch) FROM producers"
      "            WHERE stream = ?1 AND epoch <= ?2 GROUP BY producer) AS past USING (producer)"
      " WHERE past.sequence IS NOT now.sequence"};

  StoreKeys keys{connection};

  void insert(const EpochRecord& record, std::int64_t committed_unix_ms) {
    const std::uint64_t stream = record.stream;
    const std::uint64_t epoch = record.epoch;
    insert_epoch.bind(stream, epoch, record.rows, committed_unix_ms, record.champion).run();
    for (const PartitionState& state : record.states) {
      insert_state.bind(stream, epoch, std::uint64_t{state.partition}, std::span<const std::byte>(state.state)).run();
    }
    for (const ProducerSequence& moved : record.producers) {
      insert_sequence.bind(stream, epoch, moved.producer, moved.sequence).run();
    }
    for (const std::string& producer : record.departed) insert_departure.bind(stream, epoch, producer).run();
    for (const Rejection& rejection : record.rejections) {
      insert_rejection.bind(stream, epoch, rejection.reason, rejection.rows).run();
    }
    for (const ModelMetrics& m : record.metrics) {
      insert_metrics.bind(stream, epoch, m.model, m.n, m.mse, m.mae, m.rmse, m.r2, m.mse_clipped, m.mae_clipped).run();
    }
    keys.insert(record);
  }

  void insert_figures(const EpochRecord& record, std::int64_t committed_unix_ms) {
    const std::uint64_t stream = record.stream;
    const std::uint64_t epoch = record.epoch;
    for (const HistoryPoint& p : record.history) {
      insert_history
          .bind(stream, epoch, p.model, p.span, committed_unix_ms, p.n, p.mse, p.mae, p.rmse, p.r2, p.mape, p.bias,
                p.mse_clipped, p.mae_clipped, p.conformal_coverage, p.conformal_width, p.model_coverage, p.model_width)
          .run();
    }
    for (const ModelEvent& e : record.events) {
      insert_event.bind(stream, epoch, e.model, e.event, e.row, committed_unix_ms).run();
    }
    if (!record.events.empty()) delete_old_events.bind(stream, kEvents).run();
    // The epoch that is now so old that only every 2^(k+1)th stays, for each k.
    for (int k = 0; (kHistoryEpochs << k) < epoch; ++k) {
      const std::uint64_t old = epoch - (kHistoryEpochs << k);
      if (std::countr_zero(old) == k) delete_history.bind(stream, old).run();
    }
  }

  void prune(std::uint64_t stream, const StoreOptions& options, std::int64_t now_unix_ms) {
    const std::optional<std::int64_t> oldest = oldest_epoch.bind(stream).first_integer();
    if (!oldest) return;
    const auto nth_newest = [&](std::uint64_t n) {
      return nth_newest_epoch.bind(stream, n - 1).first_integer().value_or(*oldest);
    };
    std::int64_t oldest_kept = nth_newest(options.keep_epochs);
    if (options.keep_epochs_hours != 0) {
      constexpr std::int64_t kMillisecondsAnHour = 3'600'000;
      const std::int64_t since = now_unix_ms - options.keep_epochs_hours * kMillisecondsAnHour;
      const std::int64_t oldest_since = first_epoch_since.bind(stream, since).first_integer().value_or(*oldest);
      oldest_kept = std::max(oldest_kept, std::min(oldest_since, nth_newest(2)));
    }
    if (oldest_kept == *oldest) return;
    delete_superseded_sequences.bind(stream, oldest_kept, *oldest).run();
    delete_past_departures.bind(stream, oldest_kept, *oldest).run();
    keys.prune(stream, oldest_kept, *oldest);
    delete_epochs_before.bind(stream, oldest_kept).run();
  }

  std::uint64_t rows_of(std::uint64_t stream, std::uint64_t epoch) {
    const std::optional<std::int64_t> found = rows.bind(stream, epoch).first_integer();
    if (!found) {
      throw StoreError(connection.file(),
                       "holds no epoch " + std::to_string(epoch) + " of stream " + std::to_string(stream));
    }
    return static_cast<std::uint64_t>(*found);
  }
};

Store::Store(const std::filesystem::path& file, const StoreOptions& options) : options_(options) {
  if (options_.keep_epochs < 2) throw std::invalid_argument("keep_epochs must be at least 2");
  statements_ = std::make_unique<Statements>(file);
}

Store::~Store() = default;

std::vector<StreamRecord> Store::streams() {
  statements_->connection.set_task("list the streams");
  std::vector<StreamRecord> streams;
  for (Statement& row = statements_->streams.bind(); row.step();) {
    streams.push_back({.id = row.unsigned_integer(0), .name = row.text(1), .spec = row.text(2)});
  }
  return streams;
}

std::uint64_t Store::create_stream(const std::string& name, const std::string& spec) {
  statements_->connection.set_task("create a stream");
  Transaction transaction(statements_->connection);
  statements_->insert_stream.bind(name, spec).run();
  const auto id = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(statements_->connection.handle()));
  transaction.commit();
  return id;
}

void Store::drop_stream(std::uint64_t stream) {
  statements_->connection.set_task("drop a stream");
  Transaction transaction(statements_->connection);
  statements_->delete_stream.bind(stream).run();
  transaction.commit();
}

void Store::commit(std::span<const EpochRecord> epochs, std::int64_t committed_unix_ms) {
  statements_->connection.set_task("commit epochs");
  Transaction transaction(statements_->connection);
  for (const EpochRecord& record : epochs) {
    statements_->insert(record, committed_unix_ms);
    statements_->insert_figures(record, committed_unix_ms);
    statements_->prune(record.stream, options_, committed_unix_ms);
  }
  transaction.commit();
}

std::vector<std::uint64_t> Store::epochs(std::uint64_t stream) {
  statements_->connection.set_task("list epochs");
  std::vector<std::uint64_t> epochs;
  for (Statement& row = statements_->epochs.bind(stream); row.step();) epochs.push_back(row.unsigned_integer(0));
  return epochs;
}

StoredEpoch Store::load(std::uint64_t stream, std::uint64_t epoch) {
  statements_->connection.set_task("load an epoch");
  StoredEpoch stored;
  stored.epoch = epoch;
  stored.rows = statements_->rows_of(stream, epoch);
  for (Statement& row = statements_->states.bind(stream, epoch); row.step();) {
    stored.states.push_back({.partition = static_cast<std::uint32_t>(row.integer(0)), .state = row.blob(1)});
  }
  for (Statement& row = statements_->sequences.bind(stream, epoch); row.step();) {
    stored.producers.push_back({.producer = row.text(0), .sequence = row.unsigned_integer(1)});
  }
  for (Statement& row = statements_->rejections.bind(stream, epoch); row.step();) {
    stored.rejections.push_back({.reason = row.text(0), .rows = row.unsigned_integer(1)});
  }
  return stored;
}

void Store::roll_back(std::uint64_t stream, std::uint64_t epoch, std::uint64_t as, std::int64_t committed_unix_ms) {
  statements_->connection.set_task("roll a stream back");
  Transaction transaction(statements_->connection);
  statements_->rows_of(stream, epoch);
  statements_->copy_epoch.bind(stream, epoch, as, committed_unix_ms).run();
  for (Statement* copy : {&statements_->copy_states, &statements_->copy_rejections, &statements_->copy_metrics,
                          &statements_->restore_sequences}) {
    copy->bind(stream, epoch, as).run();
  }
  statements_->keys.roll_back(stream, epoch, as);
  statements_->prune(stream, options_, committed_unix_ms);
  transaction.commit();
}

void Store::rewind(std::uint64_t stream, std::uint64_t epoch) {
  statements_->connection.set_task("rewind a stream");
  Transaction transaction(statements_->connection);
  statements_->rows_of(stream, epoch);
  statements_->delete_epochs_after.bind(stream, epoch).run();
  statements_->delete_sequences_after.bind(stream, epoch).run();
  statements_->keys.rewind(stream, epoch);
  statements_->delete_history_after.bind(stream, epoch).run();
  statements_->delete_events_after.bind(stream, epoch).run();
  transaction.commit();
}

}  // namespace accrue::daemon
