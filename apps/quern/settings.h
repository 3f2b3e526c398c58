// Where the value of a shared option comes from: the command line, else the environment (QUERN_THREADS for --threads),
// else the config file, else its default. The config file is a JSON object whose keys are the long names of options:
// {"threads": 4, "lock": ["linear=linear.reference"]}. Options are declared in options.cpp only; this knows no names.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "command.h"

namespace quern::app {

// What options.cpp puts shared options into; any of these groups may be set by environment and config file.
inline constexpr const char* model_group = "Model";
inline constexpr const char* sampling_group = "Sampling";
inline constexpr const char* template_group = "Chat template";

// One shared option of a command, once its value is settled.
struct Setting {
    std::string key;                  // "threads"
    std::vector<std::string> values;  // as they would stand on the command line; several for an option that repeats
    std::string origin;               // "command line", "QUERN_THREADS", the config file's path, or "default"
    const CLI::Option* option;
};

// Adds --config to a command, and has environment and config file read once its command line is. What is wrong with
// them is thrown as an Error, or, where there is a list for it, added there, all of it.
void add_settings(CLI::App& command, std::vector<Setting>* settled = nullptr,
                  std::vector<std::string>* trouble = nullptr);

// "kv-type" -> "QUERN_KV_TYPE"
std::string environment_name(const std::string& key);

}  // namespace quern::app
