-- purpose: where masters are stored (analysts read views of them), and where batches are staged.

CREATE SCHEMA IF NOT EXISTS sluice_data;

CREATE SCHEMA IF NOT EXISTS sluice_staging;
