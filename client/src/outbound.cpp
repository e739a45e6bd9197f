#include "client/src/outbound.hpp"

#include <algorithm>
#include <utility>

#include "client/src/convert.hpp"

namespace accrue::client {

Outbound::Outbound(const wire::Opened& opened, std::size_t batch_rows, std::size_t batch_bytes)
    : stream_id_(opened.stream_id),
      columns_(opened.spec.column_count()),
      form_(wire::batch_form(opened.spec)),
      batch_rows_(batch_rows),
      batch_bytes_(batch_bytes),
      window_bytes_(opened.window_bytes),
      durable_(opened.durable),
      sent_(opened.durable) {}

void Outbound::append(std::span<const double> rows, Clock::time_point now) {
  append_dense(rows, wire::DataType::kFloat64, now);
}
void Outbound::append(std::span<const float> rows, Clock::time_point now) {
  append_dense(rows, wire::DataType::kFloat32, now);
}

template <class Real>
void Outbound::append_dense(std::span<const Real> rows, wire::DataType dtype, Clock::time_point now) {
  while (!rows.empty()) {
    if (filling_ && std::get<wire::BatchFrame>(*filling_).dtype() != dtype) seal();
    if (!filling_) {
      filling_frame_ = new_frame();
      filling_.emplace(std::in_place_type<wire::BatchFrame>, columns_, batch_rows_, std::move(*filling_frame_), dtype);
      filling_since_ = now;
    }
    auto& filling = std::get<wire::BatchFrame>(*filling_);
    const std::size_t count = std::min(rows.size() / columns_, batch_rows_ - filling.count());
    const std::span<const Real> fitting = rows.first(count * columns_);
    filling.append(fitting);
    rows = rows.subspan(count * columns_);
    pushed_rows_ += count;
    kept_bytes_ += bytes_of(fitting);
    if (filling.count() == batch_rows_) seal();
  }
}

void Outbound::append(const SparseRow& row, Clock::time_point now) {
  const std::size_t bytes = bytes_of(row);
  if (filling_ && std::get<wire::SparseRowsBin>(*filling_).bytes() + bytes > batch_bytes_) seal();
  if (!filling_) {
    filling_frame_ = new_frame();
    filling_.emplace(std::in_place_type<wire::SparseRowsBin>, form_);
    filling_since_ = now;
  }
  auto& filling = std::get<wire::SparseRowsBin>(*filling_);
  filling.append(row.columns, row.values, row.target, row.weight);
  ++pushed_rows_;
  kept_bytes_ += bytes;
  if (filling.count() == batch_rows_) seal();
}

void Outbound::seal() {
  if (!filling_) return;
  const auto count = [](const auto& filling) { return filling.count(); };
  const auto sealed = [&](auto& filling) { return std::move(filling).seal(stream_id_, last_sealed() + 1); };
  const std::uint32_t rows = std::visit(count, *filling_);
  *filling_frame_ = std::visit(sealed, *filling_);
  filling_.reset();
  kept_.push_back({.frame = std::move(filling_frame_), .first_row = pushed_rows_ - rows, .rows = rows, .rejected = 0});
}

SharedFrame Outbound::new_frame() {
  if (spare_.empty() || spare_.front().has_others()) return SharedFrame(wire::Bytes());
  SharedFrame frame = std::move(spare_.front());
  spare_.pop_front();
  spare_bytes_ -= frame->capacity();
  return frame;
}

void Outbound::forget(SharedFrame frame) {
  if (spare_bytes_ + frame->capacity() > window_bytes_) return;
  spare_bytes_ += frame->capacity();
  spare_.push_back(std::move(frame));
}

std::optional<Clock::time_point> Outbound::waiting_since() const {
  if (!filling_ || has_sealed()) return std::nullopt;
  return filling_since_;
}

SharedFrame Outbound::next_to_send() {
  if (!has_sealed()) return {};
  SharedFrame frame = kept_[sent_ - durable_].frame;
  if (outstanding_bytes_ > 0 && outstanding_bytes_ + frame->size() > window_bytes_) return {};
  outstanding_bytes_ += frame->size();
  ++sent_;
  return frame;
}

std::uint64_t Outbound::request_flush() {
  seal();
  flush_target_ = last_sealed();
  return flush_target_;
}

bool Outbound::take_flush() {
  if (!flush_pending() || sent_ < flush_target_ || flush_taken_ >= flush_target_) return false;
  flush_taken_ = flush_target_;
  return true;
}

std::size_t Outbound::acknowledge(std::uint64_t durable, std::uint64_t window_bytes) {
  window_bytes_ = window_bytes;
  const std::size_t kept_before = kept_bytes_;
  const std::uint64_t believed = std::min(durable, sent_);
  while (durable_ < believed) {
    Batch& batch = kept_.front();
    ++durable_;
    outstanding_bytes_ -= batch.frame->size();
    kept_bytes_ -= batch.frame->size() - wire::kBatchHeaderBytes;
    forgotten_rows_ += batch.rows;
    report_.durable_rows += batch.rows - batch.rejected;
    forget(std::move(batch.frame));
    kept_.pop_front();
  }
  if (kept_.empty()) {
    spare_.clear();
    spare_bytes_ = 0;
  }
  return kept_before - kept_bytes_;
}

Outbound::Reopened Outbound::reopen(const wire::Opened& opened) {
  const auto problem = [](std::string text) { return Reopened{.released_bytes = 0, .problem = std::move(text)}; };
  if (opened.stream_id != stream_id_) {
    return problem("it was dropped and made anew by somebody else: open it again to send to the new one");
  }
  if (opened.durable < durable_) {
    return problem("the daemon has lost batches it had reported durable (it has " + std::to_string(opened.durable) +
                   ", had " + std::to_string(durable_) +
                   "): was the stream rolled back, or an older copy of the data directory "
                   "restored? open it again to go on from there");
  }
  if (opened.accepted > sent_) {
    return problem(
        "the daemon has batches under this producer's name that this client never sent: does another client "
        "use the same name?");
  }
  const std::size_t released = acknowledge(opened.durable, opened.window_bytes);
  sent_ = std::max(opened.accepted, durable_);
  outstanding_bytes_ = 0;
  for (std::uint64_t i = 0; i < sent_ - durable_; ++i) outstanding_bytes_ += kept_[i].frame->size();
  flush_taken_ = 0;
  return {.released_bytes = released, .problem = {}};
}

void Outbound::reject(const wire::RowsRejected& rejected) {
  if (rejected.sequence <= durable_ || rejected.sequence > last_sealed()) return;
  Batch& batch = kept_[rejected.sequence - durable_ - 1];
  // Set, not added: a batch that is sent again is judged again.
  const std::uint32_t rows = std::min(rejected.rows, batch.rows);
  report_.rejected_rows = report_.rejected_rows - batch.rejected + rows;
  batch.rejected = rows;
  if (report_.first_rejection.empty()) {
    report_.first_rejection =
        "row " + std::to_string(batch.first_row + rejected.first_row + 1) + ": " + describe(rejected.reason);
  }
}

}  // namespace accrue::client
