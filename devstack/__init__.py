"""Real local servers for the demo, the tests and the benchmarks: no Docker, no root, loopback only.

Nothing of the product imports this package, and it is not part of what is installed for production.
"""
