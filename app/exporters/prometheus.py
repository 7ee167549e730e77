"""The metrics of a server in the text formats of Prometheus and OpenMetrics.

Names follow Prometheus' conventions: base units, `_total` for what only grows, one meaning a name. Labels:

    run        the id of a run; `gilscope_run_info` has its name and kind
    process    a pid, of those that are there: app/analysis/metrics.py says how many
    gil, interpreter    an interpreter of that process, by CPython's own number

What is not known has no sample. docs/metrics.md lists all of them; a test holds it against this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import (
    CollectorRegistry,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from app.model.metrics import ProcessMetrics, RunMetrics, SampleCounts, ServerMetrics
from app.model.summary import CollectorFigures, GilSeconds, HeapFigures, MemoryFigures

GOING_ON = ("starting", "running")

_GIL_SECONDS = {
    "seen": "Time in which its holder was known: a thread, or nobody.",
    "unseen": "Time in which nobody knows who held it.",
    "held": "Time in which a thread held it.",
    "contended": "Time in which a thread held it and another waited for it.",
    "waited": "Time that threads waited for it, of all of them together.",
}

_Labels = Mapping[str, str]


def exposition(metrics: ServerMetrics, accept: str = "") -> tuple[bytes, str]:
    """The text, and its media type; `accept` is the header of the request.

    What the server's own process uses is read from /proc as the text is made.
    """
    encode, media_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(metrics))
    ProcessCollector(registry=registry)
    return encode(registry), media_type


class _Told:
    """A collector, as prometheus_client has them."""

    def __init__(self, metrics: ServerMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """All families but those of the process itself."""
        families = _Families()
        _add_server(families, self._metrics)
        for run in self._metrics.runs:
            _add_run(families, run)
            for process in run.processes:
                _add_process(families, process, {"run": run.id, "process": str(process.use["pid"])})
        return families.made()


class _Families:
    """Families by name, made as the first value of each is added; values of the same labels add up.

    A program that calls exec has another GIL of the same name.
    """

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, ...], float]] = {}
        self._made: dict[str, Metric] = {}

    def counter(self, name: str, text: str, value: float | None, labels: _Labels | None = None) -> None:
        """A total; without `_total`, which its samples get."""
        self._add(CounterMetricFamily, name, text, value, labels or {})

    def gauge(self, name: str, text: str, value: float | None, labels: _Labels | None = None) -> None:
        """A size or a state."""
        self._add(GaugeMetricFamily, name, text, value, labels or {})

    def info(self, name: str, text: str, told: _Labels, labels: _Labels | None = None) -> None:
        """Words; without `_info`."""
        labels = labels or {}
        family = self._made.setdefault(name, InfoMetricFamily(f"gilscope_{name}", text, labels=list(labels)))
        assert isinstance(family, InfoMetricFamily)
        family.add_metric(list(labels.values()), dict(told))

    def histogram(
        self, name: str, text: str, buckets: list[tuple[str, float]], total: float, labels: _Labels
    ) -> None:
        """Lengths; `buckets` are (upper end, how many were no longer)."""
        family = self._made.setdefault(
            name, HistogramMetricFamily(f"gilscope_{name}", text, labels=list(labels))
        )
        assert isinstance(family, HistogramMetricFamily)
        family.add_metric(list(labels.values()), buckets, total)

    def summary(self, name: str, text: str, count: int, total: float, labels: _Labels) -> None:
        """A number of lengths and their sum."""
        family = self._made.setdefault(
            name, SummaryMetricFamily(f"gilscope_{name}", text, labels=list(labels))
        )
        assert isinstance(family, SummaryMetricFamily)
        family.add_metric(list(labels.values()), count, total)

    def made(self) -> Iterator[Metric]:
        """All of them."""
        for name, family in self._made.items():
            if isinstance(family, CounterMetricFamily | GaugeMetricFamily):
                for labels, value in self._values[name].items():
                    family.add_metric(labels, value)
            yield family

    def _add(
        self,
        kind: type[CounterMetricFamily | GaugeMetricFamily],
        name: str,
        text: str,
        value: float | None,
        labels: _Labels,
    ) -> None:
        if value is None:
            return
        if name not in self._made:
            self._made[name] = kind(f"gilscope_{name}", text, labels=list(labels))
            self._values[name] = {}
        values, key = self._values[name], tuple(labels.values())
        values[key] = values.get(key, 0) + value


def _add_server(families: _Families, metrics: ServerMetrics) -> None:
    families.info("build", "This GILScope.", {"version": metrics.version})
    for state, number in metrics.active.items():
        families.gauge("runs", "Runs that go on.", number, {"state": state})
    for kind, number in metrics.started.items():
        families.counter("runs_started", "Runs that were started.", number, {"kind": kind})
    for state, number in metrics.ended.items():
        families.counter("runs_ended", "Runs that have ended.", number, {"state": state})
    for reason, number in metrics.refused.items():
        text = "Processes that could not be attached to."
        families.counter("attach_refused", text, number, {"reason": reason})
    families.gauge("viewers", "Viewers of runs that go on.", metrics.viewers)
    _add_samples(families, "", metrics.samples, {})


def _add_samples(families: _Families, prefix: str, counts: SampleCounts, labels: _Labels) -> None:
    families.counter(f"{prefix}samples", "Samples that were taken.", counts.taken, labels)
    text = "Samples that were taken more than a period after they were due."
    families.counter(f"{prefix}samples_late", text, counts.late, labels)
    text = "Samples of a thread or of a GIL that could not be read."
    families.counter(f"{prefix}samples_failed", text, counts.failed, labels)


def _add_run(families: _Families, run: RunMetrics) -> None:
    labels = {"run": run.id}
    families.info("run", "What a run is called.", {"name": run.name, "kind": run.kind}, labels)
    text = "1 while the run goes on, 0 once it has ended."
    families.gauge("run_up", text, run.state in GOING_ON, labels)
    families.counter("run_observed_seconds", "How long it was observed.", run.observed_s, labels)
    families.gauge("run_coverage_ratio", "The share of its time that was seen.", run.coverage, labels)
    _add_samples(families, "run_", run.samples, labels)
    families.counter("run_observer_cpu_seconds", "CPU time of its observer.", run.observer_cpu_s, labels)
    _add_gil(families, "run_gil_", run.gil, run.switches, labels)
    buckets = [
        *((str(upper_s), float(number)) for upper_s, number in run.waits),
        ("+Inf", float(run.waits_count)),
    ]
    text = "How long a thread waited for a GIL: waits that were seen from beginning to end."
    families.histogram("run_gil_wait_seconds", text, buckets, run.waits_sum_s, labels)
    number = len(run.processes) + run.processes_not_shown
    families.gauge("run_processes", "Processes of the run that are there.", number, labels)


def _add_gil(families: _Families, prefix: str, gil: GilSeconds, switches: int, labels: _Labels) -> None:
    for name, text in _GIL_SECONDS.items():
        families.counter(f"{prefix}{name}_seconds", text, gil[f"{name}_s"], labels)  # type: ignore[literal-required]
    families.counter(f"{prefix}switches", "Times that it passed to another thread.", switches, labels)


def _add_process(families: _Families, process: ProcessMetrics, labels: _Labels) -> None:
    use = process.use
    words = {
        "python": use["python"] or "",
        "free_threaded": _word(use["free_threaded"]),
        "gil_enabled": _word(use["gil_enabled"]),
    }
    families.info("process", "What a process runs on.", words, labels)
    families.counter("process_cpu_seconds", "CPU time of the process.", use["cpu_s"], labels)
    families.gauge("process_cpus", "How many CPUs it may use.", use["cpus"], labels)
    families.gauge("process_threads", "Its threads.", process.threads, labels)
    _add_memory(families, process.memory, labels)
    for gil in process.gils:
        _add_gil(families, "gil_", gil, gil["switches"], {**labels, "gil": str(gil["interpreter"] or 0)})
    for heap in process.heaps:
        _add_heap(families, heap, {**labels, "interpreter": str(heap["interpreter"])})
    for collector in process.collectors:
        _add_collector(families, collector, {**labels, "interpreter": str(collector["interpreter"])})


def _word(known: bool | None) -> str:
    return "" if known is None else str(known).lower()


def _add_memory(families: _Families, memory: MemoryFigures, labels: _Labels) -> None:
    families.gauge("process_resident_memory_bytes", "Resident memory (RSS).", memory["rss"], labels)
    families.gauge(
        "process_resident_memory_max_bytes", "The highest that the RSS was.", memory["peak_rss"], labels
    )
    families.gauge("process_unique_memory_bytes", "USS: what is its own alone.", memory["uss"], labels)
    text = "PSS: a page that several processes map is shared out among them."
    families.gauge("process_proportional_memory_bytes", text, memory["pss"], labels)
    families.gauge("process_swapped_memory_bytes", "What of it is in swap.", memory["swap"], labels)
    for part, size in (memory["parts"] or {}).items():
        text = "What the RSS is made of; the parts add up to it as it was when they were read."
        families.gauge("process_memory_part_bytes", text, size, {**labels, "part": part})
    for kind, faults in (("minor", memory["minor_faults"]), ("major", memory["major_faults"])):
        families.counter("process_page_faults", "Page faults.", faults, {**labels, "kind": kind})


def _add_heap(families: _Families, heap: HeapFigures, labels: _Labels) -> None:
    families.gauge("heap_arenas", "Arenas of the private heap.", heap["arenas"], labels)
    families.gauge("heap_arena_bytes", "Bytes of these arenas.", heap["arena_bytes"], labels)
    families.gauge("heap_used_bytes", "Bytes in blocks that are in use.", heap["bytes_used"], labels)
    families.gauge("heap_used_blocks", "Blocks that are in use.", heap["blocks_used"], labels)


def _add_collector(families: _Families, collector: CollectorFigures, labels: _Labels) -> None:
    told = (
        ("gc_collections", "Collections.", collector["collections"]),
        ("gc_collected_objects", "Objects that collections freed.", collector["collected"]),
        ("gc_uncollectable_objects", "Objects that they could not free.", collector["uncollectable"]),
    )
    for name, text, totals in told:
        for generation, total in enumerate(totals):
            families.counter(name, text, total, {**labels, "generation": str(generation)})
    families.gauge("gc_tracked_objects", "Objects that the collector follows.", collector["tracked"], labels)
    pauses = collector["pauses"]
    text = "How long collections stopped threads: before CPython 3.15 those that samples saw."
    families.summary("gc_pause_seconds", text, pauses["seen"], pauses["total_s"], labels)
