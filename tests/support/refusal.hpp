// What a client is refused: tests of that say what they try, and what is to be said about it.
#pragma once

#include <string>

#include <accrue/client.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace accrue::tests {

// The kind of the Error that `act` ends with, whose text is to have `about` in it.
template <class Act>
Error::Kind refusal(const Act& act, const std::string& about) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(about));
    return error.kind();
  }
  ADD_FAILURE() << "not refused: " << about;
  return {};
}

}  // namespace accrue::tests
