-- What the operator's commands look up: what has failed for good, and the outgoing mail of one case.

CREATE INDEX outbox_failed ON outbox (id) WHERE state = 'failed';
CREATE INDEX outbox_case ON outbox (case_id, id) WHERE case_id IS NOT NULL;
