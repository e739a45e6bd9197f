#include "models/block_math.hpp"

namespace accrue::models {
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
