"""The debug console: every command over TCP, some over HTTP, and what it must survive."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from netparts import ServingNode, curl, exchange, serving_node

OK = "<CMD OK>\n"
ERROR = "<CMD Error>\n"
WELCOME = "Welcome to skynet console\n"
INVALID = "Invalid command, type help for command list\n\n" + ERROR
TO_ADDRESSES = [
    *("exit", "kill", "info", "task", "uniqtask", "killtask", "ping", "inject", "dbgcmd", "call", "debug", "trace"),
    *("logon", "logoff", "signal"),
]
COMMANDS = sorted(
    [
        *TO_ADDRESSES,
        *("clearcache", "cmem", "dumpheap", "gc", "getenv", "help", "jmem", "list", "log", "mem", "netstat"),
        *("profactive", "service", "setenv", "snax", "start", "stat"),
    ]
)
LINE = r"\S*debug_console\.lua:\d+: "


class Console:
    """A connection to the console. Calling it with a command returns the output up to and without its end.

    Attributes:
        port: of this end.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self.port = self._socket.getsockname()[1]
        self._rest = ""
        assert self.until(r"console\n") == WELCOME

    def send(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def until(self, pattern: str) -> str:
        """Read up to the first match of the pattern, and return what was read."""
        while not (match := re.search(pattern, self._rest)):
            data = self._socket.recv(65536)
            assert data, f"closed after {self._rest!r}"
            self._rest += data.decode()
        text = self._rest[: match.end()]
        self._rest = self._rest[match.end() :]
        return text

    def result(self) -> str:
        return self.until(r"<CMD (OK|Error)>\n")

    def __call__(self, line: str) -> str:
        self.send(line + "\n")
        result = self.result()
        assert result.endswith(OK), result
        return result[: -len(OK)]

    def fails(self, line: str) -> str:
        self.send(line + "\n")
        result = self.result()
        assert result.endswith("\n" + ERROR), result
        return result[: -len(ERROR) - 1]

    def ended(self) -> bool:
        """Wait for the end of the connection; False when there was more to read."""
        return self._socket.recv(1) == b"" and self._rest == ""

    def close(self, reset: bool = False) -> None:
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingNode]:
    path = tmp_path_factory.mktemp("console")
    with serving_node(path, "console_main", console="0", logpath=path, enablessl=False) as node:
        yield node


@pytest.fixture(scope="module")
def port(node: ServingNode) -> int:
    return int(node.wait_for(r"Start debug console at 127\.0\.0\.1:(\d+)$")[1])


@pytest.fixture(scope="module")
def target(node: ServingNode, port: int) -> str:
    return node.wait_for(r"READY (\w+)$")[1]


@pytest.fixture
def console(port: int, target: str) -> Iterator[Console]:
    console = Console(port)
    yield console
    console.close()


def rows(text: str) -> dict[str, str]:
    assert text == "" or text.endswith("\n")
    return dict(line.split("\t", 1) for line in text.splitlines())


# -- framing


def test_help_describes_every_command(console: Console) -> None:
    table = rows(console("help"))

    assert list(table) == COMMANDS
    assert table["help"] == "This help message"
    assert table["netstat"] == "netstat : show netstat"


@pytest.mark.parametrize("line", ["nosuch", "  ", "\r", "list?", "__index", "help\0"])
def test_what_is_no_command_is_said_to_be_none(console: Console, line: str) -> None:
    console.send(line + "\n")

    assert console.result() == INVALID


def test_lines_may_end_with_a_carriage_return_and_have_blanks_around(console: Console) -> None:
    assert console("  getenv   thread \r") == "thread\t2\n"


def test_empty_lines_are_ignored_and_commands_run_one_after_another(console: Console) -> None:
    console.send("\n\ngetenv thread\n\ngetenv harbor\n")

    assert console.result() == "thread\t2\n" + OK
    assert console.result() == "harbor\t0\n" + OK


