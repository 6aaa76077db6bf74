# cython: language_level=3, cdivision=True, boundscheck=False, wraparound=False
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, strcmp, strcpy, strlen, strncmp

from host.core cimport lua
from host.core.env cimport env_get
from host.core.lua cimport lua_State
from host.core.sync cimport spin_lock, spin_unlock, spinlock
from host.luaclib.snlua cimport snlua, snlua_of

cdef enum:
    MODE_OFF = 0
    MODE_EXIST = 1
    MODE_ON = 2

cdef struct blob:
    blob *next
    int refs                # under `lock`: one of the cache, one of each reader
    char *name              # "@" and the file name as it was given
    char *data
    size_t sz
    size_t cap

cdef spinlock lock
cdef blob *cache            # a few hundred files at most: a list will do


cdef void blob_free(blob *b) noexcept nogil:
    free(b.name)
    free(b.data)
    free(b)


cdef void blob_release(blob *b) noexcept nogil:
    cdef int refs
    spin_lock(&lock)
    b.refs -= 1
    refs = b.refs
    spin_unlock(&lock)
    if refs == 0:
        blob_free(b)


cdef blob *find(const char *name) noexcept nogil:
    """Under `lock`."""
    cdef blob *b = cache
    while b != NULL and strcmp(b.name + 1, name) != 0:
        b = b.next
    return b


cdef blob *grab(const char *name) noexcept nogil:
    cdef blob *b
    spin_lock(&lock)
    b = find(name)
    if b != NULL:
        b.refs += 1
    spin_unlock(&lock)
    return b


cdef void clear() noexcept nogil:
    global cache
    cdef blob *b
    cdef blob *next
    spin_lock(&lock)
    b = cache
    cache = NULL
    spin_unlock(&lock)
    while b != NULL:
        next = b.next
        blob_release(b)
        b = next


cdef int append(lua_State *L, const void *p, size_t sz, void *ud) noexcept nogil:
    """lua_Writer"""
    cdef blob *b = <blob *>ud
    cdef char *data
    if b.sz + sz > b.cap:
        b.cap = (b.sz + sz) * 2
        data = <char *>realloc(b.data, b.cap)
        if data == NULL:
            return 1
        b.data = data
    if sz:
        memcpy(b.data + b.sz, p, sz)
    b.sz += sz
    return 0


cdef void remember(lua_State *L, const char *filename) noexcept nogil:
    """Add the function on top of the stack to the cache; the first of two that do so at once wins."""
    global cache
    cdef blob *b = <blob *>malloc(sizeof(blob))
    b.refs = 1
    b.data = NULL
    b.sz = b.cap = 0
    b.name = <char *>malloc(strlen(filename) + 2)
    b.name[0] = c"@"
    strcpy(b.name + 1, filename)
    if lua.lua_dump(L, append, b, 0) != 0:
        blob_free(b)
        return
    b.data = <char *>realloc(b.data, b.sz)
    spin_lock(&lock)
    if find(filename) == NULL:
        b.next = cache
        cache = b
        b = NULL
    spin_unlock(&lock)
    if b != NULL:
        blob_free(b)


cdef int codecache_loadfile(lua_State *L, snlua *s, const char *filename) noexcept nogil:
    cdef blob *b
    cdef int status
    if s.codecache_mode == MODE_OFF:
        return lua.luaL_loadfilex(L, filename, NULL)
    b = grab(filename)
    if b != NULL:
        # does not raise: errors of loading are returned
        status = lua.luaL_loadbufferx(L, b.data, b.sz, b.name, "b")
        blob_release(b)
        return status
    status = lua.luaL_loadfilex(L, filename, NULL)
    if status == lua.LUA_OK and s.codecache_mode == MODE_ON:
        remember(L, filename)
    return status


# codecache.clear()
cdef int lclear(lua_State *L) noexcept nogil:
    clear()
    return 0


cdef const char *mode_names[4]
mode_names[0] = "OFF"
mode_names[1] = "EXIST"
mode_names[2] = "ON"
mode_names[3] = NULL


# codecache.mode(m?) -> "OFF" | "EXIST" | "ON" when called without m
cdef int lmode(lua_State *L) noexcept nogil:
    cdef snlua *s = snlua_of(L)
    if lua.lua_isnoneornil(L, 1):
        lua.lua_pushstring(L, mode_names[s.codecache_mode])
        return 1
    s.codecache_mode = lua.luaL_checkoption(L, 1, NULL, mode_names)
    return 0


