"""Random service programs, as hypothesis strategies and as Lua.

Two families, each built so that a runtime has no freedom in what it shows:

- scheduling programs live in one service and use nothing but its own queue (forks, wake-ups, zero timeouts, messages to
  itself), so that the whole order of events is given by the rules of skynet's Lua layer;
- network programs are trees of requests between services, one top-level step after the other. What a service shows of a
  step does not depend on how the services are interleaved: steps that run beside others only compute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

TOKENS = 3
HANDLERS = 3
RESPONSES = 2

_number = st.integers(1, TOKENS)

_leaf = st.one_of(
    st.just(("out",)),
    st.just(("yield",)),
    st.tuples(st.just("wait"), _number),
    st.tuples(st.just("sleep"), _number),
    st.tuples(st.just("wakeup"), _number),
    st.tuples(st.just("send"), st.integers(1, HANDLERS)),
    st.tuples(st.just("call"), st.integers(1, HANDLERS)),
    st.just(("ret",)),
    st.tuples(st.just("response"), st.integers(1, RESPONSES)),
    st.tuples(st.just("answer"), st.integers(1, RESPONSES), st.booleans()),
    st.just(("error",)),
    st.tuples(st.just("kill"), st.integers(1, 6)),
    st.just(("guard",)),
    st.just(("ignore",)),
    st.just(("context",)),
)


def _nest(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = st.lists(inner, min_size=1, max_size=5)
    return st.tuples(st.sampled_from(["fork", "timeout", "pcall", "lock"]), body)


_statement = st.recursive(_leaf, _nest, max_leaves=12)

#: (main body, handler bodies)
scheduling_programs = st.tuples(
    st.lists(_statement, min_size=1, max_size=7),
    st.tuples(*[st.lists(_statement, max_size=5) for _ in range(HANDLERS)]),
)

_SCHEDULING_HEAD = """\
-- compare: sessions msgsz
-- log: own
-- limit: 60
local conf = require "conf"
local skynet = require "skynet"
local queue = require "skynet.queue"

local out, try = conf.out, conf.try

-- For the totals; what goes to stderr is not compared.
local function note_messages(n)
	io.stderr:write("messages ", n, "\\n")
end

-- One program: its main body and its handlers get a fresh environment of tokens, threads and responses.
local function environment()
	local env = { token = {}, busy = {}, co = {}, resp = {}, fuel = 40, activity = 0 }
	env.self = skynet.self()
	for i = 1, 8 do
		env.token[i] = { i }
	end
	function env.out(...)
		env.activity = env.activity + 1
		out(...)
	end
	function env.try(...)
		env.activity = env.activity + 1
		return try(...)
	end
	-- A token is waited for by one coroutine at a time.
	function env.hold(n, t, f, ...)
		if not env.busy[t] then
			env.busy[t] = true
			env.try(n, f, ...)
			env.busy[t] = nil
		end
	end
	-- Forks and timeouts can be killed as long as they have not ended; a coroutine that has may serve something else.
	function env.spawn(f, body)
		local k = #env.co + 1
		env.co[k] = f(function()
			local _ <close> = setmetatable({}, { __close = function()
				env.co[k] = false
			end })
			body()
		end)
	end
	-- Who holds a lock or waits for one is not killed: skynet would keep the lock for ever.
	local locking = {}
	local lock = queue()
	function env.lock(f)
		local co = coroutine.running()
		locking[co] = (locking[co] or 0) + 1
		local _ <close> = setmetatable({}, { __close = function()
			locking[co] = locking[co] - 1
		end })
		return lock(f)
	end
	function env.kill(n, k)
		local co = env.co[k]
		if co and (locking[co] or 0) == 0 then
			env.co[k] = false
			env.out(n, skynet.killthread(co) ~= nil)
		end
	end
	function env.timeout(f)
		return skynet.timeout(0, f)
	end
	function env.burn()
		env.fuel = env.fuel - 1
		return env.fuel >= 0
	end
	function env.guard(n)
		return setmetatable({}, { __close = function(_, err)
			env.out("close", n, err ~= nil)
		end })
	end
	return env
