# cython: language_level=3, cdivision=True, annotation_typing=False
"""A socket server without a node, for tests and tools: what it posts is kept here until somebody asks for it."""

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from host.core.message cimport message_size, message_type
from host.core.socket cimport (
    socket_bind, socket_close, socket_free, socket_info, socket_init, socket_listen, socket_nodelay, socket_open,
    socket_pause, socket_query, socket_shutdown, socket_slots, socket_start, socket_stop, socket_sweep,
    socket_thread_run, socket_udp, socket_udp_connect, socket_udp_dial, socket_udp_listen,
)
from host.core.socket_address cimport token_size
from host.core.socket_poll cimport socket_poll, socket_wakeup
from host.core.socket_send cimport SEND_HIGH, SEND_LOW, socket_send, socket_udp_send
from host.core.socket_slot cimport SOCKET_UDP, slots_forsake, socket_message
from host.core.sync cimport spin_lock, spin_unlock, spinlock

import threading
import time
from typing import NamedTuple

cdef struct posted:
    posted *next
    uint32_t handle
    void *data
    size_t sz

cdef struct posted_list:
    posted *head
    posted *tail

cdef spinlock lock          # of both lists
cdef posted_list messages
cdef posted_list lines
cdef uint32_t dead          # handle of a service that does not exist


cdef void append(posted_list *list, uint32_t handle, void *data, size_t sz) noexcept nogil:
    cdef posted *p = <posted *>malloc(sizeof(posted))
    p.next = NULL
    p.handle = handle
    p.data = data
    p.sz = sz
    spin_lock(&lock)
    if list.tail != NULL:
        list.tail.next = p
    else:
        list.head = p
    list.tail = p
    spin_unlock(&lock)


cdef posted *take(posted_list *list) noexcept nogil:
    cdef posted *p
    spin_lock(&lock)
    p = list.head
    if p != NULL:
        list.head = p.next
        if list.head == NULL:
            list.tail = NULL
    spin_unlock(&lock)
    return p


cdef int keep_message(uint32_t handle, void *data, size_t sz) noexcept nogil:
    if handle == dead:
        return -1
    append(&messages, handle, data, sz)
    return 0


cdef bint lives(uint32_t handle) noexcept nogil:
    return handle != dead


cdef void keep_line(const char *text, size_t sz) noexcept nogil:
    """Called with locks of the server held, so it must not wait for the GIL."""
    cdef void *copy = malloc(sz)
    memcpy(copy, text, sz)
    append(&lines, 0, copy, sz)


cdef char *text_or_null(bytes encoded) noexcept:
    return NULL if encoded is None else <char *>encoded


class Event(NamedTuple):
    """One PTYPE_SOCKET message. data: bytes of DATA and UDP, else the text. token: of UDP."""
    handle: int
    type: int
    id: int
    ud: int
    data: bytes
    token: bytes


