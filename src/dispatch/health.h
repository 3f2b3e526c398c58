// Which kernels are out for a while because their device failed. Counts only faults of kernels and devices, never what
// users do wrong. Three faults in a row take a kernel out; after a minute it is tried in one step, and is back when
// that goes well, or out for twice as long when it does not. Results that are wrong are another matter: such a kernel
// is disproved, for good (Ledger::failed_in_use).
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace quern::dispatch {

class Health {
public:
    using Time = std::chrono::steady_clock::time_point;
    // half_open: a step is being tried with it.
    enum class State { closed, open, half_open };

    static constexpr int faults_to_open = 3;
    static constexpr std::chrono::seconds first_pause{60}, longest_pause{3600};

    // A kernel's fault; true when it is out from now on.
    bool failed(std::string_view kernel, Time now);
    // A step with all kernels in use went well.
    void succeeded();
    // Kernels whose pause is over may be tried: true when there is one, and plans are to be made again.
    bool retry(Time now);

    State state(std::string_view kernel) const;
    bool all_closed() const { return kernels_.empty(); }

private:
    struct Kernel {
        State state = State::closed;
        int faults = 0;  // in a row
        std::chrono::seconds pause = first_pause;
        Time until{};  // open: when it may be tried
    };
    std::map<std::string, Kernel, std::less<>> kernels_;  // those that have failed since they last went well
};

}  // namespace quern::dispatch
