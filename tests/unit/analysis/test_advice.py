"""The verdict in words, of forecasts whose answer is known."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.forecast.advice import advice, compatibility
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.forecast import Mend
from app.model.states import STATES

PID = 7


def run(*shares: dict[str, float], cpus: float = 2.0, coverage: float = 1.0, **more: Any) -> Any:
    told = summarise(Ledger())
    threads = [
        {
            **{"pid": PID, "tid": n, "name": f"worker-{n}", "interpreter": 0, "observed_s": 4.0},
            **{"coverage": 1.0, "shares": {**dict.fromkeys(STATES, 0.0), **each}, "counted_s": 4.0},
            **{"cpu_s": 4.0 * (each.get("running", 0.0) + each.get("native", 0.0)), "run_delay_s": 0.0},
        }
        for n, each in enumerate(shares)
    ]
    return {
        **told,
        "run": {**told["run"], "duration_s": 4.0},
        "target": {**told["target"], "python": "3.14.0", "free_threaded": False, "gil_enabled": True},
        "sampling": {**told["sampling"], "coverage": coverage},
        "gils": [],
        "threads": threads,
        "processes": [{"pid": PID, "cpus": cpus}],
        "memory": [{"uss": 50 << 20}],
        **more,
    }


def mended(throughput: float | None = None) -> Mend:
    found: Mend = {"from_s": 0.0, "to_s": 4.0, "replay_error": 0.01, "rows": [], "why_not": None}
    if throughput is not None:
        found["rows"].append(
            {
                "function": "parse",
                "file": "/app/load.py",
                "line": 3,
                "busy_share": 0.6,
                "throughput": throughput,
            }
        )
    return found


def extensions(*says: str) -> dict[str, Any]:
    rows = [{"file": f"/x/ext{n}.so", "says": each, "why": "."} for n, each in enumerate(says)]
    return {"extensions": [{"pid": PID, "rows": rows}]}


TURNS = {"running": 0.5, "waiting": 0.5}


def test_threads_that_take_turns_are_sent_to_free_threading_where_nothing_stands_in_its_way() -> None:
    told = advice(run(TURNS, TURNS, readings=extensions("declares")), mended(1.4))
    assert told["verdict"]["choice"] == "free-threading"
    assert "Every C extension" in " ".join(told["sentences"])
    assert "parse (load.py:3)" in " ".join(told["sentences"])


def test_why_a_way_is_named_of_which_less_is_foretold_is_said() -> None:
    told = advice(run(TURNS, TURNS, readings=extensions("declares")), mended())
    ways = {row["choice"]: row["throughput"] for row in told["forecast"]["rows"]}
    free, processes = ways["free-threading"], ways["processes"]
    assert free
    assert processes
    assert free["middle"] < processes["middle"]
    assert told["sentences"][0] == (
        f"Processes instead of threads would give as much or a little more, {processes['middle']:.2f} times, "
        f"between {processes['low']:.2f} times and {processes['high']:.2f} times: "
        "what is named changes the program least."
    )


def test_an_extension_that_does_not_declare_it_makes_that_unsure() -> None:
    told = advice(run(TURNS, TURNS, readings=extensions("declares", "does-not", "unknown")), mended())
    assert told["verdict"]["sure"] == "unsure"
    assert "2 of the loaded extensions" in told["verdict"]["sentence"]
    assert told["compatibility"] == {
        "declares": 1,
        "does_not": 1,
        "unknown": 1,
        "names": ["ext1.so", "ext2.so"],
    }


def test_one_thread_alone_is_told_which_function_to_mend() -> None:
    told = advice(run({"running": 1.0}), mended(1.5))
    assert told["verdict"]["choice"] == "mend"
    assert "1.50 times" in told["verdict"]["sentence"]


def test_a_program_whose_cpus_are_busy_is_told_to_stay() -> None:
    told = advice(run({"native": 1.0}, {"native": 1.0}), mended())
    assert (told["verdict"]["choice"], told["verdict"]["sure"]) == ("stay", "fairly sure")
    assert "2.0 of the 2 CPUs" in told["verdict"]["sentence"]


def test_a_program_whose_pool_is_full_is_told_to_give_it_more_threads() -> None:
    waiting = {"p50": 9, "max": 9, "growth_per_s": 0.0}
    pool = {"pid": PID, "name": "database", "kind": "executor", "workers": 4, "looks": 20, "observed_s": 5.0}
    pool = {**pool, "full_share": 1.0, "busy_share": 1.0, "waiting": waiting, "begun_per_s": 1.0}
    waits = {"sleep": 0.99, "running": 0.01}
    for states, said in (
        ({"sleep": 1.0}, "But tasks wait for a thread of the pool database: give it more threads."),
        ({"lock": 1.0}, "Stay with what there is."),
    ):
        told = advice(run(*[waits] * 8, pools=[{**pool, "states": states}]), mended())
        assert told["verdict"]["choice"] == "stay"
        assert told["verdict"]["sentence"].endswith(said)


def test_to_stay_is_no_sure_advice_where_a_band_reaches_a_fifth_more() -> None:
    near = {"running": 0.3, "waiting": 0.14, "native": 0.56}
    told = advice(run(near, near), mended())
    assert (told["verdict"]["choice"], told["verdict"]["sure"]) == ("stay", "unsure")


def test_cpus_that_other_programs_have_are_not_said_to_be_there_for_it_alone() -> None:
    shares = {"running": 0.3, "waiting": 0.3, "native": 0.4}
    alone, beside = run(shares, shares), run(shares, shares)
    for thread in beside["threads"]:
        thread |= {"cpu_s": 1.4, "run_delay_s": 1.4}
    said = [
        {sentence for row in advice(told, mended())["forecast"]["rows"] for sentence in row["assumptions"]}
        for told in (alone, beside)
    ]
    assert [any("for it alone" in sentence for sentence in each) for each in said] == [True, False]
    assert [any("Other programs" in sentence for sentence in each) for each in said] == [False, True]


def test_more_threads_are_named_before_what_changes_the_program_more() -> None:
    told = advice(run(*({"running": 0.05, "sleep": 0.95},) * 3), mended())
    assert told["verdict"]["choice"] == "thread-more"


@pytest.mark.parametrize("more", [{"coverage": 0.5}, {"run": {"id": None, "duration_s": 1.0}}])
def test_what_rests_on_little_is_called_a_guess(more: dict[str, Any]) -> None:
    assert advice(run(TURNS, TURNS, **more), mended())["verdict"]["sure"] == "a guess"


def test_what_processes_cost_is_said_with_them() -> None:
    target = {"python": "3.13.0", "free_threaded": False, "gil_enabled": True, "switch_interval_s": None}
    wide = advice(run(TURNS, TURNS, target=target), mended())
    assert wide["verdict"]["choice"] == "processes"
    assert "100 MiB" in " ".join(wide["sentences"])


def test_nothing_seen_is_no_grounds() -> None:
    told = advice(run({"sleep": 1.0}), mended())
    assert (told["verdict"]["choice"], told["verdict"]["sure"], told["forecast"]["rows"]) == (None, None, [])


def test_a_file_of_several_processes_counts_once() -> None:
    rows = extensions("declares")["extensions"] * 3
    found = compatibility(rows)
    assert found is not None
    assert found["declares"] == 1
    assert compatibility([]) is None


def test_a_replay_that_is_far_off_names_no_function() -> None:
    far: Mend = {**mended(1.5), "replay_error": 0.26}
    told = advice(run({"running": 1.0}), far)
    assert told["verdict"]["choice"] == "stay"
    assert "26 % off what" in " ".join(told["sentences"])


def finding(code: str, severity: str = "warning") -> dict[str, Any]:
    told = {"code": code, "severity": severity, "title": "Threads ask", "advice": "Wait for it."}
    return {**told, "evidence": {}}


@pytest.mark.parametrize("code", ["threads-poll", "event-loop-blocked", "handing-over-costs"])
def test_what_no_way_of_running_mends_comes_first(code: str) -> None:
    told = advice(run(TURNS, TURNS, findings=[finding(code)]), mended(1.4))
    assert told["verdict"] == {
        "choice": "mend",
        "sentence": "Fix this first; no other way of running does. Threads ask. Wait for it.",
        "sure": "fairly sure",
    }
    told = advice(run(TURNS, TURNS, findings=[finding(code, "notice")]), mended(1.4))
    assert told["verdict"]["choice"] == "free-threading"


def test_a_loop_that_waits_for_the_gil_is_helped_by_another_way_of_running() -> None:
    waits = {**finding("event-loop-blocked"), "evidence": {"state": "waiting"}}
    told = advice(run(TURNS, TURNS, findings=[waits]), mended(1.4))
    assert told["verdict"]["choice"] == "free-threading"


@pytest.mark.parametrize("code", ["lock-contention", "gil-stalled-holder"])
def test_what_another_way_of_running_mends_too_is_told_where_none_is_named(code: str) -> None:
    locks = [finding(code)]
    assert advice(run({"running": 1.0}, findings=locks), mended())["verdict"]["choice"] == "mend"
    assert advice(run(TURNS, TURNS, findings=locks), mended())["verdict"]["choice"] == "free-threading"


def test_a_function_whose_half_gives_nothing_is_not_told() -> None:
    waits = {"sleep": 0.99, "running": 0.01}
    assert "The function to mend first" not in " ".join(advice(run(waits), mended(1.0))["sentences"])
    assert "The function to mend first" in " ".join(advice(run(waits), mended(1.05))["sentences"])
