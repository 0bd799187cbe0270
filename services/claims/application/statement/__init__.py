"""From register and ledger to the statement of a licence, and what people say of it: verified, logged, looked at."""
