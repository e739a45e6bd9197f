// How transforms are written, as transforms.hpp has it: texts taken apart, names not yet known to mean anything.
// Functions are re-entrant. Errors: std::invalid_argument for a quote or a parenthesis that is never closed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace accrue::models {

/// One transform: NAME, NAME(FIRST) or NAME(FIRST; SECOND).
struct WrittenTransform {
  std::string_view name;  // of the text
  std::vector<std::string> first;
  std::vector<std::string> second;
  bool has_second = false;
};

/// The parts between separators that do not stand in quotes, without the blanks around them.
std::vector<std::string_view> split(std::string_view text, char separator);

WrittenTransform read_transform(std::string_view text);

}  // namespace accrue::models
