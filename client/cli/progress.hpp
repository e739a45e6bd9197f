// One line on a terminal that says how far a long command is: rows, rows a second, what is left.
//
// For one thread. Redrawn at most ten times a second; silent where standard error is not a terminal; gone from the
// screen when the Progress is. complain() may write at any time: the line gives way and comes again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

namespace accrue::cli {

double steady_seconds();          // of the monotonic clock
std::ostream* progress_screen();  // standard error if it is a terminal, otherwise none

// "accrue: MESSAGE" on standard error: how everything that went wrong is told.
void complain(const std::string& message);

// "1:02:03", or "2:03" below an hour.
std::string clock_text(double seconds);

// "12,288": what is counted in a line that moves must be read at a glance.
std::string grouped(std::uint64_t count);

// `fraction` of the work that is done, where that is known.
std::string progress_line(const std::string& label, std::uint64_t rows, double seconds, std::optional<double> fraction);

class Progress {
 public:
  explicit Progress(std::string label, std::ostream* screen = progress_screen(),
                    std::function<double()> now = steady_seconds);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool due();  // whether it is time to draw again
  void draw(std::uint64_t rows, std::optional<double> fraction);

 private:
  std::string label_;
  std::ostream* screen_;
  std::function<double()> now_;
  double started_;
  double next_draw_;
};

}  // namespace accrue::cli
