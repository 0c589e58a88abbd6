-- purpose:    Who holds the fence of a pipeline, and does it still show signs of life?
-- parameters: pipeline, tag
-- guarantee:  no row when nobody ever held it. running counts the holder's statements that the server still executes.
-- why:        the server's clock alone is asked, so that the workers' clocks may differ.
SELECT
    fence,
    owner,
    state = 'released' AS released,
    (toUnixTimestamp64Micro(now64(6)) - toUnixTimestamp64Micro(at)) / 1e6 AS seconds,
    countEqual(
        (SELECT groupArray(Settings['log_comment']) FROM system.processes),
        concat({tag:String}, owner)
    ) AS running
FROM sluice.holders
WHERE pipeline = {pipeline:String}
