# Airflow's official image with the project and what it needs, exactly as locked. Nothing for development is in it.
FROM apache/airflow:3.3.2-python3.12

COPY --chown=airflow:0 requirements/prod.txt /opt/airflow/requirements/prod.txt
RUN pip install --no-cache-dir --require-hashes -r /opt/airflow/requirements/prod.txt

COPY --chown=airflow:0 pyproject.toml README.md LICENSE /opt/airflow/
COPY --chown=airflow:0 migrations /opt/airflow/migrations
COPY --chown=airflow:0 sql /opt/airflow/sql
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 dags /opt/airflow/dags
# The folder of docker-compose.yml's volume for the web page's password, so that it belongs to the image's user.
RUN mkdir -p /opt/airflow/auth
# Editable: the package reads sql/ and migrations/ beside plugins/.
RUN pip install --no-cache-dir --no-deps --editable /opt/airflow
