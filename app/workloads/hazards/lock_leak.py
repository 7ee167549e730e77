"""A lock that is not released when the code between acquire and release raises."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic_ns

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.tracked import RunOver, TrackedLocks

_NS_A_SECOND = 1_000_000_000


class Till:
    """A total, and the lock that guards it."""

    def __init__(self) -> None:
        self.locks = TrackedLocks()
        self.lock = self.locks.new("till")
        self.total = 0


def _prepare(setting: Setting, resources: ExitStack) -> Till:
    return Till()


def by_hand(ctx: Context, till: Till, text: str) -> None:
    """As it is written by hand: release is not reached when int raises."""
    till.lock.acquire(ctx)
    till.total += int(text)
    till.lock.release()


def by_with(ctx: Context, till: Till, text: str) -> None:
    """As it should be: the block releases the lock, however it is left."""
    with till.lock.held(ctx):
        till.total += int(text)


_STYLES = {"acquire-release": by_hand, "with": by_with}


def _work(ctx: Context) -> Json:
    till: Till = ctx.prepared
    handle = _STYLES[ctx.params["style"]]
    fails_at = ctx.params["fails_at"] if ctx.worker == 0 else 0
    requests, raised_at_s = 0, None
    while not ctx.stopping:
        till.locks.look(ctx)
        requests += 1
        try:
            handle(ctx, till, "one" if requests == fails_at else "1")
        except ValueError:  # as a server does: that request has failed, and the next one comes
            raised_at_s = (monotonic_ns() - ctx.span.start_ns) / _NS_A_SECOND
        except RunOver:
            return {"raised_at_s": raised_at_s, "blocked": True}
        else:
            ctx.count(1)
    return {"raised_at_s": raised_at_s, "blocked": False}


def _summarise(till: Till, found: Sequence[Json], companion: Json | None) -> Json:
    return {
        "raised_at_s": found[0]["raised_at_s"],
        "blocked_workers": sum(each["blocked"] for each in found),
        "wait_for": till.locks.seen,
    }


def _showed(result: Json) -> Sequence[str]:
    raised_at_s, blocked = result["raised_at_s"], result["blocked_workers"]
    if raised_at_s is None:
        return (f"{result['ops']:,} requests, and none of them has raised yet.",)
    if not blocked:
        return (
            f"A request raised after {raised_at_s:.3f} s, the lock was released all the same, and "
            f"{result['ops']:,} requests were handled.",
        )
    return (
        f"A request raised after {raised_at_s:.3f} s with the lock in its hands. From then on "
        f"{blocked} of {result['workers']} workers waited for it, the one that left it locked among them.",
        f"{result['ops']:,} requests were handled before that, and none after.",
    )


LOCK_LEAK = Workload(
    name="lock-leak",
    family="hazards",
    title="A lock that is never released",
    sentence="One request raises between acquire and release, and every worker waits for ever.",
    op="one request handled",
    look_for=(
        "All goes well until one request raises. From then on every lane is lock, one after the other, as "
        "each worker comes to the line that acquires.",
        "The graph has one lock, which all wait for, its holder too: that worker handled the exception "
        "and went on to the next request, and does not know that it still holds the lock.",
        "Set the style to with: the request fails as before, and the others go on.",
    ),
    why=(
        "An exception leaves the function at once: a release on a line of its own is not reached. A "
        "threading.Lock does not know whose it is, so nothing gives it back, not even the thread's end.",
    ),
    helps=(
        "Write `with lock:`, or release in a finally block.",
        "Keep what can raise out of the locked part: parse first, then lock.",
    ),
    subject="Using the with statement in threads (chapter 4).",
    finding="lock-leak",
    mended=Variant("The same with `with lock:`", params={"style": "with"}),
    roles=("clerk",),
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=32,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("raised_at_s", "Raised after", "s"),
        Shown("blocked_workers", "Workers blocked for good"),
    ),
    params=(
        Param(
            "style",
            "choice",
            "acquire-release",
            "How the lock is taken: acquire and release on lines of their own, or `with lock:`.",
            choices=tuple(_STYLES),
        ),
        Param("fails_at", "int", 2_000, "Which request of the first worker raises.", min=1, max=1_000_000),
    ),
)