end

local programs = {}
"""

_SCHEDULING_TAIL = """
local which = ...
if which then
	local env = environment()
	local main, handlers = programs[tonumber(which)](env)
	skynet.dispatch("lua", function(_, _, h)
		handlers[h]()
	end)
	skynet.start(function()
		skynet.fork(main)
		local before
		repeat
			before = env.activity
			for _ = 1, 6 do
				skynet.yield()
			end
		until env.activity == before
		out("tasks", skynet.task(), "mqlen", skynet.mqlen())
		note_messages(skynet.stat "message")
	end)
	return
end

conf.run(function()
	for i = 1, #programs do
		conf.try(i, function()
			return type(conf.peer(i))
		end)
	end
end)
"""


class _Renderer:
    """Turns statements into Lua; every statement is numbered, so that the output says which ones ran."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def body(self, statements: Any, depth: int) -> None:
        for statement in statements:
            self.count += 1
            self.statement(statement, self.count, depth)

    def line(self, text: str, depth: int) -> None:
        self.lines.append("\t" * depth + text)

    def block(self, head: str, body: Any, tail: str, depth: int) -> None:
        self.line(head, depth)
        self.body(body, depth + 1)
        self.line(tail, depth)

    def statement(self, statement: Any, n: int, depth: int) -> None:
        kind = statement[0]
        simple: dict[str, Callable[[], str]] = {
            "out": lambda: f"env.out({n})",
            "yield": lambda: f"skynet.yield() env.out({n})",
            "wait": lambda: f"env.hold({n}, {statement[1]}, skynet.wait, env.token[{statement[1]}])",
            "sleep": lambda: f"env.hold({n}, {statement[1]}, skynet.sleep, 0, env.token[{statement[1]}])",
            "wakeup": lambda: f"env.out({n}, (skynet.wakeup(env.token[{statement[1]}])))",
            "send": lambda: f'if env.burn() then env.out({n}, skynet.send(env.self, "lua", {statement[1]})) end',
            "call": lambda: f'if env.burn() then env.try({n}, skynet.call, env.self, "lua", {statement[1]}) end',
            "ret": lambda: f"env.try({n}, skynet.ret, skynet.pack({n}))",
            "response": lambda: f"env.try({n}, function() env.resp[{statement[1]}] = skynet.response() end)",
            "answer": lambda: (
                f"if env.resp[{statement[1]}] then "
                f"env.try({n}, env.resp[{statement[1]}], {'true' if statement[2] else 'false'}, {n}) end"
            ),
            "error": lambda: f'if true then error("e{n}", 0) end',
            "kill": lambda: f"env.kill({n}, {statement[1]})",
            "guard": lambda: f"local _ <close> = env.guard({n})",
            "ignore": lambda: "skynet.ignoreret()",
            "context": lambda: f"env.out({n}, skynet.context() ~= nil)",
        }
        if kind in simple:
            self.line(simple[kind](), depth)
        elif kind == "fork":
            self.block("env.spawn(skynet.fork, function()", statement[1], "end)", depth)
        elif kind == "timeout":
            self.block("env.spawn(env.timeout, function()", statement[1], "end)", depth)
        elif kind == "pcall":
            self.block(f"env.try({n}, function()", statement[1], "end)", depth)
        elif kind == "lock":
            self.block(f"env.try({n}, env.lock, function()", statement[1], "end)", depth)
        else:
            raise AssertionError(kind)


def render_scheduling(programs: list[Any]) -> str:
    """A start service that runs each program in a service of its own."""
    out = _Renderer()
    for main, handlers in programs:
        out.count = 0
        out.line("programs[#programs + 1] = function(env)", 0)
        out.block("local function main()", main, "end", 1)
        out.line("local handlers = {}", 1)
        for index, handler in enumerate(handlers, 1):
            out.block(f"handlers[{index}] = function()", handler, "end", 1)
        out.line("return main, handlers", 1)
        out.line("end", 0)
    return _SCHEDULING_HEAD + "\n".join(out.lines) + "\n" + _SCHEDULING_TAIL


