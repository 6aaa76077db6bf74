"""Per-service message log, switched by LOGON and LOGOFF. Source: skynet_log.c; the format is core.md section 13 of the
reference, one record a line."""

from libc.stdint cimport int32_t, uint32_t
from libc.stdio cimport FILE

# Create or append <logpath>/<%08x of handle>.log and write its header; NULL when that fails. `path` receives the name.
cdef FILE *log_open(uint32_t handle, char *path, size_t path_size) noexcept nogil
# Write the trailer and close.
cdef void log_close(FILE *f) noexcept nogil
cdef void log_message(
    FILE *f, uint32_t source, int type, int32_t session, const void *data, size_t sz) noexcept nogil
