# Two images. `sluice`: Airflow's official image with the project, and nothing installed but what requirements/prod.txt
# locks. `stand-in`: the same, and the test double for Redshift, which no production needs.
FROM apache/airflow:slim-3.3.2-python3.12 AS environment
# An environment of its own: what the base image brings is pinned by others, and a mixture of both is tested by nobody.
COPY requirements/prod.txt /tmp/prod.txt
RUN python -m venv --without-pip /home/airflow/sluice \
 && PIP_USER=false pip --python /home/airflow/sluice/bin/python install --no-cache-dir --require-hashes -r /tmp/prod.txt \
 && printf '%s\n' '#!/home/airflow/sluice/bin/python' 'from sluice.cli import main' 'main()' > /home/airflow/sluice/bin/sluice \
 && chmod 755 /home/airflow/sluice/bin/sluice

FROM apache/airflow:slim-3.3.2-python3.12 AS sluice
ENV VIRTUAL_ENV=/home/airflow/sluice \
    PATH=/home/airflow/sluice/bin:$PATH \
    PYTHONPATH=/opt/airflow/plugins
COPY --from=environment --chown=airflow:0 /home/airflow/sluice /home/airflow/sluice
COPY --chown=airflow:0 migrations /opt/airflow/migrations
COPY --chown=airflow:0 sql /opt/airflow/sql
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 dags /opt/airflow/dags
USER airflow

FROM environment AS stand-in-environment
COPY requirements/stand-in.txt /tmp/stand-in.txt
RUN PIP_USER=false pip --python /home/airflow/sluice/bin/python install --no-cache-dir --require-hashes -r /tmp/stand-in.txt

FROM sluice AS stand-in
COPY --from=stand-in-environment --chown=airflow:0 /home/airflow/sluice /home/airflow/sluice
COPY --chown=airflow:0 devstack /opt/airflow/devstack
# The folder of its volume, so that the volume belongs to the image's user.
RUN mkdir /opt/airflow/redshift
USER airflow