@pytest.mark.parametrize(
    ("what", "output"),
    [
        ("nothing", ""),
        ("text", "a text\n"),
        ("lines", "one\ntwo\n"),
        ("empty", ""),
        ("no", ""),
        ("yes", "true\n"),
        ("number", "12\n"),
        ("nested", "1\tfirst\n2.5\t1:3\tx:y\na\tk:2\tz:1\nb\ttrue\n"),
    ],
)
def test_results_of_all_types_are_shown(console: Console, what: str, output: str) -> None:
    assert console(f"info .target {what}") == output


def test_the_console_tells_who_comes_and_goes(node: ServingNode, port: int) -> None:
    console = Console(port)
    peer = re.escape(f"127.0.0.1:{console.port}")
    node.wait_for(rf"{peer} connected$")
    console.close()
    node.wait_for(rf"{peer} disconnect$")


# -- addresses


@pytest.mark.parametrize("form", [".target", "{}", "000{}", ":{}"])
def test_addresses_of_all_forms(console: Console, target: str, form: str) -> None:
    short = target.lstrip("0")

    assert console(f"info {form.format(short)} text") == "a text\n"


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("", r"attempt to index a nil value \(local 'address'\)"),
        (".nosuch", "Not a valid name"),
        ("xyz", "Need an address"),
        ("0xa", "Need an address"),
        ("-1", "Need an address"),
        ("1.8", "Need an address"),
        ("123456789", "Need an address"),
    ],
)
@pytest.mark.parametrize("command", TO_ADDRESSES)
def test_addresses_that_are_none_are_errors(console: Console, command: str, address: str, error: str) -> None:
    assert re.fullmatch(LINE + error, console.fails(f"{command} {address}"))


def test_services_that_do_not_exist_are_errors(console: Console) -> None:
    for command in ("info", "task", "uniqtask", "killtask", "ping", "dbgcmd", "call", "trace"):
        assert "call to invalid address :00000999" in console.fails(f"{command} 999 1")
    assert re.fullmatch(LINE + "Debugger attach failed", console.fails("debug 999"))


# -- services


def test_list_and_service(console: Console, target: str) -> None:
    table = rows(console("list"))

    assert table[":" + target] == "snlua console_target"
    assert table[":00000004"] == "snlua cdummy"
    assert list(table) == sorted(table)
    assert rows(console("service"))["console_target"] == ":%08x" % (int(target, 16) + 1)


@pytest.mark.parametrize("timeout", ["", " 100", " 0", " -1"])
def test_stat_and_mem_and_gc_take_a_timeout(console: Console, target: str, timeout: str) -> None:
    stat = rows(console("stat" + timeout))[":" + target]
    mem = rows(console("mem" + timeout))[":" + target]
    gc = rows(console("gc" + timeout))[":" + target]

    assert re.fullmatch(r"cpu:[\d.e-]+\tmessage:\d+\tmqlen:\d+\ttask:\d+", stat)
    assert re.fullmatch(r"\d+\.\d\d Kb \(snlua console_target\)", mem)
    assert re.fullmatch(r"\d+\.\d\d Kb \(snlua console_target\)", gc)


def test_a_timeout_that_is_none_is_an_error(console: Console) -> None:
    for command in ("stat", "mem", "gc"):
        assert re.fullmatch(LINE + "Need a timeout in 1/100 s", console.fails(command + " soon"))


def test_start_tells_the_address_and_what_went_wrong(console: Console) -> None:
    address = re.fullmatch(r"(:\w{8})\tconsole_target\n", console("start console_target -started with words"))

    assert address
    assert rows(console("list"))[address[1]] == "snlua console_target -started with words"
    assert console("start console_target fail") == "Failed\n"
    assert console("start nosuch") == "Failed\n"
    assert console("start") == "Failed\n"
    assert console("start console_target exit") == "Exit\n"
    console("kill " + address[1][1:])


