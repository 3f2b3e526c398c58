// tokenizer.model: SentencePiece's ModelProto, a protocol buffer, read as far as GGUF needs it. The wire format: a
// message is a run of fields, each a varint (number << 3 | wire type) and a value; unknown fields are skipped by their
// wire type. Sources: sentencepiece_model.proto and the protocol buffers encoding guide.
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "convert/tokenizer.h"
#include "format/shown.h"
#include "text/utf8.h"

namespace quern::convert {
namespace {

struct Field {
    std::uint64_t number = 0;
    enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 } wire = Wire::varint;
    std::uint64_t value = 0;  // varint, fixed
    std::string_view bytes;
};

// The fields of one message, one after the other. Nothing is read beyond its bytes.
class Message {
public:
    Message(std::string_view bytes, std::string_view what) : rest_(bytes), what_(what) {}

    bool next(Field& field) {
        if (rest_.empty()) return false;
        const std::uint64_t tag = varint();
        field.number = tag >> 3;
        field.wire = static_cast<Field::Wire>(tag & 7);
        field.bytes = {};
        switch (field.wire) {
            case Field::Wire::varint:
                field.value = varint();
                break;
            case Field::Wire::fixed64:
                field.value = fixed<std::uint64_t>();
                break;
            case Field::Wire::fixed32:
                field.value = fixed<std::uint32_t>();
                break;
            case Field::Wire::bytes:
                field.bytes = take(varint());
                break;
            default:
                broken(fmt::format("a field has the wire type {}", tag & 7));
        }
        return true;
    }

    [[noreturn]] void broken(std::string_view how) const {
        throw Error(Code::bad_file, "tokenizer.model: {} in {}; it is not a SentencePiece model, or damaged", how,
                    what_);
    }

private:
    std::uint64_t varint() {
        std::uint64_t v = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(take(1)[0]);
            v |= std::uint64_t(byte & 0x7f) << shift;
            if (byte < 0x80) return v;
        }
        broken("a number has more than 64 bits");
    }

    template <class T>
    T fixed() {
        T v;
        std::memcpy(&v, take(sizeof v).data(), sizeof v);
        return v;
    }

    std::string_view take(std::uint64_t n) {
        if (n > rest_.size()) broken("a field goes beyond the end");
        const std::string_view out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return out;
    }

    std::string_view rest_, what_;
};

void read_piece(std::string_view bytes, std::int64_t limit, TokenTable& out) {
    const std::string what = fmt::format("piece {}", out.texts.size());
    if (std::ssize(out.texts) >= limit)
        throw Error(Code::bad_file, "tokenizer.model: it has more pieces than the model has tokens (vocab_size {})",
                    limit);
    Message message(bytes, what);
    std::string text;
    float score = 0;
    std::uint64_t type = 1;
    for (Field f; message.next(f);) {
        if (f.number == 1 && f.wire == Field::Wire::bytes) text = f.bytes;
        if (f.number == 2 && f.wire == Field::Wire::fixed32)
            score = std::bit_cast<float>(static_cast<std::uint32_t>(f.value));
        if (f.number == 3 && f.wire == Field::Wire::varint) type = f.value;
    }
    // SentencePiece's types have the numbers of GGUF's.
    if (type < 1 || type > 6) message.broken(fmt::format("the type {}", type));
    if (!std::isfinite(score)) message.broken("a score that is no number");
    out.texts.push_back(std::move(text));
    out.scores.push_back(score);
    out.types.push_back(static_cast<text::TokenType>(type));
}

// The model that its kind is in GGUF.
std::string read_trainer(std::string_view bytes) {
    Message message(bytes, "its trainer_spec");
    std::uint64_t kind = 1;
    bool suffix = false;
    for (Field f; message.next(f);) {
        if (f.number == 3 && f.wire == Field::Wire::varint) kind = f.value;
        if (f.number == 24 && f.wire == Field::Wire::varint) suffix = f.value != 0;
    }
    constexpr const char* names[] = {"", "unigram", "bpe", "word", "char"};
    constexpr std::uint64_t unigram = 1, bpe = 2;
    if (kind != bpe && kind != unigram)
        throw Error(Code::unsupported, "tokenizer.model: its model_type is {}; this build knows unigram and bpe",
                    kind >= 1 && kind <= 4 ? names[kind] : std::to_string(kind));
    if (suffix)
        throw Error(Code::unsupported,
                    "tokenizer.model: white space belongs to the word before it (treat_whitespace_as_suffix), which "
                    "this build does not know");
    return kind == bpe ? "llama" : "t5";
}

void read_normalizer(std::string_view bytes, TokenTable& out) {
    Message message(bytes, "its normalizer_spec");
    out.add_space_prefix = out.remove_extra_whitespaces = true;  // the format's defaults
    bool escapes = true;
    for (Field f; message.next(f);) {
        if (f.number == 2 && f.wire == Field::Wire::bytes) out.charsmap = f.bytes;
        if (f.number == 3 && f.wire == Field::Wire::varint) out.add_space_prefix = f.value != 0;
        if (f.number == 4 && f.wire == Field::Wire::varint) out.remove_extra_whitespaces = f.value != 0;
        if (f.number == 5 && f.wire == Field::Wire::varint) escapes = f.value != 0;
    }
    if (!escapes)
        throw Error(Code::unsupported, "tokenizer.model: spaces are not written as U+2581, which this build expects");
}

}  // namespace

TokenTable read_sentencepiece(std::string_view bytes, std::int64_t limit) {
    TokenTable out;
    out.model = "llama";
    out.pre = "default";
    bool trained = false;
    Message message(bytes, "the file");
    for (Field f; message.next(f);) {
        if (f.wire != Field::Wire::bytes) continue;
        if (f.number == 1) read_piece(f.bytes, limit, out);
        if (f.number == 2) out.model = read_trainer(f.bytes);
        if (f.number == 3) read_normalizer(f.bytes, out);
        trained = trained || f.number == 2;
    }
    if (out.texts.empty() || !trained) message.broken(out.texts.empty() ? "no piece" : "no trainer_spec");
    return out;
}

}  // namespace quern::convert
