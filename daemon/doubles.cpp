#include "daemon/doubles.hpp"

#include <cstdint>
#include <cstring>

namespace accrue::daemon {

const std::byte* aligned_for_doubles(wire::BytesView bin, std::vector<double>& memory) {
  if (bin.empty() || reinterpret_cast<std::uintptr_t>(bin.data()) % alignof(double) == 0) return bin.data();
  memory.resize((bin.size() + sizeof(double) - 1) / sizeof(double));
  std::memcpy(memory.data(), bin.data(), bin.size());
  return reinterpret_cast<const std::byte*>(memory.data());
}

std::span<const double> as_doubles(const std::byte* numbers, std::size_t count, wire::DataType dtype,
                                   std::vector<double>& memory) {
  if (dtype == wire::DataType::kFloat64) {
    return {reinterpret_cast<const double*>(aligned_for_doubles({numbers, count * sizeof(double)}, memory)), count};
  }
  memory.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    float number;
    std::memcpy(&number, numbers + i * sizeof number, sizeof number);
    memory[i] = number;
  }
  return memory;
}

}  // namespace accrue::daemon
