"""A week of sales, a file a day: loaded with pandas, grouped, thrown away; the totals are kept.

python daily_sales.py 8
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import account
import pandas as pd

ROWS = 150_000
SHOPS = [f"shop-{number:04}" for number in range(800)]
ITEMS = [f"item-{number:05}" for number in range(5_000)]


def write(path: Path, seed: int) -> None:
    """A day's sales."""
    dice = random.Random(seed)
    with path.open("w") as file:
        file.write("shop,item,customer,price,note\n")
        for _ in range(ROWS):
            shop, item, customer = dice.choice(SHOPS), dice.choice(ITEMS), dice.randrange(10**9)
            file.write(f"{shop},{item},c{customer},{dice.random() * 100:.2f},paid by {customer % 97}\n")


def load(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The totals of a day, and its best customers: all that is kept of it."""
    sales = pd.read_csv(path, dtype={"customer": object, "note": object})
    totals = sales.groupby(["shop", "item"])["price"].agg(["sum", "count"]).nlargest(2_000, "sum")
    customers = sales.nlargest(300, "price")["customer"].tolist()
    return totals, customers


def main(days: int) -> None:
    """The days, and then a pause as long as somebody looks."""
    account.install()
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sales.csv")
        print("loading", flush=True)
        for day in range(days):
            write(path, day)
            kept.append(load(path))
    print(len(kept), flush=True)
    while True:
        time.sleep(0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