def test_log_writes_the_messages_of_a_service_from_the_first(console: Console, node: ServingNode) -> None:
    address = re.fullmatch(r":(\w{8})\tconsole_target\n", console("log console_target -logged"))

    assert address
    file = Path(node.wait_for(rf"Open log file (\S*{address[1]}\.log)")[1])
    assert console("call .target-logged 'marked'") == "1\tmarked\nn\t1\n"
    assert b"marked".hex() in file.read_text(errors="replace")
    assert console("log console_target fail") == "Failed\n"
    assert console("log console_target exit") == "Failed\n"
    console("kill .target-logged")


def test_snax_tells_failure(console: Console) -> None:
    assert console("snax nosuch") == "Failed\n"
    assert console("snax") == "Failed\n"


def test_exit_lets_a_service_go(console: Console, node: ServingNode) -> None:
    address = console("start console_target -leaving").split("\t")[0]

    assert console("exit .target-leaving") == ""
    node.wait_for(rf"^\[{address}\] KILL self$")
    assert address not in rows(console("list"))


def test_kill_tells_what_was_killed(console: Console) -> None:
    address = console("start console_target -killed").split("\t")[0]

    assert console(f"kill {address[1:]}") == f"{address}\tsnlua console_target -killed\n"
    assert console("kill 999") == ":00000999\tnil\n"


def test_signal(console: Console) -> None:
    # Signal 1 reports memory; that of an idle service without a loop does nothing.
    assert console("signal .target") == ""
    assert console("signal .target 1") == ""
    assert "number expected, got string" in console.fails("signal .target x")
    assert console("info .target text") == "a text\n"


# -- what a service is doing


def test_info_hands_the_words_on(console: Console) -> None:
    assert console("info .target words a b  c") == "a,b,c\n"
    assert re.fullmatch(LINE + "call failed", console.fails("info .target fail"))


def test_task_and_uniqtask_show_where_coroutines_wait(console: Console) -> None:
    task = console("task .target")
    uniqtask = console("uniqtask .target")

    assert re.match(r"thread: 0x\w+ session: \d+\tstack traceback:\n", task)
    assert "console_target.lua:" in task
    assert re.match(r"1\tsessions:\[\d+\]\n\tstack traceback:\n", uniqtask)


def test_killtask_kills_a_task_by_its_name(console: Console) -> None:
    console("start console_target -tasks")

    assert console("killtask .target-tasks nomatch") == "Not found\n"
    thread = re.match(r"thread: 0x\w+", console("task .target-tasks"))
    assert thread
    assert console("killtask .target-tasks " + thread[0].split()[1]) == ""
    assert console("task .target-tasks") == ""
    console("kill .target-tasks")


def test_ping_tells_the_time_it_took(console: Console) -> None:
    assert re.fullmatch(r"\d+\n", console("ping .target"))


def test_dbgcmd_gives_any_debug_command(console: Console) -> None:
    assert console("dbgcmd .target PING") == ""
    assert list(rows(console("dbgcmd .target STAT"))) == ["cpu", "message", "mqlen", "task"]
    assert re.fullmatch(r"[\d.]+\n", console("dbgcmd .target MEM"))
    assert console("dbgcmd .target SUPPORT lua") == "true\n"
    assert console("dbgcmd .target SUPPORT nope") == ""
    assert re.fullmatch(LINE + "call failed", console.fails("dbgcmd .target NOPE"))


def test_inject_runs_a_script_in_the_service(console: Console, tmp_path: Path) -> None:
    script, broken = tmp_path / "script.lua", tmp_path / "broken.lua"
    script.write_text('print("in", SERVICE_NAME, ...) print(type(_P.lua))')
    broken.write_text('print "first"\nerror "on purpose"')

    assert console(f"inject .target {script} a b") == "in\tconsole_target\ta\tb\ntable\n"
    assert re.fullmatch(LINE + r"first\n\S*broken\.lua:2: on purpose", console.fails(f"inject .target {broken}"))
    assert console("inject .target nosuch.lua") == "Can't open nosuch.lua\n"
    assert "string expected" in console.fails("inject .target")


