"""The web entrance: REST, sockets, pages. Its event loop never blocks."""
