"""What is told of processes, and of what no message has named."""

from types import SimpleNamespace

from app.model.frames import Frame
from app.probe.processes.reports import Reports
from app.probe.sampling.slow import finished


def lane(number):
    return SimpleNamespace(number=number)


def reader_of(named, new):
    """A reader whose process went in the sample in which GIL and lane `new` were found in it."""
    lanes = {number: lane(number) for number in (named, new)}
    roster = SimpleNamespace(
        gone=[],
        lanes=lanes,
        new=[lanes[new]],
        new_gils=[SimpleNamespace(index=new)],
        missed_blocks=lambda now_us: 0,
    )
    tracks = ([[number, 0, [-1, 0, 9]] for number in lanes], [[number, [0, 9]] for number in lanes])
    return SimpleNamespace(
        roster=roster,
        sampler=SimpleNamespace(flush=lambda now_us: tracks, take_failed=lambda: 0),
        collectors=SimpleNamespace(take_pauses=lambda now_us: [], take_moved=list, take_last=list),
        loops=SimpleNamespace(take=lambda now_us: ([], [], [])),
        pools=SimpleNamespace(take=lambda: ([], [])),
        close=lambda: None,
    )


def test_what_was_found_as_its_process_went_is_not_spoken_of():
    told = []
    watchlist = SimpleNamespace(read=lambda: iter(()))
    reports = Reports(watchlist, SimpleNamespace(), told.append)
    reports.let_go(SimpleNamespace(reader=reader_of(named=1, new=2)), 9)
    finished(reports.frame(0, 10, 1, 0))
    [frame] = [message for message in told if isinstance(message, Frame)]
    assert [track[0] for track in frame.gils] == [1]
    assert [track[0] for track in frame.lanes] == [1]
    assert [message.gone for message in told if getattr(message, "gone", None)] == [[1]]
