// The bytes of a model's state: a writer, a reader, and the envelope around the fields. STATE.md documents every byte.
//
// All numbers are little-endian and eight bytes long (but the CRC-32): unsigned integers, and doubles as their IEEE 754
// bits, so that decode(encode(s)) is s bit for bit. Sizes are in bytes.
// Threads: plain values without locks. The reader looks at the caller's bytes, which must outlive it.
// Errors: DecodeError; whoever decodes leaves its output empty unless the answer is kNone, and takes no memory for a
// count before it has been checked against the bytes that are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace accrue::models {

inline constexpr std::size_t kMaxFeatures = 1024;
/// Of learners whose cost grows with the features that are not zero.
inline constexpr std::size_t kMaxWideFeatures = 1'048'576;

/// No number in a learner's state is larger in magnitude: rows are bounded by kMaxMagnitude and their count by 2^64.
inline constexpr double kMaxStateMagnitude = 1e240;

/// 1 and 2 hold one least-squares model: by itself, and a partition's with what the other partitions told it. From 3 on
/// they hold any number of models of any learner, from 4 on also the coverage of windows; 6 is what is written.
inline constexpr std::uint64_t kStateVersionAlone = 1;
inline constexpr std::uint64_t kStateVersionWithOthers = 2;
inline constexpr std::uint64_t kStateVersionOfSets = 3;
inline constexpr std::uint64_t kStateVersionOfPanes = 5;
inline constexpr std::uint64_t kStateVersionOfSums = 6;
inline constexpr std::uint64_t kStateVersion = kStateVersionOfSums;

enum class [[nodiscard]] DecodeError{
    kNone,
    kTruncated,       // fewer bytes than the state says it has
    kBadMagic,        // not a model's state
    kUnknownVersion,  // written by a later accrue
    kTrailingBytes,   // more bytes than the state says it has
    kBadChecksum,     // damaged
    kInvalid,         // intact, but no model can be in this state
};

/// What to tell a person, such as "the checksum does not match".
const char* to_string(DecodeError error);

class StateWriter {
 public:
  StateWriter();
  void put_count(std::uint64_t value);
  void put_double(double value);
  void put_doubles(std::span<const double> values);
  /// Its length, its bytes, and zeros up to a multiple of eight.
  void put_text(std::string_view text);
  /// The finished state, its length and checksum filled in. The writer is empty afterwards.
  std::vector<std::byte> finish() &&;

 private:
  std::vector<std::byte> bytes_;
};

/// Reads the fields of a state whose envelope has been checked. Each get_ answers false when the bytes are used up, or
/// when the value is not one that a state may hold; the output then has no meaning.
class StateReader {
 public:
  /// Checks the envelope; on kNone the reader stands at the first field.
  [[nodiscard]] DecodeError open(std::span<const std::byte> state);
  std::uint64_t version() const { return version_; }
  [[nodiscard]] bool get_count(std::uint64_t& value);
  /// A double within [lowest, highest]; never NaN.
  [[nodiscard]] bool get_double(double lowest, double highest, double& value);
  [[nodiscard]] bool get_doubles(double lowest, double highest, std::span<double> values);
  [[nodiscard]] bool get_text(std::size_t max_bytes, std::string& text);
  /// A count from 0 to highest.
  [[nodiscard]] bool get_count_up_to(std::uint64_t highest, std::uint64_t& value) {
    return get_count(value) && value <= highest;
  }
  [[nodiscard]] bool get_flag(bool& value);
  /// Whether so many more numbers of eight bytes are there: to be asked before memory is taken for them.
  bool holds(std::uint64_t numbers) const { return fields_.size() / 8 >= numbers; }
  /// The bytes not yet read.
  std::size_t remaining() const { return fields_.size(); }

 private:
  std::uint64_t version_ = kStateVersion;
  std::span<const std::byte> fields_;
};

}  // namespace accrue::models
