// What the server makes of bytes that no library's client would send it, over real connections.
#include "daemon/http/server.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace accrue::daemon::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class RawClient {
 public:
  explicit RawClient(const std::string& url) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect to " + url);
    }
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False when the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  // All that comes until the server closes the connection.
  std::string receive_all() {
    std::string all;
    for (char buffer[4'096];;) {
      const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
      if (size <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(size));
    }
  }

  // What comes until it ends in these bytes.
  std::string receive_up_to(const std::string& end) {
    std::string all;
    for (char byte = 0; !all.ends_with(end);) {
      if (::recv(socket_, &byte, 1, 0) <= 0) throw std::runtime_error("closed after '" + all + "'");
      all.push_back(byte);
    }
    return all;
  }

  bool hears_something_within(int milliseconds) {
    pollfd item{socket_, POLLIN, 0};
    return ::poll(&item, 1, milliseconds) > 0;
  }

 private:
  int socket_;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

// A server at work, until it is destroyed.
class Serving {
 public:
  explicit Serving(std::vector<Route> routes)
      : server_({"127.0.0.1", 0}, std::move(routes)), thread_([this] { server_.run(); }) {}
  ~Serving() {
    server_.stop();
    thread_.join();
  }
  const std::string& url() const { return server_.url(); }

 private:
  Server server_;
  std::thread thread_;
};

class ServerTest : public testing::Test {
 protected:
  std::vector<Route> routes() {
    return {
        {"GET", "/small", [](const Call&) { return Answer{.text = "small", .type = "text/plain"}; }},
        {"POST", "/length",
         [](const Call& call) {
           std::size_t size = 0;
           call.read_body([&](std::string_view piece) { size += piece.size(); });
           return Answer{.text = std::to_string(size) + " bytes", .type = "text/plain"};
         }},
        {"POST", "/refused", [](const Call&) -> Answer { throw Problem(415, "unsupported_media_type", "not this"); }},
        {"DELETE", "/things/{thing}", [this](const Call& call) {
           deleted_ += call.path.at("thing");
           return Answer{.status = 204};
         }}};
  }

  std::string deleted_;  // of the server's threads; looked at when one has answered, or closed
  Serving server{routes()};
  RawClient client{server.url()};
};

constexpr const char* kDelete = "DELETE /things/x HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(ServerTest, WhatIsLeftOfARefusedBodyIsNoRequest) {
  const std::string body = kDelete + std::string(20'000, ' ') + kDelete;
  ASSERT_TRUE(client.send("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\n\r\n" + body));
  const std::string answer = client.receive_all();
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 415 "), HasSubstr("\r\nConnection: close\r\n")));
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 1u) << answer;
  EXPECT_THAT(deleted_, IsEmpty());
}

TEST_F(ServerTest, WhatIsLeftOfABodyThatNobodyExpectsIsNoRequest) {
  for (const std::string method : {"GET", "DELETE", "PUT", "PRI"}) {
    SCOPED_TRACE(method);
    RawClient one(server.url());
    ASSERT_TRUE(one.send(method + (method == "DELETE" ? " /things/y" : " /small") +
                         " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + kDelete));
    EXPECT_EQ(count(one.receive_all(), "HTTP/1.1 "), 1u);
  }
  EXPECT_EQ(deleted_, "y");
}

TEST_F(ServerTest, ABodyForNobodyIsNotWaitedFor) {
  for (const std::string line : {"POST /nowhere", "PUT /small", "PATCH /length", "PRI *"}) {
    SCOPED_TRACE(line);
    RawClient one(server.url());
    ASSERT_TRUE(one.send(line + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"));
    EXPECT_THAT(one.receive_all(), AllOf(StartsWith("HTTP/1.1 40"), HasSubstr("application/problem+json")));
  }
}

TEST_F(ServerTest, AnsweredRequestsAreFollowedByOthersOnTheirConnection) {
  ASSERT_TRUE(
      client.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                  "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n"
                  "POST /length HTTP/1.1\r\nHost: x\r\n\r\n"
                  "GET /small HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(client.receive_up_to("3 bytes"), Not(HasSubstr("close")));
  EXPECT_THAT(client.receive_up_to("5 bytes"), Not(HasSubstr("close")));
  EXPECT_THAT(client.receive_up_to("0 bytes"), Not(HasSubstr("close")));
  client.receive_up_to("small");
}

TEST_F(ServerTest, AHeadHasALimit) {
  const std::string header = "X: " + std::string(7'000, 'x') + "\r\n";
  std::string head = "GET /small HTTP/1.1\r\n";
  for (int i = 0; i < 4; ++i) head += header;
  ASSERT_TRUE(client.send(head + "\r\n"));
  client.receive_up_to("small");
  ASSERT_TRUE(client.send(head + header + "\r\n"));
  EXPECT_THAT(client.receive_all(), AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("32768 bytes")));
}

TEST_F(ServerTest, AHeadIsNotWaitedForHoweverSlowlyItComes) {
  ASSERT_TRUE(client.send("GET /small HTTP/1.1\r\nX: "));
  while (!client.hears_something_within(100) && client.send("x")) {  // for ever, if it were waited for
  }
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ServerTest, RangesAskForNothingTwice) {
  std::string ranges = "-";
  while (ranges.size() < 7'000) ranges += ",-";
  ASSERT_TRUE(client.send("GET /small HTTP/1.1\r\nHost: x\r\nRange: bytes=" + ranges + "\r\n\r\n"));
  EXPECT_THAT(client.receive_up_to("small"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("Content-Length: 5\r\n")));
}

TEST_F(ServerTest, APathHasALimit) {
  ASSERT_TRUE(client.send("DELETE /things/" + std::string(1'020, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(client.receive_up_to("\r\n\r\n"), StartsWith("HTTP/1.1 414 "));
  EXPECT_THAT(deleted_, IsEmpty());
}

TEST_F(ServerTest, OneThatHasNoMoreToSayIsAnswered) {
  ASSERT_TRUE(client.send("GET /small HTTP/1.1\r\nHost: x\r\n\r\n"));
  client.finish_sending();
  EXPECT_THAT(client.receive_all(), EndsWith("small"));
}

}  // namespace
}  // namespace accrue::daemon::http
