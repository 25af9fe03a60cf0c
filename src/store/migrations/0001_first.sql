-- The first schema. Once released, this file is never edited: changes are new files.
--
-- A column may be NULL only where the program's type is optional; NULL means absent. Instants are seconds since
-- 1970-01-01T00:00:00Z. Ids are never used again. Every word of a closed set is checked.

-- Facts about the database itself.
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL, -- 'instance', 'adopted_at'
    value TEXT NOT NULL             -- as text
) STRICT;

-- Cases, as they are now.
CREATE TABLE cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the number in the label
    label TEXT NOT NULL UNIQUE,           -- name in front of people
    title TEXT NOT NULL,                  -- secret while under embargo
    opened_at INTEGER NOT NULL,           -- when the first report was decided
    report TEXT NOT NULL                  -- report state
        CHECK (report IN ('received', 'invalid', 'valid', 'accepted', 'deferred', 'closed')),
    close_reason TEXT,                    -- why it was closed
    severity TEXT,                        -- one of the policy's levels
    owner TEXT,                           -- key of the member who looks after it
    embargo TEXT NOT NULL                 -- embargo state
        CHECK (embargo IN ('none', 'proposed', 'active', 'revise', 'exited')),
    embargo_until INTEGER,                -- end of the embargo
    publication TEXT NOT NULL             -- the way of the advisory
        CHECK (publication IN ('none', 'draft', 'approved', 'public')),
    advisory TEXT CHECK (advisory IS NULL OR json_valid(advisory)), -- the advisory as JSON
    answered_at INTEGER,                  -- when a member last answered a reporter by hand
    answered_by TEXT                      -- key of that member
) STRICT;
CREATE INDEX cases_open ON cases (id) WHERE report <> 'closed';

-- Outside parties of a case.
CREATE TABLE parties (
    id INTEGER PRIMARY KEY AUTOINCREMENT,            -- no meaning
    case_id INTEGER NOT NULL REFERENCES cases (id),  -- the case
    position INTEGER NOT NULL,                       -- order of joining, from 0
    key TEXT NOT NULL,                               -- name within the case
    role TEXT NOT NULL CHECK (role IN ('reporter', 'maintainer', 'stakeholder')), -- the part played
    address TEXT NOT NULL,                           -- where mail goes
    fingerprint TEXT,                                -- pinned certificate
    form TEXT NOT NULL CHECK (form IN ('clear', 'encrypted')), -- how the conversation began
    last_message TEXT,                               -- Message-ID of the party's last mail
    UNIQUE (case_id, key)
) STRICT;

-- Further addresses a party writes from.
CREATE TABLE aliases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,           -- keeps the order of adding
    case_id INTEGER NOT NULL REFERENCES cases (id), -- the case
    party TEXT NOT NULL,                            -- key of the party
    address TEXT NOT NULL                           -- the address
) STRICT;
CREATE INDEX aliases_case ON aliases (case_id);

-- The conversation with each maintainer.
CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,           -- keeps the order
    case_id INTEGER NOT NULL REFERENCES cases (id), -- the case
    party TEXT NOT NULL,                            -- key of the maintainer
    state TEXT NOT NULL                             -- where it stands
        CHECK (state IN ('none', 'notified', 'contacted', 'suspended', 'replied', 'silent')),
    since INTEGER,                                  -- when the relay took the notice
    UNIQUE (case_id, party)
) STRICT;

