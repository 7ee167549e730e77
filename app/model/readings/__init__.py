"""What is read of each process beside memory and objects, and shown in a panel of its own: the one list.

To add one, write five modules, all named as the message's `type`, and name the message in the list below:

    app/model/readings/NAME.py                    the message, a ProcessReading
    app/probe/processes/seldom/NAME.py            how it is read: `READS`, a SeldomRead
    app/analysis/readings/NAME.py                 what is kept of it, and its row in a summary: `KEPT`, a Kept
    static/js/widgets/panels/readings/NAME.js     how it is shown: `panel`, a Panel
    templates/panels/NAME.html                    the panel's markup

Every floor finds its own module by that name.
"""

from __future__ import annotations

from .extensions import Extensions
from .open_files import OpenFiles
from .reading import ProcessReading

READINGS: tuple[type[ProcessReading], ...] = (OpenFiles, Extensions)
