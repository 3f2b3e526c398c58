// Any bytes as a GGUF file: either an Error with a text, or a file whose every part can be touched and whose metadata
// can be written and read back as the same.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "format/gguf/file.h"
#include "format/gguf/reader.h"
#include "format/gguf/writer.h"

namespace {

using namespace quern;

unsigned sum = 0;  // keeps reads from being optimised away

void touch(const gguf::File& file) {
    for (const gguf::TensorInfo& t : file.tensors()) {
        CHECK(file.find(t.name) == &t);
        CHECK(!t.bytes.empty() && t.elements() > 0);
        sum += static_cast<unsigned>(t.bytes.front()) + static_cast<unsigned>(t.bytes.back());
    }
}

template <class F>
void allow_error(F f) {
    try {
        f();
    } catch (const Error&) {
    }
}

void ask_everything(const gguf::Metadata& m) {
    for (const auto& [key, value] : m.entries()) {
        CHECK(m.find(key) == &value);
        allow_error([&] { m.integer(key); });
        allow_error([&] { m.number(key); });
        allow_error([&] { m.boolean(key); });
        allow_error([&] { m.string(key); });
        allow_error([&] { m.strings(key); });
        allow_error([&] { m.floats(key); });
        allow_error([&] { m.integers(key); });
        allow_error([&] { m.booleans(key); });
    }
}

void write_back(const gguf::Metadata& m) {
    const std::string once = gguf::encode_index(m, {});
    const gguf::Index again = gguf::read_index(std::as_bytes(std::span(once.data(), once.size())));
    CHECK(gguf::encode_index(again.metadata, {}) == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    gguf::File file;
    try {
        file = gguf::File::parse(std::as_bytes(std::span(data, size)));
    } catch (const Error& e) {
        CHECK(*e.what() != '\0');
        return 0;
    }
    touch(file);
    ask_everything(file.metadata());
    write_back(file.metadata());
    return 0;
}