def test_call_compiles_its_arguments_without_names(console: Console) -> None:
    result = console("call .target \"a b\", 1 + 1, nil, {x = 'y'}, print")

    assert result == "1\ta b\n2\t2\n4\tx:y\nn\t5\n"
    assert console("call .target 'x'\r") == "1\tx\nn\t1\n"
    assert console("call .target ...") == "n\t0\n"
    assert re.fullmatch(LINE + "need arguments", console.fails("call .target"))
    assert re.fullmatch(LINE + "need arguments", console.fails("call .target  "))
    assert re.fullmatch(LINE + "Invalid arguments", console.fails("call .target )"))
    assert re.fullmatch(LINE + "Invalid arguments", console.fails("call .target 1; os.exit()"))
    assert "attempt to" in console.fails("call .target os.exit()")
    assert "attempt to" in console.fails("call .target load('x')()")


def test_trace_is_turned_on_and_off(console: Console, node: ServingNode) -> None:
    for words, log in [
        ("on", "true for lua"),
        ("off", "false for lua"),
        ("lua on", "true for lua"),
        ("lua true", "true for lua"),
        ("lua xyz", "false for lua"),
        ("", "nil for lua"),
        ("lua", "nil for lua"),
    ]:
        assert console(f"trace .target {words}") == ""
        node.wait_for(f"Turn trace log {log}$")
    assert re.fullmatch(LINE + "call failed", console.fails("trace .target nosuch on"))


def test_logon_and_logoff(console: Console, node: ServingNode, target: str) -> None:
    assert console("logon .target") == ""
    node.wait_for(rf"Open log file \S*{target}\.log$")
    assert console("logoff .target") == ""
    node.wait_for(f"Close log file :{target}$")
    assert console("logon 999") == ""


# -- debugging


def test_debug_evaluates_and_stops_at_a_request(console: Console, port: int, target: str) -> None:
    prompt = f":{target}>"
    console.send("debug .target\r\n")
    assert console.until(">") == prompt
    for line, output in [
        ('1+1, "x"', "2\tx\t\n" + prompt),
        ("x = 5", "\n" + prompt),
        ('error "z"', "(debug):3: z\t\n" + prompt),
        ("", prompt),
        ('watch("lua")', "\n" + prompt),
    ]:
        console.send(line + "\n")
        assert console.until(">") == output

    other = Console(port)
    other.send("call .target 'stop here'\n")
    stopped = r"\n?\S*console_target\.lua\(\d+\)>"
    console.until(stopped)
    console.send("served, ...\n")
    assert re.match(r"\d+\t\d+\t\d+\tstop here\t\n|\d+\t.*\n", console.until(stopped))
    console.send("c\n")
    assert other.result() == "1\tstop here\nn\t1\n" + OK
    other.close()
    console.send("cont\n")

    assert console.result().endswith(OK)
    assert console("info .target text") == "a text\n"


def test_the_end_of_the_connection_ends_debugging(port: int, node: ServingNode) -> None:
    console = Console(port)
    console.send("debug .target\n")
    console.until(">")
    console.close()
    node.wait_for("Leave debug mode$")

    console = Console(port)
    console.send("debug .target\n")
    console.until(">")
    console.send("cont\n")
    assert console.result() == OK
    console.close()


def test_after_a_failed_debug_the_next_line_is_a_command(console: Console) -> None:
    console.send("debug 999\ngetenv thread\n")

    assert console.result().endswith(ERROR)
    assert console.result() == "thread\t2\n" + OK


def test_a_service_that_dies_while_it_is_debugged_ends_the_command(console: Console, port: int) -> None:
    console("start console_target -debugged")
    console.send("debug .target-debugged\n")
    console.until(">")
    other = Console(port)
    other("kill .target-debugged")
    other.close()

    assert re.fullmatch(LINE + "Debugger attach failed\n" + ERROR, console.result())
    # The line that the debugger was waiting for.
    assert console("getenv thread") == "thread\t2\n"
    assert console("getenv harbor") == "harbor\t0\n"


