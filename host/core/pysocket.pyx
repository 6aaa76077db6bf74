# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""Sockets of native services written in Python: requests to the socket server, and the messages that come of them.

    sockets = Sockets(ctx)                  # in the module's init
    listener = sockets.listen("127.0.0.1", 0)

    def callback(type, session, source, payload):
        if type == PTYPE_SOCKET and source == 0:
            event, id, ud, data = sockets.read_message(payload)

A message of type PTYPE_SOCKET from anybody but the runtime (source 0) must not be read: its pointer is the sender's word.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from host.core.module cimport Context
from host.core.socket cimport socket_close, socket_listen, socket_nodelay, socket_open, socket_shutdown, socket_start
from host.core.socket_send cimport SEND_HIGH, SEND_LOW, socket_send
from host.core.socket_slot cimport (
    SOCKET_ACCEPT, SOCKET_CLOSE, SOCKET_CONNECT, SOCKET_DATA, SOCKET_ERROR, SOCKET_WARNING, socket_message,
)

DATA = SOCKET_DATA          # data: bytes
CONNECT = SOCKET_CONNECT    # data: local address; ud: port of a listener
CLOSE = SOCKET_CLOSE
ACCEPT = SOCKET_ACCEPT      # ud: the new id; data: "ip:port"
ERROR = SOCKET_ERROR        # data: text
WARNING = SOCKET_WARNING    # ud: KiB that wait to be written, 0 = none any more


cdef class Sockets:
    """What a service may do with sockets. What comes of it arrives at its callback, as host/core/socket.pxd tells.

    All methods may be called from any Python thread until the service's release hook has returned; after that they raise
    RuntimeError. None of them blocks, but for host names in listen().

    Args:
        ctx: the service's context; it is the owner of what listen, open and start are called for.
    """

    cdef Context ctx

    def __init__(self, Context ctx not None):
        self.ctx = ctx

    def listen(self, str host, int port, int backlog=128) -> int:
        """Bind a TCP address and return the listener's id; connections are accepted from start(id) on.

        Args:
            host: name or address; "" for 0.0.0.0.
            port: 0 for any.

        Raises:
            OSError: it cannot listen there, or there are too many sockets.
        """
        cdef uint32_t owner = self.ctx.live().handle
        address = host.encode()
        cdef const char *text = address
        cdef int id
        with nogil:
            id = socket_listen(owner, text, port, backlog)
        if id < 0:
            raise OSError(f"can't listen on {host}:{port}")
        return id

    def open(self, str host, int port) -> int:
        """Begin to connect and return the id. CONNECT or ERROR follows.

        Raises:
            OSError: the host is longer than an address can be, or there are too many sockets.
        """
        cdef uint32_t owner = self.ctx.live().handle
        address = host.encode()
        cdef const char *text = address
        cdef int id
        with nogil:
            id = socket_open(owner, text, port)
        if id < 0:
            raise OSError(f"can't connect to {host}:{port}")
        return id

    def start(self, int id) -> None:
        """Read, or accept, from now on. CONNECT or ERROR follows."""
        cdef uint32_t owner = self.ctx.live().handle
        with nogil:
            socket_start(owner, id)

    def close(self, int id) -> None:
        """Close when what is queued has been written. CLOSE follows at once, unless it came before."""
        self.ctx.live()
        with nogil:
            socket_close(id)

    def shutdown(self, int id) -> None:
        """Drop what is queued and close. CLOSE follows, unless it came before."""
        self.ctx.live()
        with nogil:
            socket_shutdown(id)

    def nodelay(self, int id) -> None:
        """Do not gather small packets."""
        self.ctx.live()
        with nogil:
            socket_nodelay(id)

    def send(self, int id, data, *, bint low=False) -> bool:
        """Send a copy of a bytes-like object; low: behind everything else.

        Returns:
            True when it is accepted, which promises nothing about its arrival; False when there is no such socket.
        """
        cdef const unsigned char[::1] view = data
        cdef size_t sz = view.shape[0]
        cdef int priority = SEND_LOW if low else SEND_HIGH
        cdef int failed
        self.ctx.live()
        if sz == 0:
            return True
        with nogil:
            failed = socket_send(id, <void *>&view[0], sz, False, priority)
        return failed == 0

    def read_message(self, bytes payload not None):
        """Decode a message of type PTYPE_SOCKET: (event, id, ud, data). To be called exactly once per message, because it
        frees what the message carries.

        Raises:
            ValueError: the payload is too short for one.
        """
        cdef socket_message m
        cdef size_t sz = len(payload)
        if sz < sizeof(socket_message):
            raise ValueError(f"not a socket message: {sz} bytes")
        memcpy(&m, <const char *>payload, sizeof(socket_message))
        if m.buffer == NULL:
            return m.type, m.id, m.ud, payload[sizeof(socket_message):]
        try:
            return m.type, m.id, m.ud, (<const char *>m.buffer)[:m.ud]
        finally:
            free(m.buffer)
