#include "parity/case.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "base/error.h"
#include "base/json.h"
#include "parity/hash_weights.h"

namespace quern::parity {

namespace {

// The elements of one entry of a safetensors file: a reader of our own, so that the goldens do not depend on what is
// under test. Files are small and ours.
template <class T>
std::vector<T> entry(std::span<const std::byte> file, const Json& header, std::size_t data, const char* name,
                     const char* dtype) {
    const Json& e = header.at(name);
    const auto begin = e.at("data_offsets").at(0).get<std::size_t>(),
               end = e.at("data_offsets").at(1).get<std::size_t>();
    if (e.at("dtype") != dtype || begin > end || end > file.size() - data || (end - begin) % sizeof(T) != 0) {
        throw Error(Code::bad_file, "{} is {} at {}..{}, expected {}", name, e.at("dtype").dump(), begin, end, dtype);
    }
    std::vector<T> out((end - begin) / sizeof(T));
    std::memcpy(out.data(), file.data() + data + begin, end - begin);
    return out;
}

Json read_json(const Path& path) { return parse_json(read_text(path), path.filename().string()); }

Json made_up_tokenizer(std::uint32_t vocab) {
    static constexpr const char* split =
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
    Json tokens = Json::object();
    for (std::uint32_t i = 0; i < vocab; ++i) tokens["token" + std::to_string(i)] = i;
    const Json byte_level = {
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
    const Json splitter = {
        {"type", "Split"}, {"pattern", {{"Regex", split}}}, {"behavior", "Isolated"}, {"invert", false}};
    return {{"version", "1.0"},
            {"added_tokens", Json::array()},
            {"normalizer", nullptr},
            {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({splitter, byte_level})}}},
            {"post_processor", nullptr},
            {"decoder", byte_level},
            {"model", {{"type", "BPE"}, {"vocab", tokens}, {"merges", Json::array()}}}};
}

}  // namespace

void read_golden(const Path& path, Case& c) {
    const MappedFile mapped(path);
    const auto file = mapped.bytes();
    std::uint64_t size = 0;
    if (file.size() < sizeof size) throw Error(Code::bad_file, "reading {}: {} bytes", path.string(), file.size());
    std::memcpy(&size, file.data(), sizeof size);
    if (size > file.size() - sizeof size) throw Error(Code::bad_file, "reading {}: header of {}", path.string(), size);
    const std::string text(reinterpret_cast<const char*>(file.data()) + sizeof size, size);
    const Json header = parse_json(text, path.string());
    c.ids = entry<std::int32_t>(file, header, sizeof size + size, "ids", "I32");
    c.logits = entry<float>(file, header, sizeof size + size, "logits", "F32");
    c.vocab = header.at("logits").at("shape").at(1).get<std::uint32_t>();
    if (c.ids.empty() || c.logits.size() != c.ids.size() * c.vocab) {
        throw Error(Code::bad_file, "reading {}: {} ids but {} logits", path.string(), c.ids.size(), c.logits.size());
    }
}

std::vector<Case> read_cases(const Path& directory) {
    std::vector<Case> out;
    const Json index = read_json(directory / "index.json");
    for (const Json& e : index.at("cases")) {
        Case c;
        c.name = e.at("name").get<std::string>();
        c.architecture = e.at("architecture").get<std::string>();
        c.note = e.at("note").get<std::string>();
        c.context = e.at("context").get<std::uint32_t>();
        c.rope_flip_difference = e.at("rope_flip_difference").get<double>();
        read_golden(directory / c.name / "golden.safetensors", c);
        out.push_back(std::move(c));
    }
    if (out.empty()) throw Error(Code::bad_file, "reading {}: no cases", (directory / "index.json").string());
    return out;
}

std::map<std::string, Tensor> make_weights(const Path& tensors_json) {
    const Json list = read_json(tensors_json);
    const auto seed = list.at("seed").get<std::uint64_t>();
    std::map<std::string, Tensor> out;
    for (const Json& e : list.at("tensors")) {
        const auto name = e.at("name").get<std::string>();
        Tensor& t = out[name];
        t.shape = e.at("shape").get<std::vector<std::uint64_t>>();
        std::size_t count = 1;
        for (const std::uint64_t n : t.shape) count *= n;
        // The decimals are exact for float32, so reading them as double and narrowing gives the same float32.
        t.values = weight_values(name, seed, count, static_cast<float>(e.at("offset").get<double>()),
                                 static_cast<float>(e.at("scale").get<double>()));
    }
    return out;
}

void write_safetensors(const Path& file, const std::map<std::string, Tensor>& tensors) {
    Json header = {{"__metadata__", {{"format", "pt"}}}};
    std::size_t offset = 0;
    for (const auto& [name, t] : tensors) {
        const std::size_t bytes = t.values.size() * sizeof(float);
        header[name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {offset, offset + bytes}}};
        offset += bytes;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t size = text.size();
    AtomicFile out(file);
    out.write(std::as_bytes(std::span(&size, 1)));
    out.write(text);
    for (const auto& [name, t] : tensors) out.write(std::as_bytes(std::span(t.values)));
    out.commit();
}

void write_hf_directory(const Path& case_directory, std::uint32_t vocab, const Path& target) {
    std::filesystem::create_directories(target);
    write_file(target / "config.json", read_text(case_directory / "config.json"));
    write_safetensors(target / "model.safetensors", make_weights(case_directory / "tensors.json"));
    write_file(target / "tokenizer.json", made_up_tokenizer(vocab).dump());
    const Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"add_bos_token", false}};
    write_file(target / "tokenizer_config.json", config.dump());
}

}  // namespace quern::parity