# loadfile(filename?, mode?, env?) -> function | nil, message
cdef int lloadfile(lua_State *L) noexcept nogil:
    cdef const char *filename = lua.luaL_optlstring(L, 1, NULL, NULL)
    cdef const char *mode = lua.luaL_optlstring(L, 2, NULL, NULL)
    cdef bint env = lua.lua_type(L, 3) != lua.LUA_TNONE
    cdef int status
    if filename == NULL:
        status = lua.luaL_loadfilex(L, NULL, mode)
    elif mode != NULL and strcmp(mode, "bt") != 0:
        status = lua.luaL_loadfilex(L, filename, mode)
    else:
        status = codecache_loadfile(L, snlua_of(L), filename)
    if status != lua.LUA_OK:
        lua.lua_pushnil(L)
        lua.lua_insert(L, -2)
        return 2
    if env:
        lua.lua_pushvalue(L, 3)
        if lua.lua_setupvalue(L, -2, 1) == NULL:
            lua.lua_pop(L, 1)
    return 1


cdef int dofile_end(lua_State *L, int status, lua.lua_KContext ctx) noexcept nogil:
    return lua.lua_gettop(L) - 1


# dofile(filename?) -> ...
cdef int ldofile(lua_State *L) noexcept nogil:
    cdef const char *filename = lua.luaL_optlstring(L, 1, NULL, NULL)
    cdef int status
    lua.lua_settop(L, 1)
    if filename == NULL:
        status = lua.luaL_loadfilex(L, NULL, NULL)
    else:
        status = codecache_loadfile(L, snlua_of(L), filename)
    if status != lua.LUA_OK:
        return lua.lua_error(L)
    lua.lua_callk(L, 0, lua.LUA_MULTRET, 0, dofile_end)
    return dofile_end(L, lua.LUA_OK, 0)


# package.searchers[2]: (name) -> loader, filename | message
cdef int lsearcher(lua_State *L) noexcept nogil:
    cdef const char *name = lua.luaL_checklstring(L, 1, NULL)
    cdef const char *filename
    lua.lua_getfield(L, lua.lua_upvalueindex(1), "searchpath")
    lua.lua_pushvalue(L, 1)
    if lua.lua_getfield(L, lua.lua_upvalueindex(1), "path") != lua.LUA_TSTRING:
        return lua.luaL_error(L, "'package.path' must be a string")
    lua.lua_call(L, 2, 2)                                   # name, filename | nil message
    if lua.lua_isnil(L, -2) and strncmp(name, "skynet.", 7) == 0 and env_get("lua_path") != NULL:
        # what our own library loads on first use must be found even in a service with a package.path of its own
        lua.lua_getfield(L, lua.lua_upvalueindex(1), "searchpath")
        lua.lua_pushvalue(L, 1)
        lua.lua_pushstring(L, env_get("lua_path"))
        lua.lua_call(L, 2, 2)
        if lua.lua_isnil(L, -2):
            lua.lua_pop(L, 2)
    if lua.lua_isnil(L, -2):
        return 1
    lua.lua_pop(L, 1)
    filename = lua.lua_tostring(L, -1)
    if codecache_loadfile(L, snlua_of(L), filename) != lua.LUA_OK:
        return lua.luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, filename,
                              lua.lua_tostring(L, -1))
    lua.lua_insert(L, -2)
    return 2


cdef void codecache_install(lua_State *L) noexcept nogil:
    lua.lua_pushcfunction(L, lloadfile)
    lua.lua_setglobal(L, "loadfile")
    lua.lua_pushcfunction(L, ldofile)
    lua.lua_setglobal(L, "dofile")
    lua.lua_getglobal(L, "package")                         # package
    lua.lua_getfield(L, -1, "searchers")                    # package searchers
    lua.lua_pushvalue(L, -2)
    lua.lua_pushcclosure(L, lsearcher, 1)
    lua.lua_rawseti(L, -2, 2)
    lua.lua_getfield(L, -2, "loaded")                       # package searchers loaded
    lua.lua_createtable(L, 0, 3)
    lua.lua_pushcfunction(L, lclear)
    lua.lua_setfield(L, -2, "clear")
    lua.lua_pushcfunction(L, lmode)
    lua.lua_setfield(L, -2, "mode")
    lua.lua_pushcfunction(L, lloadfile)
    lua.lua_setfield(L, -2, "loadfile")
    lua.lua_setfield(L, -2, "skynet.codecache")
    lua.lua_pop(L, 3)
