# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
"""Entry points of Lua (`noexcept nogil`, named l...) may raise a Lua error only while they hold nothing: no GIL, no lock, no
Python object, no memory that only a C variable knows. What needs Python is done before or after, by the class below.
"""

from host.core.module cimport Context

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset, strcmp, strdup

from host.core cimport lua
from host.core.arena cimport arena_close, arena_free, arena_init, arena_realloc, heap_touch
from host.core.command cimport command_result, skynet_command
from host.core.context cimport (
    context, context_error, context_errorf, context_push_self, context_sendname,
)
from host.core.debug cimport COUNT_VM, count
from host.core.env cimport env_get
from host.core.lua cimport lua_State
from host.core.message cimport PTYPE_TEXT, message_pack_size, skynet_message
from host.core.sync cimport (
    atomic_exchange, atomic_load_ptr_relaxed, atomic_load_relaxed, atomic_store_relaxed, spin_lock, spin_unlock, spinlock,
)
from host.core.system cimport pthread_kill
from host.core.worker cimport worker, worker_at, worker_self, workers_count
from host.luaclib.codecache cimport codecache_install, codecache_loadfile
from host.luaclib.profile cimport profile_install

cdef extern from *:
    """
    static lua_State *snlua_attached;

    /* Run inside a new lupa runtime through package.loadlib, with the GIL held: tells where its state is. */
    __attribute__((visibility("default"))) int snlua_attach(lua_State *L)
    {
        snlua_attached = L;
        return 0;
    }
    """
    lua_State *snlua_attached

cdef extern from "signal.h" nogil:
    ctypedef struct sigset_t:
        pass
    struct sigaction_t "sigaction":
        void (*sa_handler)(int) noexcept nogil
        int sa_flags
        sigset_t sa_mask
    int sigaction(int sig, const sigaction_t *act, sigaction_t *old) noexcept
    int sigemptyset(sigset_t *set) noexcept
    int SA_RESTART
    int SIGRTMIN

cdef enum:
    MEMORY_WARNING = 32 * 1024 * 1024
    HEAP_ROOM = 512 * 1024

cdef struct opener:
    char *name
    lua.lua_CFunction open

# The native modules, by the name that Lua requires. Filled before the first VM is made.
cdef opener openers[64]
cdef int nopeners

# Why the last start of a service failed, for whoever started the node.
cdef spinlock failure_lock
cdef char *failure
cdef uint32_t failed_handle


# -- memory

cdef void *snlua_alloc(void *ud, void *p, size_t osize, size_t nsize) noexcept nogil:
    """Source: service_snlua.c, lalloc. osize is a type tag when p is NULL."""
    cdef snlua *s = <snlua *>ud
    cdef size_t total
    if p == NULL:
        osize = 0
    if nsize == 0:
        if p != NULL:
            s.mem -= osize
            arena_free(&s.memory, p, osize)
        return NULL
    total = s.mem + nsize - osize
    if nsize > osize:
        if s.mem_limit != 0 and total > s.mem_limit:
            return NULL
        if total > s.mem_report:
            s.mem_report *= 2
            context_errorf(s.ctx, "Memory warning %.2f M", <double>total / (1024 * 1024))
    p = arena_realloc(&s.memory, p, osize, nsize)
    if p != NULL:
        s.mem = total
    return p


# -- signal 0: interrupt what runs

cdef void interrupt_hook(lua_State *L, lua.lua_Debug *ar) noexcept nogil:
    cdef snlua *s = snlua_of(L)
    lua.lua_sethook(L, NULL, 0, 0)
    if atomic_exchange(&s.interrupt, 0):
        lua.luaL_error(L, "signal 0")


cdef void on_interrupt(int sig) noexcept nogil:
    """On the thread that runs the VM: lua_sethook may interrupt its own thread anywhere, but races with another."""
    cdef worker *w = worker_self()
    cdef context *ctx
    cdef snlua *s
    if w == NULL:
        return
    ctx = <context *>w.current
    if ctx == NULL or ctx.data == NULL:
        return
    s = <snlua *>ctx.data
    if atomic_exchange(&w.breaking, 0):
        atomic_store_relaxed(&s.interrupt, 1)
    if atomic_load_relaxed(&s.interrupt) and s.active != NULL:
        lua.lua_sethook(s.active, interrupt_hook, lua.LUA_MASKCOUNT, 1)


