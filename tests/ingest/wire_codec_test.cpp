// Frames that nobody should have sent, and messages of every kind there and back.
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

#include <gmock/gmock.h>
#include <rapidcheck.h>

#include "ingest/wire/friendly_rows.hpp"
#include "tests/ingest/wire_samples.hpp"

namespace accrue::wire {
namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

DecodeError parsed(const Bytes& bytes) {
  Frame frame;
  return frame.parse(bytes);
}

template <class Message>
DecodeError decoded(const Bytes& bytes) {
  Frame frame;
  Message message;
  const DecodeError error = frame.parse(bytes);
  return error == DecodeError::kNone ? frame.read(message) : error;
}

// The bytes in memory of exactly their size, so that a sanitizer sees the first one read outside.
class Exact {
 public:
  explicit Exact(BytesView bytes) : size_(bytes.size()), data_(new std::byte[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  BytesView view() const { return {data_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> data_;
};

// Reads the frame as every type of message there is, and what it points to.
void read_as_anything(BytesView bytes) {
  Frame frame;
  if (frame.parse(bytes) != DecodeError::kNone) return;
  const auto use_rows = [](const Rows& rows) {
    unsigned sum = 0;
    for (const std::byte byte : rows.bin) sum += static_cast<unsigned>(byte);
    const Columns columns(samples::spec().columns());
    std::array<double, 3> row{};
    for (std::size_t i = 0; i < friendly_count(rows); ++i) {
      if (!read_friendly_row(rows, i, columns, Absent::kMissing, row)) sum += row[0] > 0 ? 1 : 0;
    }
    return sum;
  };
  volatile unsigned used = 0;
  samples::for_each([&](const char*, const auto& sample) {
    auto message = sample;
    if (frame.read(message) != DecodeError::kNone) return;
    if constexpr (requires { message.rows.bin; }) used = used + use_rows(message.rows);
  });
}

std::vector<Bytes> sample_frames() {
  std::vector<Bytes> frames{samples::batch_in_place()};
  samples::for_each([&](const char*, const auto& message) { frames.push_back(encode(message)); });
  // [1, Batch, 3, 7, 0, 2, [[4], {"age": 30}]]
  frames.push_back(bytes_of({0x97, 1, 3, 3, 7, 0, 2, 0x92, 0x91, 4, 0x81, 0xa3, 'a', 'g', 'e', 30}));
  return frames;
}

TEST(WireCodec, AFrameCutShortAnywhereIsRefused) {
  for (const Bytes& frame : sample_frames()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const Exact cut(BytesView(frame).first(size));
      Frame reader;
      ASSERT_EQ(reader.parse(cut.view()), DecodeError::kMalformed) << size << " of " << frame.size() << " bytes";
    }
  }
}

TEST(WireCodec, NoFlippedBitIsReadBeyondTheFrame) {
  for (const Bytes& frame : sample_frames()) {
    for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
      Bytes flipped = frame;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      read_as_anything(Exact(flipped).view());
    }
  }
}

TEST(WireCodec, NoiseIsReadWithoutHarm) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& noise) {
    Bytes bytes = bytes_of({0x97, 1, 3});
    for (const std::uint8_t byte : noise) bytes.push_back(static_cast<std::byte>(byte));
    read_as_anything(Exact(bytes).view());
  }));
}

TEST(WireCodec, FewBytesCannotAskForMuchMemory) {
  EXPECT_EQ(parsed(bytes_of({0xdd, 0xff, 0xff, 0xff, 0xff})), DecodeError::kMalformed);  // 4 G items: 96 GiB
  EXPECT_EQ(parsed(bytes_of({0xdf, 0x7f, 0xff, 0xff, 0xff})), DecodeError::kMalformed);  // a map
  EXPECT_EQ(parsed(bytes_of({0xc6, 0xff, 0xff, 0xff, 0xff})), DecodeError::kMalformed);  // a bin
  EXPECT_EQ(parsed(bytes_of({0xdb, 0xff, 0xff, 0xff, 0xff})), DecodeError::kMalformed);  // a text
  EXPECT_EQ(parsed(bytes_of({0x93, 1, 3, 0xdd, 0xff, 0xff, 0xff, 0xff})), DecodeError::kMalformed);
}

