#include "dispatch/ledger.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/crash.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/hash.h"
#include "dispatch/failure.h"
#include "kernels/cpu.h"
#include "kernels/probe.h"

namespace quern::dispatch {
namespace {

constexpr int schema_version = 2;
constexpr int patience_ms = 2000;  // for other processes that are writing

// The note that the linker puts into every program.
int read_build_note(dl_phdr_info* object, std::size_t, void* to) {
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_NOTE) continue;
        // The loader gives addresses as numbers. NOLINTNEXTLINE(performance-no-int-to-ptr)
        const auto* at = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
        const char* end = at + segment.p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof note);
            const char* name = at + sizeof note;
            const char* content = name + (note.n_namesz + 3u) / 4 * 4;
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
                static constexpr char digits[] = "0123456789abcdef";
                for (unsigned b = 0; b < note.n_descsz; ++b) {
                    const auto byte = static_cast<unsigned char>(content[b]);
                    static_cast<std::string*>(to)->append({digits[byte >> 4], digits[byte & 15]});
                }
                return 1;
            }
            at = content + (note.n_descsz + 3u) / 4 * 4;
        }
    }
    return 1;  // the first object is the program itself
}

}  // namespace

std::string build_id() {
    std::string id;
    dl_iterate_phdr(read_build_note, &id);
    return id;
}

std::string hardware_id() {
    std::ifstream file("/proc/cpuinfo");
    std::string id;
    std::uint64_t flags = 0;
    for (std::string line; std::getline(file, line) && !line.empty();) {
        const std::size_t colon = line.find(':');
        if (colon == line.npos || colon + 2 > line.size()) continue;
        const std::string value = line.substr(colon + 2);
        for (const char* wanted : {"vendor_id", "cpu family", "model\t", "stepping", "microcode"})
            if (line.starts_with(wanted)) id += value + " ";
        if (line.starts_with("flags")) flags = fnv1a(value);
    }
    return id + std::to_string(flags);
}

// One connection; every call throws Error(io) when SQLite says no.
struct Ledger::Database {
    struct Close {
        void operator()(sqlite3* s) const { sqlite3_close(s); }
    };
    std::unique_ptr<sqlite3, Close> handle;  // also where the constructor throws
    std::string build = build_id(), hardware = hardware_id();

