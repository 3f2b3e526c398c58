// Any bytes as a safetensors file, and as an index of one: either an Error with a text, or a file whose every tensor
// can be touched.
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "format/safetensors/file.h"
#include "format/safetensors/header.h"

namespace {

using namespace quern;

unsigned sum = 0;  // keeps reads from being optimised away

template <class F>
void allow_error(F f) {
    try {
        f();
    } catch (const Error& e) {
        CHECK(*e.what() != '\0');
    }
}

void read_file(std::span<const std::byte> bytes) {
    const safetensors::File file = safetensors::File::parse(bytes);
    for (const safetensors::TensorInfo& t : file.tensors()) {
        CHECK(file.find(t.name) == &t);
        CHECK(std::int64_t(t.bytes.size()) == t.elements() * info(t.dtype).bytes);
        if (!t.bytes.empty()) sum += static_cast<unsigned>(t.bytes.front()) + static_cast<unsigned>(t.bytes.back());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    allow_error([&] { read_file(std::as_bytes(std::span(data, size))); });
    allow_error([&] { safetensors::parse_index({reinterpret_cast<const char*>(data), size}); });
    return 0;
}
