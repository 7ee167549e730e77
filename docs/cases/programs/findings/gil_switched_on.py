"""Four threads compute without a GIL, until an extension that knows nothing of that is imported."""
# due:
# free: gil-switched-on gil-saturated
# only: free

import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

SOURCE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "old_extension", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_old_extension(void) { return PyModule_Create(&module); }
"""
folder = Path(tempfile.mkdtemp())
(folder / "old.c").write_text(SOURCE)
include = "-I" + sysconfig.get_paths()["include"]
target = folder / ("old_extension" + sysconfig.get_config_var("EXT_SUFFIX"))
subprocess.run(["cc", "-shared", "-fPIC", include, "-o", target, folder / "old.c"], check=True)


def compute() -> None:
    while True:
        sum(range(2000))


for _ in range(4):
    threading.Thread(target=compute, name="compute", daemon=True).start()
time.sleep(1.0)
sys.path.insert(0, str(folder))
import old_extension  # noqa: E402, F401

time.sleep(60)