    explicit Database(const Path& file) {
        if (build.empty()) throw Error(Code::unsupported, "this program has no build id that proofs could be kept for");
        std::error_code failed;
        std::filesystem::create_directories(file.parent_path(), failed);
        if (fault::hit(fault::Point::ledger_corrupt)) check(SQLITE_CORRUPT);
        sqlite3* opened = nullptr;
        const int code = sqlite3_open_v2(file.c_str(), &opened,
                                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
        handle.reset(opened);
        check(code);
        sqlite3_busy_timeout(handle.get(), patience_ms);
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA synchronous = NORMAL");
        run("CREATE TABLE IF NOT EXISTS proofs (schema INTEGER, kernel TEXT, class TEXT, build TEXT, hardware TEXT, "
            "holds INTEGER, trouble TEXT, made INTEGER, PRIMARY KEY (schema, kernel, class, build, hardware))");
        run("CREATE TABLE IF NOT EXISTS timings (schema INTEGER, kernel TEXT, class TEXT, build TEXT, hardware TEXT, "
            "n INTEGER, median REAL, mad REAL, p95 REAL, made INTEGER, "
            "PRIMARY KEY (schema, kernel, class, build, hardware))");
    }
    void check(int code) const {
        if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
            throw Error(
                code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? Code::bad_file : Code::io, "{}",
                handle && sqlite3_errcode(handle.get()) == code ? sqlite3_errmsg(handle.get()) : sqlite3_errstr(code));
    }
    void run(const char* sql) const { check(sqlite3_exec(handle.get(), sql, nullptr, nullptr, nullptr)); }

    struct Statement {
        sqlite3_stmt* s = nullptr;
        Statement(const Database& d, const char* sql, const Key& key) {
            d.check(sqlite3_prepare_v2(d.handle.get(), sql, -1, &s, nullptr));  // leaves no statement when it fails
            sqlite3_bind_int(s, 1, schema_version);
            int at = 2;
            for (const std::string* text : {&key.first, &key.second, &d.build, &d.hardware})
                sqlite3_bind_text(s, at++, text->c_str(), -1, SQLITE_TRANSIENT);
        }
        ~Statement() { sqlite3_finalize(s); }
        Statement(const Statement&) = delete;
        Statement& operator=(const Statement&) = delete;
    };

    std::optional<Verdict> find_verdict(const Key& key) const {
        const Statement q(
            *this,
            "SELECT holds, trouble FROM proofs WHERE schema = ? AND kernel = ? AND class = ? AND build = ? "
            "AND hardware = ? AND typeof(holds) = 'integer' AND holds IN (0, 1)",
            key);
        const int code = sqlite3_step(q.s);
        check(code);
        if (code != SQLITE_ROW) return std::nullopt;
        const auto* trouble = reinterpret_cast<const char*>(sqlite3_column_text(q.s, 1));
        return Verdict{.holds = sqlite3_column_int(q.s, 0) == 1, .trouble = trouble ? trouble : ""};
    }
    void keep(const Key& key, const Verdict& v) const {
        const Statement q(
            *this,
            "INSERT OR REPLACE INTO proofs (schema, kernel, class, build, hardware, holds, trouble, made) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, unixepoch())",
            key);
        sqlite3_bind_int(q.s, 6, v.holds ? 1 : 0);
        sqlite3_bind_text(q.s, 7, v.trouble.c_str(), -1, SQLITE_TRANSIENT);
        if (fault::hit(fault::Point::ledger_write)) check(SQLITE_FULL);
        check(sqlite3_step(q.s));
    }
    // Records that make no sense are as good as none.
    std::optional<Timing> find_timing(const Key& key) const {
        const Statement q(*this,
                          "SELECT n, median, mad, p95 FROM timings WHERE schema = ? AND kernel = ? AND class = ? AND "
                          "build = ? AND hardware = ? AND typeof(n) = 'integer' AND n > 0 AND typeof(median) = 'real' "
                          "AND median > 0 AND typeof(mad) = 'real' AND mad >= 0 AND typeof(p95) = 'real' AND "
                          "p95 >= median AND p95 < 1e12",
                          key);
        const int code = sqlite3_step(q.s);
        check(code);
        if (code != SQLITE_ROW) return std::nullopt;
        return Timing{sqlite3_column_int(q.s, 0), sqlite3_column_double(q.s, 1), sqlite3_column_double(q.s, 2),
                      sqlite3_column_double(q.s, 3)};
    }
    void keep(const Key& key, const Timing& t) const {
        const Statement q(
            *this,
            "INSERT OR REPLACE INTO timings (schema, kernel, class, build, hardware, n, median, mad, p95, made) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, unixepoch())",
            key);
        sqlite3_bind_int(q.s, 6, t.n);
        sqlite3_bind_double(q.s, 7, t.median);
        sqlite3_bind_double(q.s, 8, t.mad);
        sqlite3_bind_double(q.s, 9, t.p95);
        check(sqlite3_step(q.s));
    }
};

std::string kernel_name(const KernelSpec& kernel) {
    return std::string(kernel.id) + " v" + std::to_string(kernel.version);
}

Path crash_records(const Path& ledger) { return ledger.parent_path() / "crashes"; }

Ledger::Ledger() = default;
Ledger::~Ledger() = default;

namespace {

// Which file stands at a path now; 0: none.
std::uint64_t inode_of(const Path& file) {
    struct stat s {};
    return stat(file.c_str(), &s) == 0 ? std::uint64_t(s.st_ino) : 0;
}

// Held by one process at a time; by none that cannot make it, which then goes on without.
class LockFile {
public:
    explicit LockFile(const Path& file) : fd_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
        if (fd_ >= 0) flock(fd_, LOCK_EX);
    }
    LockFile(const LockFile&) = delete;
    LockFile& operator=(const LockFile&) = delete;
    ~LockFile() {
        if (fd_ >= 0) close(fd_);
    }

private:
    int fd_;
};

}  // namespace

Ledger::Ledger(const Path& file) {
    if (file.empty()) return;
    file_ = file;
    inode_ = inode_of(file);
    failures_ = file.parent_path() / "failures";
    try {
        database_ = std::make_unique<Database>(file);
        inode_ = inode_of(file);
    } catch (const Error& e) {
        give_up(e);
    }
    take_crashes(crash_records(file));
}

// Records stay where they are as long as the ledger cannot keep what they say.
void Ledger::take_crashes(const Path& file) {
    try {
        for (const crash::Record& r : crash::read_records(file)) {
            if (r.build != build_id()) continue;
            const Verdict v{.holds = false, .trouble = r.how + " in " + r.node};
            const Key key = use_key(r.kernel);
            verdicts_[key] = v;
            with_database([&](const Database& d) { d.keep(key, v); });
        }
        std::error_code ignored;
        if (database_) std::filesystem::remove(file, ignored);
    } catch (const Error& e) {
        trouble_ = e.what();
    }
}

Ledger::Key Ledger::key(const KernelSpec& kernel, const Request& request) {
    return {kernel_name(kernel), shape_class(request)};
}

Ledger::Key Ledger::size_key(const KernelSpec& kernel, const Request& r) {
    return {key(kernel, r).first, size_class(r)};
}

template <class Do>
void Ledger::with_database(Do something) {
    if (!database_) return;
    try {
        something(*database_);
    } catch (const Error& e) {
        give_up(e);
    }
}

