#include "format/gguf/writer.h"

#include <bit>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "format/gguf/reader.h"
#include "format/shown.h"

namespace quern::gguf {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

template <class T>
void put(std::string& out, T v) {
    static_assert(std::is_arithmetic_v<T>);
    out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

void put(std::string& out, std::string_view s) {
    put<std::uint64_t>(out, s.size());
    out.append(s);
}

void put_array(std::string& out, const Array& array, std::string_view key, int depth) {
    if (depth > max_array_depth)
        throw Error(Code::bad_request, "writing metadata key {}: arrays are nested deeper than {} levels", shown(key),
                    max_array_depth);
    put(out, std::uint32_t(array.element));
    put<std::uint64_t>(out, array.size());
    std::visit(
        [&]<class T>(const std::vector<T>& values) {
            const bool matches = value_type_of<T>() == array.element ||
                                 (std::is_same_v<T, std::uint8_t> && array.element == ValueType::boolean);
            if (!matches)
                throw Error(Code::bad_request, "writing metadata key {}: an array declared as {} holds values of {}",
                            shown(key), name(array.element), name(value_type_of<T>()));
            for (const T& v : values) {
                if constexpr (std::is_same_v<T, Array>)
                    put_array(out, v, key, depth + 1);
                else if constexpr (std::is_same_v<T, std::string>)
                    put(out, std::string_view(v));
                else
                    put(out, v);
            }
        },
        array.values);
}

void put_value(std::string& out, const Value& value, std::string_view key) {
    put(out, std::uint32_t(type_of(value)));
    std::visit(
        [&]<class T>(const T& v) {
            if constexpr (std::is_same_v<T, Array>)
                put_array(out, v, key, 1);
            else if constexpr (std::is_same_v<T, std::string>)
                put(out, std::string_view(v));
            else if constexpr (std::is_same_v<T, bool>)
                put(out, std::uint8_t(v));
            else
                put(out, v);
        },
        value);
}

void put_metadata(std::string& out, const Metadata& metadata) {
    for (const Metadata::Entry& e : metadata.entries()) {
        if (e.key.starts_with("split.")) continue;
        if (e.key.empty() || e.key.size() > max_key_bytes)
            throw Error(Code::bad_request, "writing metadata key {}: its length is {}, but must be 1 to {}",
                        shown(e.key), e.key.size(), max_key_bytes);
        put(out, std::string_view(e.key));
        put_value(out, e.value, e.key);
    }
}

std::uint64_t padding(std::uint64_t size, std::int64_t alignment) {
    const auto a = static_cast<std::uint64_t>(alignment);
    return (a - size % a) % a;
}

void put_tensors(std::string& out, std::span<const TensorSpec> tensors, std::int64_t alignment) {
    std::unordered_set<std::string_view> names;
    std::uint64_t offset = 0;
    for (const TensorSpec& t : tensors) {
        const std::string what = "writing tensor " + shown(t.name);
        if (t.name.empty() || t.name.size() > max_name_bytes)
            throw Error(Code::bad_request, "{}: its name has {} bytes, but must have 1 to {}", what, t.name.size(),
                        max_name_bytes);
        if (!names.insert(t.name).second) throw Error(Code::bad_request, "{}: there are two of this name", what);
        const DTypeInfo& type = info(t.dtype);
        if (type.gguf < 0) throw Error(Code::unsupported, "{}: GGUF has no type {}; choose another", what, type.name);
        const auto size = static_cast<std::uint64_t>(tensor_bytes(t.name, t.dtype, t.dims));
        put(out, std::string_view(t.name));
        put(out, static_cast<std::uint32_t>(t.dims.size()));
        for (auto d = t.dims.rbegin(); d != t.dims.rend(); ++d) put(out, static_cast<std::uint64_t>(*d));
        put(out, static_cast<std::uint32_t>(type.gguf));
        put(out, offset);
        offset = checked_add(offset, checked_add(size, padding(size, alignment), what), what);
    }
}

}  // namespace

std::string encode_index(const Metadata& metadata, std::span<const TensorSpec> tensors) {
    const std::int64_t align = alignment(metadata);
    check_known_keys(metadata);
    std::uint64_t keys = 0;
    for (const Metadata::Entry& e : metadata.entries()) keys += !e.key.starts_with("split.");
    if (keys > max_keys)
        throw Error(Code::bad_request, "writing metadata: it has {} keys, but at most {} are read", keys, max_keys);
    std::string out = "GGUF";
    put(out, std::uint32_t(3));
    put<std::uint64_t>(out, tensors.size());
    put(out, keys);
    put_metadata(out, metadata);
    put_tensors(out, tensors, align);
    if (out.size() > max_index_bytes)
        throw Error(Code::bad_request, "writing the index: it has {} bytes, but at most {} are read", out.size(),
                    max_index_bytes);
    out.append(padding(out.size(), align), '\0');
    return out;
}

Writer::Writer(const Path& path, const Metadata& metadata, std::vector<TensorSpec> tensors)
    : tensors_(std::move(tensors)), alignment_(alignment(metadata)), file_(path) {
    file_.write(encode_index(metadata, tensors_));
    if (!tensors_.empty())
        lacking_ = static_cast<std::uint64_t>(tensor_bytes(tensors_[0].name, tensors_[0].dtype, tensors_[0].dims));
}

void Writer::write(std::string_view tensor, std::span<const std::byte> bytes) {
    if (current_ == tensors_.size())
        throw Error(Code::bad_request, "writing tensor {}: every declared tensor has its bytes already", shown(tensor));
    const TensorSpec& t = tensors_[current_];
    if (t.name != tensor)
        throw Error(Code::bad_request, "writing tensor {}: the next in order is {}, which lacks {} bytes",
                    shown(tensor), shown(t.name), lacking_);
    if (bytes.size() > lacking_)
        throw Error(Code::bad_request, "writing tensor {}: {} bytes more, but it lacks only {}", shown(tensor),
                    bytes.size(), lacking_);
    file_.write(bytes);
    lacking_ -= bytes.size();
    if (lacking_ > 0) return;
    file_.write(std::string(padding(file_.written(), alignment_), '\0'));
    if (++current_ < tensors_.size()) {
        const TensorSpec& next = tensors_[current_];
        lacking_ = static_cast<std::uint64_t>(tensor_bytes(next.name, next.dtype, next.dims));
    }
}

void Writer::commit() {
    if (current_ < tensors_.size())
        throw Error(Code::bad_request, "finishing the file: tensor {} lacks {} bytes", shown(tensors_[current_].name),
                    lacking_);
    file_.commit();
}

}  // namespace quern::gguf