cdef void interrupt(context *ctx) noexcept nogil:
    """Break what the service runs at this moment; an idle service is left alone."""
    cdef worker *w
    cdef int i
    for i in range(workers_count()):
        w = worker_at(i)
        if atomic_load_ptr_relaxed(&w.current) == ctx:
            atomic_store_relaxed(&(<snlua *>ctx.data).interrupt, 1)
            pthread_kill(w.thread, SIGRTMIN + 5)


def interrupt_all() -> int:
    """Break what every Lua service runs at this moment, so that a stopping node gets its workers back.

    Returns how many workers were in a message.
    """
    cdef worker *w
    cdef int i
    cdef int n = 0
    for i in range(workers_count()):
        w = worker_at(i)
        # its context may be gone by now: only the worker itself may look inside
        if atomic_load_ptr_relaxed(&w.current) != NULL:
            atomic_store_relaxed(&w.breaking, 1)
            pthread_kill(w.thread, SIGRTMIN + 5)
            n += 1
    return n


cdef void install_interrupt():
    cdef sigaction_t action
    memset(&action, 0, sizeof(action))
    action.sa_handler = on_interrupt
    action.sa_flags = SA_RESTART
    sigemptyset(&action.sa_mask)
    sigaction(SIGRTMIN + 5, &action, NULL)


# -- error reports

cdef int ltraceback(lua_State *L) noexcept nogil:
    cdef const char *message = lua.lua_tostring(L, 1)
    if message != NULL:
        lua.luaL_traceback(L, L, message, 1)
    else:
        lua.lua_pushstring(L, "(no error message)")
    return 1


cdef void snlua_report(
        snlua *s, lua_State *L, int status, uint32_t source, int32_t session, size_t sz) noexcept nogil:
    cdef char head[160]
    cdef const char *message
    cdef size_t len, n
    cdef char *text
    cdef uint32_t self = s.ctx.handle
    if status == lua.LUA_ERRRUN:
        message = lua.lua_tolstring(L, -1, &len)
        n = snprintf(head, sizeof(head), "lua call [%x to :%x : %d msgsz = %d] error : \x1b[31m",
                     source, self, session, <int>sz)
        text = <char *>malloc(n + len + 8)
        memcpy(text, head, n)
        memcpy(text + n, message, len)
        memcpy(text + n + len, b"\x1b[0m", 4)
        context_error(s.ctx, text, n + len + 4)
        free(text)
    elif status == lua.LUA_ERRMEM:
        context_errorf(s.ctx, "lua memory error : [%x to :%x : %d]", source, self, session)
    else:
        context_errorf(s.ctx, "lua error in error : [%x to :%x : %d]", source, self, session)


cdef inline void swap_failure(uint32_t *handle, char **text) noexcept nogil:
    global failure, failed_handle
    cdef char *before = failure
    cdef uint32_t handle_before = failed_handle
    failure = text[0]
    failed_handle = handle[0]
    text[0] = before
    handle[0] = handle_before


cdef void snlua_failed(snlua *s, const char *text) noexcept nogil:
    cdef char *copy = strdup(text)
    cdef uint32_t handle = s.ctx.handle
    spin_lock(&failure_lock)
    swap_failure(&handle, &copy)
    spin_unlock(&failure_lock)
    free(copy)


def last_failure() -> tuple[int, str] | None:
    """Return the handle of the last service that could not be started and why, and forget it."""
    cdef char *text = NULL
    cdef uint32_t handle = 0
    spin_lock(&failure_lock)
    swap_failure(&handle, &text)
    spin_unlock(&failure_lock)
    if text == NULL:
        return None
    result = handle, text.decode("utf-8", "replace")
    free(text)
    return result


# -- boot of the VM

cdef int lpreload(lua_State *L) noexcept nogil:
    """__index of package.preload: (table, name) -> opener | nil"""
    cdef const char *name = lua.lua_tostring(L, 2)
    cdef int i
    if name != NULL:
        for i in range(nopeners):
            if strcmp(openers[i].name, name) == 0:
                lua.lua_pushcfunction(L, openers[i].open)
                return 1
    return 0


cdef void set_path(lua_State *L, const char *name, const char *key, const char *default) noexcept nogil:
    cdef const char *value = env_get(key)
    lua.lua_pushstring(L, value if value != NULL else default)
    lua.lua_setglobal(L, name)


