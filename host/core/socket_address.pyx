# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdint cimport uint8_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy, memset

from host.core.net cimport (
    AF_INET, AF_INET6, AF_UNSPEC, AI_NUMERICHOST, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_STREAM, addrinfo,
    getaddrinfo, inet_ntop, ntohs, sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage, socklen_t,
)


cdef int token_size(const uint8_t *token) noexcept nogil:
    if token[0] == TOKEN_IPV4:
        return 7
    return 19 if token[0] == TOKEN_IPV6 else 0


cdef int token_of(const sockaddr *addr, uint8_t *token) noexcept nogil:
    cdef const sockaddr_in *v4 = <const sockaddr_in *>addr
    cdef const sockaddr_in6 *v6 = <const sockaddr_in6 *>addr
    if addr.sa_family == AF_INET:
        token[0] = TOKEN_IPV4
        memcpy(token + 1, &v4.sin_port, 2)
        memcpy(token + 3, &v4.sin_addr, 4)
        return 7
    if addr.sa_family == AF_INET6:
        token[0] = TOKEN_IPV6
        memcpy(token + 1, &v6.sin6_port, 2)
        memcpy(token + 3, &v6.sin6_addr, 16)
        return 19
    return 0


cdef socklen_t token_address(const uint8_t *token, sockaddr_storage *addr) noexcept nogil:
    cdef sockaddr_in *v4 = <sockaddr_in *>addr
    cdef sockaddr_in6 *v6 = <sockaddr_in6 *>addr
    memset(addr, 0, sizeof(addr[0]))
    if token[0] == TOKEN_IPV4:
        v4.sin_family = AF_INET
        memcpy(&v4.sin_port, token + 1, 2)
        memcpy(&v4.sin_addr, token + 3, 4)
        return sizeof(v4[0])
    if token[0] == TOKEN_IPV6:
        v6.sin6_family = AF_INET6
        memcpy(&v6.sin6_port, token + 1, 2)
        memcpy(&v6.sin6_addr, token + 3, 16)
        return sizeof(v6[0])
    return 0


cdef int address_ip(const sockaddr *addr, char *text) noexcept nogil:
    cdef const sockaddr_in *v4 = <const sockaddr_in *>addr
    cdef const sockaddr_in6 *v6 = <const sockaddr_in6 *>addr
    text[0] = 0
    if addr.sa_family == AF_INET:
        inet_ntop(AF_INET, &v4.sin_addr, text, ADDRESS_TEXT_MAX)
        return ntohs(v4.sin_port)
    if addr.sa_family == AF_INET6:
        inet_ntop(AF_INET6, &v6.sin6_addr, text, ADDRESS_TEXT_MAX)
        return ntohs(v6.sin6_port)
    return -1


cdef void address_text(const sockaddr *addr, char *text) noexcept nogil:
    cdef char ip[ADDRESS_TEXT_MAX]
    cdef int port = address_ip(addr, ip)
    text[0] = 0
    if port >= 0:
        snprintf(text, ADDRESS_TEXT_MAX, "%.48s:%d", <char *>ip, port)


cdef int address_resolve(
        const char *host, int port, int socktype, bint numeric_only, addrinfo **list) noexcept nogil:
    cdef addrinfo hints
    cdef char service[16]
    memset(&hints, 0, sizeof(hints))
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = socktype
    if socktype == SOCK_STREAM:
        hints.ai_protocol = IPPROTO_TCP
    elif socktype == SOCK_DGRAM:
        hints.ai_protocol = IPPROTO_UDP
    if numeric_only:
        hints.ai_flags = AI_NUMERICHOST
    snprintf(service, sizeof(service), "%d", port)
    list[0] = NULL
    return getaddrinfo(host, service, &hints, list)
