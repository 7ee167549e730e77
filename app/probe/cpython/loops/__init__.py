"""Event loops, from outside: which threads run one, and for how long each step kept it from going on.

An *iteration* is what a loop does between two looks for what is ready; a *step* is one callback of it, or one
step of a task. While a loop waits in the kernel for what comes it is idle.

asyncio   exact: the frame of `BaseEventLoop._run_once` has the instant at which the iteration began, and the
          handle that runs. One read a sample tells whether they are others than before.
uvloop    inferred: libuv keeps the instant of its last look for what is ready, to the millisecond. A step is
          the time between two of these.
gevent    inferred: the same, by libev's clock; a step is the time in which no greenlet went back to the hub.
"""
