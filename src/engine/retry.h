// Running a step so that a kernel's failure is not the end of it: the kernel is taken out, plans are made without it,
// and the step is done again, with the same bits, since whatever takes its place is of the same numerics class and has
// its proof. What users do wrong passes through, and so does what the model itself makes of its numbers.
#pragma once

#include <functional>
#include <string>

#include "dispatch/ledger.h"
#include "exec/executor.h"
#include "format/gguf/file.h"

namespace quern::engine {

struct RetryContext {
    exec::Executor& executor;
    dispatch::Ledger& ledger;
    const dispatch::Policy& policy;
    const gguf::File& file;                          // whose mapped pages may be lost
    std::function<void(const std::string&)> notice;  // told what was done, as a sentence; empty: nobody is
};

// Runs the executor's batch. Throws Error(io) when parts of the file could not be read, Error(device) naming node and
// cause when the step cannot give numbers or cannot be done again, and what Executor::run() throws.
void run_step(const RetryContext& context);

}  // namespace quern::engine
