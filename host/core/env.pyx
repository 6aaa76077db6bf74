# cython: language_level=3, cdivision=True
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, strcmp, strlen

from host.core.sync cimport spin_lock, spin_unlock, spinlock

cdef struct env_entry:
    env_entry *next
    char *key
    char *value

cdef enum:
    BUCKETS = 256

cdef spinlock lock
cdef env_entry **buckets


cdef void env_init() noexcept nogil:
    global buckets, lock
    lock = 0
    buckets = <env_entry **>calloc(BUCKETS, sizeof(env_entry *))


cdef void env_free() noexcept nogil:
    global buckets
    cdef env_entry *entry
    cdef env_entry *next
    cdef int i
    if buckets == NULL:
        return
    for i in range(BUCKETS):
        entry = buckets[i]
        while entry != NULL:
            next = entry.next
            free(entry.key)
            free(entry.value)
            free(entry)
            entry = next
    free(buckets)
    buckets = NULL


cdef env_entry **bucket_of(const char *key, size_t len) noexcept nogil:
    cdef uint32_t h = 2166136261
    cdef size_t i
    for i in range(len):
        h = (h ^ <unsigned char>key[i]) * 16777619
    return &buckets[h & (BUCKETS - 1)]


cdef env_entry *find(env_entry *entry, const char *key) noexcept nogil:
    while entry != NULL and strcmp(entry.key, key) != 0:
        entry = entry.next
    return entry


cdef char *copy(const char *text, size_t len) noexcept nogil:
    cdef char *c = <char *>malloc(len + 1)
    memcpy(c, text, len)
    c[len] = 0
    return c


cdef const char *env_get(const char *key) noexcept nogil:
    cdef env_entry *entry
    if buckets == NULL:
        return NULL
    spin_lock(&lock)
    entry = find(bucket_of(key, strlen(key))[0], key)
    spin_unlock(&lock)
    return NULL if entry == NULL else entry.value


cdef int env_set(const char *key, size_t key_len, const char *value) noexcept nogil:
    cdef char *name = copy(key, key_len)
    cdef env_entry *entry
    cdef env_entry **bucket
    cdef int result = -1
    spin_lock(&lock)
    bucket = bucket_of(name, strlen(name))
    if find(bucket[0], name) == NULL:
        entry = <env_entry *>malloc(sizeof(env_entry))
        entry.key = name
        entry.value = copy(value, strlen(value))
        entry.next = bucket[0]
        bucket[0] = entry
        result = 0
    spin_unlock(&lock)
    if result != 0:
        free(name)
    return result
