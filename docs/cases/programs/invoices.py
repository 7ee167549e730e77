"""Invoices by Jinja, as it is often written: each one compiles the template.

    python invoices.py --threads 2 | --processes 2 [--rounds 4]

A round is 100 invoices, shared out among the workers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from jinja2 import Template

TEXT = """Invoice {{ number }} for {{ customer|title }}
{% for item in items %}
{{ loop.index }}. {{ item.name|upper }}: {{ item.count }} at {{ "%.2f"|format(item.price) }}
{%- if item.count > 5 %}, less 10 % for {{ item.count }} of one kind{% endif %}
{% endfor %}
{% macro line(name, value) %}{{ name }}: {{ "%.2f"|format(value) }}{% endmacro %}
{{ line("Sum", items|sum(attribute="price")) }}
{{ line("Tax", items|sum(attribute="price") * 0.19) }}
{% if number % 3 == 0 %}Payable at once.{% else %}Payable within {{ 30 - number % 7 }} days.{% endif %}
"""
ITEMS = [{"name": f"part {n}", "count": n % 9, "price": 1.5 * n} for n in range(20)]


def invoice(number: int) -> int:
    """Its length."""
    template = Template(TEXT)
    return len(template.render(number=number, customer=f"customer {number}", items=ITEMS))


def main(make: Callable[[int], int]) -> None:
    """As the options say."""
    options = argparse.ArgumentParser()
    options.add_argument("--threads", type=int)
    options.add_argument("--processes", type=int)
    options.add_argument("--rounds", type=int, default=4)
    given = options.parse_args()
    kind = ProcessPoolExecutor if given.processes else ThreadPoolExecutor
    with kind(given.processes or given.threads or 1) as pool:
        done = sum(pool.map(make, range(100 * given.rounds), chunksize=25))
    print(f"{100 * given.rounds} invoices, {done} characters")


if __name__ == "__main__":
    main(invoice)