// A damaged file is set aside and begun anew, once; what it knew is proved and measured again.
void Ledger::give_up(const Error& e) {
    database_.reset();
    if (e.code == Code::bad_file && notice_.empty()) {
        const Path damaged = file_.string() + ".damaged";
        try {
            // Of several processes that find the damage, the first sets it aside; the others find a sound file.
            const LockFile lock(file_.string() + ".lock");
            if (inode_of(file_) == inode_) {
                std::error_code failed;
                std::filesystem::rename(file_, damaged, failed);
                for (const char* part : {"-wal", "-shm"}) std::filesystem::remove(file_.string() + part, failed);
            }
            database_ = std::make_unique<Database>(file_);
            inode_ = inode_of(file_);
            notice_ = fmt::format("{} was damaged ({}) and is begun anew; the old one is {}", file_.string(), e.what(),
                                  damaged.string());
            return;
        } catch (const Error&) {
            database_.reset();
        }
    }
    trouble_ = file_.string() + ": " + e.what();
}

std::optional<Verdict> Ledger::known(const KernelSpec& kernel, const Request& request) {
    if (is_definition(kernel)) return Verdict{.holds = true};
    const std::lock_guard lock(mutex_);
    const Key k = key(kernel, request);
    if (const auto found = verdicts_.find(k); found != verdicts_.end()) return found->second;
    std::optional<Verdict> found;
    with_database([&](const Database& d) { found = d.find_verdict(k); });
    if (found) verdicts_[k] = *found;
    return found;
}

Verdict Ledger::self_test(const IsaTier& tier, bool again) {
    if (!find_probe(tier.isa)) return {.holds = true};
    const Key k{std::string(tier.name), "self-test"};
    const std::lock_guard lock(mutex_);
    if (const auto found = verdicts_.find(k); found != verdicts_.end() && !again) return found->second;
    std::optional<Verdict> v;
    if (!again) with_database([&](const Database& d) { v = d.find_verdict(k); });
    if (!v) {
        v = dispatch::self_test(tier);
        with_database([&](const Database& d) { d.keep(k, *v); });
    }
    return verdicts_[k] = *v;
}

Isa Ledger::broken_isa() {
    std::uint32_t broken = 0, narrower = 0;
    for (const IsaTier& tier : isa_tiers()) {
        const auto bits = static_cast<std::uint32_t>(tier.isa);
        if (covers(cpu_isa(), tier.isa) && !self_test(tier).holds) broken |= bits & ~narrower;
        narrower |= bits;
    }
    return static_cast<Isa>(broken);
}

void Ledger::failed_in_use(const KernelSpec& kernel, const std::string& sentence) {
    const Verdict v{.holds = false, .trouble = sentence};
    const Key k = use_key(kernel_name(kernel));
    const std::lock_guard lock(mutex_);
    verdicts_[k] = v;
    with_database([&](const Database& d) { d.keep(k, v); });
}

std::string Ledger::out_of_use(const KernelSpec& kernel) {
    if (is_definition(kernel)) return {};
    const std::lock_guard lock(mutex_);
    if (health_.state(kernel.id) == Health::State::open) return "its device failed";
    const Key k = use_key(kernel_name(kernel));
    auto found = verdicts_.find(k);
    if (found == verdicts_.end()) {
        Verdict v{.holds = true};
        with_database([&](const Database& d) { v = d.find_verdict(k).value_or(v); });
        found = verdicts_.emplace(k, v).first;
    }
    return found->second.holds ? std::string() : found->second.trouble;
}

void Ledger::keep_failure(const KernelSpec& kernel, const Request& request, const Verdict& v) {
    const std::vector<ProofCase> cases = proof_cases(request, Extent::proxies);
    try {
        write({std::string(kernel.id), kernel.version, build_id(), request, Extent::proxies, v.failed,
               cases.at(std::size_t(v.failed)).text, v.trouble},
              failure_file(failures_, kernel, request));
    } catch (const Error& e) {
        const std::lock_guard lock(mutex_);
        trouble_ = e.what();  // the verdict stands without its file
    }
}

Verdict Ledger::verdict(const KernelSpec& kernel, const Request& request) {
    if (const std::optional<Verdict> found = known(kernel, request)) return *found;
    Verdict made = prove(kernel, request);
    if (made.failed >= 0 && !failures_.empty()) keep_failure(kernel, request, made);
    const std::lock_guard lock(mutex_);
    const Key k = key(kernel, request);
    verdicts_[k] = made;
    ++proved_;
    with_database([&](const Database& d) { d.keep(k, made); });
    return made;
}

std::optional<Timing> Ledger::timing(const KernelSpec& kernel, const Request& request) {
    const std::lock_guard lock(mutex_);
    const Key k = size_key(kernel, request);
    auto found = timings_.find(k);
    if (found == timings_.end()) {
        found = timings_.emplace(k, std::nullopt).first;
        with_database([&](const Database& d) { found->second = d.find_timing(k); });
    }
    return found->second && found->second->stable() ? found->second : std::nullopt;
}

void Ledger::keep(const KernelSpec& kernel, const Request& request, const Timing& timing) {
    const std::lock_guard lock(mutex_);
    const Key k = size_key(kernel, request);
    timings_[k] = timing;
    with_database([&](const Database& d) { d.keep(k, timing); });
}

}  // namespace quern::dispatch
