"""Atomics, spin lock and clocks (sync.h). The pointer decides the width of an atomic."""

from libc.stdint cimport uint32_t, uint64_t


cdef extern from "sync.h" nogil:
    ctypedef int spinlock

    int atomic_load(int *p) noexcept
    int atomic_load_acquire(int *p) noexcept
    int atomic_load_relaxed(int *p) noexcept
    void atomic_store(int *p, int v) noexcept
    void atomic_store_release(int *p, int v) noexcept
    void atomic_store_relaxed(int *p, int v) noexcept
    int atomic_add(int *p, int v) noexcept
    int atomic_exchange(int *p, int v) noexcept
    bint atomic_cas_int(int *p, int expected, int desired) noexcept
    uint64_t atomic_load_u64 "atomic_load_relaxed"(uint64_t *p) noexcept
    void atomic_store_u64 "atomic_store_relaxed"(uint64_t *p, uint64_t v) noexcept
    uint32_t atomic_load_u32 "atomic_load_relaxed"(uint32_t *p) noexcept
    void atomic_store_u32 "atomic_store_relaxed"(uint32_t *p, uint32_t v) noexcept
    void *atomic_load_ptr "atomic_load"(void **p) noexcept
    void *atomic_load_ptr_relaxed "atomic_load_relaxed"(void **p) noexcept
    void atomic_store_ptr_relaxed "atomic_store_relaxed"(void **p, void *v) noexcept
    void atomic_store_ptr_release "atomic_store_release"(void **p, void *v) noexcept
    void *atomic_exchange_ptr "atomic_exchange"(void **p, void *v) noexcept
    void cpu_relax() noexcept

    void spin_lock(spinlock *lock) noexcept
    void spin_unlock(spinlock *lock) noexcept

    uint64_t clock_ns() noexcept
    uint64_t clock_tick() noexcept
