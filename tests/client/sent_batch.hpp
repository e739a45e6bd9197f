// What an Outbound gave the socket to send.
#pragma once

#include <gtest/gtest.h>

#include "client/src/shared_frame.hpp"
#include "ingest/wire/messages.hpp"

namespace accrue::client {

// Its rows point into the frame.
inline wire::Batch batch_of(const SharedFrame& frame) {
  wire::Frame parsed;
  wire::Batch batch;
  EXPECT_EQ(parsed.parse(*frame), wire::DecodeError::kNone);
  EXPECT_EQ(parsed.read(batch), wire::DecodeError::kNone);
  return batch;
}

}  // namespace accrue::client
