"""What is atomic, and in what order threads see one another's writes."""

from __future__ import annotations

from app.workloads.atomicity.atomic_matrix import ATOMIC_MATRIX
from app.workloads.atomicity.ordering import ORDERING

WORKLOADS = (ATOMIC_MATRIX, ORDERING)
