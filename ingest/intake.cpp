#include "ingest/intake.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ingest/batch_rows.hpp"
#include "ingest/link.hpp"
#include "ingest/wire/assert.hpp"
#include "ingest/wire/batch_frame.hpp"

namespace accrue::ingest {

using wire::DecodeError;
using wire::ErrorCode;

namespace {

// Decodes `frame` as a Message and hands it to `act`; false when it is not one.
template <class Message, class Act>
[[nodiscard]] bool with(const wire::Frame& frame, Act&& act) {
  Message message;
  if (frame.read(message) != DecodeError::kNone) return false;
  act(message);
  return true;
}

}  // namespace

Intake::Intake(IntakeOptions options, Outbox& outbox, Gauges& gauges)
    : options_(std::move(options)),
      outbox_(outbox),
      gauges_(gauges),
      credit_(options_.memory_bytes, options_.streams.window_bytes),
      streams_(options_.streams, outbox, gauges, credit_,
               [this](const SessionId& id, Stream& stream) { attach(id, stream); }) {}

void Intake::on_client(const SessionId& id, zmq::message_t frame, TimePoint now) {
  // Most messages are batches as accrue's clients write them, which need no parser.
  const std::optional<wire::Batch> batch = wire::read_batch(view(frame));
  const DecodeError error = batch ? DecodeError::kNone : frame_.parse(view(frame));
  if (error != DecodeError::kNone) {
    return refuse(id, ErrorCode::kMalformed, "", std::string("a message is ") + to_string(error));
  }
  if (const auto session = sessions_.find(id); session != sessions_.end()) {
    session->second.heard = now;
  } else if (batch || frame_.type() != wire::Hello::kType) {
    return refuse(id, ErrorCode::kNoSession, "", "this connection has not said Hello");
  }
  if (batch) return on_batch(id, *batch, frame, now);
  on_message(id, frame, now);
}

void Intake::on_message(const SessionId& id, zmq::message_t& frame, TimePoint now) {
  bool good = true;
  switch (frame_.type()) {
    case wire::Hello::kType: good = with<wire::Hello>(frame_, [&](const auto& m) { on_hello(id, m, now); }); break;
    case wire::Open::kType: good = with<wire::Open>(frame_, [&](const auto& m) { on_open(id, m); }); break;
    case wire::Batch::kType:
      good = with<wire::Batch>(frame_, [&](const auto& m) { on_batch(id, m, frame, now); });
      break;
    case wire::Flush::kType: good = with<wire::Flush>(frame_, [&](const auto& m) { on_flush(m); }); break;
    case wire::Ping::kType: good = with<wire::Ping>(frame_, [&](const auto&) { on_ping(id); }); break;
    case wire::Bye::kType: good = with<wire::Bye>(frame_, [&](const auto&) { leave(id, true); }); break;
    case wire::Drop::kType: good = with<wire::Drop>(frame_, [&](const auto& m) { on_drop(id, m); }); break;
    case wire::Rollback::kType: good = with<wire::Rollback>(frame_, [&](const auto& m) { on_rollback(id, m); }); break;
    case wire::AddModel::kType: good = with<wire::AddModel>(frame_, [&](const auto& m) { on_add_model(id, m); }); break;
    case wire::DropModel::kType:
      good = with<wire::DropModel>(frame_, [&](const auto& m) {
        on_change(id, m.stream, m.request, {ModelChange::Kind::kDrop, {m.model, {}}});
      });
      break;
    case wire::PromoteModel::kType:
      good = with<wire::PromoteModel>(frame_, [&](const auto& m) {
        on_change(id, m.stream, m.request, {ModelChange::Kind::kPromote, {m.model, {}}});
      });
      break;
    default:
      refuse(id, ErrorCode::kUnknownType, "",
             "the ingest socket knows no message of type " + std::to_string(frame_.type()));
      return;
  }
  if (!good) {
    refuse(id, ErrorCode::kMalformed, "",
           "a message of type " + std::to_string(frame_.type()) + " has " + to_string(DecodeError::kWrongFields));
  }
}

void Intake::on_pipeline(wire::BytesView message, TimePoint now) {
  ACCRUE_ASSERT(frame_.parse(message, wire::Sender::kTrusted) == DecodeError::kNone);
  bool good = false;
  switch (frame_.type()) {
    case StreamCreated::kType: good = with<StreamCreated>(frame_, [&](const auto& m) { on_created(m); }); break;
    case StreamDropped::kType: good = with<StreamDropped>(frame_, [&](const auto& m) { on_dropped(m); }); break;
    case EpochDurable::kType:
      good = with<EpochDurable>(frame_, [&](const auto& m) { streams_.on_durable(m, now); });
      break;
    case RecoveredStream::kType:
      good = with<RecoveredStream>(frame_, [&](auto& m) { on_recovered(std::move(m)); });
      break;
    case StreamRolledBack::kType:
      good = with<StreamRolledBack>(frame_, [&](const auto& m) { on_rolled_back(m); });
      break;
    case WorkerGone::kType: good = with<WorkerGone>(frame_, [&](const auto& m) { streams_.on_worker_gone(m); }); break;
    case Stop::kType: good = with<Stop>(frame_, [&](const auto&) { begin_stop(); }); break;
  }
  ACCRUE_ASSERT(good);
}

void Intake::on_hello(const SessionId& id, const wire::Hello& hello, TimePoint now) {
  if (hello.producer.empty() || hello.producer.size() > wire::kMaxNameBytes) {
    return refuse(id, ErrorCode::kMalformed, "", "a producer's name is 1 to 128 bytes");
  }
  const auto known = sessions_.find(id);
  if (known == sessions_.end() || known->second.producer != hello.producer) {  // otherwise it has only said it twice
    leave(id, false);
    sessions_[id] = {hello.producer, hello.ephemeral, now, {}};
    count_sessions();
  }
  say(id, wire::Welcome{options_.streams.version, options_.query_endpoint, options_.max_message_bytes});
}

void Intake::on_open(const SessionId& id, const wire::Open& open) {
  Stream* stream = streams_.find(open.stream);
  if (!stream) return create(id, open);
  if (open.spec) {
    if (const std::string problem = difference(stream->spec, *open.spec); !problem.empty()) {
      refuse(id, ErrorCode::kSpecMismatch, open.stream, "stream '" + open.stream + "' exists already: " + problem);
      return;
    }
  }
  if (credit_.must_wait({id, stream->id})) return;
  if (stream->phase == Stream::Phase::kLearning) return attach(id, *stream);
  std::erase(stream->opening, id);
  stream->opening.push_back(id);
}

void Intake::create(const SessionId& id, const wire::Open& open) {
  const auto pending = creations_.find(open.stream);
  if (!open.spec) {
    refuse_unknown(id, open.stream);
  } else if (std::string problem = wire::problem_with_stream_name(open.stream); !problem.empty()) {
    refuse(id, ErrorCode::kBadSpec, "", problem);
  } else if (problem = problem_with(*open.spec); !problem.empty()) {
    refuse(id, ErrorCode::kBadSpec, open.stream, "stream '" + open.stream + "' cannot be created: " + problem);
  } else if (pending != creations_.end() && pending->second.spec != *open.spec) {
    refuse(id, ErrorCode::kSpecMismatch, open.stream,
           "stream '" + open.stream + "' is being created: " + difference(pending->second.spec, *open.spec));
  } else if (pending != creations_.end()) {
    std::erase(pending->second.waiting, id);
    pending->second.waiting.push_back(id);
  } else if (streams_.size() + creations_.size() >= options_.max_streams) {
    refuse(id, ErrorCode::kTooMany, open.stream,
           "this daemon has its " + std::to_string(options_.max_streams) + " streams already (max_streams)");
  } else if (!stopping_) {
    creations_[open.stream] = {*open.spec, {id}};
    outbox_.to_committer(wire::encode(CreateStream{open.stream, *open.spec}));
  }
}

std::string Intake::problem_with(const wire::StreamSpec& spec) const {
  const std::string problem = wire::problem_with(spec);
  return problem.empty() ? options_.problem_with_models(spec) : problem;
}

void Intake::on_created(const StreamCreated& created) {
  const auto pending = creations_.extract(created.name);
  ACCRUE_ASSERT(!pending.empty());
  if (created.stream_id == 0) {
    for (const SessionId& id : pending.mapped().waiting) {
      refuse(id, ErrorCode::kStoreFailed, created.name,
             "stream '" + created.name + "' could not be created: " + created.error);
    }
    return;
  }
  streams_.add({created.stream_id, created.name, pending.mapped().spec, 0, 0, {}, {}, {}}, pending.mapped().waiting);
}

void Intake::attach(const SessionId& id, Stream& stream) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;  // gone while the stream was being created
  Session& session = found->second;
  if (!stream.producers.contains(session.producer) && !make_room_for_producer(stream)) {
    refuse(id, ErrorCode::kTooMany, stream.name,
           "stream '" + stream.name + "' has its " + std::to_string(options_.max_producers) + " producers already");
    return;
  }
  StreamProducer& producer = *stream.producer(session.producer);
  if (!producer.session.empty() && producer.session != id) {
    refuse(producer.session, ErrorCode::kSuperseded, stream.name,
           "another connection pushes to stream '" + stream.name + "' as producer '" + session.producer + "'");
    const auto previous = sessions_.find(producer.session);
    if (previous != sessions_.end()) std::erase(previous->second.streams, stream.id);
  }
  stream.connect(producer, id);
  producer.rewound = false;
  producer.rolled_back_to = 0;
  if (std::find(session.streams.begin(), session.streams.end(), stream.id) == session.streams.end()) {
    session.streams.push_back(stream.id);
  }
  say(id, wire::Opened{stream.name, stream.id, stream.spec, producer.log.accepted(), producer.log.durable(),
                       credit_.window_bytes()});
}

