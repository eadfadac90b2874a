#include "broker/protocol/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace millrace::protocol {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr Codec codecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

Buffer some_text(std::size_t size_bytes) {
  std::mt19937 random(7);
  Buffer text(size_bytes);
  for (std::uint8_t& byte : text) byte = static_cast<std::uint8_t>('a' + random() % 7);
  return text;
}

TEST(Compression, GivesBackWhatItTook) {
  for (const Codec codec : codecs) {
    for (const std::size_t size_bytes : {0, 1, 100, 32767, 32768, 32769, 300000}) {
      const Buffer plain = some_text(size_bytes);
      const auto packed = compress(codec, plain);
      ASSERT_TRUE(packed) << to_string(codec);
      const auto unpacked = decompress(codec, *packed);
      ASSERT_TRUE(unpacked) << to_string(codec) << " " << size_bytes << ": " << unpacked.error().message;
      EXPECT_EQ(*unpacked, plain) << to_string(codec) << " " << size_bytes;
    }
  }
}

TEST(Compression, StreamsInPiecesOfAnySize) {
  const Buffer plain = some_text(10000);
  for (const Codec codec : codecs) {
    const Buffer packed = compress(codec, plain).value();
    for (const std::size_t step : {1, 7, 4096}) {
      auto stream = open_decompressor(codec, packed).value();
      Buffer unpacked;
      Buffer piece(step);
      for (;;) {
        const std::size_t count = stream->read(piece).value();
        if (count == 0) break;
        unpacked.insert(unpacked.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
      }
      EXPECT_EQ(unpacked, plain) << to_string(codec) << " in steps of " << step;
      EXPECT_EQ(stream->read(piece).value(), 0U);
    }
  }
}

TEST(Compression, CutAnywhereIsAnErrorOrLess) {
  const Buffer plain = some_text(3000);
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const Buffer packed = compress(codec, plain).value();
    for (std::size_t length = 0; length + 1 < packed.size(); ++length) {
      const Buffer cut(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length));
      const auto unpacked = decompress(codec, cut);
      if (unpacked) EXPECT_LT(unpacked->size(), plain.size()) << to_string(codec) << " " << length;
    }
  }
}

TEST(Compression, NeverReadsRubbishAsSomething) {
  const Buffer rubbish = some_text(100);
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const auto unpacked = decompress(codec, rubbish);
    ASSERT_FALSE(unpacked) << to_string(codec);
    EXPECT_EQ(unpacked.error().kind, ErrorKind::corrupt) << to_string(codec) << ": " << unpacked.error().message;
  }
  EXPECT_FALSE(open_decompressor(static_cast<Codec>(6), rubbish));
}

TEST(Compression, StopsABombAtItsLimits) {
  const Buffer zeroes(std::size_t{64} << 20);
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const Buffer bomb = compress(codec, zeroes).value();
    for (const DecompressionLimits limits : {DecompressionLimits{.output_limit_bytes = 1 << 20},
                                             DecompressionLimits{.ratio_limit = 2, .always_allowed_bytes = 1 << 20}}) {
      auto stream = open_decompressor(codec, bomb, limits).value();
      Buffer window(65536);
      std::uint64_t given = 0;
      Result<std::size_t> count = 0;
      for (;;) {
        count = stream->read(window);
        if (!count || *count == 0) break;
        given += *count;
      }
      ASSERT_FALSE(count) << to_string(codec);
      EXPECT_EQ(count.error().kind, ErrorKind::resource_exhausted) << to_string(codec);
      EXPECT_LE(given, limits.limit_for(bomb.size())) << to_string(codec);
    }
  }
}

TEST(Compression, AllowsASmallBatchThatCompressesVeryWell) {
  const Buffer zeroes(std::size_t{1} << 20);
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    EXPECT_TRUE(decompress(codec, compress(codec, zeroes).value())) << to_string(codec);
  }
}

