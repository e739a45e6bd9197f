#include "ingest/wire/queries.hpp"

namespace accrue::wire {

const char* to_string(Span span) {
  switch (span) {
    case Span::kLifetime: return "lifetime";
    case Span::kEpoch: return "epoch";
    case Span::kLast1000: return "last_1000";
    case Span::kLast10000: return "last_10000";
    case Span::kLast100000: return "last_100000";
  }
  return "unknown";
}

std::optional<Span> span_named(std::string_view name) {
  for (std::uint8_t i = 0; i < enumerators(Span{}); ++i) {
    if (name == to_string(static_cast<Span>(i))) return static_cast<Span>(i);
  }
  return std::nullopt;
}

}  // namespace accrue::wire
