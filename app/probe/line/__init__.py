"""What is on the far side of `--via` beside the observer: app/model/line.py says what is spoken.

relay     the process that the line's command starts: it passes on what goes by its streams
keeper    between relay and observer: it lives on when the line is cut, for a bounded time
held      the messages that the near side may not have
"""
