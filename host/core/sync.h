/* Atomics, the spin lock and the clocks of the core: static inline functions only, no variables. */
#ifndef SNHOST_SYNC_H
#define SNHOST_SYNC_H

#include <sched.h>
#include <stdint.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define atomic_load(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define atomic_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_store(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define atomic_exchange(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

static inline int atomic_cas_int(int *p, int expected, int desired)
{
	return __atomic_compare_exchange_n(p, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	_mm_pause();
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

/* Held for a few instructions at a time; the holder may be preempted, hence the yield. */
typedef int spinlock;

static inline void spin_lock(spinlock *lock)
{
	int spins = 0;
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(lock, __ATOMIC_RELAXED)) {
			if (++spins < 200) {
				cpu_relax();
			} else {
				sched_yield();
			}
		}
	}
}

static inline void spin_unlock(spinlock *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* Nanoseconds of the monotonic clock. */
static inline uint64_t clock_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The cheapest clock there is, in units of its own: worker.pxd converts.  A thread CPU clock costs a system call. */
static inline uint64_t clock_tick(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return clock_ns();
#endif
}

#endif
