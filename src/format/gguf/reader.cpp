#include "format/gguf/reader.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "format/gguf/cursor.h"
#include "format/shown.h"

namespace quern::gguf {
namespace {

// The least bytes a key with its value, a tensor info, a string and a nested array take.
constexpr std::uint64_t least_entry = 8 + 1 + 4 + 1, least_info = 8 + 1 + 4 + 8 + 4 + 8, least_string = 8,
                        least_array = 4 + 8;

// Reads the four bytes of magic and the version; everything that is not GGUF 2 or 3 ends here with its likely cause.
std::uint32_t read_version(Cursor& in) {
    if (in.left() < 24)
        throw Error(Code::bad_file, "reading the header: the file has {} bytes, but a GGUF header alone has 24",
                    in.left());
    const auto part = in.take(4, "the magic");
    const std::string_view magic(reinterpret_cast<const char*>(part.data()), part.size());
    if (magic == "vers")
        throw Error(Code::bad_file,
                    "reading the header: this is text, probably a Git LFS pointer in place of the model; fetch the "
                    "real file (git lfs pull)");
    if (magic == "lmgg" || magic == "fmgg" || magic == "tjgg" || magic == "algg")
        throw Error(Code::unsupported,
                    "reading the header: this is a model file from before GGUF (magic {}); convert the model again",
                    shown(magic));
    if (magic != "GGUF")
        throw Error(Code::bad_file, "reading the header: the file begins with {}, not with 'GGUF'", shown(magic));
    const auto version = in.read<std::uint32_t>("the version");
    if (version == 2 || version == 3) return version;
    if (version >> 16 && !(version & 0xffff))
        throw Error(Code::unsupported,
                    "reading the header: the file is big-endian; Quern reads little-endian GGUF only; convert the "
                    "model again without big-endian output");
    throw Error(Code::unsupported, "reading the header: the file has GGUF version {}; Quern reads versions 2 and 3",
                version);
}

template <class T>
std::vector<T> read_fixed(Cursor& in, std::string_view what) {
    const std::uint64_t n = in.count(sizeof(T), what);
    const auto part = in.take(n * sizeof(T), what);
    std::vector<T> out(n);
    if (n) std::memcpy(out.data(), part.data(), part.size());
    return out;
}

bool to_bool(std::uint8_t v, std::string_view what) {
    if (v > 1) throw Error(Code::bad_file, "reading {}: a bool is {}, but must be 0 or 1", what, v);
    return v == 1;
}

ValueType read_type(Cursor& in, std::string_view what) {
    const auto type = in.read<std::uint32_t>(what);
    if (type > std::uint32_t(ValueType::f64))
        throw Error(Code::bad_file, "reading {}: value type {} does not exist; GGUF has 0 to 12", what, type);
    return ValueType(type);
}

Array read_array(Cursor& in, std::string_view what, int depth);

std::vector<std::string> read_strings(Cursor& in, std::string_view what) {
    std::vector<std::string> out(in.count(least_string, what));
    for (std::string& s : out) s = in.string(what);
    return out;
}

std::vector<Array> read_arrays(Cursor& in, std::string_view what, int depth) {
    const std::uint64_t n = in.count(least_array, what);
    std::vector<Array> out;
    out.reserve(n);
    for (std::uint64_t i = 0; i < n; ++i) out.push_back(read_array(in, what, depth));
    return out;
}

std::vector<std::uint8_t> read_booleans(Cursor& in, std::string_view what) {
    auto out = read_fixed<std::uint8_t>(in, what);
    for (const std::uint8_t v : out) to_bool(v, what);
    return out;
}

Array read_array(Cursor& in, std::string_view what, int depth) {
    if (depth > max_array_depth)
        throw Error(Code::bad_file, "reading {}: arrays are nested deeper than {} levels", what, max_array_depth);
    Array a;
    a.element = read_type(in, what);
    switch (a.element) {
        case ValueType::u8:
            a.values = read_fixed<std::uint8_t>(in, what);
            break;
        case ValueType::i8:
            a.values = read_fixed<std::int8_t>(in, what);
            break;
        case ValueType::u16:
            a.values = read_fixed<std::uint16_t>(in, what);
            break;
        case ValueType::i16:
            a.values = read_fixed<std::int16_t>(in, what);
            break;
        case ValueType::u32:
            a.values = read_fixed<std::uint32_t>(in, what);
            break;
        case ValueType::i32:
            a.values = read_fixed<std::int32_t>(in, what);
            break;
        case ValueType::f32:
            a.values = read_fixed<float>(in, what);
            break;
        case ValueType::boolean:
            a.values = read_booleans(in, what);
            break;
        case ValueType::string:
            a.values = read_strings(in, what);
            break;
        case ValueType::array:
            a.values = read_arrays(in, what, depth + 1);
            break;
        case ValueType::u64:
            a.values = read_fixed<std::uint64_t>(in, what);
            break;
        case ValueType::i64:
            a.values = read_fixed<std::int64_t>(in, what);
            break;
        case ValueType::f64:
            a.values = read_fixed<double>(in, what);
            break;
    }
    return a;
}

Value read_value(Cursor& in, std::string_view what) {
    switch (read_type(in, what)) {
        case ValueType::u8:
            return in.read<std::uint8_t>(what);
        case ValueType::i8:
            return in.read<std::int8_t>(what);
        case ValueType::u16:
            return in.read<std::uint16_t>(what);
        case ValueType::i16:
            return in.read<std::int16_t>(what);
        case ValueType::u32:
            return in.read<std::uint32_t>(what);
        case ValueType::i32:
            return in.read<std::int32_t>(what);
        case ValueType::f32:
            return in.read<float>(what);
        case ValueType::boolean:
            return to_bool(in.read<std::uint8_t>(what), what);
        case ValueType::string:
            return std::string(in.string(what));
        case ValueType::array:
            return read_array(in, what, 1);
        case ValueType::u64:
            return in.read<std::uint64_t>(what);
        case ValueType::i64:
            return in.read<std::int64_t>(what);
        case ValueType::f64:
            return in.read<double>(what);
    }
    throw Error(Code::bad_file, "reading {}: unknown value type", what);
}

Metadata read_metadata(Cursor& in, std::uint64_t keys) {
    Metadata metadata;
    std::string last = "the first metadata key";
    for (std::uint64_t i = 0; i < keys; ++i) {
        const std::string_view key = in.string(i ? "the metadata key after " + last : last);
        last = shown(key);
        if (key.empty() || key.size() > max_key_bytes)
            throw Error(Code::bad_file, "reading metadata key {} of {}, {}: its length is {}, but must be 1 to {}",
                        i + 1, keys, last, key.size(), max_key_bytes);
        if (metadata.has(key)) throw Error(Code::bad_file, "reading metadata: key {} is there twice", last);
        metadata.set(std::string(key), read_value(in, "metadata key " + last));
    }
    return metadata;
}

struct Removed {
    std::uint32_t number;
    std::string_view name;
};
// Tensor types that GGUF once had; nobody writes or reads them today, and their numbers are not used again.
constexpr Removed removed_types[] = {{4, "Q4_2"},      {5, "Q4_3"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},
                                     {33, "Q4_0_8_8"}, {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}};

DType to_dtype(std::uint32_t number, std::string_view tensor) {
    if (const auto dtype = dtype_from_gguf(number)) return *dtype;
    for (const Removed& r : removed_types)
        if (r.number == number)
            throw Error(Code::unsupported,
                        "reading tensor {}: its type {} ({}) was removed from GGUF; quantise the model again",
                        shown(tensor), r.name, number);
    throw Error(Code::unsupported,
                "reading tensor {}: its type has the number {}, which Quern does not know; a newer GGUF or a private "
                "variant of it may",
                shown(tensor), number);
}

// Leaves the offset as the file has it: relative to the start of the data.
TensorInfo read_info(Cursor& in, std::uint64_t i, std::uint64_t count, std::string_view last) {
    TensorInfo t;
    const std::string place = i ? "the tensor info after tensor " + std::string(last) : "the first tensor info";
    t.name = in.string(place);
    if (t.name.empty() || t.name.size() > max_name_bytes)
        throw Error(Code::bad_file, "reading tensor {} of {}, {}: its name has {} bytes, but must have 1 to {}", i + 1,
                    count, shown(t.name), t.name.size(), max_name_bytes);
    const std::string what = "tensor " + shown(t.name);
    const auto dims = in.read<std::uint32_t>(what);
    if (dims < 1 || dims > max_dims)
        throw Error(Code::bad_file, "reading {}: it has {} dims, but must have 1 to {}", what, dims, max_dims);
    t.dims.resize(dims);
    for (std::uint32_t d = dims; d-- > 0;)  // innermost first in the file
        t.dims[d] = checked_cast<std::int64_t>(in.read<std::uint64_t>(what), what + ", dim " + std::to_string(d));
    t.dtype = to_dtype(in.read<std::uint32_t>(what), t.name);
    t.offset = in.read<std::uint64_t>(what);
    return t;
}

// Gives each tensor its bytes, once their place is known to be aligned and inside the file.
void place(std::vector<TensorInfo>& tensors, std::span<const std::byte> bytes, std::uint64_t index_end,
           std::uint64_t align) {
    const std::uint64_t data = (index_end + align - 1) / align * align;  // both bounded far below 2^64
    for (TensorInfo& t : tensors) {
        if (t.offset % align)
            throw Error(Code::bad_file, "reading tensor {}: its offset {} is not a multiple of the alignment {}",
                        shown(t.name), t.offset, align);
        const auto size = static_cast<std::uint64_t>(tensor_bytes(t.name, t.dtype, t.dims));
        const std::string what = "tensor " + shown(t.name) + ", end of its data";
        const std::uint64_t begin = checked_add(data, t.offset, what);
        const std::uint64_t end = checked_add(begin, size, what);
        if (end > bytes.size())
            throw Error(Code::bad_file,
                        "reading tensor {}: its data is at bytes {} to {}, but the file has {}; it is damaged or its "
                        "download is incomplete",
                        shown(t.name), begin, end, bytes.size());
        t.offset = begin;
        t.bytes = bytes.subspan(begin, size);
    }
}

void refuse_overlaps(std::span<const TensorInfo> tensors) {
    std::vector<std::uint32_t> order(tensors.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return tensors[a].offset < tensors[b].offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
        const TensorInfo &a = tensors[order[i - 1]], &b = tensors[order[i]];
        if (a.offset + a.bytes.size() > b.offset)
            throw Error(Code::bad_file,
                        "reading tensor {}: its data begins at byte {}, inside that of tensor {} (bytes {} to {})",
                        shown(b.name), b.offset, shown(a.name), a.offset, a.offset + a.bytes.size());
    }
}

}  // namespace

Index read_index(std::span<const std::byte> bytes) {
    Cursor in(bytes.first(std::min<std::uint64_t>(bytes.size(), max_index_bytes)));
    Index index;
    index.version = read_version(in);
    const std::uint64_t tensors = in.count(least_info, "the number of tensors");
    const std::uint64_t keys = in.count(least_entry, "the number of metadata keys");
    if (keys > max_keys)
        throw Error(Code::bad_file, "reading the number of metadata keys: it says {}, but Quern reads at most {}", keys,
                    max_keys);
    try {
        index.metadata = read_metadata(in, keys);
        const std::int64_t align = alignment(index.metadata);
        check_known_keys(index.metadata);
        index.tensors.reserve(tensors);
        for (std::uint64_t i = 0; i < tensors; ++i)
            index.tensors.push_back(read_info(in, i, tensors, i ? shown(index.tensors.back().name) : ""));
        sorted_by_name(index.tensors);
        place(index.tensors, bytes, in.position(), static_cast<std::uint64_t>(align));
    } catch (Error& e) {
        if (bytes.size() > max_index_bytes && in.left() < 4096)
            e.during("the index is cut after {} bytes, the most that Quern reads", max_index_bytes);
        throw;
    }
    refuse_overlaps(index.tensors);
    return index;
}

std::int64_t alignment(const Metadata& metadata) {
    const std::int64_t a = metadata.integer("general.alignment").value_or(default_alignment);
    if (a < min_alignment || a > max_alignment || !std::has_single_bit(static_cast<std::uint64_t>(a)))
        throw Error(Code::bad_file, "metadata key 'general.alignment' is {}, but must be a power of two from {} to {}",
                    a, min_alignment, max_alignment);
    return a;
}

std::int64_t tensor_bytes(std::string_view tensor, DType dtype, std::span<const std::int64_t> dims) {
    const std::string what = "tensor " + shown(tensor);
    if (dims.empty() || dims.size() > max_dims)
        throw Error(Code::bad_file, "{}: it has {} dims, but must have 1 to {}", what, dims.size(), max_dims);
    std::int64_t elements = 1;
    for (const std::int64_t d : dims) {
        if (d < 1) throw Error(Code::bad_file, "{}: it has a dim of {}, but every dim must be at least 1", what, d);
        elements = checked_mul(elements, d, what + ", number of elements");
    }
    const DTypeInfo& type = info(dtype);
    if (dims.back() % type.block)
        throw Error(Code::bad_file, "{}: a row has {} elements, but {} comes in blocks of {}", what, dims.back(),
                    type.name, type.block);
    return checked_mul<std::int64_t>(elements / type.block, type.bytes, what + ", number of bytes");
}

std::vector<std::uint32_t> sorted_by_name(std::span<const TensorInfo> tensors) {
    std::vector<std::uint32_t> order(tensors.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return tensors[a].name < tensors[b].name; });
    for (std::size_t i = 1; i < order.size(); ++i)
        if (tensors[order[i - 1]].name == tensors[order[i]].name)
            throw Error(Code::bad_file, "reading tensor {}: there are two of this name", shown(tensors[order[i]].name));
    return order;
}

}  // namespace quern::gguf
