"""Tests that are observed, and held to limits: what pytest's plugin, pytest_gilscope.py, asks for.

The plugin runs in the process of somebody's tests and imports nothing of `app`: their own package may have
that name, and what is measured of their tests is not to be measured of the analysis.
"""
