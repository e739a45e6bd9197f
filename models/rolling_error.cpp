#include "models/rolling_error.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "models/require.hpp"

namespace accrue::models {

void Window::pool(const Window& others) {
  error.pool(others.error);
  coverage.merge(others.coverage);
}

void Window::encode(StateWriter& writer) const {
  error.encode(writer);
  coverage.encode(writer);
}

DecodeError Window::decode(StateReader& reader) {
  if (error.decode(reader) != DecodeError::kNone) {
    return DecodeError::kInvalid;
  }
  if (reader.version() == kStateVersionOfSets) {
    return DecodeError::kNone;
  }
  const bool sane = coverage.decode(reader) == DecodeError::kNone && coverage.conformal.rows() <= error.n() &&
                    coverage.variance.rows() <= error.n();
  return sane ? DecodeError::kNone : DecodeError::kInvalid;
}

std::uint64_t RollingError::oldest(std::size_t window) const {
  const std::uint64_t newest = newest_ / scale_of(window);
  return newest - std::min<std::uint64_t>(newest, kPanes - 1);
}

const Window* RollingError::find(std::size_t window, std::uint64_t number) const {
  if (panes_.empty()) {
    return nullptr;
  }
  const Pane& pane = panes_[window * kPanes + static_cast<std::size_t>(number % kPanes)];
  return pane.number == number && pane.rows.error.n() > 0 ? &pane.rows : nullptr;
}

void RollingError::pool(std::size_t window, std::uint64_t number, const Window& rows) {
  if (!holds(window, number)) {
    return;
  }
  panes_.resize(kWindows.size() * kPanes);
  Pane& pane = panes_[window * kPanes + static_cast<std::size_t>(number % kPanes)];
  if (pane.number != number) {
    pane = {number, {}};
  }
  pane.rows.pool(rows);
}

void RollingError::pool_into_windows(std::uint64_t number, const Window& smallest) {
  for (std::size_t window = 0; window < kWindows.size() && smallest.error.n() > 0; ++window) {
    pool(window, number / scale_of(window), smallest);
  }
}

Window RollingError::newest_pane() const {
  Window pane = current_.rows;
  pane.pool({sums_.error(), sums_.coverage()});
  return pane;
}

Window RollingError::begin_pane(std::uint64_t index) {
  newest_ = std::max(newest_, pane_of(index));
  Window before = settle();
  current_.number = pane_of(index);
  return before;
}

Window RollingError::settle() {
  Window pane = newest_pane();
  pool_into_windows(current_.number, pane);
  current_ = {newest_, {}};
  sums_ = {};
  return pane;
}

void RollingError::merge(const RollingError& other) {
  newest_ = std::max(newest_, other.newest_);
  settle();
  for (std::size_t window = 0; window < kWindows.size(); ++window) {
    for (std::uint64_t number = other.oldest(window); other.holds(window, number); ++number) {
      if (const Window* rows = other.find(window, number)) {
        pool(window, number, *rows);
      }
    }
  }
  pool_into_windows(other.current_.number, other.newest_pane());
}

Window RollingError::last(std::uint64_t window_rows) const {
  const auto* const found = std::find(kWindows.begin(), kWindows.end(), window_rows);
  require(found != kWindows.end(), "a rolling error has this window");
  const auto window = static_cast<std::size_t>(found - kWindows.begin());
  Window total;
  for (std::uint64_t number = oldest(window); holds(window, number); ++number) {
    if (const Window* rows = find(window, number)) {
      total.pool(*rows);
    }
  }
  if (holds(window, current_.number / scale_of(window))) {
    total.pool(newest_pane());
  }
  return total;
}

void RollingError::encode(StateWriter& writer) const {
  writer.put_count(newest_);
  writer.put_count(current_.number);
  current_.rows.encode(writer);
  sums_.encode(writer);
  for (std::size_t window = 0; window < kWindows.size(); ++window) {
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t number = oldest(window); holds(window, number); ++number) {
      if (find(window, number)) {
        numbers.push_back(number);
      }
    }
    writer.put_count(numbers.size());
    for (const std::uint64_t number : numbers) {
      writer.put_count(number);
      find(window, number)->encode(writer);
    }
  }
}

DecodeError RollingError::decode(StateReader& reader) {
  constexpr std::uint64_t kMaxNumber = std::numeric_limits<std::uint64_t>::max() / kSmallestPane;
  RollingError error;
  if (!reader.get_count_up_to(kMaxNumber, error.newest_) ||
      !reader.get_count_up_to(error.newest_, error.current_.number) ||
      error.current_.rows.decode(reader) != DecodeError::kNone ||
      (reader.version() >= kStateVersionOfSums && error.sums_.decode(reader) != DecodeError::kNone)) {
    return DecodeError::kInvalid;
  }
  for (std::size_t window = 0; window < kWindows.size(); ++window) {
    std::uint64_t count = 0;
    if (!reader.get_count_up_to(kPanes, count)) {
      return DecodeError::kInvalid;
    }
    std::uint64_t next = error.oldest(window);
    for (std::uint64_t i = 0; i < count; ++i) {
      Pane pane;
      if (!reader.get_count_up_to(error.newest_ / scale_of(window), pane.number) || pane.number < next ||
          pane.rows.decode(reader) != DecodeError::kNone || pane.rows.error.n() == 0) {
        return DecodeError::kInvalid;
      }
      error.pool(window, pane.number, pane.rows);
      next = pane.number + 1;
    }
  }
  *this = std::move(error);
  return DecodeError::kNone;
}

}  // namespace accrue::models
