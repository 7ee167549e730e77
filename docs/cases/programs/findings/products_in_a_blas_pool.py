"""Two threads multiply small matrices, and OpenBLAS starts threads of its own: eight, or one for each CPU."""
# due: cpu-oversubscribed
# needs: numpy

import os
import threading
import time

os.environ["OPENBLAS_NUM_THREADS"] = "8"
import numpy as np


def train() -> None:
    matrix = np.random.rand(300, 300)
    while True:
        matrix @ matrix


for _ in range(2):
    threading.Thread(target=train, name="train", daemon=True).start()
time.sleep(60)
