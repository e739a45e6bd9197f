// A batch that has been screened where its frame lay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <zmq.hpp>

#include "ingest/batch_rows.hpp"

namespace accrue::ingest {

struct Screened {
  std::vector<std::byte> memory;  // of the frame
  ScreenedBatch batch;
  Screening screening;

  const std::byte* bin() const { return batch.frame.data<std::byte>() + batch.offset; }
};

// Screens the frame of these bytes as it lies `shift` bytes past an aligned address.
inline Screened screen_at(std::size_t shift, const wire::Bytes& bytes, const Stream& stream) {
  Screened result;
  result.memory.resize(bytes.size() + 16);
  std::byte* at = result.memory.data() + shift;
  std::memcpy(at, bytes.data(), bytes.size());
  zmq::message_t frame(
      at, bytes.size(), [](void*, void*) {}, nullptr);
  wire::Frame parsed;
  wire::Batch batch;
  EXPECT_EQ(parsed.parse({at, bytes.size()}), wire::DecodeError::kNone);
  EXPECT_EQ(parsed.read(batch), wire::DecodeError::kNone);
  result.batch = screen_batch(stream, batch, frame, result.screening);
  EXPECT_EQ(result.batch.sequence, batch.sequence);
  EXPECT_EQ(result.screening.kept, result.batch.count);
  EXPECT_EQ(result.screening.kept + result.screening.rejected, batch.count);
  if (result.batch.count > 0) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(result.bin()) % alignof(double), 0u);
  }
  return result;
}

}  // namespace accrue::ingest
