-- purpose: the group of those who read what is published. Give it to a user: ALTER GROUP sluice_analysts ADD USER ann.
-- why:     it sees the views of each pipeline (which grants them as it makes them) and which batch they show, and no
--          storage. USAGE on the schemas below, without a right on what is in them, is what a materialised view needs.
--          Only a superuser may make a group: where it is there already, nothing is sent.

CREATE GROUP sluice_analysts;

GRANT USAGE ON SCHEMA sluice TO GROUP sluice_analysts;

GRANT USAGE ON SCHEMA sluice_data TO GROUP sluice_analysts;

GRANT SELECT (pipeline, batch, cut, committed_at) ON sluice.batches TO GROUP sluice_analysts;
