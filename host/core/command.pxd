"""The text commands of a service. Source: skynet_server.c, skynet_command; the table is core.md section 11."""

from libc.stdint cimport uint32_t

from host.core.context cimport context

cdef struct command_result:
    const char *text        # the result, NULL = nothing; in `buffer`, or living as long as the node
    const char *error       # NULL, or what is wrong with the call: the original aborts or crashes there
    char buffer[64]

# Any thread for Python contexts, the service's own for Lua ones.
cdef void skynet_command(context *ctx, const char *cmd, const char *param, command_result *result) noexcept nogil

# TIMEOUT without text.
cdef int command_timeout(context *ctx, int ti) noexcept nogil

# Launch a module: its handle, or 0 (the reason was logged). args may be NULL.
ctypedef uint32_t (*command_launcher)(const char *module, const char *args) noexcept nogil
cdef void commands_init(command_launcher launcher) noexcept nogil
