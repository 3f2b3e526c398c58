// A View is somebody else's memory seen as a tensor: pointer, dtype, up to four dims and their strides. It never owns.
// Dims are written outermost first, as in the papers: x[T, heads, head_dim]; the last dim of a quantised view is
// counted in weights and is stored in whole blocks. Buffer owns memory, aligned for every kernel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

#include "base/check.h"
#include "tensor/dtype.h"

namespace quern {

constexpr int max_rank = 4;
constexpr std::size_t buffer_alignment = 64;  // a cache line, and the widest vector there is

struct View {
    std::byte* data = nullptr;  // read-only for inputs, by convention of the op
    DType dtype = DType::f32;
    int rank = 0;
    std::array<std::int64_t, max_rank> dim{};
    // Bytes from one index to the next in each dim; the last dim is always dense and its entry is unused.
    std::array<std::int64_t, max_rank> stride{};

    explicit operator bool() const { return data != nullptr; }
    std::int64_t size() const {
        std::int64_t n = 1;
        for (int i = 0; i < rank; ++i) n *= dim[std::size_t(i)];
        return n;
    }
    std::int64_t rows() const { return dim[0]; }
    std::int64_t last() const { return dim[std::size_t(rank - 1)]; }
    template <class T = float>
    T* row(std::int64_t i) const {
        return reinterpret_cast<T*>(data + i * stride[0]);
    }
    template <class T = float>
    T* row(std::int64_t i, std::int64_t j) const {
        return reinterpret_cast<T*>(data + i * stride[0] + j * stride[1]);
    }
};

// A dense view of `data` with these dims.
View dense_view(void* data, DType dtype, std::initializer_list<std::int64_t> dims);
View dense_view(void* data, DType dtype, const std::int64_t* dims, int rank);

// "[7, 64]"
std::string to_string(const View& v);

// Zeroed memory, aligned to buffer_alignment. Throws Error(no_memory) naming the size.
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(std::size_t bytes);

    std::byte* data() const { return data_.get(); }
    std::size_t size() const { return size_; }

private:
    struct Free {
        void operator()(std::byte* p) const noexcept;
    };
    std::unique_ptr<std::byte, Free> data_;
    std::size_t size_ = 0;
};

}  // namespace quern
