-- purpose: where masters are stored (analysts read views of them), and where batches are staged.
-- why:     Atomic, because staging tables are exchanged and views replaced in one step.

CREATE DATABASE IF NOT EXISTS sluice_data ENGINE = Atomic;

CREATE DATABASE IF NOT EXISTS sluice_staging ENGINE = Atomic;
