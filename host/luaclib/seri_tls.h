/* The pack buffer of a thread. Included by seri.pyx alone: the variable must exist once. */
#ifndef SNHOST_SERI_TLS_H
#define SNHOST_SERI_TLS_H

#include <stdlib.h>

typedef struct seri_buffer {
	char *data;
	size_t cap;
} seri_buffer;

static __thread seri_buffer seri_spare;

/* Take the thread's spare buffer; a pack inside a pack (through __pairs) finds none and makes its own. */
static inline seri_buffer seri_take(void)
{
	seri_buffer b = seri_spare;
	seri_spare.data = NULL;
	seri_spare.cap = 0;
	return b;
}

static inline void seri_give(seri_buffer b)
{
	free(seri_spare.data);
	seri_spare = b;
}

#endif
