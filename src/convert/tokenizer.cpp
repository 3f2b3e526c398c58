#include "convert/tokenizer.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "convert/fields.h"
#include "format/shown.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::convert {
namespace {

using text::TokenType;

constexpr std::size_t max_file_bytes = 256 << 20;
constexpr float added_score = -1000, unused_score = -10000;  // what llama.cpp's converter writes

bool is_there(const Path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
}

// A JSON file of the directory; an empty object when it is not there.
Json read_optional(const Path& directory, const char* name) {
    if (!is_there(directory / name)) return Json::object();
    return parse_fields(read_text(directory / name, max_file_bytes), name);
}

// Marks of structure that some models forget to call special.
bool looks_special(std::string_view text) {
    const auto between = [&](std::string_view a, std::string_view b) {
        return text.size() > a.size() + b.size() && text.starts_with(a) && text.ends_with(b);
    };
    return between("<|", "|>") || between("<｜", "｜>") || between("<unused", ">") || text == "<pad>" ||
           text == "<mask>" || text == "<2mass>" || text == "[@BOS@]";
}

class Assembler {
public:
    Assembler(const Path& directory, const ModelConfig& config, gguf::Metadata& meta, std::vector<std::string>& notes)
        : directory_(directory),
          config_(config),
          meta_(meta),
          notes_(notes),
          options_json_(read_optional(directory, "tokenizer_config.json")),
          generation_json_(read_optional(directory, "generation_config.json")),
          options_(options_json_, "tokenizer_config.json"),
          generation_(generation_json_, "generation_config.json") {}

    void run() {
        if (!read_vocabulary()) {
            notes_.emplace_back(
                "The directory has neither tokenizer.json nor tokenizer.model; the result has no tokenizer and can "
                "be run on token ids only.");
            return;
        }
        add_tokens();
        table_.grow(static_cast<std::size_t>(config_.vocab));
        for (std::size_t i = 0; i < table_.texts.size(); ++i) ids_.emplace(table_.texts[i], i);
        write_table();
        write_special();
        write_edges();
        write_chat_template();
        finish();
    }

private:
    // tokenizer.json, or tokenizer.model where that is there and the other its translation; else tekken.json.
    bool read_vocabulary() {
        const Path json = directory_ / "tokenizer.json", model = directory_ / "tokenizer.model",
                   tekken = directory_ / "tekken.json";
        if (is_there(json)) {
            auto table =
                read_tokenizer_json(read_text(json, max_file_bytes), config_.vocab, is_there(model), added_, notes_);
            if (table) {
                table_ = std::move(*table);
                return true;
            }
        }
        if (is_there(model))
            table_ = read_sentencepiece(read_text(model, max_file_bytes), config_.vocab);
        else if (is_there(tekken))
            table_ = read_tekken(read_text(tekken, max_file_bytes), config_.vocab, added_, notes_);
        else
            return false;
        return true;
    }

    // Tokens that tokenizer_config.json or the older added_tokens.json add to those of the tokenizer's own file.
    void collect_added() {
        std::set<std::int64_t> have;
        for (const AddedToken& t : added_) have.insert(t.id);
        const auto add = [&](const std::string& key, std::int64_t id, const std::string& text, bool special,
                             text::AddedFlags flags) {
            if (id < 0) throw Error(Code::bad_file, "added token {}: its id is {}", shown(key), id);
            if (have.insert(id).second) added_.push_back({id, text, special, flags});
        };
        if (const Json* decoder = options_.find("added_tokens_decoder"); decoder && decoder->is_object())
            for (const auto& [key, value] : decoder->items()) {
                std::int64_t id = -1;
                const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
                Fields t(value, fmt::format("tokenizer_config.json: added_tokens_decoder: {}", shown(key)));
                const auto content = t.string("content");
                if (error != std::errc() || end != key.data() + key.size() || !content)
                    throw Error(Code::bad_file, "{}: expected an id with a content", t.where());
                const auto is = [&](const char* name) { return t.boolean(name).value_or(false); };
                add(key, id, *content, is("special"),
                    {is("lstrip"), is("rstrip"), is("single_word"), is("normalized")});
            }
        const Json legacy_json = read_optional(directory_, "added_tokens.json");
        if (!legacy_json.is_object()) throw Error(Code::bad_file, "added_tokens.json: it holds no object");
        for (const auto& [text, id] : legacy_json.items()) {
            if (!id.is_number_unsigned() || id.get<std::uint64_t>() > INT32_MAX)
                throw Error(Code::bad_file, "added_tokens.json: the token {} has no id from 0 on", shown(text));
            add(text, id.get<std::int64_t>(), text, false, {});
        }
    }

    void add_tokens() {
        collect_added();
        std::ranges::sort(added_, {}, &AddedToken::id);
        std::size_t beyond = 0;
        for (const AddedToken& t : added_) {
            if (t.id >= config_.vocab) {
                ++beyond;
                continue;
            }
            const auto at = static_cast<std::size_t>(t.id);
            table_.grow(at + 1);
            TokenType& type = table_.types[at];
            const bool own_kind = type == TokenType::unknown || type == TokenType::byte;
            if (!own_kind) type = t.special || looks_special(t.text) ? TokenType::control : TokenType::user_defined;
            table_.texts[at] = t.text;
            if (!table_.scores.empty() && !own_kind) table_.scores[at] = added_score;
        }
        collect_flags();
        if (beyond)
            notes_.push_back(fmt::format("{} added tokens have ids beyond the model's {} (vocab_size); left out.",
                                         beyond, config_.vocab));
    }