-- Received mail, without its bytes, so that scans stay cheap.
CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,          -- order of acceptance
    mailbox TEXT NOT NULL,                         -- mailbox it was fetched from
    uid_validity INTEGER NOT NULL,                 -- UIDVALIDITY then; 0 for a Maildir or a file
    uid INTEGER NOT NULL,                          -- UID then; 0 for a Maildir or a file
    name TEXT NOT NULL,                            -- file name for a Maildir or a file, else empty
    digest TEXT NOT NULL,                          -- SHA-256 of the bytes, hexadecimal
    stable_digest BLOB NOT NULL,                   -- key of the digest without trace headers: finds the same mail again
    message_id TEXT,                               -- Message-ID, without brackets
    junk INTEGER NOT NULL CHECK (junk IN (0, 1)),  -- 1 when it lay in the junk folder
    sent INTEGER NOT NULL CHECK (sent IN (0, 1)),  -- 1 when it lay in the Sent folder
    arrived INTEGER NOT NULL,                      -- when the server got it
    accepted_at INTEGER NOT NULL,                  -- when it was stored here
    seed BLOB NOT NULL CHECK (length(seed) = 16),  -- randomness of its decision
    answerable TEXT NOT NULL CHECK (answerable IN ('yes', 'not-wanted', 'old')), -- whether it may be acknowledged
    oversize INTEGER,                              -- size on the server in bytes, when only the header was fetched
    attempts INTEGER NOT NULL DEFAULT 0,           -- how often a decision failed or was cut off
    admitted INTEGER REFERENCES cases (id),        -- the case a member admitted it to
    author TEXT,                                   -- From address, once read
    text_digest BLOB,                              -- key of the digest of its readable text, once read
    authenticity TEXT                              -- what the mail system says of the author, once read
        CHECK (authenticity IS NULL OR authenticity IN ('pass', 'fail', 'unknown')),
    fate TEXT NOT NULL DEFAULT 'undecided'         -- what became of it
        CHECK (fate IN ('undecided', 'joined', 'held', 'quarantined', 'duplicate', 'noted', 'answered', 'sent')),
    case_id INTEGER REFERENCES cases (id),         -- the case joined, claimed or noted with
    party TEXT,                                    -- key of the party or member it joined as
    reason TEXT,                                   -- why it was quarantined, or is of no case
    duplicate_of INTEGER REFERENCES mail (id),     -- the mail it is a copy of
    decided_at INTEGER,                            -- when it got its fate
    UNIQUE (mailbox, uid_validity, uid, name, digest),
    CHECK ((fate = 'undecided') = (decided_at IS NULL)),
    CHECK ((fate IN ('joined', 'held', 'noted')) = (case_id IS NOT NULL)),
    CHECK ((fate = 'duplicate') = (duplicate_of IS NOT NULL))
) STRICT;
CREATE INDEX mail_undecided ON mail (attempts, id) WHERE fate = 'undecided';
CREATE INDEX mail_waiting ON mail (id) WHERE fate IN ('held', 'quarantined');
CREATE INDEX mail_stable ON mail (stable_digest, id);
CREATE INDEX mail_message ON mail (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX mail_said ON mail (text_digest) WHERE text_digest IS NOT NULL;
CREATE INDEX mail_case ON mail (case_id) WHERE case_id IS NOT NULL;

-- The bytes of received mail, exactly as received.
CREATE TABLE mail_bytes (
    mail_id INTEGER PRIMARY KEY NOT NULL REFERENCES mail (id), -- the mail
    bytes BLOB NOT NULL                                        -- as the server gave them
) STRICT;

-- What mails of the Sent folder answer that no case knows yet. A row is kept when the answer has joined a case.
CREATE TABLE unplaced (
    message_id TEXT NOT NULL,                       -- the mail that it answers, without brackets
    mail_id INTEGER NOT NULL REFERENCES mail (id),  -- the answer
    recipients TEXT NOT NULL,                       -- to whom it went: addresses in lower case, a blank between them
    PRIMARY KEY (message_id, mail_id)
) STRICT, WITHOUT ROWID;

-- What the team may search: subject and text of opened mail. The rowid is the mail's id.
CREATE VIRTUAL TABLE mail_text USING fts5 (subject, body, tokenize = 'unicode61 remove_diacritics 2');

-- What decisions were made of.
CREATE TABLE occurrences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,         -- order of deciding
    at INTEGER NOT NULL,                          -- when it was decided
    seed BLOB NOT NULL CHECK (length(seed) = 16), -- its randomness
    kind TEXT NOT NULL,                           -- the event's name
    mail_id INTEGER REFERENCES mail (id),         -- the mail, where one caused it
    case_id INTEGER REFERENCES cases (id)         -- the case, where it belongs to one
) STRICT;

