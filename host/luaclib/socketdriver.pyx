# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`skynet.socketdriver`: the socket server as a Lua service sees it, and the buffer that collects what a socket receives.

A function raises only while it holds nothing that Lua does not know of; where it must hold a block, it checks its arguments
first. Source: lua-socket.c.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc, realloc, strtol
from libc.string cimport memchr, memcmp, memcpy, memmove, strchr, strlen

from host.core cimport lua
from host.core.context cimport context_errorf
from host.core.lua cimport lua_State
from host.core.net cimport AF_UNSPEC, addrinfo, freeaddrinfo, gai_strerror
from host.core.socket cimport (
    socket_bind, socket_close, socket_info, socket_listen, socket_nodelay, socket_open, socket_pause, socket_query,
    socket_shutdown, socket_slots, socket_start, socket_udp, socket_udp_connect, socket_udp_dial, socket_udp_listen,
)
from host.core.socket_address cimport (
    ADDRESS_TEXT_MAX, address_ip, address_resolve, token_address, token_size,
)
from host.core.net cimport sockaddr, sockaddr_storage
from host.core.socket_send cimport SEND_HIGH, SEND_LOW, socket_send, socket_udp_send
from host.core.socket_slot cimport SOCKET_UDP, socket_message
from host.luaclib.scratch cimport SCRATCH, scratch
from host.luaclib.snlua cimport snlua_of

cdef enum:
    BACKLOG = 32            # of listen
    POOL_FIRST = 16         # nodes of a pool's first array; each one is twice the one before
    POOL_LAST = 4096
    POOL_ARRAYS = 32        # more than these are suspicious

cdef const char *BUFFER = "skynet.socketdriver.buffer"


cdef inline uint32_t service_handle(lua_State *L) noexcept nogil:
    return snlua_of(L).ctx.handle


# -- the buffer of received blocks

cdef struct block_node:
    char *msg               # malloc'ed
    int sz
    block_node *next

cdef struct socket_buffer:
    int size                # bytes in all blocks, from offset on
    int offset              # bytes of the first block that are taken already
    block_node *head
    block_node *tail


# driver.buffer() -> buffer
cdef int lbuffer(lua_State *L) noexcept nogil:
    cdef socket_buffer *b = <socket_buffer *>lua.lua_newuserdatauv(L, sizeof(socket_buffer), 0)
    b.size = b.offset = 0
    b.head = b.tail = NULL
    lua.luaL_setmetatable(L, BUFFER)
    return 1
