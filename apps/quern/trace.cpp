#include "trace.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"

namespace quern::app {
namespace {

constexpr std::size_t most_events = 4'000'000;  // some hundred megabytes of text

}  // namespace

void Trace::task(int done, int) {
    const double at = now();
    if (done > 0) {
        if (events_.size() >= most_events)
            throw Error(Code::bad_request, "--trace: more than {} tasks; ask for fewer tokens", most_events);
        const exec::Plan& plan = executor_.current();
        const exec::PlannedStep& step = plan.steps[std::size_t(done - 1)];
        events_.push_back(
            {&executor_.program().tasks[std::size_t(step.task)], step.kernel, plan.bucket.max_rows, began_, at});
    }
    began_ = now();
}

void Trace::write(const Path& path) const {
    Json list = Json::array();
    for (const Event& e : events_) {
        const bool leases = e.kernel == nullptr;
        list.push_back(
            {{"name", e.task->name},
             {"cat", leases ? "lease" : std::string(name(e.task->op()))},
             {"ph", "X"},
             {"pid", 1},
             {"tid", 1},
             {"ts", e.begin},
             {"dur", e.end - e.begin},
             {"args",
              {{"kernel", leases ? Json(nullptr) : Json(std::string(e.kernel->id))}, {"rows_at_most", e.rows}}}});
    }
    write_file(path, Json{{"traceEvents", std::move(list)}, {"displayTimeUnit", "ms"}}.dump() + "\n");
}

}  // namespace quern::app