TEST(WireCodec, OnlyOneValueMayBeInAFrame) {
  Bytes frame = encode(Ping{});
  frame.push_back(std::byte{0xc0});
  EXPECT_EQ(parsed(frame), DecodeError::kMalformed);
  EXPECT_EQ(parsed({}), DecodeError::kMalformed);
}

TEST(WireCodec, NestingHasALimit) {
  // Status is the deepest message: message, streams, stream, specification, models, model, settings, setting.
  EXPECT_EQ(decoded<Status>(encode(samples::status())), DecodeError::kNone);
  EXPECT_EQ(parsed(bytes_of({0x93, 1, 3, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0xc0})), DecodeError::kNone);
  EXPECT_EQ(parsed(bytes_of({0x93, 1, 3, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0xc0})),
            DecodeError::kMalformed);
  EXPECT_EQ(parsed(Bytes(10'000, std::byte{0x91})), DecodeError::kMalformed);
}

TEST(WireCodec, ExtensionTypesAreRefused) {
  for (const Bytes& extension :
       {bytes_of({0xd4, 5, 0}), bytes_of({0xd5, 5, 0, 0}), bytes_of({0xc7, 0, 5}), bytes_of({0xc7, 1, 5, 0}),
        bytes_of({0xc8, 0, 1, 5, 0}), bytes_of({0xd6, 0xff, 0, 0, 0, 0})}) {
    Bytes frame = bytes_of({0x93, 1, 4});
    frame.insert(frame.end(), extension.begin(), extension.end());
    EXPECT_NE(decoded<Flush>(frame), DecodeError::kNone);
  }
  EXPECT_EQ(parsed(bytes_of({0x93, 1, 4, 0xd4, 5, 0})), DecodeError::kMalformed);
}

TEST(WireCodec, OnlyArraysThatBeginWithAVersionAndATypeAreMessages) {
  EXPECT_EQ(parsed(bytes_of({1})), DecodeError::kNotAMessage);
  EXPECT_EQ(parsed(bytes_of({0x80})), DecodeError::kNotAMessage);
  EXPECT_EQ(parsed(bytes_of({0x91, 1})), DecodeError::kNotAMessage);
  EXPECT_EQ(parsed(bytes_of({0x92, 0xc0, 5})), DecodeError::kNotAMessage);
  EXPECT_EQ(parsed(bytes_of({0x92, 1, 0xa1, 'x'})), DecodeError::kNotAMessage);
  EXPECT_EQ(parsed(bytes_of({0x92, 1, 0xcd, 1, 5})), DecodeError::kNotAMessage);
}

TEST(WireCodec, AnUnknownVersionIsRefusedByName) {
  EXPECT_EQ(parsed(bytes_of({0x92, 2, 5})), DecodeError::kUnsupportedVersion);
  EXPECT_EQ(parsed(bytes_of({0x92, 0, 5})), DecodeError::kUnsupportedVersion);
}

TEST(WireCodec, AllFieldsMustBeThereAndNoOthers) {
  EXPECT_EQ(decoded<Flush>(bytes_of({0x92, 1, 4})), DecodeError::kWrongFields);
  EXPECT_EQ(decoded<Flush>(bytes_of({0x93, 1, 4, 9})), DecodeError::kNone);
  EXPECT_EQ(decoded<Flush>(bytes_of({0x94, 1, 4, 9, 9})), DecodeError::kWrongFields);
}

// A struct that began with one field, and has had two added since.
struct Grown {
  static constexpr std::size_t kFieldsAtFirst = 1;
  std::uint64_t first = 1, second = 2, third = 3;
  auto fields() { return std::tie(first, second, third); }
};
struct Carrier {
  static constexpr std::uint8_t kType = 9;
  Grown grown;
  auto fields() { return std::tie(grown); }
};

TEST(WireCodec, AStructThatHasGrownMayEndWhereItDidAtAnyTime) {
  const auto expect_reads = [](const Bytes& bytes, std::uint64_t first, std::uint64_t second, std::uint64_t third) {
    Frame frame;
    Carrier read{.grown = {.first = 50, .second = 60, .third = 70}};
    ASSERT_EQ(frame.parse(bytes), DecodeError::kNone);
    ASSERT_EQ(frame.read(read), DecodeError::kNone);
    EXPECT_EQ(read.grown.fields(), std::tie(first, second, third));
  };
  expect_reads(bytes_of({0x93, 1, 9, 0x91, 7}), 7, 2, 3);
  expect_reads(bytes_of({0x93, 1, 9, 0x92, 7, 8}), 7, 8, 3);
  expect_reads(bytes_of({0x93, 1, 9, 0x93, 7, 8, 9}), 7, 8, 9);
  EXPECT_EQ(decoded<Carrier>(bytes_of({0x93, 1, 9, 0x90})), DecodeError::kWrongFields);
  EXPECT_EQ(decoded<Carrier>(bytes_of({0x93, 1, 9, 0x94, 7, 8, 9, 10})), DecodeError::kWrongFields);
  EXPECT_EQ(decoded<Carrier>(bytes_of({0x93, 1, 9, 0x92, 7, 0xc0})), DecodeError::kWrongFields);
}

TEST(WireCodec, AStructThatHasGrownIsWrittenUpToItsLastFieldThatSaysAnything) {
  EXPECT_EQ(encode(Carrier{.grown = {.first = 7}}), bytes_of({0x93, 1, 9, 0x91, 7}));
  EXPECT_EQ(encode(Carrier{.grown = {.first = 7, .second = 8}}), bytes_of({0x93, 1, 9, 0x92, 7, 8}));
  EXPECT_EQ(encode(Carrier{.grown = {.third = 9}}), bytes_of({0x93, 1, 9, 0x93, 1, 2, 9}));
}

// A message that has grown, by a field that may be empty.
struct GrownMessage {
  static constexpr std::uint8_t kType = 90;
  static constexpr std::size_t kFieldsAtFirst = 1;
  std::uint64_t was = 0;
  std::optional<std::uint64_t> came = {};
  std::optional<std::string> came_later = {};
  auto fields() { return std::tie(was, came, came_later); }
};

TEST(WireCodec, AMessageGrowsLikeAnyStruct) {
  EXPECT_EQ(encode(GrownMessage{.was = 7}), bytes_of({0x93, 1, 90, 7}));
  EXPECT_EQ(encode(GrownMessage{.was = 7, .came = 9}), bytes_of({0x94, 1, 90, 7, 9}));
  EXPECT_EQ(encode(GrownMessage{.was = 7, .came_later = "a"}), bytes_of({0x95, 1, 90, 7, 0xc0, 0xa1, 'a'}));
  Frame frame;
  GrownMessage read{.was = 1, .came = 1, .came_later = "of the message before"};
  ASSERT_EQ(frame.parse(bytes_of({0x94, 1, 90, 7, 9})), DecodeError::kNone);
  ASSERT_EQ(frame.read(read), DecodeError::kNone);
  EXPECT_EQ(read.came, 9u);
  EXPECT_EQ(read.came_later, std::nullopt);
  EXPECT_EQ(decoded<GrownMessage>(bytes_of({0x92, 1, 90})), DecodeError::kWrongFields);
  EXPECT_EQ(decoded<GrownMessage>(bytes_of({0x96, 1, 90, 7, 9, 0xa1, 'a', 1})), DecodeError::kWrongFields);
  EXPECT_EQ(decoded<GrownMessage>(bytes_of({0x94, 1, 90, 7, 0xa1, 'a'})), DecodeError::kWrongFields);
}

TEST(WireCodec, FieldsMustBeOfTheirTypeAndInTheirRange) {
  EXPECT_EQ(decoded<Flush>(bytes_of({0x93, 1, 4, 0xff})), DecodeError::kWrongFields);                 // negative
  EXPECT_EQ(decoded<Flush>(bytes_of({0x93, 1, 4, 0xc0})), DecodeError::kWrongFields);                 // nil
  EXPECT_EQ(decoded<Flush>(bytes_of({0x93, 1, 4, 0xca, 0x40, 0, 0, 0})), DecodeError::kWrongFields);  // 2.0
  EXPECT_EQ(decoded<Flush>(bytes_of({0x93, 1, 4, 0xd0, 9})), DecodeError::kNone);              // signed, but positive
  EXPECT_EQ(decoded<Drop>(bytes_of({0x93, 1, 7, 0xc4, 1, 'a'})), DecodeError::kWrongFields);   // bin for text
  EXPECT_EQ(decoded<Hello>(bytes_of({0x94, 1, 1, 0xa1, 'a', 1})), DecodeError::kWrongFields);  // 1 for true
  EXPECT_EQ(decoded<Batch>(bytes_of({0x97, 1, 3, 1, 1, 2, 0, 0xc4, 0})), DecodeError::kWrongFields);  // dtype 2
  EXPECT_EQ(decoded<Batch>(bytes_of({0x97, 1, 3, 1, 1, 1, 0, 0xc4, 0})), DecodeError::kNone);
  EXPECT_EQ(decoded<Batch>(bytes_of({0x97, 1, 3, 1, 1, 1, 0, 0x80})), DecodeError::kWrongFields);  // a map for rows
  EXPECT_EQ(decoded<Batch>(bytes_of({0x97, 1, 3, 1, 1, 1, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 0xc4, 0})),
            DecodeError::kWrongFields);  // 2^32 rows
}

TEST(WireCodec, TextHasALimit) {
  EXPECT_EQ(decoded<Drop>(encode(Drop{.stream = std::string(kMaxTextBytes, 'a')})), DecodeError::kNone);
  EXPECT_EQ(decoded<Drop>(encode(Drop{.stream = std::string(kMaxTextBytes + 1, 'a')})), DecodeError::kWrongFields);
}

TEST(WireCodec, ALargeFrameMayBeABinAndNotManyObjects) {
  const Bytes rows(8 * kMaxFriendlyBytes);
  EXPECT_EQ(decoded<Batch>(encode(Batch{.stream_id = 1, .sequence = 1, .count = 1, .rows = {.bin = rows}})),
            DecodeError::kNone);

  Bytes objects = bytes_of({0x97, 1, 3, 1, 1, 0, 1, 0xdd, 0, 0x20, 0, 0});
  objects.resize(objects.size() + 0x200000, std::byte{0xc0});
  EXPECT_EQ(parsed(objects), DecodeError::kMalformed);
  Frame trusting;
  EXPECT_EQ(trusting.parse(objects, Sender::kTrusted), DecodeError::kNone) << "whoever trusts its peer can say so";
}

TEST(WireCodec, AFrameReaderKeepsNothingOfTheFrameBefore) {
  Frame frame;
  ASSERT_EQ(frame.parse(encode(Flush{.stream_id = 9})), DecodeError::kNone);
  ASSERT_EQ(frame.parse(bytes_of({0xc0})), DecodeError::kNotAMessage);
  EXPECT_EQ(frame.type(), 0);
  Flush flush;
  EXPECT_EQ(frame.read(flush), DecodeError::kWrongFields);
}

TEST(WireCodec, NumbersKeepEveryBit) {
  for (const double value : {-0.0, 0.1, 18446744073709551616.0, std::numeric_limits<double>::denorm_min(),
                             -std::numeric_limits<double>::infinity(), 1e300}) {
    Frame frame;
    Metrics metrics;
    metrics.mse = value;
    ASSERT_EQ(frame.parse(encode(metrics)), DecodeError::kNone);
    metrics.mse.reset();
    ASSERT_EQ(frame.read(metrics), DecodeError::kNone);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(*metrics.mse), std::bit_cast<std::uint64_t>(value)) << value;
  }
}

TEST(WireCodec, NumbersMayComeInAnyFormOfNumber) {
  const auto ridge = [](std::initializer_list<int> number) {
    Bytes frame = bytes_of({0x94, 1, 2, 0xa1, 's', 0x98, 0x91, 0xa1, 'x', 0xa1, 'y', 0xc2, 0xa0, 0xc3});
    const Bytes value = bytes_of(number);
    frame.insert(frame.end(), value.begin(), value.end());
    frame.insert(frame.end(), {std::byte{1}, std::byte{0}});
    Frame reader;
    Open open;
    EXPECT_EQ(reader.parse(frame), DecodeError::kNone);
    EXPECT_EQ(reader.read(open), DecodeError::kNone);
    return open.spec.value().ridge;
  };
  EXPECT_EQ(ridge({2}), 2);
  EXPECT_EQ(ridge({0xff}), -1);
  EXPECT_EQ(ridge({0xca, 0x3f, 0, 0, 0}), 0.5);
  EXPECT_EQ(ridge({0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0}), 0.5);
}

TEST(WireCodec, ABatchInPlaceHasAHeaderOf32BytesWhateverIsInIt) {
  EXPECT_TRUE(rc::check([](std::uint64_t stream, std::uint64_t sequence, const std::vector<double>& values) {
    BatchFrame building(1, 0);
    building.append(values);
    RC_ASSERT(building.count() == values.size());
    const Bytes bytes = std::move(building).seal(stream, sequence);
    RC_ASSERT(bytes.size() == kBatchHeaderBytes + values.size() * sizeof(double));
    Frame frame;
    Batch batch;
    RC_ASSERT(frame.parse(bytes) == DecodeError::kNone && frame.type() == Batch::kType);
    RC_ASSERT(frame.read(batch) == DecodeError::kNone);
    RC_ASSERT(batch.stream_id == stream && batch.sequence == sequence && batch.dtype == DataType::kFloat64);
    RC_ASSERT(batch.count == values.size());
    RC_ASSERT(values.empty() || batch.rows.bin.data() == bytes.data() + kBatchHeaderBytes);
    RC_ASSERT(std::ranges::equal(batch.rows.bin, std::as_bytes(std::span(values))));
  }));
}

// A look at the bytes tells what the parser does, of every header that is one byte, one bit or one length from a good
// one.
TEST(WireCodec, ABatchIsReadWithoutAParserAsItIsWithOne) {
  const std::vector<double> values = {1, 2, 3};
  BatchFrame building(1, 0);
  building.append(values);
  const Bytes good = std::move(building).seal(0x0123456789abcdef, 0xfedcba9876543210);
  std::size_t read = 0;
  const auto expect_alike = [&](const Bytes& bytes) {
    const Exact exact(bytes);
    const std::optional<Batch> quick = read_batch(exact.view());
    if (!quick) return;
    ++read;
    Frame frame;
    Batch batch;
    ASSERT_EQ(frame.parse(exact.view()), DecodeError::kNone);
    ASSERT_EQ(frame.type(), Batch::kType);
    ASSERT_EQ(frame.read(batch), DecodeError::kNone);
    EXPECT_EQ(quick->stream_id, batch.stream_id);
    EXPECT_EQ(quick->sequence, batch.sequence);
    EXPECT_EQ(quick->dtype, batch.dtype);
    EXPECT_EQ(quick->count, batch.count);
    EXPECT_EQ(quick->rows.bin.data(), batch.rows.bin.data());
    EXPECT_EQ(quick->rows.bin.size(), batch.rows.bin.size());
    EXPECT_EQ(quick->rows.friendly, batch.rows.friendly);
  };
  expect_alike(good);
  EXPECT_EQ(read, 1) << "that of a client is read so";
  for (std::size_t size = 0; size < good.size(); ++size) {
    expect_alike({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  EXPECT_EQ(read, 1) << "and none that is cut short";
  for (std::size_t at = 0; at < kBatchHeaderBytes; ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::byte>(value);
      expect_alike(changed);
    }
  }
  EXPECT_GT(read, 20 * 256u) << "numbers are any, and read";
}

// Any value at all in every field that is not a view.
template <class T>
void fill(T& value) {
  if constexpr (std::is_enum_v<T>) {
    value = static_cast<T>(*rc::gen::inRange<int>(0, enumerators(T{})));
  } else if constexpr (detail::IsOptional<T>::value) {
    value.reset();
    if (*rc::gen::arbitrary<bool>()) fill(value.emplace());
  } else if constexpr (detail::IsVector<T>::value) {
    value.resize(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& item : value) fill(item);
  } else if constexpr (detail::HasFields<T>) {
    std::apply([](auto&... field) { (fill(field), ...); }, value.fields());
  } else {
    value = *rc::gen::arbitrary<T>();
  }
}

template <class Message>
void check_round_trip() {
  EXPECT_TRUE(rc::check([] {
    Message sent;
    fill(sent);
    const Bytes bytes = encode(sent);
    Frame frame;
    Message received;
    RC_ASSERT(frame.parse(bytes) == DecodeError::kNone);
    RC_ASSERT(frame.type() == Message::kType);
    RC_ASSERT(frame.read(received) == DecodeError::kNone);
    RC_ASSERT(encode(received) == bytes);
  }));
}

TEST(WireCodec, EveryMessageSurvivesTheWay) {
  check_round_trip<Hello>();
  check_round_trip<Open>();
  check_round_trip<Welcome>();
  check_round_trip<Opened>();
  check_round_trip<Ack>();
  check_round_trip<RowsRejected>();
  check_round_trip<Error>();
  check_round_trip<Coef>();
  check_round_trip<Metrics>();
  check_round_trip<Status>();
  check_round_trip<GetCoef>();
  check_round_trip<Epochs>();
  check_round_trip<GetHistory>();
  check_round_trip<History>();
}

}  // namespace
}  // namespace accrue::wire
