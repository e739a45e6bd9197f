// Which worker holds a partition: consistent hashing with bounded loads.
//
// A partition goes to the worker that is first in its own order of all workers, a hash of (stream, partition, worker):
// rendezvous hashing (Thaler and Ravishankar 1998). It passes over those that are full, and full is as small as it can
// be (the bound of Mirrokni, Thorup and Zadimoghaddam 2016, with nothing to spare: partitions are few and heavy):
// - of a stream's p partitions no worker of w is ever given more than ceil(p / w);
// - of all m partitions none is given more than ceil(m / w), unless the stream's own bound leaves no other choice.
// When a worker leaves, its partitions are placed anew in the same way, and no other moves. When one joins, it is given
// those that prefer it to their worker, and of those whose worker has become too full the ones that prefer it most; no
// other moves. While there is no worker, nothing is placed.
//
// A pure function of the calls made, in their order. Each must make sense: a stream is closed that is open, a worker
// leaves that is here. One thread.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

namespace accrue::ingest {

class Placement {
 public:
  static constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

  // Places the partitions of a stream; forgets them.
  void open(std::uint64_t stream_id, std::uint32_t partitions);
  void close(std::uint64_t stream_id);

  // kNobody while there is no worker.
  std::uint32_t worker_of(std::uint64_t stream_id, std::uint32_t partition) const {
    return streams_.at(stream_id).at(partition);
  }

  // Add a worker, which was not here before, and take one away. They answer the streams of which a partition has moved.
  std::vector<std::uint64_t> join(std::uint32_t worker);
  std::vector<std::uint64_t> leave(std::uint32_t worker);

 private:
  using Holders = std::vector<std::uint32_t>;  // of a stream, by partition

  void place(std::uint64_t stream_id, std::uint32_t partition, Holders& holders);
  bool draw_to(std::uint32_t joined, std::uint64_t stream_id, Holders& holders);

  std::map<std::uint32_t, std::uint64_t> held_;  // partitions, by worker that is here
  std::uint64_t partitions_ = 0;                 // of all streams
  std::map<std::uint64_t, Holders> streams_;     // ordered, so that all go through them in one order everywhere
};

}  // namespace accrue::ingest
