#include "client/cli/progress.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <utility>

#include <unistd.h>

namespace accrue::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr const char* kEraseLine = "\r\x1b[K";

std::string two_digits(std::uint64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::ostream* progress_screen() { return isatty(STDERR_FILENO) ? &std::cerr : nullptr; }

void complain(const std::string& message) {
  if (progress_screen()) std::cerr << kEraseLine;
  std::cerr << "accrue: " << message << std::endl;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::round(seconds)));
  const std::uint64_t hours = whole / 3600;
  const std::uint64_t minutes = whole / 60 % 60;
  const std::string start = hours ? std::to_string(hours) + ":" + two_digits(minutes) : std::to_string(minutes);
  return start + ":" + two_digits(whole % 60);
}

std::string grouped(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string progress_line(const std::string& label, std::uint64_t rows, double seconds,
                          std::optional<double> fraction) {
  std::string line = label + "  " + grouped(rows) + " rows";
  if (seconds <= 0) return line;
  line += "  " + grouped(static_cast<std::uint64_t>(static_cast<double>(rows) / seconds)) + " rows/s";
  if (!fraction || *fraction <= 0) return line;
  const double done = std::min(*fraction, 1.0);
  line += "  " + std::to_string(static_cast<int>(100 * done)) + "%";
  return line + "  " + clock_text(seconds * (1 - done) / done) + " left";
}

Progress::Progress(std::string label, std::ostream* screen, std::function<double()> now)
    : label_(std::move(label)),
      screen_(screen),
      now_(std::move(now)),
      started_(now_()),
      next_draw_(started_ + kRedrawSeconds) {}

Progress::~Progress() {
  if (screen_) *screen_ << kEraseLine << std::flush;
}

bool Progress::due() { return screen_ && now_() >= next_draw_; }

void Progress::draw(std::uint64_t rows, std::optional<double> fraction) {
  if (!screen_) return;
  const double now = now_();
  next_draw_ = now + kRedrawSeconds;
  *screen_ << kEraseLine << progress_line(label_, rows, now - started_, fraction) << std::flush;
}

}  // namespace accrue::cli
