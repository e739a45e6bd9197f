// Which worker holds a partition: consistent hashing with bounded loads.
//
// A partition goes to the worker that is first in its own order of all workers, a hash of (stream, partition, worker):
// rendezvous hashing (Thaler and Ravishankar 1998). It passes over those that are full, and full is as small as it can
// be (the bound of Mirrokni, Thorup and Zadimoghaddam 2016, with nothing to spare: partitions are few and heavy):
// - of a stream's p partitions no worker of w ever holds more than ceil(p / w);
// - of all m partitions none is given more than ceil(m / w), unless the stream's own bound leaves no other choice.
// When a worker leaves, its partitions are placed anew in the same way, and no other moves.
//
// A pure function of the calls made, in their order. Each must make sense: a stream is closed that is open, a worker
// leaves that is here and not the last. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace accrue::ingest {

class Placement {
 public:
  explicit Placement(std::uint32_t workers);

  // Places the partitions of a stream; forgets them.
  void open(std::uint64_t stream_id, std::uint32_t partitions);
  void close(std::uint64_t stream_id);

  std::uint32_t worker_of(std::uint64_t stream_id, std::uint32_t partition) const {
    return streams_.at(stream_id).at(partition);
  }

  // Takes a worker away.
  void leave(std::uint32_t worker);

 private:
  using Holders = std::vector<std::uint32_t>;  // of a stream, by partition

  std::uint32_t choose(std::uint64_t stream_id, std::uint32_t partition, const Holders& holders) const;

  std::vector<std::uint32_t> workers_;        // those that are here
  std::vector<std::uint64_t> held_;           // partitions, by worker
  std::uint64_t partitions_ = 0;              // of all streams
  std::map<std::uint64_t, Holders> streams_;  // ordered, so that leave() goes through them in one order everywhere
};

}  // namespace accrue::ingest
