/* The part of the Lua C API that Lua 5.4 and Lua 5.5 share, declared once for both.
 *
 * No Lua header is included: the functions are bound at run time to the lupa module that was loaded with RTLD_GLOBAL
 * (host/_lua.py), and one build serves both versions.  The few numbers that differ depend on lua_is55.
 */
#ifndef SNHOST_LUAAPI_H
#define SNHOST_LUAAPI_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lua_State lua_State;
typedef long long lua_Integer;
typedef unsigned long long lua_Unsigned;
typedef double lua_Number;
typedef intptr_t lua_KContext;
typedef int (*lua_CFunction)(lua_State *L);
typedef int (*lua_KFunction)(lua_State *L, int status, lua_KContext ctx);
typedef const char *(*lua_Reader)(lua_State *L, void *ud, size_t *sz);
typedef int (*lua_Writer)(lua_State *L, const void *p, size_t sz, void *ud);
typedef void *(*lua_Alloc)(void *ud, void *ptr, size_t osize, size_t nsize);

/* The fields up to istailcall have the same offsets in both versions; what follows differs and is not used here. */
typedef struct lua_Debug {
	int event;
	const char *name;
	const char *namewhat;
	const char *what;
	const char *source;
	size_t srclen;
	int currentline;
	int linedefined;
	int lastlinedefined;
	unsigned char nups;
	unsigned char nparams;
	char isvararg;
	char istailcall;
	char version_dependent[128];
} lua_Debug;
typedef void (*lua_Hook)(lua_State *L, lua_Debug *ar);

#define LUA_OK 0
#define LUA_YIELD 1
#define LUA_ERRRUN 2
#define LUA_ERRSYNTAX 3
#define LUA_ERRMEM 4
#define LUA_ERRERR 5
#define LUA_MULTRET (-1)
#define LUA_TNONE (-1)
#define LUA_TNIL 0
#define LUA_TBOOLEAN 1
#define LUA_TLIGHTUSERDATA 2
#define LUA_TNUMBER 3
#define LUA_TSTRING 4
#define LUA_TTABLE 5
#define LUA_TFUNCTION 6
#define LUA_TUSERDATA 7
#define LUA_TTHREAD 8
#define LUA_MINSTACK 20
#define LUA_RIDX_GLOBALS 2
#define LUA_MASKCOUNT (1 << 3)
#define LUA_GCSTOP 0
#define LUA_GCRESTART 1
#define LUA_GCCOLLECT 2
#define LUA_GCCOUNT 3
#define LUA_GCCOUNTB 4
#define LUA_GCSTEP 5
#define LUA_OPEQ 0

/* Only 5.5 has this function: a weak reference is NULL where the loaded library lacks it. */
extern void luaL_openselectedlibs(lua_State *L, int load, int preload) __attribute__((weak));
#define lua_is55 (luaL_openselectedlibs != NULL)

#define LUA_REGISTRYINDEX (lua_is55 ? -(INT_MAX / 2 + 1000) : -1001000)
#define LUA_RIDX_MAINTHREAD (lua_is55 ? 3 : 1)
#define LUA_GCGEN (lua_is55 ? 7 : 10)
#define LUA_GCINC (lua_is55 ? 8 : 11)
#define lua_upvalueindex(i) (LUA_REGISTRYINDEX - (i))
#define lua_getextraspace(L) ((void *)((char *)(L) - sizeof(void *)))

