// A request's rows on their way into a stream: one producer's conversation with the receiver, a batch at a time, each
// durable before the next is read. That asks for an epoch a batch, and in return needs no credit, keeps one batch, and
// a request that has been answered has been learned, on disk.
//
// A producer of a name goes on where it was: what the daemon has of its batches is passed over, so a request that is
// made again under the same Idempotency-Key, with the same body, counts once, whatever crashed in between.
//
// One thread. Errors: Problem; the batches before are learned then, and the one at hand may be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/http/conversation.hpp"
#include "daemon/http/row_batch.hpp"

namespace accrue::daemon::http {

inline constexpr std::size_t kMaxRejectionsListed = 10;

// The first row that was refused of a batch.
struct Rejection {
  std::uint64_t row = 0;  // of the request, from 1
  wire::RejectReason reason{};
  std::string field;  // the column at fault; empty where it is none in particular
};

struct Learned {
  std::uint64_t rows = 0;      // of the request
  std::uint64_t rejected = 0;  // of these
  std::uint64_t repeated = 0;  // of these, in already when the request came
  std::vector<Rejection> rejections;
};

class Learning {
 public:
  // `key` as the request has it; empty for none.
  Learning(const Inside& inside, const std::string& key);
  ~Learning();
  Learning(const Learning&) = delete;
  Learning& operator=(const Learning&) = delete;

  // Opens the stream, which is made where `spec` is given and it is new. Once, before the rows.
  const wire::StreamSpec& open(const std::string& stream, const std::optional<wire::StreamSpec>& spec = std::nullopt);

  void learn(const RowBatch& batch);
  const Learned& learned() const { return learned_; }

 private:
  void make_durable(std::uint64_t sequence, const wire::Bytes& batch);
  void send(const wire::Bytes& batch);
  void on_rejected(const wire::RowsRejected& rejected, const wire::Bytes& batch);
  void on_opened(const wire::Opened& opened);
  std::string field_at_fault(const wire::RowsRejected& rejected, const wire::Bytes& batch) const;

  Conversation conversation_;
  wire::Opened opened_;
  std::uint64_t durable_ = 0;
  std::uint64_t sequence_ = 0;  // of the last batch that learn() was given
  std::uint64_t rejected_before_it_ = 0;
  Learned learned_;
};

}  // namespace accrue::daemon::http
