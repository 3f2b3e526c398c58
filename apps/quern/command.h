// The subcommands: one file each, which adds itself to the command line with a callback that does the work. Adding one:
// a file, a line here, a row in main.cpp.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace quern::app {

void add_run(CLI::App& app);
void add_chat(CLI::App& app);
void add_inspect(CLI::App& app);
void add_tokens(CLI::App& app);
void add_template(CLI::App& app);
void add_convert(CLI::App& app);
void add_plan(CLI::App& app);
void add_explain(CLI::App& app);
void add_kernels(CLI::App& app);
void add_config(CLI::App& app);
void add_doctor(CLI::App& app);
void add_check(CLI::App& app);
void add_tune(CLI::App& app);
void add_prove(CLI::App& app);
void add_diff(CLI::App& app);
void add_grammar(CLI::App& app);
void add_version(CLI::App& app);

}  // namespace quern::app
