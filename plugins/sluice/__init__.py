"""Sluice moves MongoDB collections into an analytics warehouse, exactly.

Start reading at :mod:`sluice.pipeline`: the six steps of a batch, in order. The pure core (``spec``, ``columns``,
``conform``, ``window``, ``manifest``, ``errors``) does no I/O; each edge is one file a system (``mongo``, ``landing``,
``warehouse/``); ``airflow_tasks`` and ``cli`` are the two ways in.
"""

__version__ = "0.1.0"
