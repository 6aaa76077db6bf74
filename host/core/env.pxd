"""The environment store: string to string, write-once, shared by all services. Source: skynet_env.c."""

cdef void env_init() noexcept nogil
cdef void env_free() noexcept nogil

# Any thread. NULL when the key is not set. The text is terminated and lives as long as the node.
cdef const char *env_get(const char *key) noexcept nogil

# Any thread. 0; -1 when the key exists already (it keeps its value).
cdef int env_set(const char *key, size_t key_len, const char *value) noexcept nogil
