#include "daemon/http/conversation.hpp"

#include <algorithm>
#include <vector>

#include "ingest/link.hpp"

namespace accrue::daemon::http {
namespace {

constexpr std::chrono::seconds kPing{1};

}  // namespace

Conversation::Conversation(zmq::context_t& context, const std::string& link, int stop, std::chrono::seconds patience)
    : socket_(ingest::dealer_socket(context, link)), stop_(stop), patience_(patience) {
  patience_anew();
}

void Conversation::patience_anew() { deadline_ = std::chrono::steady_clock::now() + patience_; }

void Conversation::say_bytes(wire::BytesView message) { ingest::send(socket_, message); }

const wire::Frame& Conversation::hear(bool ping) {
  std::vector<zmq::pollitem_t> items = {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, stop_, ZMQ_POLLIN, 0}};
  while (!ingest::try_receive(socket_, message_)) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline_) {
      throw Problem(503, "timeout",
                    "nothing was heard for " + std::to_string(patience_.count()) +
                        " s; GET /v1/status says whether accrued is degraded, and the request may be made again");
    }
    ingest::wait(items, std::min(deadline_, now + kPing));
    if (items[1].revents != 0) throw Problem(503, "shutting_down", "accrued is stopping");
    if (ping && items[0].revents == 0) say(wire::Ping{});
  }
  ACCRUE_ASSERT(frame_.parse(ingest::view(message_), wire::Sender::kTrusted) == wire::DecodeError::kNone);
  return frame_;
}

}  // namespace accrue::daemon::http
