"""Sockets, epoll and name resolution of the system. Nothing but declarations, grouped by header."""

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from posix.types cimport off_t


cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t
    cdef struct sockaddr:
        unsigned short sa_family
    cdef struct sockaddr_storage:
        unsigned short ss_family
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        void *msg_name
        socklen_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
    const int AF_INET
    const int AF_INET6
    const int AF_UNSPEC
    const int SOCK_STREAM
    const int SOCK_DGRAM
    const int SOCK_NONBLOCK
    const int SOCK_CLOEXEC
    const int SOL_SOCKET
    const int SO_ERROR
    const int SO_KEEPALIVE
    const int SO_REUSEADDR
    const int SHUT_RD
    const int SHUT_WR
    const int SHUT_RDWR
    const int MSG_NOSIGNAL
    int socket_create "socket"(int domain, int type, int protocol) noexcept
    int accept4(int fd, sockaddr *addr, socklen_t *len, int flags) noexcept
    int bind(int fd, const sockaddr *addr, socklen_t len) noexcept
    int listen(int fd, int backlog) noexcept
    int connect(int fd, const sockaddr *addr, socklen_t len) noexcept
    int shutdown(int fd, int how) noexcept
    int getsockopt(int fd, int level, int name, void *value, socklen_t *len) noexcept
    int setsockopt(int fd, int level, int name, const void *value, socklen_t len) noexcept
    int getsockname(int fd, sockaddr *addr, socklen_t *len) noexcept
    int getpeername(int fd, sockaddr *addr, socklen_t *len) noexcept
    ssize_t recv(int fd, void *buffer, size_t sz, int flags) noexcept
    ssize_t recvfrom(int fd, void *buffer, size_t sz, int flags, sockaddr *addr, socklen_t *len) noexcept
    ssize_t send(int fd, const void *data, size_t sz, int flags) noexcept
    ssize_t sendto(int fd, const void *data, size_t sz, int flags, const sockaddr *addr, socklen_t len) noexcept
    ssize_t sendmsg(int fd, const msghdr *message, int flags) noexcept

cdef extern from "sys/uio.h" nogil:
    ssize_t readv(int fd, const iovec *parts, int n) noexcept
    ssize_t writev(int fd, const iovec *parts, int n) noexcept

cdef extern from "netinet/in.h" nogil:
    cdef struct in_addr:
        uint32_t s_addr
    cdef struct in6_addr:
        uint8_t s6_addr[16]
    cdef struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        unsigned short sin6_family
        uint16_t sin6_port
        in6_addr sin6_addr
    const int IPPROTO_TCP
    const int IPPROTO_UDP
    const int INET6_ADDRSTRLEN
    uint16_t htons(uint16_t n) noexcept
    uint16_t ntohs(uint16_t n) noexcept

cdef extern from "netinet/tcp.h" nogil:
    const int TCP_NODELAY

cdef extern from "arpa/inet.h" nogil:
    const char *inet_ntop(int family, const void *address, char *text, socklen_t sz) noexcept
    int inet_pton(int family, const char *text, void *address) noexcept

cdef extern from "netdb.h" nogil:
    cdef struct addrinfo:
        int ai_flags
        int ai_family
        int ai_socktype
        int ai_protocol
        socklen_t ai_addrlen
        sockaddr *ai_addr
        addrinfo *ai_next
    const int AI_NUMERICHOST
    const int EAI_NONAME
    const int EAI_SYSTEM
    int getaddrinfo(const char *host, const char *service, const addrinfo *hints, addrinfo **result) noexcept
    void freeaddrinfo(addrinfo *list) noexcept
    const char *gai_strerror(int code) noexcept

cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        void *ptr
        int fd
        uint32_t u32
        uint64_t u64
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data
    const int EPOLL_CLOEXEC
    const int EPOLL_CTL_ADD
    const int EPOLL_CTL_DEL
    const int EPOLL_CTL_MOD
    const unsigned int EPOLLIN
    const unsigned int EPOLLOUT
    const unsigned int EPOLLERR
    const unsigned int EPOLLHUP
    int epoll_create1(int flags) noexcept
    int epoll_ctl(int ep, int op, int fd, epoll_event *event) noexcept
    int epoll_wait(int ep, epoll_event *events, int n, int timeout_ms) noexcept

cdef extern from "sys/eventfd.h" nogil:
    const int EFD_CLOEXEC
    const int EFD_NONBLOCK
    int eventfd(unsigned int initial, int flags) noexcept
