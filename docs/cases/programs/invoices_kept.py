"""Invoices by Jinja, mended: the template is compiled once, and kept. As invoices.py otherwise.

python invoices_kept.py --threads 2 | --processes 2 [--rounds 4]
"""

from __future__ import annotations

import invoices
from jinja2 import Template

TEMPLATE = Template(invoices.TEXT)


def invoice(number: int) -> int:
    """Its length."""
    return len(TEMPLATE.render(number=number, customer=f"customer {number}", items=invoices.ITEMS))


if __name__ == "__main__":
    invoices.main(invoice)