// Lets those whose batches found no room go on, one after the other.
void Intake::give_turns(TimePoint now) {
  while (const auto turn = credit_.next_turn(now)) {
    Stream* stream = streams_.find(turn->stream_id);
    const auto is_its = [&](const auto& known) { return known.second->session == turn->session; };
    const bool open = stream && std::any_of(stream->producers.begin(), stream->producers.end(), is_its);
    if (open && stream->phase == Stream::Phase::kLearning) return attach(turn->session, *stream);
    if (open) stream->opening.insert(stream->opening.begin(), turn->session);  // it asked before those who wait
    credit_.end_turn(*turn);  // it goes on with the stream, or that is dropped, or another connection has taken over
  }
}

// A producer that is not connected and has nothing outstanding may be forgotten when there are too many, the one first
// that came longest ago: it could only do harm by coming back after all the others to send again what was acknowledged.
bool Intake::make_room_for_producer(Stream& stream) {
  if (stream.producers.size() < options_.max_producers) return true;
  const StreamProducer* first = nullptr;
  for (const auto& [name, producer] : stream.producers) {
    const bool idle = producer->session.empty() && producer->log.outstanding_bytes() == 0;
    if (idle && (!first || producer->came < first->came)) first = producer.get();
  }
  return first && stream.depart(std::string(first->name));
}

