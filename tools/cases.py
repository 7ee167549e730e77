"""Attach to programs that no one here wrote, write down what was found, and take a picture of each.

    python tools/cases.py [CASE...] [--python PATH]

PATH is an interpreter whose environment has the packages of the cases: gunicorn, dask, uwsgi, granian,
gevent, fastapi, numpy, pandas, pyinstaller. Where it has py-spy too, its dump of the same processes is
printed.
Each program is started in docs/cases/programs with the command that its page gives, put under load where it
serves, and attached to for fifteen seconds through the dashboard. Writes the figures and the findings into
docs/cases/NAME.md, between its two marks, and docs/images/case-NAME.png.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lab import ROOT, Lab, lab, started
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from app.cli.report_memory import PARTS

PAGES = ROOT / "docs" / "cases"
PROGRAMS = PAGES / "programs"
IMAGES = ROOT / "docs" / "images"
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
SIZE: ViewportSize = {"width": 1440, "height": 1000}
SECONDS = 15
FULL_AT_S = 11  # the timeline's window is full
ROWS = 8  # threads of a table
FOUND = re.compile(r"(<!-- found -->\n).*(<!-- end -->)", re.DOTALL)
LASTING_S = 1.0  # what lived shorter is counted, not shown


@dataclass(frozen=True, slots=True)
class Case:
    """A program: how it is started, what it says when it is ready, and what is asked of it."""

    command: list[str]  # {bin} is the environment's, {port} a free port, {out} a directory for what is built
    ready: str  # its first group is the port, where it has one
    paths: list[str] = field(default_factory=list)
    rate: int = 0  # requests a second
    build: list[str] = field(default_factory=list)  # what makes the program
    memory: bool = False  # the question is where its memory went; it gives an account of it, see account.py


MiB = 1 << 20
ANSWERED_S = 30
PATHS = re.compile(r"/\S*/")  # of this machine: files are told by their names
SHORTEN = """() => {
  const walker = document.createTreeWalker(document.querySelector(".panel.memory"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = walker.currentNode.data.replace(/\\/\\S*\\//g, "");
}"""
LOADED_S = 8  # of a case about memory: it then stands still, and is compared with its own account
PYTHON = "{bin}/python"
LOCAL = r"http://127\.0\.0\.1:(\d+)"
UWSGI = ["{bin}/uwsgi", "--http-socket", "127.0.0.1:0", "--master", "--processes", "2"]
UWSGI += ["--module", "wsgi:app", "--add-header", "Connection: close"]
FREEZE = [
    "-m",
    "PyInstaller",
    "--onefile",
    "--log-level",
    "ERROR",
    "--specpath",
    "{out}",
    "--workpath",
    "{out}/work",
]

CASES = {
    "uvicorn": Case(
        [PYTHON, "-m", "uvicorn", "hello:app", "--port", "0", "--no-access-log"],
        r"http://127\.0\.0\.1:(\d+)",
        ["/", "/work"],
        100,
    ),
    "gunicorn": Case(
        [PYTHON, "-m", "gunicorn", "--threads", "4", "--bind", "127.0.0.1:0", "wsgi:app"],
        r"http://127\.0\.0\.1:(\d+)",
        ["/"],
        100,
    ),
    "http-server": Case([PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "0"], r"port (\d+)", ["/"], 200),
    "dask": Case([PYTHON, "dask_job.py", "30"], "counting"),
    "pytest-xdist": Case(
        [PYTHON, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "suite.py"], "created: 2"
    ),
    "uwsgi": Case(UWSGI, r"127\.0\.0\.1:(\d+)", ["/"], 100),
    "uwsgi-threads": Case([*UWSGI, "--threads", "4"], r"127\.0\.0\.1:(\d+)", ["/"], 100),
    "granian": Case(
        ["{bin}/granian", "--interface", "wsgi", "--port", "{port}", "--blocking-threads", "4", "wsgi:app"],
        LOCAL,
        ["/"],
        100,
    ),
    "gevent": Case([PYTHON, "greenlets.py"], LOCAL, ["/price", "/price", "/price", "/report"], 30),
    "fastapi-blocking": Case(
        [PYTHON, "-m", "uvicorn", "blocking:app", "--port", "0", "--no-access-log"],
        LOCAL,
        ["/price", "/price", "/price", "/report"],
        30,
    ),
    "pyinstaller": Case(
        ["{out}/frozen", "40"],
        "hashing",
        build=[PYTHON, *FREEZE, "--distpath", "{out}", "frozen.py"],
    ),
    "sqlite-one-cpu": Case(["taskset", "-c", "0", PYTHON, "queries.py", "4", "40"], "queries/s"),
    "pandas": Case([PYTHON, "daily_sales.py", "8"], "loading", memory=True),
    "fastapi-memory": Case(
        [PYTHON, "-m", "uvicorn", "reports:app", "--port", "0", "--no-access-log"],
        LOCAL,
        ["/report"],
        8,
        memory=True,
    ),
    "numpy-blas": Case([PYTHON, "products.py", "2", "40"], "products/s"),
}


def observe(case: Case, python: str, here: Lab, browser: Browser, name: str) -> dict[str, Any]:
    """The summary of an attached run of a case; its picture is taken on the way."""
    with ExitStack() as stack:
        words = {
            "bin": str(Path(python).parent),
            "port": str(free_port()),
            "out": stack.enter_context(TemporaryDirectory(prefix="gilscope-case-")),
        }
        account = Path(words["out"], "account.json")
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "ACCOUNT": str(account)}
        if case.build:
            subprocess.run([word.format_map(words) for word in case.build], cwd=PROGRAMS, check=True)
        command = [word.format_map(words) for word in case.command]
        # A session of its own: to uWSGI SIGTERM means "reload", and no worker may outlive its master.
        pid, said = stack.enter_context(
            started(command, case.ready, cwd=PROGRAMS, env=environment, start_new_session=True)
        )
        stack.callback(end_group, pid)
        if case.paths:
            urls = [f"http://127.0.0.1:{said[1]}{path}" for path in case.paths]
            seconds = LOADED_S if case.memory else SECONDS + 5
            rate = ["--rate", str(case.rate), "--seconds", str(seconds)]
            load = subprocess.Popen([sys.executable, str(PROGRAMS / "load.py"), *urls, *rate])
            stack.callback(load.wait)
        run = here.ask("runs", {"attach": {"pid": pid}, "seconds": SECONDS, "name": name})
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(here.entrance(f"/runs/{run['id']}"))
        if case.memory:
            page.get_by_role("tab", name="Memory").click()
        page.wait_for_function(
            f"() => parseFloat(document.querySelector('.elapsed')?.textContent) > {FULL_AT_S}",
            timeout=60_000,
        )
        if not case.memory:
            witness(words["bin"], pid)
            page.screenshot(path=IMAGES / f"case-{name}.png")
        page.locator(".badge[data-state=finished]").wait_for(timeout=60_000)
        if case.memory:
            page.evaluate(SHORTEN)
            page.locator(".part.rss").scroll_into_view_if_needed()
            page.screenshot(path=IMAGES / f"case-{name}.png")
        page.close()
        summary: dict[str, Any] = here.ask(f"runs/{run['id']}/summary")
        if case.memory:
            summary["account"] = asked(pid, account)
        return summary


def asked(pid: int, account: Path) -> dict[str, int]:
    """What a program knows of its own memory, and what is left after its own malloc_trim(0)."""
    os.kill(pid, signal.SIGUSR1)
    end = time.monotonic() + ANSWERED_S
    while not account.exists():
        if time.monotonic() > end:
            raise SystemExit(f"process {pid} gives no account of its memory")
        time.sleep(0.05)
    told: dict[str, int] = json.loads(account.read_text())
    return told


def free_port() -> int:
    """A port that nobody listens on, for a server that cannot say which it was given."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def end_group(group: int) -> None:
    """Ends a program with all its children, at once."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def witness(binaries: str, group: int) -> None:
    """Prints what /proc says of the same threads (state, CPU time), and py-spy of the same processes."""
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with suppress(FileNotFoundError, ProcessLookupError):
            if os.getpgid(int(process.name)) != group:
                continue
            for task in sorted(process.glob("task/*")):
                name, _, rest = (task / "stat").read_text().partition(" (")[2].rpartition(") ")
                spent = sum(int(ticks) for ticks in rest.split()[11:13]) / os.sysconf("SC_CLK_TCK")
                print(f"pid {process.name} tid {task.name} {name}: {rest[0]}, {spent:.2f} s of CPU time")
            if (spy := Path(binaries, "py-spy")).exists():
                print(
                    subprocess.run(
                        [spy, "dump", "--pid", process.name], capture_output=True, text=True
                    ).stdout
                )


def table(summary: dict[str, Any]) -> str:
    """What the page of a case shows: GILs, threads, and functions."""
    lines = ["| GIL of | held | contended | waiters | switches/s |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| process {gil['pid']} | {gil['held_share']:.1%} | {gil['contended_share']:.1%} "
        f"| {gil['waiters']:.2f} | {gil['switches_per_s']:,.0f} |"
        for gil in summary["gils"]
    ]
    lines += ["", "| thread | running | waiting | native | blocked | waits p50, p99 |", "|" + " --- |" * 6]
    lasting = [row for row in summary["threads"] if row["observed_s"] >= LASTING_S]
    for row in sorted(lasting, key=lambda row: -row["shares"]["running"])[:ROWS]:
        shares, wait = row["shares"], row["gil_wait"]
        blocked = shares["lock"] + shares["io"] + shares["sleep"]
        waits = f"{wait['p50_s'] * 1e3:.1f}, {wait['p99_s'] * 1e3:.1f} ms" if wait["count"] else ""
        lines.append(
            f"| {row['name']} | {shares['running']:.1%} | {shares['waiting']:.1%} | {shares['native']:.1%} "
            f"| {blocked:.1%} | {waits} |"
        )
    lines.append(f"\n{len(lasting)} threads lasted, {len(summary['threads']) - len(lasting)} came and went.")
    if hot := summary["hot"]:
        lines += ["", "| function | held | waits it caused |", "| --- | --- | --- |"]
        lines += [
            f"| `{entry['function']}`{place(entry)} "
            f"| {percent(entry['held_share'])} | {percent(entry['waited_share'])} |"
            for entry in hot[:6]
        ]
    lines += findings(summary)
    sampling = summary["sampling"]
    lines.append(
        f"\nCPython {summary['target']['python']}, {summary['run']['duration_s']:.0f} s, "
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} with other work on them; "
        f"{sampling['gil_hz']:.0f} samples a second, "
        f"of which {sampling['late'] / sampling['samples']:.1%} late; "
        f"the observer took {sampling['observer_cpu_share']:.1%} of a core."
    )
    return "\n".join(lines)


def memory_table(summary: dict[str, Any]) -> str:
    """What the page of a case about memory shows: where RSS went, and what the program itself says."""
    row, told = summary["memory"][0], summary["account"]
    library, parts = row["c_library"], {name: size for name, size in row["parts"].items() if size}
    lines = ["| part of RSS | MiB | |", "| --- | ---: | ---: |"]
    lines += [
        f"| {PARTS[name]} | {size / MiB:.1f} | {size / row['rss']:.0%} |"
        for name, size in sorted(parts.items(), key=lambda item: -item[1])
        if size >= row["rss"] / 1000
    ]
    lines += ["", "\n>\n".join(f"> {PATHS.sub('', sentence)}" for sentence in row["verdict"])]
    lines += findings(summary)
    lines += ["", "| MiB | GILScope | the program itself |", "| --- | ---: | ---: |"]
    lines += [
        f"| {name} | {seen / MiB:.1f} | {true / MiB:.1f} |"
        for name, seen, true in (
            ("RSS, and the sum of its parts", sum(parts.values()), told["rss"]),
            ("free in the C library (`mallinfo2`)", library["free"], told["free"]),
            ("blocks with their own mapping", library["mapped"], told["mapped"]),
            (
                "foretold that `malloc_trim(0)` gives back; given back",
                library["trimmable"],
                told["rss"] - told["rss_after"],
            ),
        )
    ]
    lines.append(
        f"\nCPython {summary['target']['python']}, glibc {library['version']}, {library['arenas']} arenas of "
        f"malloc; GILScope read {library['chunks']:,} free chunks in {library['cpu_s'] * 1e3:.0f} ms of CPU."
    )
    return "\n".join(lines)


def findings(summary: dict[str, Any]) -> list[str]:
    """Event loops, and the findings in their own words."""
    lines = []
    for loop in summary["loops"]:
        lag = " / ".join(f"{loop['lag_s'][key] * 1e3:.0f}" for key in ("p50", "p99", "max"))
        lines.append(f"\nEvent loop ({loop['kind']}) of process {loop['pid']}: lag p50 / p99 / max {lag} ms.")
    if not summary["findings"]:
        return [*lines, "\nNo findings."]
    for found in summary["findings"]:
        lines.append(f"\n> `{found['code']}` ({found['severity']}): **{found['title']}** {found['detail']}")
    return lines


def percent(share: float | None) -> str:
    """A share; nothing where it was not measured."""
    return "" if share is None else f"{share:.1%}"


def place(entry: dict[str, Any]) -> str:
    """Where a hot function is: the file's name and its first line."""
    return f" {os.path.basename(entry['file'])}:{entry['line']}" if entry["file"] else ""


def write(page: Path, found: str) -> None:
    """Puts what was found between the marks of a page."""
    text, count = FOUND.subn(lambda marks: f"{marks[1]}{found}\n{marks[2]}", page.read_text())
    if count != 1:
        raise SystemExit(f"{page} has no place for what was found: {FOUND.pattern}")
    page.write_text(text)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--python", default=sys.executable)
    chosen = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with lab() as here, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        for name in chosen.cases or CASES:
            summary = observe(CASES[name], chosen.python, here, browser, name)
            found = memory_table(summary) if CASES[name].memory else table(summary)
            write(PAGES / f"{name}.md", found)
            print(name, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
