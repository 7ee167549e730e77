"""The words of the domain, frozen. Imports nothing of app; runs on CPython 3.9 (the observer imports it)."""
