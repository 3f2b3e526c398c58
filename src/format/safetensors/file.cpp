#include "format/safetensors/file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "format/safetensors/header.h"
#include "format/shown.h"

namespace quern::safetensors {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read in place, which needs little-endian");

struct TypeName {
    std::string_view name;
    DType dtype;
};
constexpr std::array types{
    TypeName{"F64", DType::f64},   TypeName{"F32", DType::f32},         TypeName{"F16", DType::f16},
    TypeName{"BF16", DType::bf16}, TypeName{"F8_E4M3", DType::f8_e4m3}, TypeName{"I64", DType::i64},
    TypeName{"I32", DType::i32},   TypeName{"I16", DType::i16},         TypeName{"I8", DType::i8},
    TypeName{"U8", DType::u8},     TypeName{"BOOL", DType::boolean}};

// The header's text and the data behind it.
std::pair<std::string_view, std::span<const std::byte>> divide(std::span<const std::byte> bytes) {
    if (bytes.size() < 8)
        throw Error(Code::bad_file, "reading the header: the file has {} bytes, but a length of the header has 8",
                    bytes.size());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    const std::string_view rest(reinterpret_cast<const char*>(bytes.data()) + 8, bytes.size() - 8);
    if (std::string_view(reinterpret_cast<const char*>(bytes.data()), 8) == "version ")
        throw Error(Code::bad_file,
                    "reading the header: this is text, probably a Git LFS pointer in place of the model; fetch the "
                    "real file (git lfs pull)");
    if (length > max_header_bytes)
        throw Error(Code::bad_file,
                    "reading the header: its length is {} bytes, but the format allows {}; this is not a safetensors "
                    "file or it is damaged",
                    length, max_header_bytes);
    if (length > rest.size())
        throw Error(Code::bad_file,
                    "reading the header: its length is {} bytes, but only {} follow; the file is damaged or its "
                    "download is incomplete",
                    length, rest.size());
    return {rest.substr(0, length), bytes.subspan(8 + length)};
}

TensorInfo resolve(HeaderEntry& e, std::span<const std::byte> data) {
    const std::string what = "tensor " + shown(e.name);
    const auto dtype = type_from_name(e.dtype);
    if (!dtype)
        throw Error(Code::unsupported, "reading {}: its type is {}, which Quern does not read", what, shown(e.dtype));
    TensorInfo t{.name = std::move(e.name), .dtype = *dtype, .dims = {}, .bytes = {}};
    std::uint64_t size = static_cast<std::uint64_t>(info(*dtype).bytes);
    for (const std::uint64_t d : e.dims) {
        t.dims.push_back(checked_cast<std::int64_t>(d, what + ", a dim"));
        size = checked_mul(size, d, what + ", number of bytes");
    }
    const auto [begin, end] = e.begin_end;
    if (begin > end || end > data.size())
        throw Error(Code::bad_file,
                    "reading {}: its data is at bytes {} to {}, but there are {}; the file is damaged or its download "
                    "is incomplete",
                    what, begin, end, data.size());
    if (end - begin != size)
        throw Error(Code::bad_file, "reading {}: its data_offsets span {} bytes, but its type and shape make {}", what,
                    end - begin, size);
    t.bytes = data.subspan(begin, size);
    return t;
}

// The format wants tensors to cover the data from first to last byte, none twice.
void check_coverage(std::span<const TensorInfo> tensors, std::span<const std::byte> data) {
    std::vector<const TensorInfo*> order;
    for (const TensorInfo& t : tensors) order.push_back(&t);
    const auto begin = [&](const TensorInfo* t) { return t->bytes.data() - data.data(); };
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
        return std::pair(begin(a), a->bytes.size()) < std::pair(begin(b), b->bytes.size());
    });
    std::ptrdiff_t covered = 0;
    for (const TensorInfo* t : order) {
        if (begin(t) != covered)
            throw Error(Code::bad_file, "reading tensor {}: its data begins at byte {}, {}", shown(t->name), begin(t),
                        begin(t) < covered ? "inside that of another tensor"
                                           : "but bytes before it belong to no tensor, which the format forbids");
        covered += static_cast<std::ptrdiff_t>(t->bytes.size());
    }
    if (static_cast<std::size_t>(covered) != data.size())
        throw Error(Code::bad_file,
                    "reading the data: {} bytes at its end belong to no tensor, which the format forbids",
                    data.size() - static_cast<std::size_t>(covered));
}

