#include "tests/support/network_link.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "tests/support/child_process.hpp"
#include "tests/support/namespaces.hpp"

namespace accrue::tests {
namespace {

constexpr const char* kNobody = "02:00:00:00:00:ff";

// Answers what went wrong, if anything did.
std::string try_ip(std::vector<std::string> arguments, int network_namespace = -1) {
  arguments.insert(arguments.begin(), {"/usr/bin/env", "ip"});
  const Finished finished = run(arguments, {.network_namespace = network_namespace});
  if (finished.exit_code == 0) return {};
  std::string command;
  for (const std::string& argument : arguments) command += argument + " ";
  return command + "failed: " + finished.error_output;
}

void ip(const std::vector<std::string>& arguments, int network_namespace = -1) {
  const std::string problem = try_ip(arguments, network_namespace);
  if (!problem.empty()) throw std::runtime_error(problem);
}

// A namespace belongs to a thread, and lives on by its descriptor.
int new_network_namespace() {
  int descriptor = -1;
  int error = 0;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0) descriptor = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) error = errno;
  }).join();
  if (descriptor < 0) throw std::system_error(error, std::generic_category(), "unshare");
  return descriptor;
}

}  // namespace

std::string enter_network_namespace() {
  if (const std::string problem = enter_namespaces(CLONE_NEWNET); !problem.empty()) return problem;
  if (const std::string problem = try_ip({"link", "set", "lo", "up"}); !problem.empty()) return problem;
  const std::string problem = try_ip({"link", "add", "probe", "type", "veth", "peer", "name", "probed"});
  return problem.empty() ? try_ip({"link", "del", "probe"}) : problem;
}

NetworkLink::NetworkLink(int number)
    : namespace_(new_network_namespace()),
      near_{-1, "near" + std::to_string(number), "10.0." + std::to_string(number) + ".1", "02:00:00:00:00:01"},
      far_{namespace_, "far", "10.0." + std::to_string(number) + ".2", "02:00:00:00:00:02"} {
  const std::string there = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(namespace_);
  ip({"link", "add", near_.device, "address", near_.hardware_address, "type", "veth", "peer", "name", far_.device,
      "address", far_.hardware_address, "netns", there});
  for (const End* end : {&near_, &far_}) {
    ip({"address", "add", end->address + "/30", "dev", end->device}, end->network_namespace);
    ip({"link", "set", end->device, "up"}, end->network_namespace);
  }
  mend();
}

NetworkLink::~NetworkLink() {
  try_ip({"link", "del", near_.device});  // and with it the far one
  ::close(namespace_);
}

void NetworkLink::cut(bool from_far, bool to_far) {
  if (from_far) address_frames(far_, near_, kNobody);
  if (to_far) address_frames(near_, far_, kNobody);
}

void NetworkLink::mend() {
  address_frames(far_, near_, near_.hardware_address);
  address_frames(near_, far_, far_.hardware_address);
}

void NetworkLink::address_frames(const End& from, const End& to, const std::string& hardware_address) {
  ip({"neigh", "replace", to.address, "lladdr", hardware_address, "dev", from.device, "nud", "permanent"},
     from.network_namespace);
}

}  // namespace accrue::tests
