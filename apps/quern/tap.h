// Taps: copies of what nodes take and give, by dotted name, written as one safetensors file.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "exec/executor.h"

namespace quern::app {

// Records every task whose name matches one of the globs (* and ?). A tensor is called NODE@POSITION, further outputs
// NODE#1@POSITION, inputs NODE<INPUT@POSITION; POSITION is that of the step's first token in its sequence.
class Tap final : public exec::Observer {
public:
    explicit Tap(std::vector<std::string> globs) : globs_(std::move(globs)) {}
    bool wants(std::string_view task) override;
    void observe(const exec::Observed& task) override;
    void write(const Path& path) const;  // throws Error when no node has matched
    // The position of the next step's first token.
    void at(std::int64_t position) { position_ = position; }

    struct Copy {
        std::string name;
        DType dtype;
        std::vector<std::int64_t> dims;
        std::vector<std::byte> bytes;
    };
    const std::vector<Copy>& copies() const { return copies_; }  // in the order in which they were made

private:
    void copy(std::string name, const View& view);

    std::vector<std::string> globs_;
    std::vector<Copy> copies_;
    std::int64_t position_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace quern::app
