// Files: mapped for reading, and written so that a crash never leaves half a file where a good one was. Knows bytes and
// paths only. All functions throw Error(io) naming the path and what the system said.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace quern {

using Path = std::filesystem::path;

// A whole file mapped read-only; move-only, unmapped by the destructor. An empty file maps to an empty span. Refuses
// what is not a regular file (a directory, a pipe). Where pages can no longer be read they become zeros, in programs
// that have crash::install()ed the handler.
class MappedFile {
public:
    explicit MappedFile(const Path& path);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    std::span<const std::byte> bytes() const { return {data_, size_}; }
    const Path& path() const { return path_; }
    // Throws Error(io) when pages of it could not be read, so that what was made of it is worth nothing.
    void check_intact() const;
    // For tests: what somebody does who makes the file shorter.
    void lose_pages() const;

private:
    Path path_;
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    int watched_ = -1;  // the ticket of lost_pages.h
};

// The content of a file, or of standard input when path is "-". More than max_bytes is an Error.
std::string read_text(const Path& path, std::size_t max_bytes = std::size_t(1) << 30);

// Writes beside the target and takes its place only in commit(): temporary file, fsync, rename, fsync of the folder.
// The destructor removes what was not committed.
class AtomicFile {
public:
    explicit AtomicFile(const Path& path);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile();

    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
    std::size_t written() const { return written_; }
    void commit();

private:
    Path path_, temporary_;
    int fd_ = -1;
    std::size_t written_ = 0;
};

void write_file(const Path& path, std::string_view text);

}  // namespace quern
