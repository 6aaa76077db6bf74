# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""`client.socket`: a blocking TCP client for programs that talk to a node without being one. Source: lua-clientsocket.c."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stddef cimport size_t
from libc.stdint cimport uintptr_t
from libc.stdio cimport FILE, fflush, printf, stdin
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset, strerror
from posix.fcntl cimport F_GETFL, F_SETFL, O_NONBLOCK, fcntl
from posix.unistd cimport _exit, close, usleep

from host.core cimport lua
from host.core.lua cimport lua_State
from host.core.net cimport (
    AF_INET, MSG_NOSIGNAL, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_CLOEXEC, SOCK_STREAM, connect, htons, inet_pton, recv, send,
    shutdown, sockaddr, sockaddr_in, socket_create,
)
from host.core.sync cimport spin_lock, spin_unlock, spinlock
from host.core.system cimport pthread_t

cdef extern from "pthread.h" nogil:
    int pthread_create(pthread_t *t, void *attr, void *(*body)(void *) noexcept nogil, void *arg) noexcept
    int pthread_detach(pthread_t t) noexcept

cdef extern from "stdio.h" nogil:
    ssize_t getline(char **line, size_t *room, FILE *f) noexcept

cdef extern from "poll.h" nogil:
    cdef struct pollfd:
        int fd
        short events
        short revents
    const int POLLOUT
    int poll(pollfd *fds, unsigned long n, int timeout_ms) noexcept

cdef enum:
    RECEIVE = 4096          # bytes at most

cdef struct line:
    line *next
    size_t sz
    char *text

# Lines of stdin that nobody has read yet; the thread that reads them lives as long as the process.
cdef spinlock lock
cdef line *head
cdef line *tail
cdef bint reading


# socket.connect(ipv4, port) -> fd
cdef int lconnect(lua_State *L) noexcept nogil:
    cdef const char *ip = lua.luaL_checklstring(L, 1, NULL)
    cdef lua.lua_Integer port = lua.luaL_checkinteger(L, 2)
    cdef sockaddr_in addr
    cdef int fd
    memset(&addr, 0, sizeof(addr))
    addr.sin_family = AF_INET
    addr.sin_port = htons(<unsigned short>port)
    if inet_pton(AF_INET, ip, &addr.sin_addr) == 1:
        fd = socket_create(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)
        if fd >= 0:
            if connect(fd, <sockaddr *>&addr, sizeof(addr)) == 0:
                fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK)
                lua.lua_pushinteger(L, fd)
                return 1
            close(fd)
    return lua.luaL_error(L, "Connect %s %d failed", ip, <int>port)


# socket.close(fd)
cdef int lclose(lua_State *L) noexcept nogil:
    close(<int>lua.luaL_checkinteger(L, 1))
    return 0


# socket.send(fd, s)
cdef int lsend(lua_State *L) noexcept nogil:
    """Returns when everything is written."""
    cdef pollfd waiting
    cdef size_t sz
    cdef const char *p
    cdef ssize_t n
    waiting.fd = <int>lua.luaL_checkinteger(L, 1)
    waiting.events = POLLOUT
    p = lua.luaL_checklstring(L, 2, &sz)
    while sz > 0:
        n = send(waiting.fd, p, sz, MSG_NOSIGNAL)
        if n >= 0:
            p += n
            sz -= n
        elif errno == EAGAIN:
            poll(&waiting, 1, -1)
        elif errno != EINTR:
            return lua.luaL_error(L, "socket error: %s", strerror(errno))
    return 0


# socket.recv(fd) -> string of at most 4096 bytes | "" when closed | nil when there is nothing
cdef int lrecv(lua_State *L) noexcept nogil:
    cdef int fd = <int>lua.luaL_checkinteger(L, 1)
    cdef char buffer[RECEIVE]
    cdef ssize_t n = recv(fd, buffer, sizeof(buffer), 0)
    if n < 0:
        if errno == EAGAIN or errno == EINTR:
            return 0
        return lua.luaL_error(L, "socket error: %s", strerror(errno))
    lua.lua_pushlstring(L, buffer, n)
    return 1


# socket.usleep(us)
cdef int lusleep(lua_State *L) noexcept nogil:
    usleep(<unsigned int>lua.luaL_checkinteger(L, 1))
    return 0


# socket.shutdown(fd, mode); mode has the letters r and w
cdef int lshutdown(lua_State *L) noexcept nogil:
    cdef int fd = <int>lua.luaL_checkinteger(L, 1)
    cdef const char *mode = lua.luaL_checklstring(L, 2, NULL)
    cdef bint r = False
    cdef bint w = False
    cdef int how
    while mode[0] != 0:
        if mode[0] == c"r":
            r = True
        elif mode[0] == c"w":
            w = True
        else:
            return lua.luaL_error(L, "Invalid mode %c", <int>mode[0])
        mode += 1
    if not r and not w:
        return lua.luaL_error(L, "mode should be r or/and w")
    if r and w:
        how = SHUT_RDWR
    else:
        how = SHUT_RD if r else SHUT_WR
    printf("SHUTDOWN %d %d\n", fd, how)
    shutdown(fd, how)
    return 0


cdef void *read_lines(void *arg) noexcept nogil:
    global head, tail
    cdef char *buffer = NULL
    cdef size_t room = 0
    cdef ssize_t n
    cdef line *l
    while True:
        n = getline(&buffer, &room, stdin)
        if n < 0:
            # As the original does: a client whose input has ended has nothing more to say.
            fflush(NULL)
            _exit(0)
        if n > 0 and buffer[n - 1] == c"\n":
            n -= 1
        l = <line *>malloc(sizeof(line))
        l.next = NULL
        l.sz = n
        l.text = <char *>malloc(n + 1)
        memcpy(l.text, buffer, n)
        spin_lock(&lock)
        if tail != NULL:
            tail.next = l
        else:
            head = l
        tail = l
        spin_unlock(&lock)
    return NULL


# socket.readstdin() -> line | nil
cdef int lreadstdin(lua_State *L) noexcept nogil:
    global head, tail
    cdef line *l
    spin_lock(&lock)
    l = head
    if l != NULL:
        head = l.next
        if head == NULL:
            tail = NULL
    spin_unlock(&lock)
    if l == NULL:
        return 0
    lua.lua_pushlstring(L, l.text, l.sz)
    free(l.text)
    free(l)
    return 1


cdef lua.luaL_Reg[8] functions
functions[0] = lua.luaL_Reg("connect", lconnect)
functions[1] = lua.luaL_Reg("close", lclose)
functions[2] = lua.luaL_Reg("send", lsend)
functions[3] = lua.luaL_Reg("recv", lrecv)
functions[4] = lua.luaL_Reg("usleep", lusleep)
functions[5] = lua.luaL_Reg("shutdown", lshutdown)
functions[6] = lua.luaL_Reg("readstdin", lreadstdin)
functions[7] = lua.luaL_Reg(NULL, NULL)


cdef public int luaopen_client_socket(lua_State *L) noexcept nogil:
    """Starts to read stdin, once in a process."""
    global reading
    cdef pthread_t t
    cdef bint first
    lua.lua_createtable(L, 0, 7)
    lua.luaL_setfuncs(L, functions, 0)
    spin_lock(&lock)
    first = not reading
    reading = True
    spin_unlock(&lock)
    if first and pthread_create(&t, NULL, read_lines, NULL) == 0:
        pthread_detach(t)
    return 1


def openers() -> dict[str, int]:
    """Return the address of the opener of each Lua module in here, by the name that Lua requires it with."""
    return {"client.socket": <uintptr_t>&luaopen_client_socket}
