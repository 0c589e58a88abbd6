-- purpose:    Make a materialised view again, of the newest batch.
-- parameters: $view
-- guarantee:  readers see what it was, then what it is.
-- why:        outside of the publish's transaction: what fails here fails no batch.
REFRESH MATERIALIZED VIEW $view
