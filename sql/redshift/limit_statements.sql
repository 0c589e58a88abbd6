-- purpose:    How long a statement of this session may take.
-- parameters: $milliseconds
-- guarantee:  0 means without a limit.
-- why:        a vacuum that was stopped has done a part of its work, and goes on with the rest the next time.
SET statement_timeout TO $milliseconds
