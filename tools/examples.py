"""Write app/web/api/examples.json: what a real server answers, one example for each kind of answer.

Run it in the project's environment. Lists are cut to their first row; what names this machine is replaced.
"""

from __future__ import annotations

import json
import os
import platform
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "app" / "web" / "api" / "examples.json"
LONGEST_TEXT = 300
EXPERIMENT = {
    "workload": "primes",
    "executors": ["threads"],
    "workers": [1, 2],
    "seconds": 0.3,
    "repeats": 4,
}


def main() -> None:
    """Start a server, run something on it, and ask for one answer of each kind."""
    token = secrets.token_urlsafe()
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": "/usr/bin:/bin", "HOME": home, "GILSCOPE_TOKEN": token}
        command = [sys.executable, "-m", "app", "serve", "--port", "0", "--no-open"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                found = re.search(r"http://[^\s/]+", server.stdout.readline())
                assert found
                headers = {"Authorization": f"Bearer {token}"}
                with httpx.Client(base_url=f"{found[0]}/api/v1", headers=headers, timeout=60) as client:
                    made = examples(client)
            finally:
                server.terminate()
    FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


def examples(client: httpx.Client) -> dict[str, Any]:
    """By the name of the schema."""
    one, other = (finished(client) for _ in range(2))
    note = {"at_us": 250_000, "text": "here both threads want the GIL"}
    noted = client.post(f"/runs/{one}/notes", json=note).raise_for_status().json()
    asked = {
        "Health": "/health",
        "InterpretersView": "/interpreters",
        "Catalogue": "/workloads",
        "WorkloadSpec": "/workloads/cpu-bound",
        "DoctorView": "/doctor",
        "RunView": f"/runs/{one}",
        "RunPage": "/runs",
        "RunBody": f"/runs/{one}/request",
        "Summary": f"/runs/{one}/summary",
        "MeasurableAdvice": f"/runs/{one}/advice",
        "TimelineView": f"/runs/{one}/timeline",
        "StacksView": f"/runs/{one}/stacks?lane=1&from_us=0&to_us=1000000",
        "ComparisonView": f"/compare?a={one}&b={other}",
    }
    made = {name: shortened(client.get(path).raise_for_status().json()) for name, path in asked.items()}
    made["NoteView"] = noted
    step = {"chapter": 15, "workload": "cpu-bound", "run": one, "revealed": True}
    made["TeachingView"] = shortened(client.put("/teaching", json=step).raise_for_status().json())
    made["EntranceCode"] = {**client.post("/codes").json(), "code": "0hT8rTk2P1c"}
    measured = measured_experiment(client, "/experiments", EXPERIMENT)
    made["ExperimentView"] = {
        **shortened(client.get(f"/experiments/{measured}").json()),
        "progress": {
            "number": 5,
            "of": 8,
            "configuration": 0,
            "warm_up": False,
            "again": None,
            "left_s": 9.2,
            "run": one,
            "left": [2, 1],
        },
    }
    measured_experiment(client, "/experiments/forecast", {"run": one, "choice": "processes"})
    made["ForecastAccuracy"] = shortened(client.get("/experiments/accuracy").json())
    made["ExperimentPage"] = shortened(client.get("/experiments").json())
    made["PlannedExperiment"] = client.post("/experiments/plan", json=EXPERIMENT).json()
    row = client.get("/processes").json()["processes"][0]
    shown = {"pid": 4711, "parent": 1, "user": "ada", "name": "python3", "command": ["python3", "service.py"]}
    made["ProcessesView"] = {"schema": 1, "processes": [{**row, **shown}]}
    made["ProblemBody"] = shortened(client.get("/runs/none").json())
    return dict(sorted(made.items()))


def finished(client: httpx.Client) -> str:
    """The id of a run that has ended."""
    body = {"workload": "cpu-bound", "seconds": 1, "workers": 2, "executor": "threads"}
    run: str = client.post("/runs", json=body).raise_for_status().json()["id"]
    while client.get(f"/runs/{run}").json()["state"] in ("starting", "running"):
        time.sleep(0.1)
    return run


def measured_experiment(client: httpx.Client, path: str, body: dict[str, Any]) -> str:
    """The id of an experiment that has ended."""
    experiment: str = client.post(path, json=body).raise_for_status().json()["id"]
    while client.get(f"/experiments/{experiment}").json()["state"] == "running":
        time.sleep(0.1)
    return experiment


def shortened(value: Any) -> Any:
    """The same with the first row of each list alone, short texts, and no place of this machine."""
    if isinstance(value, dict):
        return {name: shortened(inner) for name, inner in value.items()}
    if isinstance(value, list):
        # A row of numbers or of words is one value, and a list of rows is cut.
        cut = value[:1] if value and isinstance(value[0], dict | list) else value
        return [shortened(inner) for inner in cut]
    if isinstance(value, str):
        text = value.replace(str(ROOT), "/opt/gilscope").replace(os.path.expanduser("~"), "/home/ada")
        text = text.replace(platform.release(), "6.12.0")
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    return value


if __name__ == "__main__":
    main()
