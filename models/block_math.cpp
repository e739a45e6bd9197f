#include "models/block_math.hpp"

#include "models/state_codec.hpp"

namespace accrue::models {

// block_kernels.hpp includes nothing, and so says again what stands elsewhere.
static_assert(kDotLanes == kLanes<double>);
static_assert(kMaxSolved == kMaxFeatures + 1);  // of which the intercept is one

namespace {

const BlockKernels& best_kernels() {
#ifdef ACCRUE_KERNELS_OF_X86
  if (__builtin_cpu_supports("avx512f")) {
    return kAvx512Kernels;
  }
  if (__builtin_cpu_supports("avx2")) {
    return kAvx2Kernels;
  }
#endif
  return kBaselineKernels;
}

}  // namespace

const BlockKernels& block_kernels() {
  static const BlockKernels& best = best_kernels();
  return best;
}

}  // namespace accrue::models
