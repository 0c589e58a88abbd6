-- purpose: the role of those who read what is published. Give it to a user: GRANT sluice_analysts TO ann.
-- why:     it sees the views of each pipeline (which grants them as it makes them) and which batch they show, and no
--          storage, where rows stand before they are published. With the setting analyzer_inline_views a view over a view
--          becomes one, and can show half a batch (docs/adr/0002-clickhouse-publish-by-versions.md): nobody of the role
--          may switch it on.

CREATE ROLE IF NOT EXISTS sluice_analysts;

CREATE SETTINGS PROFILE IF NOT EXISTS sluice_analysts SETTINGS analyzer_inline_views = 0 CONST TO sluice_analysts;

GRANT SELECT (pipeline, batch, cut, committed_at) ON sluice.batches TO sluice_analysts;
