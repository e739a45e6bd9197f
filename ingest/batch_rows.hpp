// The rows of a batch as they came (a bin in the frame, or friendly rows) made ready to learn from: of the right
// length, aligned, screened. The frame's own memory is used where that is possible. Functions are re-entrant.
#pragma once

#include <zmq.hpp>

#include "ingest/workers.hpp"

namespace accrue::ingest {

// Takes the rows of `batch`, which points into `frame`: the frame itself where its rows can be read in place (`frame`
// is then empty), otherwise a copy. What is rejected is told in `screening`.
ScreenedBatch screen_batch(const Stream& stream, const wire::Batch& batch, zmq::message_t& frame, Screening& screening);

// Gives `batch` the memory of `bin`, which lies in `frame`, to be screened there.
void take_bin(wire::BytesView bin, zmq::message_t& frame, ScreenedBatch& batch);

}  // namespace accrue::ingest