cdef int lboot(lua_State *L) noexcept nogil:
    """(arguments of the service) -> ; the whole start of a VM up to the end of the main chunk"""
    cdef snlua *s = snlua_of(L)
    cdef const char *loader = env_get("lualoader")
    if loader == NULL:
        loader = "./lualib/loader.lua"
    lua.lua_gc(L, lua.LUA_GCSTOP)
    lua.lua_pushnil(L)
    lua.lua_setglobal(L, "python")
    lua.lua_pushboolean(L, 1)
    lua.lua_setfield(L, lua.LUA_REGISTRYINDEX, "LUA_NOENV")
    lua.lua_pushlightuserdata(L, s.ctx)
    lua.lua_setfield(L, lua.LUA_REGISTRYINDEX, "skynet_context")
    lua.lua_getglobal(L, "package")                         # package
    lua.lua_getfield(L, -1, "loaded")                       # package loaded
    lua.lua_pushnil(L)
    lua.lua_setfield(L, -2, "python")
    profile_install(L)
    codecache_install(L)
    lua.lua_getfield(L, -2, "preload")                      # package loaded preload
    lua.lua_createtable(L, 0, 1)
    lua.lua_pushcfunction(L, lpreload)
    lua.lua_setfield(L, -2, "__index")
    lua.lua_setmetatable(L, -2)
    lua.lua_settop(L, 1)
    if lua.lua_is55:
        lua.lua_gc(L, lua.LUA_GCGEN)
    else:
        lua.lua_gc(L, lua.LUA_GCGEN, 0, 0)
    set_path(L, "LUA_PATH", "lua_path", "./lualib/?.lua;./lualib/?/init.lua")
    set_path(L, "LUA_CPATH", "lua_cpath", "./luaclib/?.so")
    set_path(L, "LUA_SERVICE", "luaservice", "./service/?.lua")
    set_path(L, "LUA_PRELOAD", "preload", NULL)
    if codecache_loadfile(L, s, loader) != lua.LUA_OK:      # args error
        snlua_failed(s, lua.lua_tostring(L, -1))
        context_errorf(s.ctx, "Can't load %s : %s", loader, lua.lua_tostring(L, -1))
        lua.lua_pushboolean(L, 0)
        return 1
    lua.lua_pushcfunction(L, ltraceback)                    # args loader traceback
    lua.lua_insert(L, 2)
    lua.lua_pushvalue(L, 1)                                 # args traceback loader args
    if lua.lua_pcall(L, 1, 0, 2) != lua.LUA_OK:
        snlua_failed(s, lua.lua_tostring(L, -1))
        lua.lua_pushfstring(L, "lua loader error : %s", lua.lua_tostring(L, -1))
        log_top(s.ctx, L)
        lua.lua_pushboolean(L, 0)
        return 1
    if lua.lua_getfield(L, lua.LUA_REGISTRYINDEX, "memlimit") == lua.LUA_TNUMBER:
        s.mem_limit = <size_t>lua.lua_tointeger(L, -1)
        context_errorf(s.ctx, "Set memory limit to %.2f M", <double>s.mem_limit / (1024 * 1024))
        lua.lua_pushnil(L)
        lua.lua_setfield(L, lua.LUA_REGISTRYINDEX, "memlimit")
    # What the start leaves behind is room for what the service makes next: it takes a page less.
    lua.lua_gc(L, lua.LUA_GCCOLLECT)
    lua.lua_gc(L, lua.LUA_GCRESTART)
    lua.lua_pushboolean(L, 1)
    return 1


cdef void log_top(context *ctx, lua_State *L) noexcept nogil:
    cdef size_t len
    cdef const char *text = lua.lua_tolstring(L, -1, &len)
    context_error(ctx, text, len)


