"""The socket server of a node: what services ask of it. Source: socket_server.c, skynet_socket.c.

All requests take effect at once, in the calling thread, and may be made by any thread; what comes of them arrives as
PTYPE_SOCKET messages (socket_slot.pxd) at the owner, the service `opaque`. Data is written with socket_send.pxd.

Life: socket_init, a thread in socket_thread_run, socket_stop, that thread joined and all other users gone, socket_free.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t

from host.core.net cimport addrinfo
from host.core.socket_address cimport ADDRESS_TEXT_MAX
from host.core.socket_slot cimport socket_error, socket_post

# 0, or -1 with errno. error may be NULL.
cdef int socket_init(socket_post post, socket_error error) noexcept nogil
cdef void socket_free() noexcept nogil

# The body of the socket thread; returns after socket_stop.
cdef void socket_thread_run() noexcept nogil
cdef void socket_stop() noexcept nogil

# -- requests; an id, or -1 when all slots are taken (and as said)

# CONNECT with the peer's IP, or ERROR. -1 also: the host is longer than an address can be.
cdef int socket_open(uint32_t opaque, const char *host, int port) noexcept nogil
# CONNECT with the local IP and, in ud, the port. -1 also: it cannot listen there. host NULL or "" = 0.0.0.0.
cdef int socket_listen(uint32_t opaque, const char *host, int port, int backlog) noexcept nogil
# CONNECT "binding", or ERROR. The fd is made non-blocking; it stays open when the socket is closed.
cdef int socket_bind(uint32_t opaque, int fd) noexcept nogil

# Read, or accept, from now on, for opaque: CONNECT "start" or "transfer", or ERROR.
cdef void socket_start(uint32_t opaque, int id) noexcept nogil
# Read no more.
cdef void socket_pause(int id) noexcept nogil
# Close when what is queued has been written. CLOSE comes at once, unless it came before.
cdef void socket_close(int id) noexcept nogil
# Drop what is queued and close. CLOSE, unless it came before.
cdef void socket_shutdown(int id) noexcept nogil
# Do not gather small packets.
cdef void socket_nodelay(int id) noexcept nogil

# Is there a service with this handle?
ctypedef bint (*socket_lives)(uint32_t handle) noexcept nogil
# Close what services that have ended left open, and nobody has started as its own between two calls of this: nothing is read
# from some of them, so that not even the end of the peer would tell. To be called every few seconds.
cdef void socket_sweep(socket_lives lives) noexcept nogil

# -- UDP; a name is resolved in the calling thread

# Bound when there is a host or a port, else an unbound IPv4 socket. -1 also: no such address.
cdef int socket_udp(uint32_t opaque, const char *host, int port) noexcept nogil
# Bound; port must not be 0.
cdef int socket_udp_listen(uint32_t opaque, const char *host, int port) noexcept nogil
# Unbound, with host:port as default destination.
cdef int socket_udp_dial(uint32_t opaque, const char *host, int port) noexcept nogil
# Set the default destination; the system does not connect the socket. ERROR "protocol mismatch" for another family.
# 0; -1: no such socket or host.
cdef int socket_udp_connect(int id, const char *host, int port) noexcept nogil

# -- counters

cdef struct socket_info:
    int id
    uint32_t opaque
    const char *type            # "LISTEN", "TCP", "UDP", "CLOSING", "BIND"; as socket.md 4.4 tells
    uint64_t read               # bytes; LISTEN: accepted sockets
    uint64_t write              # bytes
    uint64_t wbuffer            # bytes queued
    uint64_t rtime              # 1/100 s of timer_now(), 0 = never
    uint64_t wtime
    bint reading
    bint writing
    char name[ADDRESS_TEXT_MAX]     # peer, LISTEN: own address; "" when unknown

# Slots to look at: every socket is in one of them.
cdef int socket_slots() noexcept nogil
# 1: *info tells of the socket in that slot; 0: there is none to be listed.
cdef int socket_query(int slot, socket_info *info) noexcept nogil
