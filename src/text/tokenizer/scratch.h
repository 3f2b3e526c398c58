// Working memory that is dear to make and cannot be shared by two calls at once: one call takes a piece, uses it and
// gives it back for the next. This keeps encode() const, callable from any number of threads, and quick.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace quern::text {

// Gives back the memory of working space that one large text made large.
template <class Container>
void release_if_large(Container& c) {
    constexpr std::size_t large = 4 << 20;  // bytes
    if (c.capacity() * sizeof(*c.data()) > large) c = Container();
}

template <class T>
class ScratchPool {
public:
    // One T for the life of this object.
    class Lease {
    public:
        explicit Lease(ScratchPool& pool) : pool_(pool), item_(pool.take()) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { pool_.give(std::move(item_)); }
        T& operator*() { return *item_; }
        T* operator->() { return item_.get(); }

    private:
        ScratchPool& pool_;
        std::unique_ptr<T> item_;
    };

private:
    std::unique_ptr<T> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!free_.empty()) {
                auto item = std::move(free_.back());
                free_.pop_back();
                return item;
            }
        }
        auto item = std::make_unique<T>();
        const std::lock_guard lock(mutex_);
        free_.reserve(++made_);  // so that giving back cannot fail
        return item;
    }
    void give(std::unique_ptr<T> item) noexcept {
        const std::lock_guard lock(mutex_);
        free_.push_back(std::move(item));
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<T>> free_;
    std::size_t made_ = 0;
};

}  // namespace quern::text
