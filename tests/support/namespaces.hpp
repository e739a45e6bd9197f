// Namespaces of the kernel that a test makes for itself (namespaces(7)). They are gone with the last process in them,
// and what is in them too, so that nothing is left behind however the test ends.
#pragma once

#include <string>

namespace accrue::tests {

// Moves the calling thread into new ones (CLONE_NEWNET, ...), where it may do what root may: root can do so, anybody
// else where the kernel gives user namespaces to all and no other thread runs. Children and later threads are in them
// too. Answers what is against it, empty when nothing is.
std::string enter_namespaces(int flags);

}  // namespace accrue::tests