extern lua_State *lua_newthread(lua_State *L);
extern int lua_closethread(lua_State *L, lua_State *from);
extern lua_CFunction lua_atpanic(lua_State *L, lua_CFunction f);
extern int lua_absindex(lua_State *L, int idx);
extern int lua_gettop(lua_State *L);
extern void lua_settop(lua_State *L, int idx);
extern void lua_pushvalue(lua_State *L, int idx);
extern void lua_rotate(lua_State *L, int idx, int n);
extern void lua_copy(lua_State *L, int from, int to);
extern int lua_checkstack(lua_State *L, int n);
extern void lua_xmove(lua_State *from, lua_State *to, int n);
extern int lua_isnumber(lua_State *L, int idx);
extern int lua_isstring(lua_State *L, int idx);
extern int lua_iscfunction(lua_State *L, int idx);
extern int lua_isinteger(lua_State *L, int idx);
extern int lua_isuserdata(lua_State *L, int idx);
extern int lua_type(lua_State *L, int idx);
extern const char *lua_typename(lua_State *L, int tp);
extern lua_Number lua_tonumberx(lua_State *L, int idx, int *isnum);
extern lua_Integer lua_tointegerx(lua_State *L, int idx, int *isnum);
extern int lua_toboolean(lua_State *L, int idx);
extern const char *lua_tolstring(lua_State *L, int idx, size_t *len);
extern lua_Unsigned lua_rawlen(lua_State *L, int idx);
extern lua_CFunction lua_tocfunction(lua_State *L, int idx);
extern void *lua_touserdata(lua_State *L, int idx);
extern lua_State *lua_tothread(lua_State *L, int idx);
extern const void *lua_topointer(lua_State *L, int idx);
extern int lua_rawequal(lua_State *L, int a, int b);
extern int lua_compare(lua_State *L, int a, int b, int op);
extern void lua_pushnil(lua_State *L);
extern void lua_pushnumber(lua_State *L, lua_Number n);
extern void lua_pushinteger(lua_State *L, lua_Integer n);
extern const char *lua_pushlstring(lua_State *L, const char *s, size_t len);
extern const char *lua_pushstring(lua_State *L, const char *s);
extern const char *lua_pushfstring(lua_State *L, const char *fmt, ...);
extern void lua_pushcclosure(lua_State *L, lua_CFunction fn, int n);
extern void lua_pushboolean(lua_State *L, int b);
extern void lua_pushlightuserdata(lua_State *L, void *p);
extern int lua_pushthread(lua_State *L);
extern int lua_getglobal(lua_State *L, const char *name);
extern int lua_gettable(lua_State *L, int idx);
extern int lua_getfield(lua_State *L, int idx, const char *k);
extern int lua_geti(lua_State *L, int idx, lua_Integer n);
extern int lua_rawget(lua_State *L, int idx);
extern int lua_rawgeti(lua_State *L, int idx, lua_Integer n);
extern int lua_rawgetp(lua_State *L, int idx, const void *p);
extern void lua_createtable(lua_State *L, int narr, int nrec);
extern void *lua_newuserdatauv(lua_State *L, size_t sz, int nuvalue);
extern int lua_getmetatable(lua_State *L, int idx);
extern int lua_getiuservalue(lua_State *L, int idx, int n);
extern void lua_setglobal(lua_State *L, const char *name);
extern void lua_settable(lua_State *L, int idx);
extern void lua_setfield(lua_State *L, int idx, const char *k);
extern void lua_seti(lua_State *L, int idx, lua_Integer n);
extern void lua_rawset(lua_State *L, int idx);
extern void lua_rawseti(lua_State *L, int idx, lua_Integer n);
extern void lua_rawsetp(lua_State *L, int idx, const void *p);
extern int lua_setmetatable(lua_State *L, int idx);
extern int lua_setiuservalue(lua_State *L, int idx, int n);
extern void lua_callk(lua_State *L, int nargs, int nresults, lua_KContext ctx, lua_KFunction k);
extern int lua_pcallk(lua_State *L, int nargs, int nresults, int errfunc, lua_KContext ctx, lua_KFunction k);
extern int lua_load(lua_State *L, lua_Reader reader, void *data, const char *chunkname, const char *mode);
extern int lua_dump(lua_State *L, lua_Writer writer, void *data, int strip);
extern int lua_yieldk(lua_State *L, int nresults, lua_KContext ctx, lua_KFunction k);
extern int lua_resume(lua_State *L, lua_State *from, int narg, int *nres);
extern int lua_status(lua_State *L);
extern int lua_isyieldable(lua_State *L);
extern int lua_gc(lua_State *L, int what, ...);
extern int lua_error(lua_State *L);
extern int lua_next(lua_State *L, int idx);
extern void lua_concat(lua_State *L, int n);
extern lua_Alloc lua_getallocf(lua_State *L, void **ud);
extern void lua_setallocf(lua_State *L, lua_Alloc f, void *ud);
extern int lua_getstack(lua_State *L, int level, lua_Debug *ar);
extern int lua_getinfo(lua_State *L, const char *what, lua_Debug *ar);
extern const char *lua_getupvalue(lua_State *L, int funcindex, int n);
extern const char *lua_setupvalue(lua_State *L, int funcindex, int n);
extern void lua_sethook(lua_State *L, lua_Hook func, int mask, int count);
extern lua_Hook lua_gethook(lua_State *L);

