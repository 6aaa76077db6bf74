"""Module instances and their contexts as Python sees them. Source: skynet_module.c, skynet_server.c (skynet_context_new)."""

from host.core.context cimport context


cdef class Context:
    cdef context *ctx           # NULL once the service is released; only touched with the GIL
    cdef object module
    cdef object instance
    cdef object _callback
    cdef object on_release      # called once, without arguments, when the service is gone
    cdef object __weakref__

    cdef context *live(self) except NULL
