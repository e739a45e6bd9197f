#include "client/cli/row_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/progress.hpp"

namespace accrue::cli {
namespace {

constexpr std::size_t kReadBytes = 65'536;
constexpr const char* kStandardInput = "-";

}  // namespace

std::string shown_name(const std::string& file) { return file == kStandardInput ? "stdin" : file; }

DescriptorBuffer::DescriptorBuffer(const std::string& file)
    : descriptor_(file == kStandardInput ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)),
      bytes_(kReadBytes) {
  struct stat about {};
  if (descriptor_ >= 0 && ::fstat(descriptor_, &about) == 0) {
    if (S_ISREG(about.st_mode)) size_ = static_cast<std::uint64_t>(about.st_size);
    if (!S_ISDIR(about.st_mode)) return;
    errno = EISDIR;
  }
  const int reason = errno;
  if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  throw std::runtime_error("cannot read " + file + ": " + std::strerror(reason));
}

DescriptorBuffer::~DescriptorBuffer() {
  if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
}

bool DescriptorBuffer::would_wait() {
  pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return std::find(gptr(), egptr(), '\n') == egptr() && ::poll(&ready, 1, 0) == 0;
}

std::optional<double> DescriptorBuffer::fraction() const {
  if (size_ == 0) return std::nullopt;
  const auto taken = read_ - static_cast<std::uint64_t>(egptr() - gptr());
  return static_cast<double>(taken) / static_cast<double>(size_);
}

std::streambuf::int_type DescriptorBuffer::underflow() {
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, bytes_.data(), bytes_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) throw std::runtime_error(std::strerror(errno));  // the istream makes it its bad state
  if (got == 0) return traits_type::eof();
  read_ += static_cast<std::uint64_t>(got);
  setg(bytes_.data(), bytes_.data(), bytes_.data() + got);
  return traits_type::to_int_type(bytes_.front());
}

RowSource::RowSource(const std::string& file, bool skip_bad)
    : name_(shown_name(file)), buffer_(file), in_(&buffer_), bad_(name_, skip_bad) {}

BadLines::~BadLines() {
  if (skipped_ > kComplaints) {
    complain(file_ + ": " + std::to_string(skipped_) + " lines skipped, the first " + std::to_string(kComplaints) +
             " are told above");
  }
}

datasets::CsvReader& RowSource::csv() { return csv_ ? *csv_ : csv_.emplace(in_, name_); }

const std::vector<std::string>& RowSource::columns() { return csv().columns(); }

void RowSource::select(const std::vector<std::string>& names, const std::vector<bool>& may_be_empty) {
  csv().select(names, may_be_empty);
}

NextRow RowSource::next(std::span<double> row) {
  using datasets::CsvResult;
  try {
    const CsvResult result = csv().next(row);
    if (result == CsvResult::kRow) return NextRow::kRow;
    if (result == CsvResult::kEnd) return NextRow::kEnd;
  } catch (const std::runtime_error& failure) {
    bad_.stop(failure.what());
    return NextRow::kEnd;
  }
  return bad_.take(csv().explain());
}

NextRow RowSource::refuse(const std::string& why) {
  return bad_.take(name_ + ":" + std::to_string(csv().line()) + ": " + why);
}

NextRow BadLines::take(const std::string& what) {
  if (!skip_) {
    stopped_ = what;
    return NextRow::kEnd;
  }
  if (++skipped_ <= kComplaints) complain(what + " (skipped)");
  return NextRow::kSkipped;
}

}  // namespace accrue::cli
