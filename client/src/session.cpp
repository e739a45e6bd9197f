#include "client/src/session.hpp"

#include <algorithm>

#include "client/src/convert.hpp"

namespace accrue::client {
namespace {

std::string text_of(const wire::Error& error) { return error.text.empty() ? to_string(error.code) : error.text; }

bool to_be_opened(const Channel& channel) {
  return channel.phase == Channel::Phase::kUnopened || channel.phase == Channel::Phase::kOpening;
}

}  // namespace

// ---- the connection ----

void Session::restart(Clock::time_point now) {
  phase_ = Phase::kGreeting;
  session_unknown_ = false;
  unanswered_since_.reset();
  greet_or_ping_at_ = std::max(now, last_hello_ + kHelloPause);
  for (const auto& channel : channels_) unopen(*channel, now);
  for_each(drops_, [](Order& drop) { drop.due = true; });
  for_each(requests_, [](Order& request) { request.due = true; });
}

bool Session::lost(Clock::time_point now) const {
  if (failure_) return false;
  return session_unknown_ || (unanswered_since_ && now - *unanswered_since_ >= kSilenceLimit);
}

Clock::time_point Session::deadline() const {
  if (failure_) return Clock::time_point::max();
  if (session_unknown_) return Clock::time_point::min();
  Clock::time_point earliest = greet_or_ping_at_;
  if (unanswered_since_) earliest = std::min(earliest, *unanswered_since_ + kSilenceLimit);
  for (const auto& channel : channels_) {
    if (to_be_opened(*channel) && phase_ == Phase::kReady) {
      earliest = std::min(earliest, channel->open_at);
    }
    if (channel->phase != Channel::Phase::kOpen) continue;
    if (const auto since = channel->outbound->waiting_since()) {
      earliest = std::min(earliest, *since + options_.batch_linger);
    }
  }
  return earliest;
}

void Session::collect(Clock::time_point now, std::deque<SharedFrame>& frames) {
  if (failure_) return;
  if (now >= greet_or_ping_at_ || (probing_ && phase_ == Phase::kReady)) {
    if (phase_ == Phase::kGreeting) {
      frames.push_back(frame_of(wire::Hello{.producer = options_.producer, .ephemeral = options_.ephemeral}));
      last_hello_ = now;
    } else {
      frames.push_back(frame_of(wire::Ping{}));
    }
    if (!unanswered_since_) unanswered_since_ = now;
    greet_or_ping_at_ = now + kPingIdle;
    probing_ = false;
  }
  if (phase_ == Phase::kReady) {
    const auto send = [&](Order& order, const auto& message) {
      if (!std::exchange(order.due, false)) return;
      frames.push_back(frame_of(message));
      ++order.sent;
    };
    for_each(drops_, [&](Drop& drop) { send(drop, wire::Drop{.stream = drop.name}); });
    for_each(requests_,
             [&](Request& request) { std::visit([&](const auto& message) { send(request, message); }, request.what); });
    for (const auto& channel : channels_) collect(*channel, now, frames);
  }
  if (busy()) greet_or_ping_at_ = std::min(greet_or_ping_at_, now + kPingBusy);
}

void Session::collect(Channel& channel, Clock::time_point now, std::deque<SharedFrame>& frames) {
  if (to_be_opened(channel) && now >= channel.open_at) {
    wire::Open open{.stream = channel.name, .spec = std::nullopt};
    if (!channel.opened) open.spec = channel.asked;  // once it exists, its absence is an error and no cause to make it
    frames.push_back(frame_of(open));
    channel.phase = Channel::Phase::kOpening;
    channel.open_at = now + kOpenAgain;
  }
  if (channel.phase != Channel::Phase::kOpen) return;
  Outbound& outbound = *channel.outbound;
  const auto since = outbound.waiting_since();
  if (since && now - *since >= options_.batch_linger) outbound.seal();
  while (SharedFrame frame = outbound.next_to_send()) frames.push_back(std::move(frame));
  if (outbound.take_flush()) frames.push_back(frame_of(wire::Flush{.stream_id = outbound.stream_id()}));
}

bool Session::busy() const {
  if (phase_ == Phase::kGreeting) return true;
  const auto awaited = [](const std::shared_ptr<Channel>& channel) {
    return channel->phase != Channel::Phase::kOpen || channel->outbound->outstanding() ||
           channel->outbound->flush_pending();
  };
  return std::any_of(channels_.begin(), channels_.end(), awaited) || any_waited_for(drops_) ||
         any_waited_for(requests_);
}

std::optional<SharedFrame> Session::goodbye() const {
  const auto durable = [](const std::shared_ptr<Channel>& channel) {
    return !channel->outbound || channel->outbound->all_durable();
  };
  const bool done = std::all_of(channels_.begin(), channels_.end(), durable);
  if (failure_ || phase_ != Phase::kReady || !done) return std::nullopt;
  return frame_of(wire::Bye{});
}

// ---- the callers ----

std::shared_ptr<Channel> Session::open(const std::string& name, const std::optional<wire::StreamSpec>& spec) {
  std::shared_ptr<Channel> channel = find(name);
  if (!channel) {
    channel = channels_.emplace_back(std::make_shared<Channel>(name));
    channel->asked = spec;
    return channel;
  }
  if (!spec) return channel;
  if (!channel->opened && !channel->asked) channel->asked = spec;
  const wire::StreamSpec& has = channel->opened ? channel->opened->spec : *channel->asked;
  if (const std::string differs = difference(has, *spec); !differs.empty()) {
    throw Error(Error::Kind::kSpecMismatch, "stream '" + name + "' has another specification: " + differs);
  }
  return channel;
}

std::shared_ptr<Drop> Session::drop(const std::string& name) {
  auto drop = std::make_shared<Drop>();
  drop->name = name;
  drops_.push_back(drop);
  return drop;
}

std::shared_ptr<Request> Session::ask(const std::string& name, Request::What what) {
  auto request = std::make_shared<Request>();
  request->name = name;
  request->number = ++last_request_;
  request->what = std::move(what);
  std::visit([&](auto& message) { message.request = request->number; }, request->what);
  requests_.push_back(request);
  return request;
}

std::string Session::trouble() const {
  std::string text;
  if (phase_ == Phase::kGreeting) text = "; accrued does not answer at " + options_.endpoint + ": is it running?";
  if (!trouble_.empty()) text += "; accrued says: " + trouble_;
  return text;
}

// ---- what the daemon says ----

template <class Message>
void Session::read(Clock::time_point now) {
  Message message;
  const wire::DecodeError error = frame_.read(message);
  if (error != wire::DecodeError::kNone) return fail_unreadable(to_string(error));
  on(message, now);
}

void Session::receive(wire::BytesView bytes, Clock::time_point now) {
  if (failure_) return;
  unanswered_since_.reset();
  if (const wire::DecodeError error = frame_.parse(bytes); error != wire::DecodeError::kNone) {
    return fail_unreadable(to_string(error));
  }
  switch (frame_.type()) {
    case wire::Welcome::kType: return read<wire::Welcome>(now);
    case wire::Opened::kType: return read<wire::Opened>(now);
    case wire::Ack::kType: return read<wire::Ack>(now);
    case wire::RowsRejected::kType: return read<wire::RowsRejected>(now);
    case wire::Pong::kType: return read<wire::Pong>(now);
    case wire::Error::kType: return read<wire::Error>(now);
    case wire::Dropped::kType: return read<wire::Dropped>(now);
    case wire::RolledBack::kType: return read<wire::RolledBack>(now);
    case wire::ModelsChanged::kType: return read<wire::ModelsChanged>(now);
    default: return fail_unreadable("message type " + std::to_string(frame_.type()));
  }
}

void Session::on(const wire::Welcome& welcome, Clock::time_point now) {
  if (phase_ == Phase::kReady) return;  // the answer to a Hello that was repeated
  phase_ = Phase::kReady;
  welcome_ = welcome;
  ++welcomes_;
  trouble_.clear();
  greet_or_ping_at_ = now + kPingBusy;
}

void Session::on(const wire::Opened& opened, Clock::time_point) {
  const std::shared_ptr<Channel> channel = find(opened.stream);
  if (!channel || channel->phase != Channel::Phase::kOpening) return;
  if (!channel->outbound) {
    channel->opened = opened;
    channel->phase = Channel::Phase::kSettling;
    if (opened.durable >= opened.accepted) start(*channel);
    return;
  }
  const Outbound::Reopened reopened = channel->outbound->reopen(opened);
  if (!reopened.problem.empty()) {
    return fail(*channel,
                Error(Error::Kind::kRefused, "stream '" + channel->name + "' cannot go on: " + reopened.problem));
  }
  kept_bytes_ -= reopened.released_bytes;
  channel->phase = Channel::Phase::kOpen;
}

// What an earlier process sent under this producer's name and is not durable could still be lost with the daemon, and
// nobody could send it again: sequences begin after the durable ones, so they cannot begin while there are others.
void Session::start(Channel& channel) {
  const wire::Opened& opened = *channel.opened;
  const std::size_t row_bytes = opened.spec.column_count() * sizeof(double);
  const std::uint64_t most = std::min(opened.window_bytes, welcome_->max_message_bytes);
  const std::uint64_t rows = most > wire::kBatchHeaderBytes ? (most - wire::kBatchHeaderBytes) / row_bytes : 0;
  if (rows == 0) {
    return fail(channel,
                Error(Error::Kind::kRefused, "stream '" + channel.name + "': a row of " + std::to_string(row_bytes) +
                                                 " bytes is more than the daemon " + "takes (" + std::to_string(most) +
                                                 " bytes a message)"));
  }
  // Of sparse rows `rows` is but what would fit without a value; what has many is cut by its bytes.
  channel.outbound.emplace(opened, static_cast<std::size_t>(std::min<std::uint64_t>(rows, options_.batch_rows)),
                           static_cast<std::size_t>(most - wire::kBatchHeaderBytes));
  channel.phase = Channel::Phase::kOpen;
}

void Session::on(const wire::Ack& ack, Clock::time_point) {
  const std::shared_ptr<Channel> channel = find(ack.stream_id);
  if (!channel) return;
  if (channel->outbound) {
    const std::size_t released = channel->outbound->acknowledge(ack.durable, ack.window_bytes);
    kept_bytes_ -= released;
    if (released > 0) trouble_.clear();
  } else if (channel->phase == Channel::Phase::kSettling) {
    channel->opened->durable = ack.durable;
    if (ack.durable >= channel->opened->accepted) start(*channel);
  }
}

void Session::on(const wire::RowsRejected& rejected, Clock::time_point) {
  const std::shared_ptr<Channel> channel = find(rejected.stream_id);
  if (channel && channel->outbound) channel->outbound->reject(rejected);
}

void Session::on(const wire::Dropped& dropped, Clock::time_point) {
  for_each(drops_, [&](Drop& drop) { drop.done = drop.done || (drop.name == dropped.stream && drop.sent > 0); });
  if (const auto channel = find(dropped.stream)) {
    fail(*channel, Error(Error::Kind::kUnknownStream, "stream '" + channel->name + "' was dropped"));
  }
}

void Session::answer(std::uint64_t request, std::uint64_t epoch) {
  for_each(requests_, [&](Request& asked) {
    if (asked.number != request) return;
    asked.done = true;
    asked.new_epoch = epoch;
  });
}

// What was asked before, and its answer lost, may have been done since: a change of models that is not durable yet is
// answered as if it were the first, and one that is is refused.
void Session::on_request_error(const wire::Error& error) {
  for_each(requests_, [&](Request& asked) {
    if (asked.number != error.request) return;
    const bool added =
        error.code == wire::ErrorCode::kModelExists && std::holds_alternative<wire::AddModel>(asked.what);
    const bool dropped =
        error.code == wire::ErrorCode::kUnknownModel && std::holds_alternative<wire::DropModel>(asked.what);
    if (asked.sent > 1 && (added || dropped)) {
      asked.done = true;
    } else {
      asked.failure = from_wire(error);
    }
  });
}

void Session::on(const wire::Error& error, Clock::time_point now) {
  if (error.request != 0) return on_request_error(error);
  switch (error.code) {
    case wire::ErrorCode::kNoSession: session_unknown_ = true; return;
    case wire::ErrorCode::kSuperseded:
      return fail("another client has taken over the producer name '" + options_.producer + "': " + text_of(error));
    case wire::ErrorCode::kMalformed:
    case wire::ErrorCode::kUnknownType:
      return fail("accrued at " + options_.endpoint + " does not understand this client: " + text_of(error));
    case wire::ErrorCode::kSequenceGap:
    case wire::ErrorCode::kOverWindow: {
      // One for every batch that was on its way: the first of them opens anew.
      if (const auto channel = find_opened(error.about)) unopen(*channel, now);
      return;
    }
    case wire::ErrorCode::kRolledBack:  // likewise: what opens it anew is not meant
      if (const auto channel = find_opened(error.about)) on_stream_error(*channel, error, now);
      return;
    case wire::ErrorCode::kShuttingDown: trouble_ = text_of(error); return;
    case wire::ErrorCode::kStoreFailed: {
      trouble_ = text_of(error);
      const auto channel = find(error.about);
      if (channel && channel->phase == Channel::Phase::kOpening) unopen(*channel, now + kOpenPause);
      return on_drop_error(error);
    }
    default: break;
  }
  if (error.about.empty()) {
    trouble_ = text_of(error);
    return;
  }
  on_drop_error(error);
  if (const auto channel = find(error.about)) on_stream_error(*channel, error, now);
}

void Session::on_stream_error(Channel& channel, const wire::Error& error, Clock::time_point now) {
  if (error.code == wire::ErrorCode::kUnknownStream && !channel.opened && channel.asked) {
    unopen(channel, now);  // a caller without a specification was first; one with it has joined
    return;
  }
  const Error reason = from_wire(error);
  const std::string subject = "stream '" + channel.name + "'";
  std::string text = reason.what();
  if (!text.starts_with(subject)) text = subject + ": " + text;
  if (channel.outbound && !channel.outbound->all_durable()) {
    text += " (" + std::to_string(channel.outbound->kept_rows()) + " rows pushed here were not durable)";
  }
  fail(channel, Error(reason.kind(), text));
}

void Session::on_drop_error(const wire::Error& error) {
  for_each(drops_, [&](Drop& drop) {
    if (drop.name != error.about || drop.sent == 0) return;
    if (error.code == wire::ErrorCode::kUnknownStream && drop.sent > 1) {
      drop.done = true;
    } else {
      drop.failure = from_wire(error);
    }
  });
}

void Session::unopen(Channel& channel, Clock::time_point open_at) {
  channel.phase = Channel::Phase::kUnopened;
  channel.open_at = open_at;
}

void Session::fail(Channel& channel, Error error) {
  if (channel.outbound) kept_bytes_ -= channel.outbound->kept_bytes();
  channel.phase = Channel::Phase::kFailed;
  channel.failure = std::move(error);
  std::erase_if(channels_, [&](const auto& candidate) { return candidate.get() == &channel; });
}

void Session::fail_unreadable(const std::string& reason) {
  fail("what answers at " + options_.endpoint + " does not speak this version of accrue's protocol (" + reason + ")");
}

std::shared_ptr<Channel> Session::find(const std::string& name) const {
  for (const auto& channel : channels_) {
    if (channel->name == name) return channel;
  }
  return nullptr;
}

std::shared_ptr<Channel> Session::find_opened(const std::string& name) const {
  auto channel = find(name);
  const bool opened =
      channel && (channel->phase == Channel::Phase::kOpen || channel->phase == Channel::Phase::kSettling);
  return opened ? channel : nullptr;
}

std::shared_ptr<Channel> Session::find(std::uint64_t stream_id) const {
  for (const auto& channel : channels_) {
    if (channel->opened && channel->opened->stream_id == stream_id) return channel;
  }
  return nullptr;
}

template <class Kind, class Visit>
void Session::for_each(std::vector<std::weak_ptr<Kind>>& orders, Visit visit) {
  std::erase_if(orders, [&](const std::weak_ptr<Kind>& pending) {
    const std::shared_ptr<Kind> order = pending.lock();
    if (order) visit(*order);
    return !order || order->done || order->failure;
  });
}

template <class Kind>
bool Session::any_waited_for(const std::vector<std::weak_ptr<Kind>>& orders) {
  return std::any_of(orders.begin(), orders.end(), [](const auto& order) { return !order.expired(); });
}

}  // namespace accrue::client
