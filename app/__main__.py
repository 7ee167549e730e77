"""`python -m app` is `gilscope`."""

from __future__ import annotations

from app.cli.main import main

main()
