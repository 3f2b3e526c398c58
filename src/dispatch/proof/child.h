// Something that may crash or hang, done in a forked child, so that its end is only a result.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace quern::dispatch {

struct ChildEnd {
    std::string said{};    // what it wrote
    bool in_time = false;  // else it was killed
    int signal = 0;        // what ended it; 0: nothing did
};

void write_all(int fd, std::string_view text);

// Runs `work` in a child with a file descriptor to write to; nothing of the caller's memory changes, and nothing may
// leave `work` but by its end. `what` is for the text of the error: "proving linear.f32x16.avx2". Throws Error(io)
// where no child can be made.
ChildEnd in_child(const std::string& what, std::chrono::milliseconds patience, const std::function<void(int fd)>& work);

}  // namespace quern::dispatch
