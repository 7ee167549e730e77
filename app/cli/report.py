"""A run's summary, as a person reads it: takes the summary object alone, and computes no figure."""

from __future__ import annotations

from app.cli import report_causes, report_memory, report_result
from app.cli.report_cluster import called, cluster, is_cluster
from app.cli.tables import Column, render
from app.model import units
from app.model.states import STATES
from app.model.summary import Lengths, Summary, TargetInfo

CLUSTER_THREADS = 20  # of all workers: each has a dozen, and most of these wait
_NO_PYTHON = " (no Python state)"  # beside a thread that a C library made, and that never called Python


def text(summary: Summary) -> str:
    """The whole report: one table a part, separated by empty lines."""
    parts = [
        *(_title(summary), _failure(summary)),
        *(cluster(summary) or [_gils(summary)]),
        _threads(summary),
        *report_causes.causes(summary),
        *report_memory.parts(summary),
        *(report_result.figures(summary), report_result.table(summary)),
        *report_causes.judgements(summary),
        *(_sampling(summary), _line(summary), _why(summary)),
    ]
    return "\n\n".join(part for part in parts if part)


def python_name(target: TargetInfo) -> str:
    """The target's CPython: "CPython 3.13.0", "CPython 3.14.0 free-threaded"."""
    build = " free-threaded" if target.get("free_threaded") else ""
    return f"CPython {target['python']}{build}" if target.get("python") else "not a CPython that can be read"


def _title(summary: Summary) -> str:
    run, target = summary["run"], summary["target"]
    interval, several = target.get("switch_interval_s"), is_cluster(summary)
    parts = [
        run["name"] or "",
        *([f"pid {target['pid']}"] if run["kind"] == "attach" and target["pid"] and not several else []),
        *([f"{len(summary['workers'])} workers"] if several else []),
        python_name(target),
        f"{run['state'].replace('_', ' ')} after {units.seconds(run['duration_s'])}",
    ]
    if interval is not None:
        parts.append(f"switch interval {units.seconds(interval)}")
    return " · ".join(parts)


def _failure(summary: Summary) -> str:
    error = summary["run"]["error"]
    return f"failed: {error['detail']}" if error is not None else ""


def _gils(summary: Summary) -> str:
    columns = [Column("GIL"), *(Column(name, "right") for name in ("seen", "held", "contended", "waiters"))]
    columns += [Column("switches", "right"), Column("switches/s", "right")]
    rows = [
        [
            called(summary, gil["pid"])
            + (f", interpreter {gil['interpreter']}" if gil["interpreter"] else ""),
            units.coverage(gil["coverage"]),
            units.share(gil["held_share"]),
            units.share(gil["contended_share"]),
            units.mean(gil["waiters"]),
            units.count(gil["switches"]),
            units.count(gil["switches_per_s"]),
        ]
        for gil in summary["gils"]
    ]
    return render(columns, rows) if rows else ""


def _threads(summary: Summary) -> str:
    threads = summary["threads"]
    if not threads:
        return ""
    if is_cluster(summary):
        threads = sorted(threads, key=lambda thread: -(thread["cpu_s"] or 0.0))[:CLUSTER_THREADS]
    seen = [state for state in STATES if any(thread["shares"].get(state) for thread in threads)]
    columns = [Column("thread"), Column("pid", "right"), Column("seen", "right")]
    columns += [Column(state, "right") for state in seen]
    columns += [
        Column(name, "right") for name in ("GIL wait p50", "p99", "max", "longest hold", "CPU", "run delay")
    ]
    rows = [
        [
            (thread["name"] or str(thread["tid"])) + (_NO_PYTHON if thread["interpreter"] is None else ""),
            called(summary, thread["pid"]).removeprefix("pid "),
            units.coverage(thread["coverage"]),
            *(units.share(thread["shares"].get(state)) for state in seen),
            units.seconds(thread["gil_wait"]["p50_s"]),
            units.seconds(thread["gil_wait"]["p99_s"]),
            _longest(thread["gil_wait"]),
            _longest(thread["gil_hold"]),
            units.seconds(thread["cpu_s"]),
            units.seconds(thread["run_delay_s"]),
        ]
        for thread in threads
    ]
    return "\n".join([render(columns, rows), *_unlisted(summary)])


def _unlisted(summary: Summary) -> list[str]:
    """What the table of threads leaves out."""
    lines = []
    cut = max(0, len(summary["threads"]) - CLUSTER_THREADS) if is_cluster(summary) else 0
    if summary["threads_not_shown"] + cut:
        lines.append(
            f"{summary['threads_not_shown'] + cut:,} more threads, less active than these, are not shown."
        )
    unlisted_s = summary.get("threads_cpu_unlisted_s")  # a run recorded by an earlier version has none
    if unlisted_s:
        lines.append(
            f"{units.seconds(unlisted_s)} more of CPU time is in no row: of threads not "
            "shown, or that ended before it was read."
        )
    return lines


def _longest(runs: Lengths) -> str:
    return units.at_least(runs["max_s"], runs["cut_longest_s"])


def _sampling(summary: Summary) -> str:
    sampling = summary["sampling"]
    less = sampling.get("less")  # recordings of before have none
    why = f"; {less}" if less else ""
    return (
        f"seen for {units.coverage(sampling['coverage'])} of the time: "
        f"sampled at {units.count(sampling['gil_hz'])} Hz "
        f"({units.count(sampling['gil_hz_requested'])} asked for{why}), "
        f"{units.count(sampling['samples'])} samples, {units.count(sampling['late'])} late, "
        f"{units.count(sampling['failed'])} failed; the observer took "
        f"{units.share(sampling['observer_cpu_share'])} of a CPU"
    )


def _line(summary: Summary) -> str:
    """The line to an observer that is elsewhere."""
    line = summary.get("line")  # recordings of before have none
    if line is None:
        return ""
    parts = [
        "the clock there was not compared with the one here"
        if line["clock_ahead_s"] is None
        else f"the clock there is {_ahead(line['clock_ahead_s'])} the one here, "
        f"± {units.seconds(line['clock_off_s'])}"
    ]
    if line["cuts"]:
        times = "once" if line["cuts"] == 1 else f"{line['cuts']} times"
        lost = (
            f"{units.count(line['dropped'])} messages could not be kept there, "
            f"so {units.seconds(line['gap_s'])} of the run are unknown"
            if line["dropped"]
            else "nothing that was seen before the last cut is lost"
            if line["state"] != "there"
            else "nothing was lost"
        )
        parts.append(f"the line was cut {times}, for {units.seconds(line['cut_s'])}: {lost}")
    if line["state"] != "there":
        parts.append(f"it was not had again: {line['detail']}")
    return "; ".join(parts)


def _ahead(ahead_s: float) -> str:
    return f"{units.seconds(abs(ahead_s))} {'behind' if ahead_s < 0 else 'ahead of'}"


def _why(summary: Summary) -> str:
    """The measures that are not exact, and why; those that share a reason share a line."""
    capabilities = summary["capabilities"]
    lines: dict[str, list[str]] = {}
    for measure, reason in capabilities.get("why", {}).items():
        lines.setdefault(f"{capabilities[measure]}: {reason}", []).append(measure)
    return "\n".join(f"{', '.join(measures)} {what}" for what, measures in lines.items())
