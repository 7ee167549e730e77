"""That a process or a thread was started is seen in one small file."""

from __future__ import annotations

import subprocess
import threading

from app.probe.kernel.births import Births


def test_births_are_told_of_twice_for_a_child_has_its_pid_before_its_parent_has_it() -> None:
    births = Births()
    try:
        assert births.any()
        settled(births)
        subprocess.run(["/bin/true"], check=True)
        assert births.any()
        assert births.any()
        settled(births)
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        assert births.any()
    finally:
        births.close()


def settled(births: Births) -> None:
    """Until nothing was started between two calls, on a machine that others use too."""
    while births.any():
        pass