class SocketProbe:
    """The one socket server of the process, with its thread; a context manager."""

    def __init__(self, *, dead: int = 0xdead, thread: bool = True) -> None:
        self.dead = dead
        self.thread = threading.Thread(target=self.run) if thread else None

    def __enter__(self) -> "SocketProbe":
        global dead
        dead = self.dead
        if socket_init(keep_message, keep_line) != 0:
            raise OSError("the socket server cannot be started")
        if self.thread is not None:
            self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        socket_stop()
        if self.thread is not None:
            self.thread.join()
        socket_free()
        while self.event() is not None:
            pass
        self.lines()

    @staticmethod
    def run() -> None:
        with nogil:
            socket_thread_run()

    @staticmethod
    def poll(timeout_ms: int) -> int:
        """Poll in this thread; -1 when another one does."""
        cdef int ms = timeout_ms
        cdef int n
        with nogil:
            n = socket_poll(ms)
        return n

    @staticmethod
    def wakeup() -> None:
        socket_wakeup()

    @staticmethod
    def event() -> Event | None:
        """Take the oldest message, if there is one."""
        cdef posted *p = take(&messages)
        cdef socket_message *m
        cdef size_t sz
        if p == NULL:
            return None
        m = <socket_message *>p.data
        sz = message_size(p.sz)
        token = b""
        if m.buffer == NULL:
            data = (<const char *>(m + 1))[:sz - sizeof(socket_message)]
        else:
            data = m.buffer[:m.ud]
            if m.type == SOCKET_UDP:
                token = (m.buffer + m.ud)[:token_size(<const unsigned char *>m.buffer + m.ud)]
        assert message_type(p.sz) == 6
        result = Event(p.handle, m.type, m.id, m.ud, data, token)
        free(m.buffer)
        free(m)
        free(p)
        return result

    def wait(self, timeout: float = 5.0) -> Event:
        """Wait for the next message.

        Raises:
            TimeoutError: none has come.
        """
        deadline = time.monotonic() + timeout
        while (event := self.event()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError("no socket message")
            time.sleep(0.0005)
        return event

    @staticmethod
    def lines() -> list[str]:
        """Take the log lines so far."""
        cdef posted *p
        result = []
        while True:
            p = take(&lines)
            if p == NULL:
                return result
            result.append((<const char *>p.data)[:p.sz].decode())
            free(p.data)
            free(p)

    @staticmethod
    def open(host: str, port: int, opaque: int = 1) -> int:
        return socket_open(opaque, host.encode(), port)

    @staticmethod
    def listen(host: str | None, port: int, backlog: int = 32, opaque: int = 1) -> int:
        encoded = None if host is None else host.encode()
        return socket_listen(opaque, text_or_null(encoded), port, backlog)

    @staticmethod
    def bind(fd: int, opaque: int = 1) -> int:
        return socket_bind(opaque, fd)

    @staticmethod
    def start(id: int, opaque: int = 1) -> None:
        socket_start(opaque, id)

    @staticmethod
    def pause(id: int) -> None:
        socket_pause(id)

    @staticmethod
    def close(id: int) -> None:
        socket_close(id)

    @staticmethod
    def shutdown(id: int) -> None:
        socket_shutdown(id)

    @staticmethod
    def forsake(opaque: int) -> None:
        """The service with this handle has ended; it takes the place of `dead`."""
        global dead
        dead = opaque
        slots_forsake()

    @staticmethod
    def sweep() -> None:
        socket_sweep(lives)

    @staticmethod
    def nodelay(id: int) -> None:
        socket_nodelay(id)

    @staticmethod
    def send(id: int, data: bytes, *, low: bool = False, owned: bool = False) -> bool:
        """Send a copy, or (owned) a block that the server frees."""
        cdef const char *p = data
        cdef size_t sz = len(data)
        cdef int number = id
        cdef int priority = SEND_LOW if low else SEND_HIGH
        cdef bint take_over = owned
        cdef void *block = <void *>p
        cdef int failed
        if take_over:
            block = malloc(sz + 1)
            memcpy(block, p, sz)
        with nogil:
            failed = socket_send(number, block, sz, take_over, priority)
        return not failed

    @staticmethod
    def udp(host: str | None = None, port: int = 0, opaque: int = 1) -> int:
        encoded = None if host is None else host.encode()
        return socket_udp(opaque, text_or_null(encoded), port)

    @staticmethod
    def udp_listen(host: str, port: int, opaque: int = 1) -> int:
        return socket_udp_listen(opaque, host.encode(), port)

    @staticmethod
    def udp_dial(host: str, port: int, opaque: int = 1) -> int:
        return socket_udp_dial(opaque, host.encode(), port)

    @staticmethod
    def udp_connect(id: int, host: str, port: int) -> bool:
        return socket_udp_connect(id, host.encode(), port) == 0

    @staticmethod
    def udp_send(id: int, token: bytes, data: bytes) -> bool:
        return socket_udp_send(id, token, <char *>data, len(data), False) == 0

    @staticmethod
    def info() -> list[dict[str, object]]:
        """What netstat lists."""
        cdef socket_info info
        cdef int i
        result = []
        for i in range(socket_slots()):
            if socket_query(i, &info):
                result.append({
                    "id": info.id, "opaque": info.opaque, "type": info.type.decode(), "read": info.read,
                    "write": info.write, "wbuffer": info.wbuffer, "reading": bool(info.reading),
                    "writing": bool(info.writing), "name": info.name.decode(),
                })
        return result
