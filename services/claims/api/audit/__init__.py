"""Routes of audit cases, for the tenant and for an auditor's link (rule PA4)."""
