#include "daemon/sparse_delivery.hpp"

#include "daemon/doubles.hpp"
#include "ingest/wire/sparse_rows.hpp"

namespace accrue::daemon {

models::SparseRowsView SparseDelivery::view(const ingest::Deliver& what, const wire::StreamSpec& spec,
                                            wire::BytesView rows) {
  const wire::SparseForm form = wire::batch_form(spec);
  const std::size_t bytes = wire::sparse_bytes(form, what.rows, what.nonzeros);
  ACCRUE_ASSERT(what.offset + bytes <= rows.size() && !what.picked);
  const std::byte* const bin = aligned_for_doubles(rows.subspan(what.offset, bytes), aligned_);
  const wire::SparseParts parts = wire::sparse_parts(form, what.rows, what.nonzeros, bin);
  starts_.assign(1, 0);
  starts_.insert(starts_.end(), parts.ends, parts.ends + parts.count);
  return {starts_.data(), parts.columns, parts.values,   parts.targets,
          parts.weights,  parts.count,   spec.dimension, what.first_index};
}

}  // namespace accrue::daemon
