#include "ingest/batch_rows.hpp"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <msgpack.hpp>

#include "ingest/wire/batch_frame.hpp"
#include "tests/ingest/screened.hpp"

namespace accrue::ingest {
namespace {

const wire::StreamSpec kSpec = {.features = {"a", "b"}, .target = "y"};

struct ScreenedRows : Screened {
  std::vector<double> rows;
};

ScreenedRows screen(const wire::Bytes& bytes, std::size_t shift = 0) {
  ScreenedRows result{screen_at(shift, bytes, Stream(RecoveredStream{1, "s", kSpec, 0, 0, {}, {}, {}})), {}};
  const auto* begin = reinterpret_cast<const double*>(result.bin());
  if (result.batch.count > 0) result.rows.assign(begin, begin + 3 * result.batch.count);
  return result;
}

wire::Bytes batch_of(const std::vector<double>& values) {
  wire::BatchFrame frame(3, values.size() / 3);
  frame.append(values);
  return std::move(frame).seal(1, 1);
}

TEST(BatchRows, AreReadAtAnyAlignment) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  for (std::size_t shift = 0; shift < 8; ++shift) {
    EXPECT_EQ(screen(batch_of(values), shift).rows, values) << shift;
  }
}

TEST(BatchRows, WrongLengthRejectsTheWholeBatchAndSaysSo) {
  wire::Bytes bytes = batch_of({1, 2, 3, 4, 5, 6});
  bytes[26] = std::byte{3};  // claims three rows
  const ScreenedRows result = screen(bytes);
  EXPECT_EQ(result.batch.count, 0u);
  EXPECT_EQ(result.screening.rejected, 3u);
  EXPECT_EQ(result.screening.first_reason, wire::RejectReason::kRowLength);
}

// A batch as another language would write it, packed field by field.
wire::Bytes friendly(const std::function<void(msgpack::packer<msgpack::sbuffer>&)>& rows, std::uint32_t count) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_array(7);
  packer.pack(wire::kProtocolVersion).pack(wire::Batch::kType).pack(1).pack(1).pack(0).pack(count);
  rows(packer);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer.data());
  return {begin, begin + buffer.size()};
}

TEST(BatchRows, FriendlyRowsBecomeTheSameRows) {
  const ScreenedRows result = screen(friendly(
      [](auto& packer) {
        packer.pack_array(2);
        packer.pack_array(3).pack(1).pack(2.5).pack(-3);
        packer.pack_map(3)
            .pack(std::string("y"))
            .pack(6)
            .pack(std::string("b"))
            .pack(5.0f)
            .pack(std::string("a"))
            .pack(4);
      },
      2));
  EXPECT_EQ(result.rows, (std::vector<double>{1, 2.5, -3, 4, 5, 6}));
}

TEST(BatchRows, FriendlyRowsMeetTheSameChecks) {
  const ScreenedRows result = screen(friendly(
      [](auto& packer) {
        packer.pack_array(4);
        packer.pack_array(3).pack(1).pack(std::numeric_limits<double>::infinity()).pack(3);
        packer.pack_map(2).pack(std::string("y")).pack(6).pack(std::string("b")).pack(5);
        packer.pack_array(2).pack(1).pack(2);
        packer.pack_array(3).pack(7).pack(8).pack(9);
      },
      4));
  EXPECT_EQ(result.rows, (std::vector<double>{7, 8, 9}));
  EXPECT_EQ(result.screening.rejected, 3u);
  EXPECT_EQ(result.screening.first_reason, wire::RejectReason::kNotFinite);
}

}  // namespace
}  // namespace accrue::ingest
