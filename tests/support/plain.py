"""Requests without TLS, of servers on this machine.

A client of httpx that is given no context of its own makes one, and reads every certificate that the machine
trusts: that took 80 % of the CPU time of a test of the interface.
"""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
