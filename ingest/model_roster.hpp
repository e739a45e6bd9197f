// ModelRoster: the models of one stream as the receiver knows them, and the changes of them that were asked for and are
// not durable yet.
//
// A change has its place among the rows: judged and applied when it is sent to the workers, cut into the epoch that
// comes next, and told to whoever asked once that is on the disk. When the stream goes back to an epoch, those that are
// not in it are judged and applied again, in their order, before any row. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ingest/pipeline_messages.hpp"

namespace accrue::ingest {

// Asked for by a client.
struct ModelRequest {
  std::string session;
  std::uint64_t request = 0;
  ModelChange change;
};

class ModelRoster {
 public:
  static constexpr std::size_t kMaxWaiting = 16;  // changes that are not durable

  // The names of the models, in the order they were added, and of the champion among them.
  ModelRoster(std::vector<std::string> models, std::string champion);

  bool full() const { return waiting_.size() >= kMaxWaiting; }
  void ask(ModelRequest request);
  // The next change that is to be judged and applied; null when there is none.
  const ModelRequest* next() const { return applied_ < waiting_.size() ? &waiting_[applied_] : nullptr; }
  struct Problem {
    wire::ErrorCode code;
    std::string text;  // about "stream 'name'"
  };
  std::optional<Problem> problem_with(const ModelChange& change, const std::string& stream) const;
  // It is the last change of its model that waits, but for promotions after it is added, so somebody asks again who has
  // not heard the answer.
  bool repeated(const ModelChange& change) const;
  void refuse_next();
  void apply_next();

  // What is applied is in the epoch that is cut; and that epoch is durable: answers the changes that are in it.
  void cut();
  std::vector<ModelRequest> made_durable();
  // All that are not durable, oldest first, which are then not known here any more.
  std::vector<ModelRequest> take_waiting();

 private:
  bool has(const std::string& model) const { return std::count(models_.begin(), models_.end(), model) > 0; }

  std::vector<std::string> models_;
  std::string champion_;
  std::vector<ModelRequest> waiting_;
  std::size_t applied_ = 0;  // of those that wait, the first so many are with the workers
  std::size_t cut_ = 0;      // of these the first so many are in the epoch that is in flight
};

}  // namespace accrue::ingest
