-- purpose:    Merge the parts of one partition into one.
-- parameters: $storage, $partition
-- guarantee:  readers see the same before and after.
-- why:        for partitions that the server leaves in many parts. It cannot be stopped once it runs.
OPTIMIZE TABLE $storage PARTITION ID $partition
