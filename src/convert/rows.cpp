#include "convert/rows.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked.h"
#include "base/error.h"
#include "tensor/quant/codec.h"

namespace quern::convert {
namespace {

using models::Transform;

constexpr std::int64_t chunk_bytes = 4 << 20;  // of floats: enough to share out, little beside any model

bool permutes(const Tensor& t) { return t.transform == Transform::permute_q || t.transform == Transform::permute_k; }

class Encoder {
public:
    Encoder(const Tensor& tensor, DType type, int workers)
        : tensor_(tensor),
          type_(type),
          row_size_(tensor.row_size()),
          rows_(tensor.rows()),
          rows_per_piece_(rows_ / std::ssize(tensor.pieces)),
          in_bytes_(row_bytes(tensor.source, row_size_)),
          out_bytes_(row_bytes(type, row_size_)),
          copies_(tensor.source == type && tensor.transform != Transform::add_one),
          decode_(codec(tensor.source).decode),
          encode_(codec(type).encode) {
        if (copies_) return;
        if (!decode_)
            throw Error(Code::unsupported, "tensor {}: this build cannot read its format, {}", tensor.name,
                        info(tensor.source).name);
        if (!encode_)
            throw Error(Code::unsupported, "tensor {}: this build cannot write the format {}", tensor.name,
                        info(type).name);
        scratch_.resize(static_cast<std::size_t>(workers), std::vector<float>(static_cast<std::size_t>(row_size_)));
    }

    std::int64_t rows() const { return rows_; }
    std::int64_t rows_per_chunk() const {
        return std::clamp<std::int64_t>(chunk_bytes / (row_size_ * std::int64_t(sizeof(float))), 1, rows_);
    }
    std::int64_t out_bytes() const { return out_bytes_; }

    // Encodes rows [begin, end) of the chunk that starts at row `first` to their place in `out`.
    void encode(std::int64_t first, std::int64_t begin, std::int64_t end, int worker, std::byte* out) noexcept {
        for (std::int64_t i = begin; i < end; ++i) encode_row(source_row(first + i), worker, out + i * out_bytes_);
    }

private:
    // GGUF's llama has the two halves of each head's rows interleaved: row 2i is row i of the checkpoint, row 2i + 1
    // is row i + d/2.
    std::int64_t source_row(std::int64_t row) const {
        if (!permutes(tensor_)) return row;
        const std::int64_t d = rows_ / tensor_.heads, head = row / d, within = row % d;
        return head * d + within / 2 + (within % 2) * (d / 2);
    }

    void encode_row(std::int64_t row, int worker, std::byte* out) noexcept {
        const auto piece = static_cast<std::size_t>(row / rows_per_piece_);
        const std::byte* in = tensor_.pieces[piece].data() + (row % rows_per_piece_) * in_bytes_;
        if (copies_) {
            std::memcpy(out, in, static_cast<std::size_t>(in_bytes_));
            return;
        }
        float* floats = scratch_[static_cast<std::size_t>(worker)].data();
        decode_(in, floats, row_size_ / info(tensor_.source).block);
        if (tensor_.transform == Transform::add_one)
            for (std::int64_t i = 0; i < row_size_; ++i) floats[i] += 1.0f;
        encode_(floats, out, row_size_ / info(type_).block);
    }

    const Tensor& tensor_;
    DType type_;
    std::int64_t row_size_, rows_, rows_per_piece_, in_bytes_, out_bytes_;
    bool copies_;
    Decode decode_;
    Encode encode_;
    std::vector<std::vector<float>> scratch_;  // a row for each worker
};

struct Chunk {
    Encoder* encoder;
    std::int64_t first;
    std::byte* out;
};

}  // namespace

std::int64_t Tensor::row_size() const { return dims.size() == 1 && permutes(*this) ? 1 : dims.back(); }

std::int64_t Tensor::rows() const {
    std::int64_t n = 1;
    for (const std::int64_t d : dims) n = checked_mul(n, d, name);
    return n / row_size();
}

std::uint64_t tensor_bytes(const Tensor& tensor, DType type) {
    const std::int64_t row = row_bytes(type, tensor.row_size());
    return static_cast<std::uint64_t>(checked_mul(tensor.rows(), row, tensor.name));
}

void encode_tensor(const Tensor& tensor, DType type, ThreadPool* threads,
                   const std::function<void(std::span<const std::byte>)>& sink) {
    Encoder encoder(tensor, type, threads ? threads->size() : 1);
    const std::int64_t step = encoder.rows_per_chunk();
    std::vector<std::byte> out(static_cast<std::size_t>(step * encoder.out_bytes()));
    for (std::int64_t first = 0; first < encoder.rows(); first += step) {
        const std::int64_t count = std::min(step, encoder.rows() - first);
        Chunk chunk{&encoder, first, out.data()};
        if (threads) {
            constexpr std::int64_t grain = 8;
            threads->run(
                count, grain,
                [](void* context, std::int64_t begin, std::int64_t end, int worker) noexcept {
                    const auto& c = *static_cast<const Chunk*>(context);
                    c.encoder->encode(c.first, begin, end, worker, c.out);
                },
                &chunk);
        } else {
            encoder.encode(first, 0, count, 0, out.data());
        }
        sink(std::span(out).first(static_cast<std::size_t>(count * encoder.out_bytes())));
    }
}

std::vector<float> decode_all(const Tensor& tensor) {
    std::vector<float> out;
    encode_tensor(tensor, DType::f32, nullptr, [&](std::span<const std::byte> bytes) {
        const std::size_t old = out.size();
        out.resize(old + bytes.size() / sizeof(float));
        std::memcpy(out.data() + old, bytes.data(), bytes.size());
    });
    return out;
}

}  // namespace quern::convert
