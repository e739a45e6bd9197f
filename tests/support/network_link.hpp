// A network between the test and a namespace at its far end: a pair of virtual Ethernet devices with an address each,
// which a test cuts and mends. While it is cut, packets are lost on the way and nobody is told, as when a switch has
// failed: the frames bear the address of a device that is not there.
//
// One thread. Errors: std::runtime_error, with what `ip` said. Programs run at the far end by far_namespace()
// (ChildProcess::Options::network_namespace).
#pragma once

#include <string>
#include <vector>

namespace accrue::tests {

// Moves the test into a network namespace of its own, with nothing but the loopback device, where links can be made.
// To be called before there is any other thread. Answers what is against it, empty when nothing is.
std::string enter_network_namespace();

class NetworkLink {
 public:
  explicit NetworkLink(int number);  // 1 to 250, of no other link
  ~NetworkLink();
  NetworkLink(const NetworkLink&) = delete;
  NetworkLink& operator=(const NetworkLink&) = delete;

  const std::string& near_address() const { return near_.address; }
  int far_namespace() const { return namespace_; }  // a descriptor

  void cut(bool from_far, bool to_far);  // what is on its way in these directions is lost
  void mend();

 private:
  struct End {
    int network_namespace;  // -1: the test's own
    std::string device;
    std::string address;
    std::string hardware_address;
  };
  static void address_frames(const End& from, const End& to, const std::string& hardware_address);

  int namespace_;
  End near_;
  End far_;
};

}  // namespace accrue::tests
