-- purpose:    Show a sign of life, or release the fence.
-- parameters: pipeline, owner, state
-- guarantee:  does nothing for an owner that lost the fence.
-- why:        a holder without a sign of life for some seconds, and without a running statement, is taken for dead.
INSERT INTO sluice.fences (pipeline, fence, owner, state)
SELECT pipeline, fence, owner, {state:String}
FROM sluice.holders
WHERE pipeline = {pipeline:String} AND owner = {owner:String}
