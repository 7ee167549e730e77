"""How well a target was watched: sums that a piece can go on with, and rates that need two readings."""

from app.analysis.sampling import Looked, ObserverCpu, Sampled
from app.model.frames import Frame


def frame(start_us: int, end_us: int, samples: int, failed: int = 0, late: int = 0) -> Frame:
    return Frame(start_us, end_us, samples, failed, late, [], [])


def test_the_rate_is_that_of_the_time_that_frames_cover():
    sampled = Sampled()
    assert sampled.hz is None
    sampled.add(frame(0, 50_000, 50))
    sampled.add(frame(1_000_000, 1_050_000, 30, failed=2, late=1))  # between them none was told of
    assert sampled.hz == 800
    assert (sampled.samples, sampled.failed, sampled.late) == (80, 2, 1)


def test_pieces_add_up_to_the_whole():
    whole, first, second = Sampled(), Sampled(), Sampled()
    for one, piece in ((frame(0, 9, 4), first), (frame(9, 20, 3, 1, 2), second)):
        whole.add(one)
        piece.add(one)
    first.absorb(second.state())
    assert first == whole


def test_the_share_looked_at_is_a_mean_over_time():
    looked = Looked()
    assert looked.share == 1.0
    looked.begin(1_000)
    looked.read(2_000, 0.5)
    looked.read(5_000, None)  # of that time nothing was told
    looked.read(8_000, 1.0)
    assert looked.share == (0.5 * 1_000 + 1.0 * 3_000) / 4_000
    again = Looked()
    again.absorb(looked.state())
    assert (again.share, again.at_us) == (looked.share, 8_000)


def test_the_observers_share_needs_two_readings():
    cpu = ObserverCpu()
    cpu.read(0, None)
    cpu.read(1_000, 300)
    assert (cpu.share, cpu.used_us) == (None, 0)
    cpu.read(3_000, 500)
    cpu.read(9_000, None)  # a reading that failed
    assert (cpu.share, cpu.used_us) == (0.1, 200)
    following = ObserverCpu()
    following.read(5_000, 900)
    cpu.absorb(following.state())
    assert (cpu.share, cpu.used_us) == (0.15, 600)
