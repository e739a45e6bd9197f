#include "tests/support/namespaces.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

#include <sched.h>
#include <unistd.h>

namespace accrue::tests {

std::string enter_namespaces(int flags) {
  if (::unshare(flags) == 0) return {};
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(flags | CLONE_NEWUSER) != 0) return "unshare: " + std::generic_category().message(errno);
  // As root there, for the programs that are started later would have no rights under another name.
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  return {};
}

}  // namespace accrue::tests
