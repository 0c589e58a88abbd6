"""The page inside Airflow: what the pipelines do, and buttons that start their DAGs.

Read it from ``airflow_app.py``: a request's answers come from the warehouse (``reads.py``, by ``answers.py`` never
longer than a few seconds) and from Airflow (``airflow_runs.py``); ``views.py`` makes of them what a template shows.
"""