cdef int launch_callback(
        context *ctx, void *ud, int type, int32_t session, uint32_t source, void *data, size_t sz) noexcept nogil:
    """The first message of a Lua service is its argument string."""
    cdef snlua *s = <snlua *>ud
    cdef lua_State *L = s.L
    cdef command_result result
    cdef int status
    ctx.callback = NULL
    s.active = L
    lua.lua_settop(L, 0)
    lua.lua_pushcfunction(L, lboot)
    if data == NULL:
        lua.lua_pushstring(L, "")
    else:
        lua.lua_pushlstring(L, <const char *>data, sz)
    status = lua.lua_pcall(L, 1, 1, 0)
    if status != lua.LUA_OK:
        lua.lua_tolstring(L, -1, NULL)
        log_top(ctx, L)
    if status != lua.LUA_OK or not lua.lua_toboolean(L, -1):
        # Gone before anybody is told: who hears of it may end the node, and the log is to have the end of this one.
        skynet_command(ctx, "EXIT", NULL, &result)
        context_sendname(ctx, 0, ".launcher", PTYPE_TEXT, 0, <void *><const char *>"ERROR", 5)
    lua.lua_settop(L, 0)
    s.active = NULL
    atomic_store_relaxed(&s.interrupt, 0)
    return 0


cdef extern from "stdio.h" nogil:
    int snprintf(char *buffer, size_t size, const char *format, ...) noexcept


cdef class Snlua:
    """A VM and the service in it. Source: service_snlua.c (snlua_create, snlua_init, snlua_release, snlua_signal)."""
    cdef snlua s
    cdef object runtime

    def __cinit__(self):
        memset(&self.s, 0, sizeof(snlua))
        arena_init(&self.s.memory)

    def init(self, Context wrapper, str args) -> None:
        """Make the VM and post the argument string to it; the script runs when that message is dispatched."""
        cdef context *ctx = wrapper.live()
        cdef snlua *s = &self.s
        cdef skynet_message m
        cdef lua_State *L
        # A heap grows by the page, with a system call each; room that nobody touches costs nothing.
        heap_touch(HEAP_ROOM)
        runtime = lua_module.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
        runtime.execute(attach_chunk)
        L = snlua_attached
        self.runtime = runtime
        s.ctx = ctx
        s.L = L
        s.mem_report = MEMORY_WARNING
        s.codecache_mode = 2
        s.mem = <size_t>lua.lua_gc(L, lua.LUA_GCCOUNT) * 1024 + lua.lua_gc(L, lua.LUA_GCCOUNTB)
        lua.lua_setallocf(L, snlua_alloc, s)
        (<size_t *>lua.lua_getextraspace(L))[0] = <size_t>s
        count(COUNT_VM, 1)
        ctx.ud = s
        ctx.data = s
        ctx.callback = launch_callback
        line = (args or "").encode("utf-8", "surrogateescape")
        m.source = ctx.handle
        m.session = 0
        m.data = NULL
        if line:
            m.data = malloc(len(line) + 1)
            memcpy(m.data, <const char *>line, len(line) + 1)
        m.sz = message_pack_size(len(line), PTYPE_TEXT)
        context_push_self(ctx, &m)

    def release(self) -> None:
        """Answer what the service owes, and close the VM: __gc and __close handlers run now and may still send."""
        cdef snlua *s = &self.s
        cdef size_t used = s.mem
        if self.runtime is None:
            return
        if s.dispatcher_close != NULL:
            s.dispatcher_close(s)
        self.runtime = None
        if s.dispatcher_free != NULL:
            s.dispatcher_free(s)
        s.ctx.data = NULL
        arena_close(&s.memory, used)
        count(COUNT_VM, -1)

    def signal(self, int n) -> None:
        """0: interrupt what runs; 1: log the memory in use; all are logged."""
        cdef context *ctx = self.s.ctx
        context_errorf(ctx, "recv a signal %d", n)
        if n == 0:
            interrupt(ctx)
        elif n == 1:
            context_errorf(ctx, "Current Memory %.3fK", <double><float>(self.s.mem / 1024.0))


lua_module = None
attach_chunk = b""


def setup(module, native: dict[str, int]) -> None:
    """Prepare for the first VM of a node.

    Args:
        module: lupa.lua54 or lupa.lua55, loaded with its symbols global.
        native: name that Lua requires -> address of the opener, a lua_CFunction.
    """
    global lua_module, attach_chunk, nopeners
    cdef int i
    lua_module = module
    attach_chunk = b"package.loadlib([[" + __file__.encode() + b"]], 'snlua_attach')()"
    for i in range(nopeners):
        free(openers[i].name)
    nopeners = 0
    for name, address in native.items():
        text = name.encode()
        openers[nopeners].name = <char *>malloc(len(text) + 1)
        memcpy(openers[nopeners].name, <const char *>text, len(text) + 1)
        openers[nopeners].open = <lua.lua_CFunction><uintptr_t>address
        nopeners += 1
    install_interrupt()
