// One life of a producer's process: the real Session of the client library, joined to a simulated connection as the
// library's background thread joins it to a socket. Destroying it is kill -9.
//
// A connection that is cut comes back by itself under another name, as ZeroMQ's does, and the session may or may not
// notice; one that the session gives up is made anew.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/src/session.hpp"
#include "ingest/stream.hpp"
#include "tests/crash/event_queue.hpp"

namespace accrue::tests {

struct ProducerOptions {
  std::string name;
  std::size_t batch_rows = 4;
  Latency latency;
  double duplicate_share = 0;  // of frames that arrive twice
  double reorder_share = 0;    // of frames that those sent later may overtake
};

class SimulatedProducer {
 public:
  using ToDaemon = std::function<void(const ingest::SessionId& session, const wire::Bytes& frame)>;

  SimulatedProducer(EventQueue& queue, Random& random, ProducerOptions options, wire::StreamSpec spec,
                    ToDaemon to_daemon);

  void push(const std::vector<double>& rows);
  void flush();
  void ask(client::Request::What what);  // of the stream's models

  // What was asked and is answered since this was last called.
  std::vector<std::shared_ptr<client::Request>> answered();

  void from_daemon(const ingest::SessionId& session, const wire::Bytes& message);
  void cut_connection();  // what is under way, either way, is lost

  const std::string& name() const { return options_.name; }
  bool all_durable() const;
  std::string complaint() const;  // why it has given up; empty while it has not

 private:
  void connect();
  void serve();
  void transmit();
  void wake_at(TimePoint when);
  void later(Duration delay, std::function<void()> event);
  bool ready() const { return channel_->phase != client::Channel::Phase::kFailed && channel_->outbound; }

  EventQueue& queue_;
  Random& random_;
  const ProducerOptions options_;
  const ToDaemon to_daemon_;
  client::Session session_;
  std::shared_ptr<client::Channel> channel_;
  std::vector<double> waiting_;  // pushed before the stream was open
  bool flush_waits_ = false;
  std::vector<std::shared_ptr<client::Request>> asked_;
  std::deque<client::SharedFrame> unsent_;
  std::shared_ptr<const ingest::SessionId> connection_;  // none while it is cut; messages under way hold it weakly
  Link up_;
  Link down_;
  TimePoint wakes_ = TimePoint::max();
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace accrue::tests
