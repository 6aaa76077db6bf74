/* The worker of the calling thread. Included by worker.pyx alone: the variable must exist once. */
#ifndef SNHOST_WORKER_TLS_H
#define SNHOST_WORKER_TLS_H

static __thread void *worker_tls __attribute__((tls_model("initial-exec")));

static inline void *worker_tls_get(void)
{
	return worker_tls;
}

static inline void worker_tls_set(void *worker)
{
	worker_tls = worker;
}

#endif
