// Makes a file, or a directory's list of files, survive power loss. Re-entrant.
#pragma once

#include <filesystem>

namespace accrue::daemon {

// Answers an errno, 0 for success.
[[nodiscard]] int flush(const std::filesystem::path& file_or_directory);

}  // namespace accrue::daemon