TEST(Compression, RefusesALevelThatTheCodecDoesNotHave) {
  const Buffer plain = some_text(10);
  EXPECT_FALSE(compress(Codec::gzip, plain, 0));
  EXPECT_FALSE(compress(Codec::gzip, plain, 10));
  EXPECT_FALSE(compress(Codec::lz4, plain, 18));
  EXPECT_FALSE(compress(Codec::zstd, plain, 23));
  EXPECT_TRUE(compress(Codec::gzip, plain, 9));
  EXPECT_TRUE(compress(Codec::lz4, plain, 17));
  EXPECT_TRUE(compress(Codec::zstd, plain, -7));
}

// A thread uses what one stream needed for the next.
TEST(Lz4, ReadsAFrameBehindOneThatSaidItsSizeAndWasNotReadToItsEnd) {
  const Buffer plain = some_text(100'000);
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.contentSize = plain.size();
  Buffer sized(LZ4F_compressFrameBound(plain.size(), &preferences));
  sized.resize(LZ4F_compressFrame(sized.data(), sized.size(), plain.data(), plain.size(), &preferences));
  const Buffer next = compress(Codec::lz4, plain).value();
  {
    const auto left = open_decompressor(Codec::lz4, sized).value();
    Buffer some(1000);
    ASSERT_EQ(left->read(some), some.size());
  }
  EXPECT_TRUE(decompress(Codec::lz4, next) == plain) << "behind one that was left";
  EXPECT_FALSE(decompress(Codec::lz4, BytesView(sized).first(sized.size() / 2)));
  EXPECT_TRUE(decompress(Codec::lz4, next) == plain) << "behind one that was cut off";
  Buffer of_wrong_size = sized;
  constexpr std::size_t size_position = 6;
  of_wrong_size[size_position] ^= 1;
  EXPECT_FALSE(decompress(Codec::lz4, of_wrong_size));
  EXPECT_TRUE(decompress(Codec::lz4, next) == plain) << "behind one of another size";
}

TEST(Lz4, RefusesFramesThatKafkasJavaClientsCannotRead) {
  const Buffer good = compress(Codec::lz4, some_text(100)).value();
  ASSERT_EQ(good[4], 0x60);
  Buffer dependent = good;
  dependent[4] = 0x40;
  dependent[6] = 0xc0;  // the header's checksum
  const auto refused = decompress(Codec::lz4, dependent);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::corrupt);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("blocks that depend on each other"));
  Buffer with_dictionary = good;
  with_dictionary[4] = 0x61;
  with_dictionary[6] = 0xd0;
  with_dictionary.insert(with_dictionary.begin() + 6, {1, 0, 0, 0});
  const auto also_refused = decompress(Codec::lz4, with_dictionary);
  ASSERT_FALSE(also_refused);
  EXPECT_THAT(also_refused.error().message, testing::HasSubstr("dictionaries"));
}

TEST(Snappy, ReadsARawBlockToo) {
  const Buffer plain = some_text(5000);
  std::size_t size_bytes = snappy_max_compressed_length(plain.size());
  Buffer raw(size_bytes);
  ASSERT_EQ(snappy_compress(as_text(plain).data(), plain.size(), reinterpret_cast<char*>(raw.data()), &size_bytes),
            SNAPPY_OK);
  raw.resize(size_bytes);
  EXPECT_EQ(decompress(Codec::snappy, raw).value(), plain);
}

TEST(Snappy, DoesNotBelieveALengthThatItsBlockCannotHold) {
  const Buffer lie{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 'a'};  // a block of 4 GiB in two bytes
  const auto unpacked =
      decompress(Codec::snappy, lie,
                 {.output_limit_bytes = std::uint64_t{8} << 30, .always_allowed_bytes = std::uint64_t{8} << 30});
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().kind, ErrorKind::corrupt);
}

TEST(Gzip, ReadsMembersInARowAsOneStream) {
  Buffer both = compress(Codec::gzip, some_text(100)).value();
  const Buffer second = compress(Codec::gzip, some_text(50)).value();
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(decompress(Codec::gzip, both).value().size(), 150U);
}

TEST(Zstd, RefusesAWindowBeyondItsLimit) {
  const Buffer packed = compress(Codec::zstd, some_text(300000), 19).value();
  const auto unpacked = decompress(Codec::zstd, packed, {.zstd_window_log_limit = 10});
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().kind, ErrorKind::resource_exhausted);
}

