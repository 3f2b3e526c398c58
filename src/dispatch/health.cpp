#include "dispatch/health.h"

#include <algorithm>

namespace quern::dispatch {

bool Health::failed(std::string_view id, Time now) {
    Kernel& k = kernels_[std::string(id)];
    ++k.faults;
    if (k.state == State::half_open) k.pause = std::min(2 * k.pause, longest_pause);
    if (k.state == State::closed && k.faults < faults_to_open) return false;
    k.state = State::open;
    k.until = now + k.pause;
    return true;
}

void Health::succeeded() {
    std::erase_if(kernels_, [](const auto& entry) { return entry.second.state != State::open; });
}

bool Health::retry(Time now) {
    bool any = false;
    for (auto& [id, k] : kernels_) {
        if (k.state != State::open || now < k.until) continue;
        k.state = State::half_open;
        any = true;
    }
    return any;
}

Health::State Health::state(std::string_view id) const {
    const auto found = kernels_.find(id);
    return found == kernels_.end() ? State::closed : found->second.state;
}

}  // namespace quern::dispatch
