// The models that end-to-end tests run, and what holds for them whatever their weights.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.h"
#include "format/gguf/file.h"
#include "process.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::e2e {

inline const std::string grist = QUERN_SOURCE_DIR "/models/grist/grist.gguf";

inline const text::Tokenizer& grist_tokenizer() {
    static const std::unique_ptr<text::Tokenizer> t = text::Tokenizer::from_gguf(gguf::File::open(grist).metadata());
    return *t;
}

// Options that make every sampled token the one of this text: answers that never end, of known length.
inline Arguments always(const std::string& text) {
    const auto ids = grist_tokenizer().encode(text, text::Specials::as_text);
    return {"--temp", "0", "--logit-bias", std::to_string(ids.at(0)) + "=100000"};
}

// Options that keep the model from ending its answer.
inline Arguments endless() {
    Arguments a;
    for (const std::int32_t id : grist_tokenizer().end_of_generation()) {
        a.push_back("--logit-bias");
        a.push_back(std::to_string(id) + "=-inf");
    }
    return a;
}

inline std::vector<Json> json_lines(const std::string& text) {
    std::vector<Json> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(parse_json(text.substr(at, end - at), "a line of output"));
        at = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
}

}  // namespace quern::e2e
