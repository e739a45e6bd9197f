// History: what streams were at the epochs that the store still keeps, read beside the committer that writes them.
//
// Thread: one at a time, the query service's. It looks at the store anew for every question, through a connection that
// lives only as long, and keeps the last few models it has decoded, so that one asked for again and again costs no more
// than that look.
// Errors: EpochNotKept, whose message says which epochs are; another std::runtime_error when the store cannot be read
// or the epoch is damaged. Everything is left as it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "daemon/snapshot.hpp"
#include "daemon/store_view.hpp"

namespace accrue::daemon {

// What is said of an epoch that is not kept, and which are.
std::string not_kept(const std::string& stream, std::uint64_t epoch, const EpochRange& kept);

class EpochNotKept : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class History {
 public:
  static constexpr std::size_t kCachedModels = 4;  // 11 MB each at most, or 72 MB of sparse rows

  explicit History(std::filesystem::path store_file) : store_file_(std::move(store_file)) {}

  struct Epochs {
    std::uint64_t kept = 0;
    std::vector<KeptEpoch> newest;  // `most` at most, newest first
  };
  Epochs epochs(const std::string& stream, std::uint64_t most) const;  // none for an unknown stream

  // A model's errors epoch by epoch, as StoreView::history has them.
  std::vector<wire::HistoryPoint> figures(const std::string& stream, const std::string& model, wire::Span span,
                                          std::uint64_t from_epoch, std::uint64_t most) const;

  std::shared_ptr<const Snapshot> snapshot(const std::string& stream, std::uint64_t epoch);

  const std::filesystem::path& store_file() const { return store_file_; }

 private:
  // A stream's name or an epoch's number may come again, for another model: after a drop, after a rewind.
  struct Cached {
    std::uint64_t stream_id;
    std::int64_t committed_unix_ms;
    std::shared_ptr<const Snapshot> snapshot;
  };

  std::filesystem::path store_file_;
  std::list<Cached> cache_;  // last used first
};

}  // namespace accrue::daemon
