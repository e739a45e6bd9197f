// A quick look at the numbers of rows, which is all that most of them need. A pure function: any thread may call it.
#pragma once

#include <cstddef>

namespace accrue::wire {

// Whether all are numbers within half of kMaxMagnitude. Of double and float.
template <class Real>
bool all_surely_usable(const Real* values, std::size_t count);

}  // namespace accrue::wire