-- Clocks that run.
CREATE TABLE timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,           -- breaks ties
    case_id INTEGER NOT NULL REFERENCES cases (id), -- the case
    rule TEXT NOT NULL,                             -- the policy's rule
    party TEXT NOT NULL,                            -- key of the party, or empty for the case as a whole
    step INTEGER NOT NULL,                          -- which of the rule's spans
    due INTEGER NOT NULL,                           -- when it is due
    action TEXT NOT NULL CHECK (action IN ('nudge:answer', 'nudge:progress', 'remind:maintainer', 'draft:uninstall',
        'accept:embargo', 'warn:embargo', 'end:embargo', 'nudge:held')), -- what it does then
    attempts INTEGER NOT NULL DEFAULT 0,            -- how often firing it has failed
    UNIQUE (case_id, rule, party, step)
) STRICT;
CREATE INDEX timers_due ON timers (due, id);

-- Outgoing mail, one row for each recipient.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                       -- order of queueing
    occurrence_id INTEGER NOT NULL REFERENCES occurrences (id), -- the decision it comes from
    case_id INTEGER REFERENCES cases (id),                      -- the case
    party TEXT,                                                 -- key of the party or member
    kind TEXT NOT NULL CHECK (kind IN ('acknowledgement', 'forward', 'note', 'transcript', 'letter',
        'maintainer-notice', 'reminder', 'alert', 'notice', 'advisory')), -- what it is for
    recipient TEXT NOT NULL,                                    -- envelope recipient
    recipient_base TEXT NOT NULL,                               -- the same in lower case without +detail, to count by
    message_id TEXT NOT NULL,                                   -- its Message-ID
    message_local TEXT NOT NULL,                                -- that before the @
    message_unique TEXT NOT NULL UNIQUE,                        -- that before the first dot, a digest of our own
    state TEXT NOT NULL DEFAULT 'queued'                        -- where it stands
        CHECK (state IN ('queued', 'sealed', 'claimed', 'delivered', 'deferred', 'failed', 'held')),
    seal_attempts INTEGER NOT NULL DEFAULT 0,                   -- how often sealing failed or was cut off
    attempts INTEGER NOT NULL DEFAULT 0,                        -- how often sending was begun
    ambiguous INTEGER NOT NULL DEFAULT 0,                       -- how often a send ended without a known answer
    created_at INTEGER NOT NULL,                                -- when it was decided
    changed_at INTEGER NOT NULL,                                -- when its state last changed
    next_at INTEGER NOT NULL DEFAULT 0,                         -- not sent before this
    detail TEXT NOT NULL DEFAULT ''                             -- the last answer or reason, in our own words
) STRICT;
CREATE INDEX outbox_queued ON outbox (seal_attempts, id) WHERE state = 'queued';
CREATE INDEX outbox_receipts ON outbox (seal_attempts, id)
    WHERE state = 'queued' AND kind IN ('acknowledgement', 'notice');