# -- the node


def test_clearcache(console: Console) -> None:
    assert console("clearcache") == ""
    assert console("clearcache") == ""


def test_getenv_and_setenv(console: Console) -> None:
    assert console("getenv thread") == "thread\t2\n"
    assert console("getenv nosuch") == "nosuch\tnil\n"
    assert console("setenv console_key value") == ""
    assert console("getenv console_key") == "console_key\tvalue\n"
    assert "Can't setenv exist key : console_key" in console.fails("setenv console_key other")
    assert "string expected" in console.fails("getenv")
    console.fails("setenv")
    console.fails("setenv console_other")


def test_netstat_shows_this_connection_and_the_listener(console: Console, port: int) -> None:
    console("getenv thread")
    entries = [dict(field.split(":", 1) for field in row.split("\t")) for row in rows(console("netstat")).values()]

    mine = next(entry for entry in entries if entry.get("peer") == f"127.0.0.1:{console.port}")
    assert list(mine) == ["address", "id", "peer", "read", "reading", "rtime", "type", "write", "writing", "wtime"]
    assert (mine["type"], mine["reading"], mine["writing"]) == ("TCP", "true", "false")
    # 14 and 8 bytes of commands came in; the welcome and one answer went out.
    assert (mine["read"], mine["write"]) == ("22", str(len(WELCOME) + len("thread\t2\n") + len(OK)))
    assert re.fullmatch(r"\d+\.\d+s", mine["rtime"])
    listener = next(entry for entry in entries if entry["type"] == "LISTEN")
    assert list(listener) == ["accept", "address", "id", "rtime", "sock", "type"]
    assert listener["sock"] == f"127.0.0.1:{port}"
    assert re.fullmatch(r":\w{8}", mine["address"]) and mine["address"] == listener["address"]


def test_netstat_shortens_what_is_large(console: Console) -> None:
    console.send("call .target '" + "x" * 4096 + "'\n")
    console.result()

    row = next(row for row in rows(console("netstat")).values() if "reading:true" in row and "write:4." in row)
    assert re.search(r"\tread:4\.\d+K\t", row)


def test_memory_commands_answer_what_a_build_without_jemalloc_does(console: Console) -> None:
    assert console("cmem") == "block\t0\ntotal\t0\n"
    assert list(rows(console("jmem"))) == [
        f"stats.{name}" for name in ("active", "allocated", "mapped", "resident", "retained")
    ]
    assert rows(console("jmem"))["stats.active"] == "          0      0.00 Mb"
    assert console("profactive") == "heap profilling is deactive\n"
    assert console("profactive on") == "heap profilling is deactive\n"
    assert console("dumpheap") == ""


# -- HTTP


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ("getenv/thread", "thread\t2\n" + OK),
        ("info/.target/words/a/b", "a,b\n" + OK),
        ("call/.target/1", "1\t1\nn\t1\n" + OK),
        ("nosuch", INVALID),
        ("", INVALID),
        ("getenv%2Fthread", INVALID),
        ("list?x=1", INVALID),
    ],
)
def test_commands_over_http(port: int, target: str, path: str, output: str) -> None:
    assert curl("--http0.9", f"http://127.0.0.1:{port}/{path}").decode() == WELCOME + output


@pytest.mark.parametrize("path", ["list", "stat", "mem", "service", "netstat", "help"])
def test_tables_over_http(port: int, target: str, path: str) -> None:
    text = curl("--http0.9", f"http://127.0.0.1:{port}/{path}").decode()

    assert text.startswith(WELCOME) and text.endswith("\n" + OK)
    assert rows(text[len(WELCOME) : -len(OK)])


