// The sparse rows of a delivery as models see them: where they lie, unless that is not aligned for them. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "ingest/pipeline_messages.hpp"
#include "models/rows.hpp"

namespace accrue::daemon {

class SparseDelivery {
 public:
  // Good until the next call, and for as long as `rows`, the frame that came with `what`, is.
  models::SparseRowsView view(const ingest::Deliver& what, const wire::StreamSpec& spec, wire::BytesView rows);

 private:
  std::vector<double> aligned_;  // a copy of the bin
  std::vector<std::uint64_t> starts_;
};

}  // namespace accrue::daemon