PEERS = 3
_peer = st.integers(1, PEERS)
_note = st.tuples(st.just("note"), st.integers(0, 99))
_value = st.tuples(st.just("value"), st.integers(0, 99))
_pause = st.one_of(st.just(("yield",)), st.tuples(st.just("sleep"), st.integers(0, 2)))
_fail = st.just(("error",))

# What may run beside other things: it tells its requester, and shows nothing elsewhere, not even a report of an error.
_quiet = st.lists(st.one_of(_value, _pause, st.tuples(st.just("refuse"))), max_size=4)
# What a message without an answer may do: show something, at once.
_noisy = st.lists(st.one_of(_note, _fail), min_size=1, max_size=3)


def _requests(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    steps = st.lists(inner, max_size=4)
    return st.one_of(
        st.tuples(st.just("call"), _peer, steps),
        st.tuples(st.just("later"), steps),
    )


_step = st.recursive(
    st.one_of(
        _value,
        _note,
        _pause,
        _fail,
        st.tuples(st.just("send"), _peer, _noisy),
        st.tuples(st.just("fork"), _noisy),
        st.tuples(st.just("refuse")),
        st.tuples(st.just("ret"), st.lists(_note, max_size=2)),
    ),
    _requests,
    max_leaves=10,
)

#: top-level steps of the driver
network_programs = st.lists(
    st.one_of(
        st.tuples(st.just("call"), _peer, st.lists(_step, max_size=5)),
        # A service that exits in the middle of a chain of calls leaves the two halves running beside each other.
        st.tuples(st.just("call"), _peer, st.lists(_step, max_size=3).map(lambda steps: [*steps, ("exit",)])),
        st.tuples(st.just("send"), _peer, _noisy),
        st.tuples(st.just("parallel"), st.lists(st.tuples(_peer, _quiet), min_size=2, max_size=6)),
        st.tuples(st.just("kill"), _peer),
    ),
    min_size=1,
    max_size=6,
)

_NETWORK_HEAD = """\
-- compare: sessions msgsz
-- log: own
-- limit: 60
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

-- For the totals; what goes to stderr is not compared.
local function note_messages(n)
	io.stderr:write("messages ", n, "\\n")
end

-- A dead service and one that dies at this moment fail a call with different words.
local function failure(err)
	err = conf.err(err)
	return (err:match "^call failed" or err:match "^call to invalid address") and "failed" or err
end

local function called(ok, ...)
	if ok then
		return { ... }
	end
	return failure(...)
end

local function quietly(ok, ...)
	return ok and { ... } or "failed"
end

local run

local step = {}

function step.value(result, _, n)
	result[#result + 1] = n
end

function step.note(_, _, n)
	conf.out("note", n)
end

step["yield"] = function()
	skynet.yield()
end

function step.sleep(_, _, n)
	skynet.sleep(n)
end

step["error"] = function()
	error("raised", 0)
end

function step.send(result, peers, p, steps)
	skynet.send(peers[p], "lua", peers, steps)
	result[#result + 1] = "sent"
end

function step.fork(_, peers, steps)
	skynet.fork(run, steps, peers, {})
end

function step.call(result, peers, p, steps)
	result[#result + 1] = called(pcall(skynet.call, peers[p], "lua", peers, steps))
end

function step.later(result, peers, steps)
	local ok, r = pcall(skynet.response)
	if not ok then
		result[#result + 1] = conf.err(r)
		return
	end
	result.answered = true
	local inner = { answered = true }
	local done = pcall(run, steps, peers, inner)
	inner.answered = nil
	result.over = true
	r(done, inner)
end

function step.refuse(result)
	local ok, r = pcall(skynet.response)
	if ok and r "TEST" ~= nil then
		result.answered = true
		result.over = true
		r(false)
	end
end

function step.ret(result, peers, steps)
	if not result.answered then
		result.answered = true
		result.over = true
		skynet.ret(skynet.pack(table.unpack(result)))
	end
	run(steps, peers, {})
end

function step.exit()
	skynet.exit()
end

function run(steps, peers, result)
	for _, s in ipairs(steps) do
		-- Whoever has answered runs beside its requester from then on: what it did would depend on chance.
		if result.over then
			break
		end
		step[s[1]](result, peers, table.unpack(s, 2))
	end
	return result
end

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, peers, steps)
			local result = { answered = session == 0 or nil }
			run(steps, peers, result)
			if not result.answered then
				skynet.ret(skynet.pack(table.unpack(result)))
			end
		end)
	end)
	return
end

local programs = {
"""

_NETWORK_TAIL = """
}

local function program(plan)
	local peers, left = {}, 0
	for i = 1, 3 do
		peers[i] = conf.peer "peer"
	end
	-- Three rounds: what a message sets off in a second service, and from there in a third.
	-- And whoever lost its requester by an exit goes on beside us: until nobody has a task.
	local function settle()
		for _ = 1, 3 do
			for _, p in ipairs(peers) do
				pcall(skynet.call, p, "debug", "PING")
			end
		end
		for _ = 1, 100 do
			local busy = false
			for _, p in ipairs(peers) do
				local ok, stat = pcall(skynet.call, p, "debug", "STAT")
				busy = busy or ok and stat.task > 0
			end
			if not busy then
				break
			end
			skynet.sleep(1)
		end
	end
	for i, s in ipairs(plan) do
		if s[1] == "call" then
			conf.out(i, called(pcall(skynet.call, peers[s[2]], "lua", peers, s[3])))
		elseif s[1] == "send" then
			skynet.send(peers[s[2]], "lua", peers, s[3])
		elseif s[1] == "kill" then
			skynet.kill(peers[s[2]])
		else
			local me, results = {}, {}
			left = #s[2]
			for k, one in ipairs(s[2]) do
				skynet.fork(function()
					results[k] = quietly(pcall(skynet.call, peers[one[1]], "lua", peers, one[2]))
					left = left - 1
					if left == 0 then
						skynet.wakeup(me)
					end
				end)
			end
			skynet.wait(me)
			conf.out(i, results)
		end
		settle()
	end
	for i, p in ipairs(peers) do
		local ok, stat = pcall(skynet.call, p, "debug", "STAT")
		conf.out("peer", i, ok and { task = stat.task, mqlen = stat.mqlen } or "gone")
		note_messages(ok and stat.message or 0)
		skynet.kill(p)
	end
	conf.out("own tasks", skynet.task())
end

local function services()
	local n = 0
	for _ in pairs(skynet.call(".launcher", "lua", "LIST")) do
		n = n + 1
	end
	return n
end

conf.run(function()
	collectgarbage()
	local count, memory = services(), collectgarbage "count"
	for i, plan in ipairs(programs) do
		conf.out("program", i)
		program(plan)
	end
	collectgarbage()
	conf.out("services left", services() - count)
	conf.out("memory is back", collectgarbage "count" - memory < 1024)
	note_messages(skynet.stat "message")
end)
"""


def _lua(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    return "{ " + ", ".join(_lua(item) for item in value) + " }"


def render_network(programs: list[Any]) -> str:
    """A start service that drives each program against three fresh peers."""
    return _NETWORK_HEAD + ",\n".join("\t" + _lua(plan) for plan in programs) + _NETWORK_TAIL


def _lua_string(data: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in data) + '"'


_edges = [0, 1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32, 2**63 - 1, -1, -128, -(2**31), -(2**31) - 1]
_integer = st.one_of(st.sampled_from(_edges), st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-300, 300))
_string = st.one_of(st.binary(max_size=40), st.integers(0, 300).map(lambda n: b"s" * n))
_scalar = st.one_of(
    st.just("nil"),
    st.sampled_from(["true", "false"]),
    _integer.map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: f"({x.hex()})" if x >= 0 else f"(-{(-x).hex()})"),
    st.sampled_from(["(1/0)", "(-1/0)", "(-0.0)"]),
    _string.map(_lua_string),
)
_no_nil = _scalar.filter(lambda text: text != "nil")