def test_a_command_in_the_body_of_a_post(port: int, target: str) -> None:
    url = f"http://127.0.0.1:{port}/"

    assert curl("--http0.9", "--data", "call .target 'a/b'", url).decode() == WELCOME + "1\ta/b\nn\t1\n" + OK
    bare = b"POST / HTTP/1.1\r\n\r\ngetenv thread"
    assert exchange(port, bare).decode() == WELCOME + "thread\t2\n" + OK


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET \n",
        b"GET /list\r\n\r\n",
        b"GET /list HTTP/9.1\r\n\r\n",
        b"GET /list HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /list HTTP/1.1\r\nA: " + b"x" * 9000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 8193\r\n\r\nlist",
        b"POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\nlist",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
    ],
)
def test_malformed_requests_are_invalid_commands(port: int, request_bytes: bytes) -> None:
    answer = exchange(port, request_bytes, end=True).decode()

    # What is left unread at the close resets the connection, which may overtake the answer.
    assert answer in (WELCOME + INVALID, WELCOME, "")


# -- what it must survive


def test_a_line_that_does_not_end_is_cut_off(port: int, node: ServingNode) -> None:
    exchange(port, *[b"x" * 65536] * 40)

    node.wait_for("socket buffer overflow: ")
    node.wait_for("disconnect$")
    # Said once, although more was on its way.
    assert sum("buffer overflow" in line for line in node.output) == 1
    console = Console(port)
    assert console("getenv thread") == "thread\t2\n"
    console.close()


def test_whatever_is_typed_gets_an_answer(port: int, target: str) -> None:
    rng = random.Random(5)
    # Not those that wait, end services, or ask all of them.
    names = [c for c in COMMANDS if c not in ("debug", "kill", "exit", "killtask", "gc", "start", "log", "snax")]
    words = [
        *(".target", ":" + target, target, "999", ".nosuch", "lua", "on", "off"),
        *("0", "-1", "1e999", "0x", "%", "{", "'", "nil"),
    ]
    console = Console(port)
    for _ in range(1000):
        name = rng.choice(names)
        line = " ".join([name, *(rng.choice(words) for _ in range(rng.randrange(5)))])
        if rng.random() < 0.3:
            at = rng.randrange(len(line))
            line = line[:at] + chr(rng.randrange(1, 128)) + line[at + rng.randrange(3) :]
        if line.strip() and not re.search("[\r\n]|dbgcmd|GET |POST ", line):
            console.send(line + "\n")
            assert re.search(r"^<CMD (OK|Error)>\n\Z", console.result(), re.MULTILINE)
    assert console("getenv thread") == "thread\t2\n"
    console.close()


def test_clients_that_vanish_leave_no_socket(port: int, target: str) -> None:
    for text in ("", "li", "list\n", "stat\nmem\n", "debug .target\n", "GET /list HT", "GET /stat HTTP/1.1\r\n\r\n"):
        for reset in (False, True):
            console = Console(port)
            console.send(text)
            console.close(reset)

    console = Console(port)
    while len(rows(console("netstat"))) > 2:
        pass
    console.close()


def test_many_connections_at_once(port: int, target: str) -> None:
    with contextlib.ExitStack() as stack:
        consoles = [Console(port) for _ in range(50)]
        for console in consoles:
            stack.callback(console.close)
            console.send("call .target 'x'\nlist\n")
        for console in consoles:
            assert console.result() == "1\tx\nn\t1\n" + OK
            assert console.result().endswith(OK)


def test_the_console_listens_where_it_is_told(tmp_path: Path) -> None:
    with serving_node(tmp_path, "console_main", console="127.0.0.2 0") as node:
        port = int(node.wait_for(r"Start debug console at 127\.0\.0\.2:(\d+)$")[1])
        node.wait_for("READY")

        with socket.create_connection(("127.0.0.2", port), 10) as s:
            assert s.recv(100) == WELCOME.encode()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)


def test_too_many_arguments_fail_the_start(tmp_path: Path) -> None:
    with serving_node(tmp_path, "console_main", console="127.0.0.1 0 more") as node:
        node.wait_for("init service failed: .*debug_console")
