#include "tensor/view.h"

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace quern {

View dense_view(void* data, DType dtype, const std::int64_t* dims, int rank) {
    CHECK(rank >= 1 && rank <= max_rank);
    View v;
    v.data = static_cast<std::byte*>(data);
    v.dtype = dtype;
    v.rank = rank;
    for (int i = 0; i < rank; ++i) v.dim[std::size_t(i)] = dims[i];
    v.stride[std::size_t(rank - 1)] = 0;
    std::int64_t bytes = row_bytes(dtype, dims[rank - 1]);
    for (int i = rank - 2; i >= 0; --i) {
        v.stride[std::size_t(i)] = bytes;
        bytes *= dims[i];
    }
    return v;
}

View dense_view(void* data, DType dtype, std::initializer_list<std::int64_t> dims) {
    return dense_view(data, dtype, dims.begin(), static_cast<int>(dims.size()));
}

std::string to_string(const View& v) {
    std::string s = "[";
    for (int i = 0; i < v.rank; ++i) s += (i ? ", " : "") + std::to_string(v.dim[std::size_t(i)]);
    return s + "]";
}

Buffer::Buffer(std::size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    const std::size_t rounded = (bytes + buffer_alignment - 1) / buffer_alignment * buffer_alignment;
    void* p = rounded < bytes ? nullptr : std::aligned_alloc(buffer_alignment, rounded);
    if (!p) throw Error(Code::no_memory, "allocating {} bytes: the system has no such block of memory left", bytes);
    std::memset(p, 0, rounded);
    data_.reset(static_cast<std::byte*>(p));
}

void Buffer::Free::operator()(std::byte* p) const noexcept { std::free(p); }

}  // namespace quern