CREATE INDEX outbox_due ON outbox (next_at, id) WHERE state IN ('sealed', 'deferred');
CREATE INDEX outbox_claimed ON outbox (id) WHERE state = 'claimed';
CREATE INDEX outbox_held ON outbox (id) WHERE state = 'held';
CREATE INDEX outbox_failed ON outbox (id) WHERE state = 'failed';
CREATE INDEX outbox_case ON outbox (case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX outbox_transcripts ON outbox (case_id, party, created_at) WHERE kind = 'transcript';
CREATE INDEX outbox_acks ON outbox (recipient_base, created_at) WHERE kind IN ('acknowledgement', 'notice');

-- How many reporters were answered in each minute, by acknowledgement or notice.
CREATE TABLE answered_minutes (
    minute INTEGER PRIMARY KEY NOT NULL, -- minutes since 1970-01-01T00:00Z
    count INTEGER NOT NULL               -- so many
) STRICT;

-- Outgoing mail before composing. It stands apart, so that a change of state does not write it again.
CREATE TABLE outbox_plans (
    outbox_id INTEGER PRIMARY KEY NOT NULL REFERENCES outbox (id), -- the row
    plan TEXT NOT NULL CHECK (json_valid(plan))                    -- the whole mail as JSON
) STRICT;

-- Batches that are being worked on. What stands here at a start was cut off.
CREATE TABLE under_way (
    work TEXT PRIMARY KEY NOT NULL CHECK (work IN ('deciding', 'sealing')), -- which work
    ids TEXT NOT NULL CHECK (json_valid(ids))                               -- numbers of the mails, as a JSON array
) STRICT;

-- Sealed bytes: made once, sent at every attempt.
CREATE TABLE outbox_bytes (
    outbox_id INTEGER PRIMARY KEY NOT NULL REFERENCES outbox (id), -- the row
    bytes BLOB NOT NULL                                            -- the whole mail
) STRICT;

-- How many mails a relay with a daily budget took, by the hour.
CREATE TABLE relay (
    name TEXT NOT NULL,     -- host and port
    hour INTEGER NOT NULL,  -- hours since 1970-01-01T00:00:00Z
    mails INTEGER NOT NULL, -- how many
    PRIMARY KEY (name, hour)
) STRICT, WITHOUT ROWID;

-- Words that let a member give commands, once each.
CREATE TABLE nonces (
    nonce TEXT PRIMARY KEY NOT NULL,        -- the word
    member TEXT NOT NULL,                   -- key of the member
    case_id INTEGER REFERENCES cases (id),  -- the case it is good for
    issued_at INTEGER NOT NULL,             -- when
    used_at INTEGER                         -- when it was used up
) STRICT;

-- Signatures that commanded something. Kept for ever, so that none does it twice.
CREATE TABLE ledger (
    digest TEXT PRIMARY KEY NOT NULL, -- digest of the signature
    seen_at INTEGER NOT NULL          -- when
) STRICT;

-- What waits for a confirmation.
CREATE TABLE confirmations (
    token TEXT PRIMARY KEY NOT NULL,                             -- the word to confirm with
    case_id INTEGER REFERENCES cases (id),                       -- the case
    member TEXT NOT NULL,                                        -- key of the member who asked
    second_member INTEGER NOT NULL CHECK (second_member IN (0, 1)), -- 1 when that member may not confirm
    action TEXT NOT NULL CHECK (json_valid(action)),             -- what happens then, as JSON
    expires INTEGER NOT NULL,                                    -- no longer valid after this
    used_at INTEGER                                              -- when it was confirmed
) STRICT;

-- Pages for the site folder.
CREATE TABLE pages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                       -- order of writing
    occurrence_id INTEGER NOT NULL REFERENCES occurrences (id), -- the decision it comes from
    path TEXT NOT NULL,                                         -- relative path
    content TEXT NOT NULL,                                      -- the whole content
    written_at INTEGER                                          -- when it was written
) STRICT;
CREATE INDEX pages_due ON pages (id) WHERE written_at IS NULL;

-- What happened, chained: each hash covers the row and the hash before it.
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,                      -- 1, 2, 3 … without a gap
    occurrence_id INTEGER NOT NULL REFERENCES occurrences (id), -- the decision
    at INTEGER NOT NULL,                                        -- when
    case_id INTEGER REFERENCES cases (id),                      -- the case
    actor TEXT,                                                 -- key of party or member; NULL for postern itself
    proof TEXT NOT NULL,                                        -- what proves it
    what TEXT NOT NULL,                                         -- what changed
    from_state TEXT NOT NULL,                                   -- from which state
    to_state TEXT NOT NULL,                                     -- to which state
    cause TEXT,                                                 -- Message-ID of the mail that caused it
    policy_digest TEXT NOT NULL,                                -- digest of the policy in force
    prev TEXT NOT NULL,                                         -- hash of the row before; empty for the first
    hash TEXT NOT NULL                                          -- SHA-256 over all of this
) STRICT;
CREATE INDEX journal_case ON journal (case_id, seq);
CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is not edited'); END;
CREATE TRIGGER journal_is_not_cut BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is not cut'); END;
