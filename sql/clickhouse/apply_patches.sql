-- purpose:    Write the patch parts of one partition into its parts.
-- parameters: $storage, $partition
-- guarantee:  readers see the same before and after.
-- why:        patches are left by whoever sent a lightweight UPDATE; until then every read applies them.
ALTER TABLE $storage
APPLY PATCHES IN PARTITION ID $partition
SETTINGS mutations_sync = 0
