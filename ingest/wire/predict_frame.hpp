// The frame of a question for predictions whose rows can be read where they are: they begin at a multiple of 8, however
// long the text before them. A pure function: any thread may call it.
#pragma once

#include "ingest/wire/queries.hpp"

namespace accrue::wire {

// As encode, of rows that are a bin, with headers that are wider than they need be.
Bytes encode_aligned(const Predict& question);

}  // namespace accrue::wire
