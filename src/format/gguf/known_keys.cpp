// What well-known keys must hold. Whoever reads them later asks by type anyway; checking here refuses the file as a
// whole, before anything is built from it, and keeps arrays that are indexed by token at one length.
#include <array>
#include <string_view>

#include "base/error.h"
#include "format/gguf/reader.h"
#include "format/shown.h"

namespace quern::gguf {
namespace {

enum class Kind { string, integer, boolean, strings, floats, integers };

struct Known {
    std::string_view key;
    Kind kind;
};

constexpr std::array known{
    Known{"general.architecture", Kind::string},
    Known{"general.name", Kind::string},
    Known{"general.type", Kind::string},
    Known{"general.file_type", Kind::integer},
    Known{"general.quantization_version", Kind::integer},
    Known{"split.no", Kind::integer},
    Known{"split.count", Kind::integer},
    Known{"split.tensors.count", Kind::integer},
    Known{"tokenizer.ggml.model", Kind::string},
    Known{"tokenizer.ggml.pre", Kind::string},
    Known{"tokenizer.ggml.tokens", Kind::strings},
    Known{"tokenizer.ggml.scores", Kind::floats},
    Known{"tokenizer.ggml.token_type", Kind::integers},
    Known{"tokenizer.ggml.merges", Kind::strings},
    Known{"tokenizer.ggml.bos_token_id", Kind::integer},
    Known{"tokenizer.ggml.eos_token_id", Kind::integer},
    Known{"tokenizer.ggml.unknown_token_id", Kind::integer},
    Known{"tokenizer.ggml.padding_token_id", Kind::integer},
    Known{"tokenizer.ggml.add_bos_token", Kind::boolean},
    Known{"tokenizer.ggml.add_eos_token", Kind::boolean},
    Known{"tokenizer.ggml.add_space_prefix", Kind::boolean},
    Known{"tokenizer.chat_template", Kind::string},
};

// The getters throw for another type.
void check(const Metadata& m, const Known& k) {
    switch (k.kind) {
        case Kind::string:
            m.string(k.key);
            break;
        case Kind::integer:
            m.integer(k.key);
            break;
        case Kind::boolean:
            m.boolean(k.key);
            break;
        case Kind::strings:
            m.strings(k.key);
            break;
        case Kind::floats:
            m.floats(k.key);
            break;
        case Kind::integers:
            m.integers(k.key);
            break;
    }
}

}  // namespace

void check_known_keys(const Metadata& metadata) {
    for (const Known& k : known) check(metadata, k);
    const auto tokens = metadata.strings("tokenizer.ggml.tokens");
    for (const std::string_view key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
        const Value* v = metadata.find(key);
        const std::size_t n = tokens ? tokens->size() : 0;
        if (v && std::get<Array>(*v).size() != n)
            throw Error(Code::bad_file,
                        "metadata key {} has {} values for {} tokens in 'tokenizer.ggml.tokens'; convert the model "
                        "again",
                        shown(key), std::get<Array>(*v).size(), n);
    }
}

}  // namespace quern::gguf
