#include "daemon/doubles.hpp"

#include <cstdint>
#include <cstring>

namespace accrue::daemon {

std::span<const double> as_doubles(const std::byte* numbers, std::size_t count, wire::DataType dtype,
                                   std::vector<double>& memory) {
  const bool wide = dtype == wire::DataType::kFloat64;
  const bool aligned = reinterpret_cast<std::uintptr_t>(numbers) % alignof(double) == 0;
  if (wide && aligned) return {reinterpret_cast<const double*>(numbers), count};
  memory.resize(count);
  if (wide && count > 0) std::memcpy(memory.data(), numbers, count * sizeof(double));
  for (std::size_t i = 0; !wide && i < count; ++i) {
    float number;
    std::memcpy(&number, numbers + i * sizeof number, sizeof number);
    memory[i] = number;
  }
  return memory;
}

}  // namespace accrue::daemon
