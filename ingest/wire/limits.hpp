// The named limits of everything that comes in over a socket. A peer that exceeds one is refused by name, and nothing
// is allocated on its word alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace accrue::wire {

inline constexpr std::size_t kMaxFeatures = 1'024;         // columns x of a stream
inline constexpr std::uint32_t kMaxDimension = 1'048'576;  // of a stream of sparse rows
inline constexpr std::size_t kMaxNonzeros = 65'536;        // of a sparse row
inline constexpr std::uint64_t kDefaultLabelTtlRows = 100'000;
inline constexpr std::uint64_t kMaxLabelTtlRows = 1'000'000;  // all the rows within it may be kept
inline constexpr std::size_t kMaxNameBytes = 128;             // a stream's, column's or producer's name
inline constexpr std::size_t kMaxTextBytes = 65'536;    // any other text of a message (error texts list column names)
inline constexpr std::uint32_t kMaxPartitions = 64;     // partitions of a stream
inline constexpr std::size_t kMaxModels = 32;           // of a stream
inline constexpr std::size_t kMaxSettings = 64;         // of a model
inline constexpr std::size_t kMaxSettingBytes = 4'096;  // a key, or a value
inline constexpr double kMinPartitionWindowS = 1e-3;    // a finite number of windows back to any time
inline constexpr double kMaxMagnitude = 1e150;          // |x|, |y|, and the same times sqrt(weight)
// MessagePack depth: message, streams, stream, specification, models, model, settings, setting.
inline constexpr std::size_t kMaxNesting = 8;

// Epochs of one answer: 46 bytes each at most.
inline constexpr std::size_t kMaxEpochsListed = 10'000;

// Coefficients of one answer about a model of sparse rows, which may have a million.
inline constexpr std::size_t kMaxCoefficientsListed = 10'000;

// A message whose rows are not one bin: each object of it costs memory of its own.
inline constexpr std::size_t kMaxFriendlyBytes = 1'048'576;

}  // namespace accrue::wire
