"""The instant at which a free-threaded process switches its GIL on, and the import that makes it.

CPython switches the GIL on while it loads an extension module, and leaves it on if that does not declare that
it can do without: `enabled` counts the loads that go on, or is an int's maximum, for good. So the word is
read in each sample, and while a load goes on the stack tells which import it is.
"""

from __future__ import annotations

from app.probe.cpython.layouts import PERMANENT
from app.probe.cpython.numbered import NumberedStacks
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.survey import Inconsistent, ThreadState
from app.probe.kernel.memory import Unmapped

from .sampler import Sampler

_IMPORTLIB = "<frozen importlib._bootstrap"  # and _bootstrap_external
_LOADER = "ExtensionFileLoader."
_FIND = "_find_and_load"
_TAG = ~7  # of a pointer in a frame
_MOST_THREADS = 64  # looked at for the one that imports


class GilSwitch:
    """Watches one process; `switched` is None until its GIL is switched on, and then names the import."""

    def __init__(self, sampler: Sampler, stacks: NumberedStacks) -> None:
        self.switched: str | None = None  # "" where the import was not seen
        self._sampler = sampler
        self._runtime = sampler.runtime
        self._stacks = stacks
        self._objects = ObjectReader(sampler.runtime.memory, sampler.runtime.layout)
        self._seen = ""
        self._address = 0  # of the word; 0 while there is nothing to watch
        enabled = self._runtime.layout.gil.enabled
        if enabled is not None and not sampler.roster.gil_enabled:
            gils = [state.gil for lane in sampler.roster.lanes.values() for state in lane.states]
            self._address = gils[0] + enabled if gils else 0

    def sample(self, now_us: int) -> None:
        """Looks once; AddressSpaceGone."""
        if not self._address:
            return
        try:
            enabled = self._runtime.memory.i32(self._address)
        except Unmapped:
            return
        if not enabled:
            self._seen = ""
            return
        self._seen = self._seen or self._import()
        if enabled == PERMANENT:
            self._address = 0
            self._sampler.review(now_us)
            self.switched = self._seen

    def _import(self) -> str:
        """The load of an extension that goes on, and where its import stands; "" where none is seen."""
        lanes = [lane for lane in self._sampler.roster.lanes.values() if lane.states][:_MOST_THREADS]
        for lane in lanes:
            try:
                found = self._import_of(lane.states[0])
            except (Inconsistent, Unmapped):
                continue
            if found:
                return found
        return ""

    def _import_of(self, state: ThreadState) -> str:
        frames = self._stacks.copy(state.address)
        places = [(code.function, line) for code, line in self._stacks.reader.locate(frames)]
        loads = False
        for at, ((name, file, _), _) in enumerate(places):
            if not file.startswith(_IMPORTLIB):
                continue
            loads = loads or name.startswith(_LOADER)
            if loads and name == _FIND:
                local = frames[at][3] + self._runtime.layout.interpreter_frame.localsplus
                module = self._objects.text(self._runtime.memory.u64(local) & _TAG)
                by = (
                    (what, line) for what, line in places[at:] if not what[1].startswith("<frozen importlib")
                )
                (function, path, _), line = next(by, (("", "", 0), 0))
                return f"{module} in {function} ({path}:{line})" if path else module
        return ""