std::vector<TensorInfo> read(std::span<const std::byte> bytes,
                             std::map<std::string, std::string, std::less<>>& metadata) {
    const auto [text, data] = divide(bytes);
    Header header = parse_header(text);
    std::vector<TensorInfo> tensors;
    tensors.reserve(header.tensors.size());
    for (HeaderEntry& e : header.tensors) tensors.push_back(resolve(e, data));
    check_coverage(tensors, data);
    metadata = std::move(header.metadata);
    return tensors;
}

constexpr std::string_view index_name = "model.safetensors.index.json";

// The file to read for what was asked: a folder stands for its model.
Path resolve_folder(const Path& path) {
    if (!std::filesystem::is_directory(path)) return path;
    for (const std::string_view name : {std::string_view("model.safetensors"), index_name})
        if (std::filesystem::exists(path / name)) return path / name;
    throw Error(Code::bad_request, "the folder has neither model.safetensors nor {}", index_name);
}

}  // namespace

std::int64_t TensorInfo::elements() const {
    return std::accumulate(dims.begin(), dims.end(), std::int64_t(1), std::multiplies<>());
}

std::string_view type_name(DType dtype) {
    for (const TypeName& t : types)
        if (t.dtype == dtype) return t.name;
    return {};
}

std::optional<DType> type_from_name(std::string_view name) {
    for (const TypeName& t : types)
        if (t.name == name) return t.dtype;
    return std::nullopt;
}

File File::open(const Path& path) try {
    const Path model = resolve_folder(path);
    File file;
    if (model.extension() != ".json") {
        file.shards_.emplace_back(model);
        file.tensors_ = read(file.shards_[0].bytes(), file.metadata_);
        file.sort();
        return file;
    }
    const auto where = parse_index(read_text(model, max_header_bytes));
    std::map<std::string, int> shards;
    for (const auto& [tensor, name] : where) shards.emplace(name, 0);
    for (auto& [name, number] : shards) {
        try {
            number = static_cast<int>(file.shards_.size());
            file.shards_.emplace_back(model.parent_path() / name);
            std::map<std::string, std::string, std::less<>> metadata;
            for (TensorInfo& t : read(file.shards_.back().bytes(), metadata)) {
                const auto it = where.find(t.name);
                if (it == where.end() || it->second != name) continue;
                t.shard = number;
                file.tensors_.push_back(std::move(t));
            }
            if (number == 0) file.metadata_ = std::move(metadata);
        } catch (Error& e) {
            e.during("shard {}", shown(name));
            throw;
        }
    }
    file.sort();
    for (const auto& [tensor, name] : where)
        if (!file.find(tensor))
            throw Error(Code::bad_file, "tensor {}: the index puts it in {}, but it is not there", shown(tensor),
                        shown(name));
    return file;
} catch (Error& e) {
    e.during("opening {}", path.string());
    throw;
}

File File::parse(std::span<const std::byte> bytes) {
    File file;
    file.tensors_ = read(bytes, file.metadata_);
    file.sort();
    return file;
}

void File::sort() {
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < tensors_.size(); ++i)
        if (tensors_[i - 1].name == tensors_[i].name)
            throw Error(Code::bad_file, "reading tensor {}: there are two of this name", shown(tensors_[i].name));
}

const TensorInfo* File::find(std::string_view name) const {
    const auto it = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                     [](const TensorInfo& t, std::string_view wanted) { return t.name < wanted; });
    return it != tensors_.end() && it->name == name ? &*it : nullptr;
}

std::uint64_t File::file_bytes() const {
    std::uint64_t n = 0;
    for (const MappedFile& s : shards_) n += s.bytes().size();
    return n;
}

}  // namespace quern::safetensors