void Intake::on_batch(const SessionId& id, const wire::Batch& batch, zmq::message_t& frame, TimePoint now) {
  Stream* stream = streams_.find(batch.stream_id);
  if (!stream) {
    refuse(id, ErrorCode::kUnknownStream, "", "there is no stream of id " + std::to_string(batch.stream_id));
    return;
  }
  if (stopping_ || stream->phase != Stream::Phase::kLearning) return;  // it is not acknowledged, so it will come again
  const auto known = stream->producers.find(sessions_.at(id).producer);
  if (known == stream->producers.end() || known->second->session != id) {
    refuse(id, ErrorCode::kNoSession, stream->name, "this connection has not opened stream '" + stream->name + "'");
    return;
  }
  const std::shared_ptr<StreamProducer> producer = known->second;
  if (producer->rewound) return streams_.ask_to_reopen(*stream, *producer);
  switch (producer->log.judge(batch.sequence, frame.size(), options_.streams.window_bytes)) {
    case Producer::Admission::kAccept:
      if (credit_.has_room(frame.size())) break;
      credit_.refuse({id, stream->id}, frame.size());
      refuse(id, ErrorCode::kOverWindow, stream->name,
             "batch " + std::to_string(batch.sequence) + " finds no room (memory_limit_mb): Open waits for some");
      return;
    case Producer::Admission::kDuplicate: return streams_.ack_later(*stream, producer);
    case Producer::Admission::kGap:
      refuse(id, ErrorCode::kSequenceGap, stream->name,
             "batch " + std::to_string(batch.sequence) + " came where " + std::to_string(producer->log.accepted() + 1) +
                 " was due");
      return;
    case Producer::Admission::kOverWindow:
      refuse(id, ErrorCode::kOverWindow, stream->name,
             "batch " + std::to_string(batch.sequence) + " exceeds the window of " +
                 std::to_string(options_.streams.window_bytes) + " bytes");
      return;
  }
  Screening screening;
  const std::size_t frame_bytes = frame.size();
  ScreenedBatch screened = screen_batch(*stream, batch, frame, screening);
  const std::size_t bytes = std::max(frame_bytes, screened.frame.size());  // rows in the friendly form grow
  streams_.deliver(*stream, producer, bytes, std::move(screened), now);
  credit_.end_turn({id, stream->id});
  if (screening.rejected == 0) return;
  for (std::size_t reason = 0; reason < screening.by_reason.size(); ++reason) {
    stream->rejected[reason] += screening.by_reason[reason];
    StreamGauges::add(stream->gauges->rejected[reason], screening.by_reason[reason]);
  }
  say(id, wire::RowsRejected{stream->id, batch.sequence, static_cast<std::uint32_t>(screening.rejected),
                             static_cast<std::uint32_t>(screening.first_rejected), screening.first_reason});
}

