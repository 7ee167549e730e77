"""A module starts a thread that imports it, and waits for that: the import lock is held all the while."""
# due: threads-stuck

import sys
import tempfile
import threading
from pathlib import Path

BODY = """
import threading

def use():
    import plugin_that_waits

worker = threading.Thread(target=use, name="use", daemon=True)
worker.start()
worker.join(60)
"""
folder = tempfile.mkdtemp()
Path(folder, "plugin_that_waits.py").write_text(BODY)
sys.path.insert(0, folder)
threading.Thread(target=lambda: __import__("plugin_that_waits"), name="load", daemon=True).start()
threading.Event().wait(60)
