#include "format/safetensors/header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "format/shown.h"

namespace quern::safetensors {
namespace {

using Sax = nlohmann::json_sax<nlohmann::json>;

// Refuses every kind of value; what a text may hold, its reader allows by overriding.
class Strict : public Sax {
public:
    bool null() override { refuse("null"); }
    bool boolean(bool) override { refuse("a truth value"); }
    bool number_integer(number_integer_t) override { refuse("a negative number"); }
    bool number_unsigned(number_unsigned_t) override { refuse("a number"); }
    bool number_float(number_float_t, const string_t&) override { refuse("a fraction"); }
    bool string(string_t&) override { refuse("a string"); }
    bool binary(binary_t&) override { refuse("binary data"); }
    bool start_object(std::size_t) override { refuse("an object"); }
    bool start_array(std::size_t) override { refuse("an array"); }
    bool key(string_t&) override { refuse("a key"); }
    bool end_object() override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        throw Error(Code::bad_file, "reading {}: it is not JSON from byte {} on", where(), position);
    }

protected:
    virtual std::string where() const = 0;  // completes "reading ..."
    [[noreturn]] void refuse(std::string_view found) const {
        throw Error(Code::bad_file, "reading {}: {} stands where the format has none", where(), found);
    }
};

// {"__metadata__": {string: string}, name: {"dtype": string, "shape": [numbers], "data_offsets": [number, number]}}
class HeaderReader : public Strict {
public:
    Header header;

    bool start_object(std::size_t) override {
        if (depth_ == 2 || field_ != Field::none) refuse("an object");
        if (++depth_ == 2 && !in_metadata_) seen_[0] = seen_[1] = seen_[2] = false;
        return true;
    }

    bool key(string_t& k) override {
        if (depth_ == 1) {
            in_metadata_ = k == "__metadata__";
            if (!in_metadata_) header.tensors.push_back({.name = k, .dtype = {}, .dims = {}, .begin_end = {}});
            if (in_metadata_ && had_metadata_)
                throw Error(Code::bad_file, "reading the header: __metadata__ is there twice");
            had_metadata_ |= in_metadata_;
        } else if (in_metadata_) {
            key_ = k;
        } else {
            field_ = k == "dtype"          ? Field::dtype
                     : k == "shape"        ? Field::shape
                     : k == "data_offsets" ? Field::offsets
                                           : Field::none;
            if (field_ == Field::none)
                throw Error(Code::bad_file, "reading {}: it has a field {}, which the format does not have", where(),
                            shown(k));
            if (std::exchange(seen_[std::size_t(field_)], true))
                throw Error(Code::bad_file, "reading {}: it has {} twice", where(), shown(k));
        }
        return true;
    }

    bool string(string_t& s) override {
        if (depth_ == 2 && in_metadata_) {
            if (!header.metadata.emplace(key_, s).second)
                throw Error(Code::bad_file, "reading the header: __metadata__ has {} twice", shown(key_));
            return true;
        }
        if (field_ != Field::dtype) refuse("a string");
        header.tensors.back().dtype = s;
        field_ = Field::none;
        return true;
    }

    bool start_array(std::size_t) override {
        if (in_array_ || (field_ != Field::shape && field_ != Field::offsets)) refuse("an array");
        in_array_ = true;
        numbers_.clear();
        return true;
    }

    bool number_unsigned(number_unsigned_t n) override {
        if (!in_array_) refuse("a number");
        if (numbers_.size() == max_dims)
            throw Error(Code::bad_file, "reading {}: a list has more than {} numbers", where(), max_dims);
        numbers_.push_back(n);
        return true;
    }

    bool end_array() override {
        HeaderEntry& t = header.tensors.back();
        if (field_ == Field::shape) {
            t.dims = numbers_;
        } else {
            if (numbers_.size() != 2)
                throw Error(Code::bad_file, "reading {}: data_offsets has {} numbers, but must have 2", where(),
                            numbers_.size());
            t.begin_end = {numbers_[0], numbers_[1]};
        }
        in_array_ = false;
        field_ = Field::none;
        return true;
    }

    bool end_object() override {
        if (depth_-- == 2 && !in_metadata_ && !(seen_[0] && seen_[1] && seen_[2]))
            throw Error(Code::bad_file, "reading {}: it lacks dtype, shape or data_offsets", where());
        return true;
    }

private:
    enum class Field : std::size_t { dtype, shape, offsets, none };

    std::string where() const override {
        if (in_metadata_) return "the header's __metadata__";
        if (header.tensors.empty()) return "the header";
        return "tensor " + shown(header.tensors.back().name);
    }

    int depth_ = 0;
    bool in_metadata_ = false, had_metadata_ = false, in_array_ = false;
    bool seen_[3] = {};
    Field field_ = Field::none;
    std::string key_;
    std::vector<std::uint64_t> numbers_;
};

// {"metadata": {anything}, "weight_map": {tensor: file}}; keys beside these are passed over, whatever they hold.
class IndexReader : public Strict {
public:
    std::map<std::string, std::string, std::less<>> files;

    bool start_object(std::size_t) override { return enter("an object"); }
    bool start_array(std::size_t) override { return enter("an array"); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }
    bool null() override { return pass("null"); }
    bool boolean(bool) override { return pass("a truth value"); }
    bool number_integer(number_integer_t) override { return pass("a number"); }
    bool number_unsigned(number_unsigned_t) override { return pass("a number"); }
    bool number_float(number_float_t, const string_t&) override { return pass("a number"); }

    bool key(string_t& k) override {
        if (depth_ == 1) in_map_ = k == "weight_map";
        if (depth_ == 2 && in_map_) name_ = k;
        return true;
    }

    bool string(string_t& file) override {
        if (depth_ != 2 || !in_map_) return pass("a string");
        const bool plain = !file.empty() && file != "." && file != ".." &&
                           file.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
        if (!plain)
            throw Error(Code::bad_file,
                        "reading {}: its file {} is not the plain name of a file beside the index, so it is refused",
                        where(), shown(file));
        if (!files.emplace(name_, file).second) throw Error(Code::bad_file, "reading {}: it is there twice", where());
        return true;
    }

private:
    static constexpr int max_depth = 64;

    bool enter(std::string_view what) {
        if ((depth_ == 0 && what != "an object") || (depth_ == 1 && in_map_ && what != "an object") ||
            (depth_ == 2 && in_map_))
            refuse(what);
        if (++depth_ > max_depth)
            throw Error(Code::bad_file, "reading the index: it is nested deeper than {} levels", max_depth);
        return true;
    }
    bool leave() {
        --depth_;
        return true;
    }
    bool pass(std::string_view what) const {
        if (depth_ == 0 || in_map_) refuse(what);
        return true;
    }
    std::string where() const override {
        return in_map_ && !name_.empty() ? "the index, tensor " + shown(name_) : "the index";
    }

    int depth_ = 0;
    bool in_map_ = false;
    std::string name_;
};

}  // namespace

Header parse_header(std::string_view text) {
    if (!text.starts_with('{')) throw Error(Code::bad_file, "reading the header: it does not begin with '{{'");
    HeaderReader reader;
    nlohmann::json::sax_parse(text, &reader);
    return std::move(reader.header);
}

std::map<std::string, std::string, std::less<>> parse_index(std::string_view text) {
    IndexReader reader;
    nlohmann::json::sax_parse(text, &reader);
    if (reader.files.empty()) throw Error(Code::bad_file, "reading the index: it has no weight_map with tensors in it");
    return std::move(reader.files);
}

}  // namespace quern::safetensors
