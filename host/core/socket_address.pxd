"""Internet addresses: as text, and as the token that stands for the other end of a UDP socket.

A token is type(1) port(2, network order) ip(4 or 16): 7 bytes for IPv4, 19 for IPv6. Source: socket_server.c.
"""

from libc.stdint cimport uint8_t

from host.core.net cimport addrinfo, sockaddr, sockaddr_storage, socklen_t

cdef enum:
    TOKEN_IPV4 = 1          # also the protocol of a UDP socket of that family
    TOKEN_IPV6 = 2
    TOKEN_MAX = 19
    ADDRESS_TEXT_MAX = 64   # "[v6]:port" with room to spare

# Bytes of a token by its first byte; 0 when that is no type.
cdef int token_size(const uint8_t *token) noexcept nogil

# Write a token, TOKEN_MAX bytes of room. Returns its size, 0 when the family is neither.
cdef int token_of(const sockaddr *addr, uint8_t *token) noexcept nogil

# The address that a token stands for; its size, 0 when the token has no known type.
cdef socklen_t token_address(const uint8_t *token, sockaddr_storage *addr) noexcept nogil

# "ip", ADDRESS_TEXT_MAX bytes of room; returns the port, -1 (and an empty text) for another family.
cdef int address_ip(const sockaddr *addr, char *text) noexcept nogil

# "ip:port"; IPv6 without brackets, as the original has it.
cdef void address_text(const sockaddr *addr, char *text) noexcept nogil

# The numeric or named host, first result first; socktype 0 = any. Blocks for a name unless numeric_only. 0, or a code for
# gai_strerror; the list is freed with freeaddrinfo.
cdef int address_resolve(
    const char *host, int port, int socktype, bint numeric_only, addrinfo **list) noexcept nogil
