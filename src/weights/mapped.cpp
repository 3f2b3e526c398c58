#include "weights/mapped.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/checked.h"
#include "base/error.h"

namespace quern {

namespace {

constexpr std::size_t chunk = std::size_t(16) << 20;  // between two calls of the progress callback
constexpr std::size_t ahead = 4 * chunk;              // asked of the system before it is waited for

// The whole system pages that hold these bytes.
struct PageRange {
    void* start;
    std::size_t size;
};
PageRange pages_of(std::span<const std::byte> bytes) {
    static const std::size_t page = std::size_t(sysconf(_SC_PAGESIZE));
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    const std::size_t before = address % page;
    return {const_cast<std::byte*>(bytes.data() - before), bytes.size() + before};
}

// 0, or what the system says.
int read_in(std::span<const std::byte> bytes) {
#ifdef MADV_POPULATE_READ
    // Reports a file that has become shorter, where touching would end the process.
    const PageRange r = pages_of(bytes);
    if (madvise(r.start, r.size, MADV_POPULATE_READ) == 0) return 0;
    if (errno != EINVAL) return errno;  // EINVAL: a system older than Linux 5.14
#endif
    const auto touch = [](const std::byte& b) { (void)*static_cast<const volatile std::byte*>(&b); };
    for (std::size_t i = 0; i < bytes.size(); i += 4096) touch(bytes[i]);
    if (!bytes.empty()) touch(bytes.back());
    return 0;
}

}  // namespace

MappedWeights::MappedWeights(std::shared_ptr<const gguf::File> file) : file_(std::move(file)) {
    CHECK(file_);
    for (const gguf::TensorInfo& t : file_->tensors())
        bytes_ = checked_add(bytes_, std::int64_t(t.bytes.size()), "bytes of all weights");
}

MappedWeights::MappedWeights(gguf::File&& file) : MappedWeights(std::make_shared<const gguf::File>(std::move(file))) {}

const gguf::TensorInfo* MappedWeights::at(int id) const noexcept {
    const auto tensors = file_->tensors();
    return id >= 0 && std::size_t(id) < tensors.size() ? &tensors[std::size_t(id)] : nullptr;
}

std::optional<WeightInfo> MappedWeights::find(std::string_view name) const {
    const gguf::TensorInfo* t = file_->find(name);
    if (!t) return std::nullopt;
    return WeightInfo{.id = int(t - file_->tensors().data()), .dtype = t->dtype, .dims = t->dims};
}

View MappedWeights::bind(int id) {
    const gguf::TensorInfo* t = at(id);
    CHECK(t);
    return dense_view(const_cast<std::byte*>(t->bytes.data()), t->dtype, t->dims.data(), int(t->dims.size()));
}

bool MappedWeights::acquire(int id, const std::int32_t* experts, std::int64_t count, const std::byte** slabs) noexcept {
    const gguf::TensorInfo* t = at(id);
    if (!t || t->dims.size() != 3 || t->dims[0] < 1) return false;
    for (std::int64_t i = 0; i < count; ++i)
        if (experts[i] < 0 || experts[i] >= t->dims[0]) return false;
    const std::size_t slab = t->bytes.size() / std::size_t(t->dims[0]);
    for (std::int64_t i = 0; i < count; ++i) slabs[experts[i]] = t->bytes.data() + std::size_t(experts[i]) * slab;
    return true;
}

void MappedWeights::prefetch(const Progress& progress) const {
    std::int64_t done = 0;
    for (const gguf::TensorInfo& t : file_->tensors()) {
        for (std::size_t at = 0; at < t.bytes.size(); at += chunk) {
            const PageRange next = pages_of(t.bytes.subspan(at, std::min(ahead, t.bytes.size() - at)));
            (void)madvise(next.start, next.size, MADV_WILLNEED);  // advice only; trouble shows below
            const auto part = t.bytes.subspan(at, std::min(chunk, t.bytes.size() - at));
            if (const int error = read_in(part))
                throw Error(Code::io,
                            "reading tensor {}, {} bytes at {} of its file: {}; the file may have become shorter since "
                            "it was opened",
                            t.name, part.size(), t.offset + at, std::strerror(error));
            done += std::int64_t(part.size());
            if (progress) progress(done, bytes_);
        }
    }
}

}  // namespace quern
