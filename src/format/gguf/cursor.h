// A reader of little-endian values over bytes in memory that refuses to pass the end, saying what it was reading.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/error.h"

namespace quern::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF is read in place, which needs a little-endian machine");

class Cursor {
public:
    explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::uint64_t position() const { return position_; }
    std::uint64_t left() const { return bytes_.size() - position_; }

    // The next n bytes. `what` completes "reading ...".
    std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
        if (n > left())
            throw Error(Code::bad_file,
                        "reading {} at byte {}: {} bytes are needed, but only {} are left; the file is damaged or its "
                        "download is incomplete",
                        what, position_, n, left());
        const auto part = bytes_.subspan(position_, n);
        position_ += n;
        return part;
    }

    template <class T>
    T read(std::string_view what) {
        T v;
        std::memcpy(&v, take(sizeof v, what).data(), sizeof v);
        return v;
    }

    // A string with its 64-bit length in front.
    std::string_view string(std::string_view what) {
        const auto part = take(read<std::uint64_t>(what), what);
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }

    // A count of things that take at least `least` bytes each, so that no count can promise more than the file holds.
    std::uint64_t count(std::uint64_t least, std::string_view what) {
        const auto n = read<std::uint64_t>(what);
        if (n > left() / least)
            throw Error(Code::bad_file,
                        "reading {}: it says {}, but the {} bytes left cannot hold more than {}; the file is damaged "
                        "or its download is incomplete",
                        what, n, left(), left() / least);
        return n;
    }

private:
    std::span<const std::byte> bytes_;
    std::uint64_t position_ = 0;
};

}  // namespace quern::gguf
