#include "format/gguf/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>

#include "base/checked.h"
#include "base/error.h"
#include "format/gguf/reader.h"

namespace quern::gguf {
namespace {

constexpr std::int64_t max_parts = 99999;  // five digits in the name

struct PartName {
    std::string prefix;  // the whole path before "-00001-of-00003.gguf"
    std::int64_t number = 0, count = 0;
};

Path part_path(const PartName& n, std::int64_t number) {
    return fmt::format("{}-{:05}-of-{:05}.gguf", n.prefix, number, n.count);
}

// "<prefix>-<5 digits>-of-<5 digits>.gguf"
std::optional<PartName> part_name(const Path& path) {
    constexpr std::string_view shape = "-ddddd-of-ddddd.gguf";
    const std::string text = path.string();
    if (text.size() < shape.size()) return std::nullopt;
    const std::string_view tail = std::string_view(text).substr(text.size() - shape.size());
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] == 'd' ? !digit(tail[i]) : tail[i] != shape[i]) return std::nullopt;
    PartName n{text.substr(0, text.size() - shape.size())};
    for (int i = 1; i < 6; ++i) n.number = n.number * 10 + (tail[std::size_t(i)] - '0');
    for (int i = 10; i < 15; ++i) n.count = n.count * 10 + (tail[std::size_t(i)] - '0');
    return n;
}

std::int64_t split_count(const Metadata& m) {
    const std::int64_t n = m.integer("split.count").value_or(0);
    if (n < 0 || n > max_parts)
        throw Error(Code::bad_file, "metadata key 'split.count' is {}, but must be 0 to {}", n, max_parts);
    return n;
}

// Whether the file that was asked for is one part of several; refuses a name and metadata that contradict each other.
bool is_split(const Metadata& m, const std::optional<PartName>& n) {
    const std::int64_t count = split_count(m);
    if (count > 1 && !n)
        throw Error(Code::bad_file,
                    "metadata key 'split.count' is {}, so this is one part of several, but the file is not called "
                    "<name>-00001-of-{:05}.gguf; give the parts their names back",
                    count, count);
    if (n && (count > 1 || n->count > 1) && count != n->count)
        throw Error(Code::bad_file,
                    "metadata key 'split.count' is {}, but by its name the file is part {} of {}; the parts must come "
                    "from one split",
                    count, n->number, n->count);
    return count > 1;
}

void check_part(const Metadata& m, std::int64_t number, std::int64_t count) {
    if (split_count(m) != count)
        throw Error(Code::bad_file, "metadata key 'split.count' is {}, but the other parts say {}", split_count(m),
                    count);
    if (const std::int64_t no = m.need_integer("split.no"); no != number - 1)
        throw Error(Code::bad_file, "metadata key 'split.no' is {}, but by its name the file is part {}, number {}", no,
                    number, number - 1);
}

void check_total(const Metadata& m, std::size_t found, std::string_view where) {
    const auto total = m.integer("split.tensors.count");
    if (total && *total != checked_cast<std::int64_t>(found, "number of tensors"))
        throw Error(Code::bad_file,
                    "metadata key 'split.tensors.count'{} is {}, but the parts hold {} tensors; they must come from "
                    "one split",
                    where, *total, found);
}

}  // namespace

std::int64_t TensorInfo::elements() const {
    return std::accumulate(dims.begin(), dims.end(), std::int64_t(1), std::multiplies<>());
}

File File::open(const Path& path) {
    return open(path, MappedFile(path));  // its errors name the path
}

File File::open(const Path& path, MappedFile asked) try {
    File file;
    Index first = read_index(asked.bytes());
    const auto n = part_name(path);
    if (!is_split(first.metadata, n)) {
        file.version_ = first.version;
        file.metadata_ = std::move(first.metadata);
        file.tensors_ = std::move(first.tensors);
        file.parts_.push_back(std::move(asked));
        file.by_name_ = sorted_by_name(file.tensors_);
        return file;
    }
    std::vector<Metadata> all;
    for (std::int64_t i = 1; i <= n->count; ++i) {
        const Path part = part_path(*n, i);
        try {
            MappedFile mapped(part);
            Index index = read_index(mapped.bytes());
            check_part(index.metadata, i, n->count);
            for (TensorInfo& t : index.tensors) {
                t.split = static_cast<int>(i - 1);
                file.tensors_.push_back(std::move(t));
            }
            if (i == 1) file.version_ = index.version;
            all.push_back(std::move(index.metadata));
            file.parts_.push_back(std::move(mapped));
        } catch (Error& e) {
            e.during("part {} of {}, {}", i, n->count, part.filename().string());
            throw;
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i)
        check_total(all[i], file.tensors_.size(), fmt::format(" of part {}", i + 1));
    file.metadata_ = std::move(all.front());
    file.by_name_ = sorted_by_name(file.tensors_);
    return file;
} catch (Error& e) {
    e.during("opening {}", path.string());
    throw;
}

File File::parse(std::span<const std::byte> bytes) {
    Index index = read_index(bytes);
    is_split(index.metadata, std::nullopt);
    File file;
    file.version_ = index.version;
    file.metadata_ = std::move(index.metadata);
    file.tensors_ = std::move(index.tensors);
    file.by_name_ = sorted_by_name(file.tensors_);
    return file;
}

const TensorInfo* File::find(std::string_view name) const {
    const auto it =
        std::lower_bound(by_name_.begin(), by_name_.end(), name,
                         [&](std::uint32_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
    return it != by_name_.end() && tensors_[*it].name == name ? &tensors_[*it] : nullptr;
}

std::uint64_t File::file_bytes() const {
    std::uint64_t n = 0;
    for (const MappedFile& p : parts_) n += p.bytes().size();
    return n;
}

void File::check_intact() const {
    for (const MappedFile& p : parts_) p.check_intact();
}

}  // namespace quern::gguf
