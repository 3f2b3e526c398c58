// In builds with faults (base/fault.h): allocations that fail when QUERN_FAULT says so.
#include "base/fault.h"

#ifdef QUERN_FAULTS

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
constexpr std::size_t usual = alignof(std::max_align_t);

void* try_allocate(std::size_t size, std::size_t alignment) noexcept {
    if (quern::fault::hit(quern::fault::Point::allocation)) return nullptr;
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    return std::aligned_alloc(alignment, rounded ? rounded : alignment);
}
void* allocate(std::size_t size, std::size_t alignment = usual) {
    if (void* p = try_allocate(size, alignment)) return p;
    throw std::bad_alloc();
}
}  // namespace

// All forms, or a sanitizer's own remain among them and it finds memory that was not released as it was taken.

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
void* operator new[](std::size_t size, std::align_val_t a) { return allocate(size, static_cast<std::size_t>(a)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return try_allocate(size, usual); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return try_allocate(size, usual); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

#endif
