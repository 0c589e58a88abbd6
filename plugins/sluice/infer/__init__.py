"""``sluice infer``: a sample of a database's collections → a pipeline file to start from.

:mod:`census` counts what the sampled documents hold, path by path; :mod:`guess` chooses columns and children that take
all of it; :mod:`describe` and :mod:`text` write them down. Those are pure; :mod:`sample` asks MongoDB.
"""