TEST(Zstd, RefusesAFrameThatGivesLessThanItSaysHoweverItIsRead) {
  const Buffer empty_that_says_256{0x28, 0xb5, 0x2f, 0xfd, 0x60, 0, 0, 1, 0, 0};
  for (const std::size_t room : {1U, 255U, 256U, 10'000U}) {
    auto stream = open_decompressor(Codec::zstd, empty_that_says_256);
    ASSERT_TRUE(stream);
    Buffer into(room);
    const auto count = (*stream)->read(into);
    ASSERT_FALSE(count) << room;
    EXPECT_EQ(count.error().kind, ErrorKind::corrupt) << room;
  }
}

struct CountedMemory final : CodecMemory {
  std::uint64_t limit = ~std::uint64_t{0};
  std::uint64_t held = 0;
  std::uint64_t most = 0;
  Status take(std::uint64_t bytes) override {
    if (bytes > limit - held) return fail(ErrorKind::unavailable, "others have it");
    held += bytes;
    most = std::max(most, held);
    return {};
  }
  void give_back(std::uint64_t bytes) override { held -= bytes; }
};

// A stream of unknown length, as Java's producer writes it at that window.
Buffer zstd_with_window(int window_log, std::size_t size_bytes) {
  const Buffer plain = some_text(size_bytes);
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  Buffer packed(ZSTD_compressBound(plain.size()));
  ZSTD_inBuffer in{plain.data(), plain.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  while (in.pos < in.size) ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_continue);
  EXPECT_EQ(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end), 0U);
  packed.resize(out.pos);
  return packed;
}

TEST(Zstd, PaysForALargeWindowWhileItReads) {
  CountedMemory memory;
  const auto plain = decompress(Codec::zstd, zstd_with_window(27, 100'000), {.memory = &memory});
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->size(), 100'000U);
  EXPECT_EQ(memory.most, std::uint64_t{1} << 27);
  EXPECT_EQ(memory.held, 0U);
}

TEST(Zstd, PaysOnceForFramesInARow) {
  CountedMemory memory;
  Buffer two = zstd_with_window(24, 1'000);
  const auto second = zstd_with_window(25, 1'000);
  two.insert(two.end(), second.begin(), second.end());
  ASSERT_TRUE(decompress(Codec::zstd, two, {.memory = &memory}));
  EXPECT_EQ(memory.most, std::uint64_t{1} << 25);
  EXPECT_EQ(memory.held, 0U);
}

TEST(Zstd, PaysForAFrameInOnePieceByItsContent) {
  CountedMemory memory;
  ASSERT_TRUE(decompress(Codec::zstd, compress(Codec::zstd, some_text(6'000'000), 19).value(), {.memory = &memory}));
  EXPECT_EQ(memory.most, 6'000'000U);
}

TEST(Zstd, PaysNothingForTheWindowsThatProducersHaveByDefault) {
  CountedMemory memory;
  memory.limit = 0;
  EXPECT_TRUE(decompress(Codec::zstd, zstd_with_window(21, 3'000'000), {.memory = &memory}));
}

TEST(Compression, FailsWithoutHarmWhereOthersHaveTheMemory) {
  CountedMemory memory;
  memory.limit = 5 << 20;
  const Buffer raw_snappy = [] {
    const Buffer plain(8 << 20, 'x');
    Buffer packed(snappy_max_compressed_length(plain.size()));
    std::size_t size_bytes = packed.size();
    snappy_compress(reinterpret_cast<const char*>(plain.data()), plain.size(), reinterpret_cast<char*>(packed.data()),
                    &size_bytes);
    packed.resize(size_bytes);
    return packed;
  }();
  for (const auto& [codec, packed] :
       {std::pair{Codec::zstd, zstd_with_window(26, 1'000)}, std::pair{Codec::snappy, raw_snappy}}) {
    const auto refused = decompress(codec, packed, {.memory = &memory});
    ASSERT_FALSE(refused) << to_string(codec);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable) << to_string(codec);
    EXPECT_EQ(memory.held, 0U);
  }
}

}  // namespace
}  // namespace millrace::protocol
