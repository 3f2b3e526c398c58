// For end-to-end tests: the real binary as a child process, over pipes or on a terminal of its own. Every wait has an
// end: a child that hangs is killed and the test fails. Knows nothing of what the commands mean.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/file.h"

namespace quern::e2e {

using Arguments = std::vector<std::string>;

// a + b + ...
Arguments joined(std::initializer_list<Arguments> parts);

struct Result {
    int exit = -1;    // its exit code, or -1
    int signal = 0;   // what killed it, or 0; SIGKILL when it took too long
    std::string out;  // all of stdout
    std::string err;  // all of stderr
};

// Runs `quern ARGUMENTS` with this on stdin. It runs in `folder()`, with no QUERN_ variable but QUERN_HOME, which may
// be given among the variables as "NAME=value", as may others.
Result quern(const Arguments& arguments, const std::string& input = "", const Arguments& variables = {});

// A folder of the test program's own, gone when the program ends.
const Path& folder();
std::string in_folder(const std::string& name);
std::string contents(const std::string& path);

// A child whose output comes through one stream: a terminal's, or a pipe for stdout with stderr apart.
class Child {
public:
    enum class On { terminal, pipe };
    Child(On on, const Arguments& arguments);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void send(const std::string& text);
    void signal(int number);
    void close_output();  // nobody reads any more
    // Reads until `text` has come since the last such wait; false when it has not within the time.
    bool wait_for(const std::string& text);
    // Reads until this many more bytes have come.
    bool wait_for(std::size_t bytes);
    // Its end: reads the rest, gives exit code and all that was read.
    Result finish();

private:
    bool read_some(std::chrono::steady_clock::time_point end);

    pid_t pid_ = -1;
    int in_ = -1, out_ = -1;
    std::string errors_file_;
    std::string read_;
    std::size_t seen_ = 0;
};

}  // namespace quern::e2e
