// quern version: what this build is.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "command.h"

namespace quern::app {

void add_version(CLI::App& app) {
    const auto json = std::make_shared<bool>(false);
    CLI::App* c = app.add_subcommand("version", "print version and compiler");
    c->add_flag("--json", *json, "print an object");
    c->callback([json] {
        if (*json)
            std::printf("%s\n", Json{{"version", QUERN_VERSION}, {"compiler", __VERSION__}}.dump().c_str());
        else
            std::printf("quern %s, built with %s\n", QUERN_VERSION, __VERSION__);
    });
}

}  // namespace quern::app
