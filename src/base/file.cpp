#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/lost_pages.h"

namespace quern {
namespace {

[[noreturn]] void throw_io(const char* doing, const Path& path) {
    const int e = errno;
    throw Error(Code::io, "{} {}: {}", doing, path.string(), std::strerror(e));
}

class Fd {
public:
    explicit Fd(int fd) : fd_(fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ > 2) ::close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

}  // namespace

MappedFile::MappedFile(const Path& path) : path_(path) {
    // O_NONBLOCK: opening a pipe must not wait for a writer; it has no effect on regular files.
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) throw_io("opening", path);
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) throw_io("looking at", path);
    if (!S_ISREG(st.st_mode)) throw Error(Code::io, "opening {}: it is not a regular file", path.string());
    size_ = static_cast<std::size_t>(st.st_size);
    if (size_ == 0) return;
    void* p = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (p == MAP_FAILED) throw_io("mapping", path);
    data_ = static_cast<const std::byte*>(p);
    watched_ = lost_pages::watch(data_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      watched_(std::exchange(other.watched_, -1)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(watched_, other.watched_);
    return *this;
}

MappedFile::~MappedFile() {
    lost_pages::forget(watched_);
    if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::check_intact() const {
    if (lost_pages::any(watched_))
        throw Error(Code::io,
                    "reading {}: a part of it cannot be read any more; it has become shorter since it was opened, or "
                    "its disk fails. Please open it again",
                    path_.string());
}

void MappedFile::lose_pages() const {
    const int nothing = ::memfd_create("quern", MFD_CLOEXEC);
    if (nothing < 0) throw_io("losing pages of", path_);
    const Fd fd(nothing);
    if (::mmap(const_cast<std::byte*>(data_), size_, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd.get(), 0) == MAP_FAILED)
        throw_io("losing pages of", path_);
}

std::string read_text(const Path& path, std::size_t max_bytes) {
    const Fd fd(path == "-" ? 0 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) throw_io("opening", path);
    std::string text;
    char block[1 << 16];
    for (;;) {
        const ssize_t n =
            fault::hit(fault::Point::file_read) ? (errno = EIO, -1) : ::read(fd.get(), block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_io("reading", path);
        if (n == 0) return text;
        text.append(block, static_cast<std::size_t>(n));
        if (text.size() > max_bytes)
            throw Error(Code::bad_request, "reading {}: it has more than the {} bytes allowed here", path.string(),
                        max_bytes);
    }
}

AtomicFile::AtomicFile(const Path& path) : path_(path) {
    std::string name = path.string() + ".XXXXXX";
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd_ < 0) throw_io("creating a temporary file beside", path);
    temporary_ = name;
}

AtomicFile::~AtomicFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const bool full = fault::hit(fault::Point::file_write);
        const ssize_t n = full ? (errno = ENOSPC, -1) : ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_io("writing", temporary_);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        written_ += static_cast<std::size_t>(n);
    }
}

void AtomicFile::commit() {
    // mkostemp makes the file 0600; a result should have the rights an ordinary new file has.
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(fd_, 0666 & ~mask) != 0 || ::fsync(fd_) != 0) throw_io("syncing", temporary_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_io("renaming into place", path_);
    ::close(std::exchange(fd_, -1));
    const Path folder = path_.has_parent_path() ? path_.parent_path() : Path(".");
    const Fd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir.get() < 0 || ::fsync(dir.get()) != 0) throw_io("syncing the folder", folder);
}

void write_file(const Path& path, std::string_view text) {
    AtomicFile file(path);
    file.write(text);
    file.commit();
}

}  // namespace quern
