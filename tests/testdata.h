// Finds the public test data (real vocabularies, templates, a small trained model) that tests read when it is there.
// It lies in the folder that the environment variable QUERN_TESTDATA names, or else beside the source tree in
// ../shared/testdata. A test that needs it skips with a reason when it is absent, so that the skip is counted.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"

namespace quern {

// The path of a file or folder of the test data ("vocab/ggml-vocab-gpt-2.gguf"), or nullopt when it is not there.
inline std::optional<Path> testdata(const std::string& name) {
    const char* folder = std::getenv("QUERN_TESTDATA");
    const Path path = (folder ? Path(folder) : Path(QUERN_SOURCE_DIR) / "../shared/testdata") / name;
    if (std::filesystem::exists(path)) return path;
    return std::nullopt;
}

}  // namespace quern

// Skips the test unless the data `name` is there; `path` then is its place.
#define QUERN_NEED_TESTDATA(path, name)                                                                       \
    const auto path##_found = ::quern::testdata(name);                                                        \
    if (!path##_found) GTEST_SKIP() << "test data " << (name) << " is absent; set QUERN_TESTDATA to find it"; \
    const ::quern::Path path = *path##_found
