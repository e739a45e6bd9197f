#include "daemon/held_stream.hpp"

#include <cstring>
#include <span>
#include <utility>

#include "daemon/doubles.hpp"
#include "daemon/evicted_keys.hpp"
#include "daemon/snapshot.hpp"
#include "ingest/link.hpp"

namespace accrue::daemon {
namespace {

// Of places that need not be aligned.
ingest::Place place_at(const std::byte* places, std::size_t i) {
  ingest::Place place;
  std::memcpy(&place, places + i * sizeof place, sizeof place);
  return place;
}

}  // namespace

HeldStream::HeldStream(const ingest::OpenPartition& first, ingest::Say to_receiver, Learned learned)
    : id_(first.stream_id),
      generation_(first.generation),
      spec_(first.spec),
      columns_(first.spec.column_count()),
      time_column_(spec_.timed() ? spec_.column(spec_.time) : models::kNoColumn),
      key_column_(spec_.keyed() ? spec_.column(spec_.key) : models::kNoColumn),
      id_column_(spec_.delayed() ? spec_.column(spec_.id) : models::kNoColumn),
      to_receiver_(std::move(to_receiver)),
      learned_(std::move(learned)) {}

void HeldStream::open(const ingest::OpenPartition& open) {
  ACCRUE_ASSERT(open.generation == generation_);  // it is closed before it goes on from another epoch
  std::optional<models::ModelSet> models;
  if (open.state.empty()) {
    models = first_models(spec_);
  } else {
    const models::DecodeError error = models::ModelSet::decode(open.state, models, spec_.features);
    ACCRUE_ASSERT(error == models::DecodeError::kNone);  // recovery has checked it
  }
  partitions_.insert_or_assign(open.partition, *std::move(models));
}

void HeldStream::take(Step step) {
  if (awaited_) {
    waiting_.push_back(std::move(step));
  } else {
    act(step);
  }
}

void HeldStream::see(const ingest::Share& share) {
  shares_[share.rows][share.partition].assign(share.share.begin(), share.share.end());
  finish_exchange();
  go_on();
}

void HeldStream::close() {
  for (const Step& step : waiting_) {
    if (const Delivery* delivery = std::get_if<Delivery>(&step)) learned_(delivery->what.ordinal);
  }
}

void HeldStream::go_on() {
  while (!awaited_ && !waiting_.empty()) {
    const Step step = std::move(waiting_.front());
    waiting_.pop_front();
    act(step);
  }
}

void HeldStream::act(const Step& step) {
  std::visit([this](const auto& what) { act(what); }, step);
}

void HeldStream::act(const Delivery& delivery) {
  const ingest::Deliver& what = delivery.what;
  const wire::BytesView rows = ingest::view(delivery.rows);
  if (spec_.sparse()) {
    partitions_.at(what.partition).learn(sparse_.view(what, spec_, rows));
    return learned_(what.ordinal);
  }
  const std::size_t values = what.rows * columns_;
  const std::size_t places = what.picked ? what.rows : 0;
  const std::size_t value_bytes = values * wire::size_of(what.dtype);
  ACCRUE_ASSERT(what.offset + value_bytes + places * sizeof(ingest::Place) <= rows.size());
  const std::byte* begin = rows.data() + what.offset;

  const std::span<const double> numbers = as_doubles(begin, values, what.dtype, copied_);
  models::RowsView view{numbers.data(), what.rows, columns_, spec_.features.size(), spec_.weighted};
  view.time_column = time_column_;
  view.key_column = key_column_;
  view.id_column = id_column_;
  view.first_index = what.first_index;
  if (what.picked) {
    indices_.resize(places);
    for (std::size_t i = 0; i < places; ++i) {
      indices_[i] = what.first_index + place_at(begin + value_bytes, i);
    }
    view.indices = indices_.data();
  }
  partitions_.at(what.partition).learn(view);
  learned_(what.ordinal);
}

void HeldStream::act(const ingest::Exchange& exchange) {
  const bool has_all = partitions_.size() == spec_.partitions;
  for (const auto& [partition, models] : partitions_) {
    const wire::Bytes share = models.share();
    if (!has_all) to_receiver_(wire::encode(ingest::Share{id_, generation_, exchange.rows, partition, share}));
    shares_[exchange.rows][partition] = share;
  }
  awaited_ = exchange.rows;
  finish_exchange();
}

void HeldStream::finish_exchange() {
  if (!awaited_ || shares_[*awaited_].size() < spec_.partitions) return;
  for (auto& [partition, models] : partitions_) {
    std::vector<std::span<const std::byte>> others;
    for (const auto& [other, share] : shares_[*awaited_]) {
      if (other != partition) others.emplace_back(share);
    }
    ACCRUE_ASSERT(models.see(others) == models::DecodeError::kNone);
  }
  shares_.erase(*std::exchange(awaited_, std::nullopt));
}

void HeldStream::act(const ingest::ChangeModels& change) {
  const auto& [kind, model] = change.change;
  for (auto& [partition, models] : partitions_) {
    switch (kind) {
      case ingest::ModelChange::Kind::kAdd: models.add(model_spec(model)); break;
      case ingest::ModelChange::Kind::kDrop: models.drop(model.name); break;
      case ingest::ModelChange::Kind::kPromote: models.promote(model.name); break;
    }
  }
}

void HeldStream::act(const ingest::Barrier& barrier) {
  for (auto& [partition, models] : partitions_) {
    const wire::Bytes evicted = encode_evicted(models.take_evicted());
    const wire::Bytes state = models.encode();
    to_receiver_(wire::encode(ingest::PartitionState{id_, generation_, barrier.epoch, partition, state, evicted}));
  }
}

}  // namespace accrue::daemon