    // Of the tokens that are in the table. `normalized` says something only where there is a normaliser.
    void collect_flags() {
        for (const AddedToken& t : added_) {
            text::AddedFlags f = t.flags;
            f.normalized = f.normalized && !table_.steps.empty();
            if (t.id < config_.vocab && f.bits() != 0)
                flags_.insert(flags_.end(), {static_cast<std::int32_t>(t.id), std::int32_t{f.bits()}});
        }
    }

    // A key of its own only for what the pre-tokenizer's family and GGUF's keys do not say.
    void write_normalizer() {
        const std::vector<text::NormalizerStep> nfc = {{text::NormalizerStep::Kind::nfc, {}, {}}};
        if (table_.lowercase) meta_.set("tokenizer.ggml.normalizer.lowercase", *table_.lowercase);
        if (table_.strip_accents) meta_.set("tokenizer.ggml.normalizer.strip_accents", *table_.strip_accents);
        if (!table_.charsmap.empty())
            meta_.set_array("tokenizer.ggml.precompiled_charsmap",
                            std::vector<std::uint8_t>(table_.charsmap.begin(), table_.charsmap.end()));
        if (table_.model == "gpt2" && (table_.steps.empty() || table_.steps == nfc))
            meta_.set("tokenizer.ggml.normalizer.nfc", !table_.steps.empty());
        else if (!table_.steps.empty())
            meta_.set_array("quern.tokenizer.normalizer", text::Normalizer::write(table_.steps));
        if (!flags_.empty()) meta_.set_array("quern.tokenizer.added_tokens", flags_);
        if (!flags_.empty() || meta_.has("quern.tokenizer.normalizer"))
            notes_.emplace_back(
                "The tokenizer normalises text or matches added tokens in a way that GGUF has no key for; it is "
                "written "
                "under quern.tokenizer.*, and other programs will leave it out.");
    }

    void write_table() {
        meta_.set("tokenizer.ggml.model", table_.model);
        meta_.set("tokenizer.ggml.pre", table_.pre);
        meta_.set_array("tokenizer.ggml.tokens", table_.texts);
        if (scored()) meta_.set_array("tokenizer.ggml.scores", table_.scores);
        std::vector<std::int32_t> types;
        for (const TokenType t : table_.types) types.push_back(static_cast<std::int32_t>(t));
        meta_.set_array("tokenizer.ggml.token_type", std::move(types));
        if (table_.model == "gpt2" || table_.model == "gemma4") meta_.set_array("tokenizer.ggml.merges", table_.merges);
        write_normalizer();
    }

    bool scored() const { return table_.model == "llama" || table_.model == "t5"; }

    // A token that tokenizer_config.json names by its text, as a string or as an object with a content.
    std::optional<std::int64_t> named(std::string_view key) {
        const Json* v = options_.find(key);
        if (!v) return std::nullopt;
        std::optional<std::string> text;
        if (v->is_object())
            text = Fields(*v, fmt::format("tokenizer_config.json: {}", key)).string("content");
        else
            text = options_.string(key);
        if (!text) return std::nullopt;
        const auto it = ids_.find(*text);
        if (it != ids_.end()) return static_cast<std::int64_t>(it->second);
        notes_.push_back(
            fmt::format("tokenizer_config.json: {} is {}, which is no token; ignored.", key, shown(*text)));
        return std::nullopt;
    }

    bool inside(std::string_view what, std::int64_t id) {
        if (id < config_.vocab) return true;
        notes_.push_back(fmt::format("{} is {}, beyond the model's {} tokens; ignored.", what, id, config_.vocab));
        return false;
    }

    void write_id(std::string_view key, std::optional<std::int64_t> first, std::optional<std::int64_t> second) {
        const std::optional<std::int64_t> id = first ? first : second;
        if (!id || !inside(key, *id)) return;
        meta_.set(fmt::format("tokenizer.ggml.{}", key), static_cast<std::uint32_t>(*id));
    }

    void write_special() {
        const bool bert = table_.model == "bert";
        std::optional<std::int64_t> bos = named(bert ? "cls_token" : "bos_token");
        if (!bos && table_.bos_text)
            if (const auto it = ids_.find(*table_.bos_text); it != ids_.end()) bos = std::int64_t(it->second);
        const std::vector<std::int64_t> generation_eos = read_eos(generation_);
        ends_ = config_.eos;
        ends_.insert(ends_.end(), generation_eos.begin(), generation_eos.end());
        std::optional<std::int64_t> eos = named(bert ? "sep_token" : "eos_token");
        if (!eos && !ends_.empty()) eos = ends_.front();
        std::optional<std::int64_t> unknown = named("unk_token");
        const auto own_unknown = std::ranges::find(table_.types, TokenType::unknown);
        if (!unknown && own_unknown != table_.types.end()) unknown = own_unknown - table_.types.begin();
        write_id("bos_token_id", bos, config_.bos);
        write_id("eos_token_id", eos, {});
        write_id("unknown_token_id", unknown, {});
        write_id("padding_token_id", named("pad_token"), config_.pad);
        if (!bert) return;
        write_id("cls_token_id", bos, {});
        write_id("seperator_token_id", eos, {});  // spelled so in GGUF
        write_id("mask_token_id", named("mask_token"), {});
    }

