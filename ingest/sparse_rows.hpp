// The gate of sparse rows, as validation.hpp is that of the others: a row whose columns do not increase below the
// dimension, with a value that is not finite or too large, a weight below zero, or more than wire::kMaxNonzeros values
// is taken out and counted; its neighbours are not harmed. Functions are re-entrant.
#pragma once

#include <optional>

#include <zmq.hpp>

#include "ingest/wire/sparse_rows.hpp"
#include "ingest/workers.hpp"

namespace accrue::ingest {

// `rows` has such a row, and its ends fit.
[[nodiscard]] std::optional<wire::RejectReason> problem_with_sparse_row(const wire::SparseParts& rows, std::size_t row,
                                                                        std::uint32_t dimension);

// As screen_batch (batch_rows.hpp), of a stream of sparse rows. Whole batches are refused (row_length) where it cannot
// be told which values are whose: rows in the friendly form or as float 32, and a bin of a length or with ends that
// cannot be.
ScreenedBatch screen_sparse_batch(const Stream& stream, const wire::Batch& batch, zmq::message_t& frame,
                                  Screening& screening);

}  // namespace accrue::ingest