void Intake::on_flush(const wire::Flush& flush) {
  if (Stream* stream = streams_.find(flush.stream_id)) stream->hurry();
}

void Intake::on_ping(const SessionId& id) {
  say(id, wire::Pong{});
  const Session& session = sessions_.at(id);
  for (const std::uint64_t stream_id : session.streams) {
    Stream* stream = streams_.find(stream_id);
    if (!stream) continue;
    const StreamProducer& producer = *stream->producer(session.producer);
    producer.rewound ? streams_.ask_to_reopen(*stream, producer) : streams_.acknowledge(stream_id, producer);
  }
}

TimePoint Intake::settle(TimePoint now) {
  give_turns(now);
  TimePoint next = std::min(streams_.settle(now), now + std::chrono::seconds(1));
  if (const auto ends = credit_.turn_ends()) next = std::min(next, *ends);
  gauges_.outstanding_bytes = credit_.held_bytes();
  gauges_.window_bytes = credit_.window_bytes();
  if (now >= next_silence_check_) {
    forget_silent_sessions(now);
    streams_.look_for_silent_workers(now);
    next_silence_check_ = now + std::chrono::seconds(1);
  }
  return next;
}

void Intake::begin_stop() {
  stopping_ = true;
  streams_.hurry();
}

// Ends a session. What its producer has sent stays; only after a Bye is a producer of that session alone forgotten.
void Intake::leave(const SessionId& id, bool said_bye) {
  const auto ended = sessions_.extract(id);
  if (ended.empty()) return;
  credit_.forget(id);
  const Session& session = ended.mapped();
  for (const std::uint64_t stream_id : session.streams) {
    Stream* stream = streams_.find(stream_id);
    if (!stream) continue;
    const auto producer = stream->producers.find(session.producer);
    if (producer == stream->producers.end()) continue;
    stream->disconnect(*producer->second);
    if (said_bye && session.ephemeral) stream->depart(session.producer);
  }
  count_sessions();
}

void Intake::count_sessions() {
  gauges_.producers = sessions_.size();
  credit_.share_among(sessions_.size());
}

void Intake::forget_silent_sessions(TimePoint now) {
  std::vector<SessionId> silent;
  for (const auto& [id, session] : sessions_) {
    if (now - session.heard > options_.session_timeout) silent.push_back(id);
  }
  for (const SessionId& id : silent) leave(id, false);
}

void Intake::refuse(const SessionId& id, ErrorCode code, const std::string& about, const std::string& text,
                    std::uint64_t request) {
  say(id, wire::Error{request, code, about, text});
}

void Intake::refuse_unknown(const SessionId& id, const std::string& stream, std::uint64_t request) {
  refuse(id, ErrorCode::kUnknownStream, stream, "there is no stream '" + stream.substr(0, 128) + "'", request);
}

}  // namespace accrue::ingest