    void write_edges() {
        const bool bert = table_.model == "bert", pieces = scored() || table_.model == "gemma4";
        const auto said_bos = options_.boolean("add_bos_token"), said_eos = options_.boolean("add_eos_token");
        // The classes for SentencePiece put a begin token before a text unless told otherwise.
        const bool bos = said_bos ? *said_bos : table_.add_bos.value_or(table_.model == "llama" || bert);
        const bool eos = said_eos ? *said_eos : table_.add_eos.value_or(table_.model == "t5" || bert);
        if (bos && !meta_.has("tokenizer.ggml.bos_token_id"))
            throw Error(Code::bad_file,
                        "the tokenizer puts a begin token before every text (add_bos_token), but no file says which; "
                        "write bos_token into tokenizer_config.json");
        meta_.set("tokenizer.ggml.add_bos_token", bos);
        meta_.set("tokenizer.ggml.add_eos_token", eos && meta_.has("tokenizer.ggml.eos_token_id"));
        if (!pieces) return;
        const auto prefix = options_.boolean("add_prefix_space");
        meta_.set("tokenizer.ggml.add_space_prefix", prefix ? *prefix : table_.add_space_prefix.value_or(true));
        if (table_.remove_extra_whitespaces.value_or(false)) meta_.set("tokenizer.ggml.remove_extra_whitespaces", true);
    }

    std::optional<std::string> chat_template() {
        const Json* v = options_.find("chat_template");
        if (v && v->is_string()) return v->get<std::string>();
        if (v && v->is_array()) {
            std::optional<std::string> found;
            for (const Json& entry : *v) {
                Fields e(entry, "tokenizer_config.json: chat_template");
                const auto name = e.string("name");
                if (name == "default")
                    found = e.string("template");
                else if (name == "tool_use")
                    tool_use_template_ = e.string("template");
                else
                    notes_.push_back("The chat template '" + name.value_or("") + "' is not converted.");
            }
            if (found) return found;
            notes_.emplace_back("The model has several chat templates, none of them the default; none is converted.");
            return std::nullopt;
        }
        if (is_there(directory_ / "chat_template.jinja"))
            return read_text(directory_ / "chat_template.jinja", max_file_bytes);
        const Json json = read_optional(directory_, "chat_template.json");
        return Fields(json, "chat_template.json").string("chat_template");
    }

    void write_chat_template() {
        if (const auto text = chat_template()) meta_.set("tokenizer.chat_template", *text);
        if (tool_use_template_) meta_.set("tokenizer.chat_template.tool_use", *tool_use_template_);
    }

    // What the reader of the file will make of it: must work, and must know all tokens that end an answer. Ends that
    // it would not know by their text get the two keys there are for more of them.
    void finish() {
        const auto tokenizer = text::Tokenizer::from_gguf(meta_);
        std::vector<const char*> keys{"tokenizer.ggml.eom_token_id", "tokenizer.ggml.eot_token_id"};
        std::set<std::int64_t> done;
        for (const std::int64_t id : ends_) {
            if (!done.insert(id).second || !inside("eos_token_id", id)) continue;
            if (tokenizer->is_end_of_generation(static_cast<std::int32_t>(id))) continue;
            if (keys.empty()) {
                notes_.push_back(fmt::format("Token {} ends an answer too, but GGUF has no key left to say so.", id));
                continue;
            }
            meta_.set(keys.back(), static_cast<std::uint32_t>(id));
            keys.pop_back();
        }
    }

    const Path& directory_;
    const ModelConfig& config_;
    gguf::Metadata& meta_;
    std::vector<std::string>& notes_;
    std::optional<std::string> tool_use_template_;
    Json options_json_, generation_json_;
    Fields options_, generation_;
    TokenTable table_;
    std::vector<AddedToken> added_;
    std::unordered_map<std::string_view, std::size_t> ids_;  // views into table_
    std::vector<std::int32_t> flags_;                        // pairs, as the key has them
    std::vector<std::int64_t> ends_;                         // tokens that end an answer, the main one first
};

}  // namespace

void TokenTable::grow(std::size_t count) {
    for (std::size_t i = texts.size(); i < count; ++i) {
        texts.push_back(fmt::format("[PAD{}]", i));
        types.push_back(TokenType::unused);
        if (model == "llama" || model == "t5") scores.push_back(unused_score);
    }
}

void read_tokenizer(const Path& directory, const ModelConfig& config, gguf::Metadata& meta,
                    std::vector<std::string>& notes) {
    Assembler(directory, config, meta, notes).run();
}

}  // namespace quern::convert