typedef struct luaL_Reg {
	const char *name;
	lua_CFunction func;
} luaL_Reg;

extern const char *luaL_tolstring(lua_State *L, int idx, size_t *len);
extern int luaL_argerror(lua_State *L, int arg, const char *extramsg);
extern int luaL_typeerror(lua_State *L, int arg, const char *tname);
extern const char *luaL_checklstring(lua_State *L, int arg, size_t *l);
extern const char *luaL_optlstring(lua_State *L, int arg, const char *def, size_t *l);
extern lua_Number luaL_checknumber(lua_State *L, int arg);
extern lua_Number luaL_optnumber(lua_State *L, int arg, lua_Number def);
extern lua_Integer luaL_checkinteger(lua_State *L, int arg);
extern lua_Integer luaL_optinteger(lua_State *L, int arg, lua_Integer def);
extern void luaL_checkstack(lua_State *L, int sz, const char *msg);
extern void luaL_checktype(lua_State *L, int arg, int t);
extern void luaL_checkany(lua_State *L, int arg);
extern int luaL_newmetatable(lua_State *L, const char *tname);
extern void luaL_setmetatable(lua_State *L, const char *tname);
extern void *luaL_testudata(lua_State *L, int ud, const char *tname);
extern void *luaL_checkudata(lua_State *L, int ud, const char *tname);
extern void luaL_where(lua_State *L, int lvl);
extern int luaL_error(lua_State *L, const char *fmt, ...);
extern int luaL_checkoption(lua_State *L, int arg, const char *def, const char *const lst[]);
extern int luaL_ref(lua_State *L, int t);
extern void luaL_unref(lua_State *L, int t, int ref);
extern int luaL_loadfilex(lua_State *L, const char *filename, const char *mode);
extern int luaL_loadbufferx(lua_State *L, const char *buff, size_t sz, const char *name, const char *mode);
extern void luaL_traceback(lua_State *L, lua_State *L1, const char *msg, int level);
extern void luaL_setfuncs(lua_State *L, const luaL_Reg *l, int nup);
extern int luaL_getsubtable(lua_State *L, int idx, const char *fname);
extern void luaL_requiref(lua_State *L, const char *modname, lua_CFunction openf, int glb);

#define lua_pop(L, n) lua_settop(L, -(n) - 1)
#define lua_tonumber(L, i) lua_tonumberx(L, (i), NULL)
#define lua_tointeger(L, i) lua_tointegerx(L, (i), NULL)
#define lua_tostring(L, i) lua_tolstring(L, (i), NULL)
#define lua_pushcfunction(L, f) lua_pushcclosure(L, (f), 0)
#define lua_isfunction(L, n) (lua_type(L, (n)) == LUA_TFUNCTION)
#define lua_istable(L, n) (lua_type(L, (n)) == LUA_TTABLE)
#define lua_isnil(L, n) (lua_type(L, (n)) == LUA_TNIL)
#define lua_isnoneornil(L, n) (lua_type(L, (n)) <= 0)
#define lua_insert(L, idx) lua_rotate(L, (idx), 1)
#define lua_remove(L, idx) (lua_rotate(L, (idx), -1), lua_pop(L, 1))
#define lua_replace(L, idx) (lua_copy(L, -1, (idx)), lua_pop(L, 1))
#define lua_call(L, n, r) lua_callk(L, (n), (r), 0, NULL)
#define lua_pcall(L, n, r, f) lua_pcallk(L, (n), (r), (f), 0, NULL)
#define lua_newtable(L) lua_createtable(L, 0, 0)

#endif
