-- purpose:    Claim the next fence of a pipeline.
-- parameters: pipeline, owner, seen
-- guarantee:  nothing happens when another took it since this one looked (seen). Of several that claim in the same
--             moment exactly one wins: the greatest (fence, owner).
-- why:        an INSERT cannot fail on a conflict here, so the claim is read back to see who won.
INSERT INTO sluice.fences (pipeline, fence, owner, state)
SELECT {pipeline:String}, max(fence) + 1, {owner:String}, 'held'
FROM sluice.fences
WHERE pipeline = {pipeline:String}
HAVING max(fence) = {seen:UInt64}
