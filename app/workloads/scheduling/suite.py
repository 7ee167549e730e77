"""The tests of a small shop, as somebody wrote them who ran them one after the other.

They pass in that order. What they share keeps them from being run in any order, and at once: settings that a
test changes and puts back, an order that one test leaves for the next, and a file of one name.
"""

# ruff: noqa: PT009 - pytest may not be there: the standard library's own way has to do

from __future__ import annotations

import unittest
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp


class Shop:
    """What is tested."""

    def __init__(self, folder: str) -> None:
        self.currency = "EUR"
        self.orders: list[str] = []
        self.receipt = Path(folder) / "receipt.txt"


class ShopTest(unittest.TestCase):
    """A test of the shop. `wait` is what it does in its middle, as a test does that asks a database."""

    def __init__(self, name: str, shop: Shop | None, folder: str, wait: Callable[[], None]) -> None:
        super().__init__(name)
        self._shared = shop  # what all tests share; None: each has a shop of its own
        self._folder = folder
        self.wait = wait

    def setUp(self) -> None:
        """The shop of this test, and where it writes."""
        self.shop = self._shared or Shop(mkdtemp(dir=self._folder))

    def test_prices_are_in_euros(self) -> None:
        """The default, which nobody else is to change meanwhile."""
        self.wait()
        self.assertEqual(self.shop.currency, "EUR")

    def test_prices_in_dollars(self) -> None:
        """It changes a setting, and puts it back as a good test does."""
        self.shop.currency = "USD"
        try:
            self.wait()
            self.assertEqual(self.shop.currency, "USD")
        finally:
            self.shop.currency = "EUR"

    def test_prices_in_pounds(self) -> None:
        """Another one that does."""
        self.shop.currency = "GBP"
        try:
            self.wait()
            self.assertEqual(self.shop.currency, "GBP")
        finally:
            self.shop.currency = "EUR"

    def test_an_order_is_taken(self) -> None:
        """It leaves the order behind."""
        self.shop.orders.append("tea")
        self.wait()
        self.assertEqual(self.shop.orders[-1], "tea")

    def test_an_order_that_is_there_is_shipped(self) -> None:
        """The order that the test before has left; in a shop of its own, one that it makes itself."""
        if self._shared is None:
            self.shop.orders.append("tea")
        self.wait()
        self.assertTrue(self.shop.orders, "there is no order to be shipped")
        self.shop.orders.clear()

    def test_a_receipt_of_one_line(self) -> None:
        """It writes a file, and reads it again."""
        self._receipt("one tea\n")

    def test_a_receipt_of_two_lines(self) -> None:
        """The same file."""
        self._receipt("two teas\nand a cake\n")

    def test_nothing_is_shared(self) -> None:
        """A test that needs none of all that."""
        self.wait()
        self.assertEqual(sum(range(10)), 45)

    def _receipt(self, text: str) -> None:
        self.shop.receipt.write_text(text)
        self.wait()
        self.assertEqual(self.shop.receipt.read_text(), text)


NAMES = tuple(name for name in vars(ShopTest) if name.startswith("test_"))  # in the order of the file
