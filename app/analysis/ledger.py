"""Placeholder replaced by the analysis author."""
