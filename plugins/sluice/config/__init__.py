"""How a pipeline file is read: text → places and plain values → shape (pydantic) → rules → :mod:`sluice.spec`.

:mod:`sluice.pipeline_file` is the way in.
"""
