#include "models/state_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include <zlib.h>

namespace accrue::models {
namespace {

constexpr std::array<char, 8> kMagic{'a', 'c', 'c', 'r', 'u', 'e', 'L', 'S'};
constexpr std::size_t kWord = 8;
constexpr std::size_t kLengthOffset = 2 * kWord;
constexpr std::size_t kHeaderSize = 3 * kWord;
constexpr std::size_t kChecksumSize = 4;

void store(std::uint64_t value, std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(value & 0xff);
    value >>= 8;
  }
}

std::uint64_t load(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

std::uint64_t checksum(std::span<const std::byte> bytes) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

bool starts_with_magic(std::span<const std::byte> state) {
  return std::equal(kMagic.begin(), kMagic.end(), state.begin(),
                    [](char expected, std::byte byte) { return static_cast<std::byte>(expected) == byte; });
}

}  // namespace

const char* to_string(DecodeError error) {
  switch (error) {
    case DecodeError::kNone: return "no error";
    case DecodeError::kTruncated: return "the state is cut short";
    case DecodeError::kBadMagic: return "these bytes are not a model's state";
    case DecodeError::kUnknownVersion: return "the state has a version that this accrue does not know";
    case DecodeError::kTrailingBytes: return "there are bytes after the end of the state";
    case DecodeError::kBadChecksum: return "the checksum does not match: the state is damaged";
    case DecodeError::kInvalid: return "the state is intact but holds values that no model can have";
  }
  return "unknown error";
}

StateWriter::StateWriter() {
  std::transform(kMagic.begin(), kMagic.end(), std::back_inserter(bytes_),
                 [](char letter) { return static_cast<std::byte>(letter); });
  put_count(kStateVersion);
  put_count(0);  // the length, once it is known
}

void StateWriter::put_count(std::uint64_t value) {
  std::array<std::byte, kWord> word;
  store(value, word);
  bytes_.insert(bytes_.end(), word.begin(), word.end());
}

void StateWriter::put_double(double value) { put_count(std::bit_cast<std::uint64_t>(value)); }

void StateWriter::put_doubles(std::span<const double> values) {
  bytes_.reserve(bytes_.size() + values.size() * kWord);
  for (const double value : values) {
    put_double(value);
  }
}

void StateWriter::put_text(std::string_view text) {
  put_count(text.size());
  std::transform(text.begin(), text.end(), std::back_inserter(bytes_),
                 [](char letter) { return static_cast<std::byte>(letter); });
  bytes_.resize((bytes_.size() + kWord - 1) / kWord * kWord);
}

std::vector<std::byte> StateWriter::finish() && {
  store(bytes_.size() - kHeaderSize, std::span(bytes_).subspan(kLengthOffset, kWord));
  std::array<std::byte, kChecksumSize> crc;
  store(checksum(bytes_), crc);
  bytes_.insert(bytes_.end(), crc.begin(), crc.end());
  return std::move(bytes_);
}

DecodeError StateReader::open(std::span<const std::byte> state) {
  if (state.size() < kHeaderSize + kChecksumSize) {
    return DecodeError::kTruncated;
  }
  if (!starts_with_magic(state)) {
    return DecodeError::kBadMagic;
  }
  const std::uint64_t version = load(state.subspan(kWord, kWord));
  if (version < kStateVersionAlone || version > kStateVersion) {
    return DecodeError::kUnknownVersion;
  }
  const std::uint64_t said = load(state.subspan(kLengthOffset, kWord));
  const std::size_t there = state.size() - kHeaderSize - kChecksumSize;
  if (said != there) {
    return said > there ? DecodeError::kTruncated : DecodeError::kTrailingBytes;
  }
  if (checksum(state.first(kHeaderSize + there)) != load(state.last(kChecksumSize))) {
    return DecodeError::kBadChecksum;
  }
  version_ = version;
  fields_ = state.subspan(kHeaderSize, there);
  return DecodeError::kNone;
}

bool StateReader::get_count(std::uint64_t& value) {
  if (fields_.size() < kWord) {
    return false;
  }
  value = load(fields_.first(kWord));
  fields_ = fields_.subspan(kWord);
  return true;
}

bool StateReader::get_flag(bool& value) {
  std::uint64_t number = 0;
  const bool good = get_count_up_to(1, number);
  value = number == 1;
  return good;
}

bool StateReader::get_text(std::size_t max_bytes, std::string& text) {
  std::uint64_t size = 0;
  if (!get_count_up_to(max_bytes, size)) {
    return false;
  }
  const std::size_t padded = (static_cast<std::size_t>(size) + kWord - 1) / kWord * kWord;
  if (fields_.size() < padded) {
    return false;
  }
  text.clear();
  for (std::size_t i = 0; i < padded; ++i) {
    if (i < size) {
      text.push_back(static_cast<char>(fields_[i]));
    } else if (fields_[i] != std::byte{0}) {
      return false;
    }
  }
  fields_ = fields_.subspan(padded);
  return true;
}

bool StateReader::get_double(double lowest, double highest, double& value) {
  std::uint64_t bits = 0;
  if (!get_count(bits)) {
    return false;
  }
  value = std::bit_cast<double>(bits);
  return value >= lowest && value <= highest;
}

bool StateReader::get_doubles(double lowest, double highest, std::span<double> values) {
  return std::all_of(values.begin(), values.end(), [&](double& value) { return get_double(lowest, highest, value); });
}

}  // namespace accrue::models
