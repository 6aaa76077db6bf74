/* What the core asks of malloc besides memory: static inline functions only, no variables. */
#ifndef SNHOST_ARENA_H
#define SNHOST_ARENA_H

#include <stddef.h>
#include <stdlib.h>
#if defined(__linux__)
#include <malloc.h>
#endif

static inline void heap_touch(size_t bytes)
{
	/* volatile, or the compiler leaves both calls out */
	void *volatile block = malloc(bytes);
	free(block);
}

static inline void heap_trim_all(void)
{
#if defined(__GLIBC__)
	malloc_trim(0);
#endif
}

#endif