def _tables(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    element = inner.filter(lambda text: text != "nil")
    # One pair at most beside the array: the order of several is that of a hash.
    pair = st.tuples(_no_nil, element).map(lambda kv: f"[{kv[0]}] = {kv[1]}")
    return st.tuples(st.lists(element, max_size=12), st.one_of(st.just(""), pair)).map(
        lambda parts: "{ " + ", ".join([*parts[0], *filter(None, [parts[1]])]) + " }"
    )


_value_text = st.recursive(_scalar, _tables, max_leaves=12)

_SERI_HEAD = """\
-- log: no
-- limit: 60
local conf = require "conf"
local core = require "skynet.core"

local function shown(v)
	if math.type(v) == "float" then
		return string.pack("<d", v):gsub(".", function(c)
			return string.format("%02x", c:byte())
		end)
	elseif type(v) == "table" then
		-- The border of an array with holes depends on the version of Lua.
		local text, n = {}, 0
		for k in next, v do
			n = math.type(k) == "integer" and k > n and k < 1000 and k or n
		end
		for i = 1, n do
			text[i] = shown(v[i])
		end
		for k, item in next, v do
			if not (math.type(k) == "integer" and k >= 1 and k <= n) then
				text[#text + 1] = "[" .. shown(k) .. "]=" .. shown(item)
			end
		end
		return "{" .. table.concat(text, " ") .. "}"
	elseif type(v) == "string" then
		return "<" .. conf.hex(v) .. ">"
	end
	return tostring(v)
end

local function unpacked(s)
	local r = table.pack(pcall(core.unpack, s))
	if not r[1] then
		-- How much of a broken stream is read before it is refused is the runtime's business.
		return (conf.err(r[2]):gsub("stream %d+ %(line:%d+%)", "stream"))
	end
	for i = 2, r.n do
		r[i] = shown(r[i])
	end
	return table.concat(r, " ", 2, r.n)
end

conf.run(function()
	local function value(...)
		local ok, s = pcall(core.packstring, ...)
		conf.out(ok, ok and conf.hex(s) or conf.err(s))
		if ok then
			conf.out(unpacked(s))
		end
	end
	local function bytes(s)
		conf.out(conf.hex(s), unpacked(s))
	end
"""

#: Lua expressions, and streams of bytes that are nearly valid
seri_programs = st.tuples(
    st.lists(_value_text, min_size=1, max_size=6),
    st.lists(
        st.lists(
            st.one_of(
                st.sampled_from(
                    [b"\x00", b"\x01", b"\x09", b"\x02", b"\x0a\x05", b"\x12\x00\x01", b"\x22\xff\xff\xff\xff"]
                ),
                st.sampled_from(
                    [b"\x04", b"\x0ca", b"\x15\x02\x00ab", b"\x25\x01\x00\x00\x00z", b"\x06", b"\x0e", b"\x16"]
                ),
                st.sampled_from(
                    [b"\x42" + bytes(8), b"\x32" + bytes(8), b"\x32\x01", b"\xfe\x0a\x02", b"\x07", b"\x03"]
                ),
                st.binary(min_size=1, max_size=3),
            ),
            max_size=8,
        ).map(b"".join),
        max_size=12,
    ).map(lambda streams: [s for s in streams if _is_modest(s)]),
)


def _is_modest(stream: bytes) -> bool:
    """An array count of four or eight bytes makes the original reserve gigabytes."""
    return b"\xfe\x22" not in stream and b"\xfe\x32" not in stream


def render_seri(programs: list[Any]) -> str:
    """A start service that packs each value and unpacks each stream."""
    lines: list[str] = []
    for values, streams in programs:
        lines += [f"\tvalue({text})" for text in values]
        lines += [f"\tbytes({_lua_string(stream)})" for stream in streams]
    return _SERI_HEAD + "\n".join(lines) + "\nend)\n"
