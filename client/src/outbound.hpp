// One stream's batches from the first row pushed until the daemon has them on disk. No socket, no thread, no clock of
// its own: the time comes in with the rows.
//
// Every batch is in one of four states, in the order of its sequence:
//   durable and forgotten | sent (or accepted by the daemon), not durable | sealed, not sent | being filled
// A sealed frame never changes, so that it can be handed to the socket without a copy and sent again as it is. Once it
// is forgotten, and the socket has let go of it too, its memory is that of a later one. Sequences go on for as long as
// this object lives, whatever happens to the connection.
//
// Threads: none of its own; the caller locks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "accrue/client.hpp"
#include "client/src/shared_frame.hpp"
#include "client/src/sparse_row.hpp"
#include "ingest/wire/batch_frame.hpp"
#include "ingest/wire/messages.hpp"
#include "ingest/wire/sparse_rows.hpp"

namespace accrue::client {

using Clock = std::chrono::steady_clock;

class Outbound {
 public:
  // For a stream just opened, all of whose accepted batches are durable; its first batch is the next after those.
  // A batch is full at `batch_rows` rows (at least 1); one of sparse rows, too, before it is more than so many bytes.
  Outbound(const wire::Opened& opened, std::size_t batch_rows,
           std::size_t batch_bytes = std::numeric_limits<std::size_t>::max());

  std::uint64_t stream_id() const { return stream_id_; }
  std::size_t columns() const { return columns_; }

  // Whole rows: a multiple of columns() values. A batch has rows of one type.
  void append(std::span<const double> rows, Clock::time_point now);
  void append(std::span<const float> rows, Clock::time_point now);
  // Of a stream of sparse rows.
  void append(const SparseRow& row, Clock::time_point now);

  // What they will be counted as in kept_bytes().
  std::size_t bytes_of(std::span<const double> rows) const { return rows.size_bytes(); }
  std::size_t bytes_of(std::span<const float> rows) const { return rows.size_bytes(); }
  std::size_t bytes_of(const SparseRow& row) const { return wire::sparse_bytes(form_, 1, row.values.size()); }

  // Ends the batch being filled, if it has a row.
  void seal();

  // When the first row of the batch being filled came; none while there is no row or earlier batches wait for credit,
  // which would only make a small batch wait behind them instead of growing.
  std::optional<Clock::time_point> waiting_since() const;

  bool has_sealed() const { return sent_ < last_sealed(); }

  // The next batch if the credit allows it, from now on counted as sent; otherwise none.
  SharedFrame next_to_send();

  // All rows so far are to become durable soon. Ends the batch being filled and returns the sequence to wait for.
  std::uint64_t request_flush();

  // True, once for every request (and once more after reopen()), when everything it covers is sent and not yet durable.
  [[nodiscard]] bool take_flush();
  bool flush_pending() const { return durable_ < flush_target_; }

  // Everything sent up to `durable` is on disk. Returns how many bytes of rows are no longer kept.
  std::size_t acknowledge(std::uint64_t durable, std::uint64_t window_bytes);

  // After the connection was lost or the daemon missed a batch: goes on from what the daemon says it has. Returns how
  // many bytes of rows are no longer kept; or, when the daemon's stream cannot be the one that was being sent to, a
  // sentence that says why, and nothing has changed.
  struct Reopened {
    std::size_t released_bytes = 0;
    std::string problem;
  };
  [[nodiscard]] Reopened reopen(const wire::Opened& opened);

  void reject(const wire::RowsRejected& rejected);

  bool is_durable(std::uint64_t sequence) const { return sequence <= durable_; }
  bool all_durable() const { return kept_.empty() && !filling_; }
  bool outstanding() const { return outstanding_bytes_ > 0; }
  std::size_t kept_bytes() const { return kept_bytes_; }  // of rows, sealed or not, that are not durable
  std::uint64_t kept_rows() const { return pushed_rows_ - forgotten_rows_; }
  const FlushReport& report() const { return report_; }

 private:
  struct Batch {
    SharedFrame frame;
    std::uint64_t first_row = 0;  // counted from 0 over everything pushed
    std::uint32_t rows = 0;
    std::uint32_t rejected = 0;
  };

  using Filling = std::variant<wire::BatchFrame, wire::SparseRowsBin>;

  template <class Real>
  void append_dense(std::span<const Real> rows, wire::DataType dtype, Clock::time_point now);

  // What a spare one has of memory, or none.
  SharedFrame new_frame();
  void forget(SharedFrame frame);

  std::uint64_t last_sealed() const { return durable_ + kept_.size(); }

  std::uint64_t stream_id_;
  std::size_t columns_;
  wire::SparseForm form_;
  std::size_t batch_rows_;
  std::size_t batch_bytes_;
  std::uint64_t window_bytes_;

  std::uint64_t durable_;          // sequences: all up to here are on disk
  std::uint64_t sent_;             // all up to here are sent on this connection, or accepted before it
  std::deque<Batch> kept_;         // durable_ + 1, durable_ + 2, ...
  std::deque<SharedFrame> spare_;  // forgotten: no more than the window, and none when nothing is kept
  std::size_t spare_bytes_ = 0;
  std::optional<Filling> filling_;  // has at least one row
  SharedFrame filling_frame_;       // which it is sealed into
  Clock::time_point filling_since_;
  std::uint64_t flush_target_ = 0;
  std::uint64_t flush_taken_ = 0;

  std::size_t outstanding_bytes_ = 0;  // of frames sent and not durable
  std::size_t kept_bytes_ = 0;
  std::uint64_t pushed_rows_ = 0;
  std::uint64_t forgotten_rows_ = 0;
  FlushReport report_;
};

}  // namespace accrue::client
