# cython: language_level=3, cdivision=True
from libc.stdint cimport int32_t, uint32_t
from libc.stdio cimport FILE, fclose, fflush, fopen, fprintf, fputc, fputs, snprintf
from libc.string cimport memchr, strlen

from host.core.env cimport env_get
from host.core.message cimport PTYPE_SOCKET
from host.core.timer cimport timer_now, timer_starttime

cdef extern from "time.h" nogil:
    ctypedef long time_t
    char *ctime_r(const time_t *t, char *buffer) noexcept

# What a PTYPE_SOCKET message carries. Source: skynet_socket.h, struct skynet_socket_message.
cdef struct socket_message:
    int type
    int id
    int ud
    char *buffer            # NULL: the event's text follows the record


cdef FILE *log_open(uint32_t handle, char *path, size_t path_size) noexcept nogil:
    cdef const char *folder = env_get("logpath")
    cdef FILE *f
    cdef char when[64]
    cdef time_t t
    if folder == NULL:
        return NULL
    snprintf(path, path_size, "%s/%08x.log", folder, handle)
    f = fopen(path, "ab")
    if f != NULL:
        t = timer_starttime() + timer_now() // 100
        ctime_r(&t, when)
        fprintf(f, "open time: %u %s", <uint32_t>timer_now(), when)
        fflush(f)
    return f


cdef void log_close(FILE *f) noexcept nogil:
    fprintf(f, "close time: %u\n", <uint32_t>timer_now())
    fclose(f)


cdef void put_hex(FILE *f, const void *data, size_t sz) noexcept nogil:
    cdef const char *digits = "0123456789abcdef"
    cdef const unsigned char *bytes = <const unsigned char *>data
    cdef size_t i
    for i in range(sz):
        fputc(digits[bytes[i] >> 4], f)
        fputc(digits[bytes[i] & 15], f)


cdef void log_socket(FILE *f, const socket_message *m, size_t sz) noexcept nogil:
    cdef const char *text
    cdef size_t room
    fprintf(f, "[socket] %d %d %d ", m.type, m.id, m.ud)
    if m.buffer != NULL:
        put_hex(f, m.buffer, m.ud if m.ud > 0 else 0)
    else:
        text = <const char *>(m + 1)
        room = sz - sizeof(socket_message)
        fputc(c"[", f)
        if room > 0 and memchr(text, 0, room) != NULL:
            fputs(text, f)
        fputc(c"]", f)
    fputc(c"\n", f)
    fflush(f)


cdef void log_message(
        FILE *f, uint32_t source, int type, int32_t session, const void *data, size_t sz) noexcept nogil:
    if type == PTYPE_SOCKET and sz >= sizeof(socket_message):
        log_socket(f, <const socket_message *>data, sz)
        return
    fprintf(f, ":%08x %d %d %u ", source, type, session, <uint32_t>timer_now())
    if data != NULL:
        put_hex(f, data, sz)
    fputc(c"\n", f)
    fflush(f)
