-- Format 3. Append-only: no UPDATE, no UPSERT, no unique or secondary index (docs/decisions).
-- Tenant is the first column of every table of facts. Times are nanoseconds since 1970 in UTC.

CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);

-- One row for each applied journal entry, in the transaction of everything the entry caused:
-- max(position) is how far the store has come.
CREATE TABLE entries (
    position BIGINT NOT NULL,
    kind VARCHAR NOT NULL,          -- batch, or the command's kind
    tenant VARCHAR NOT NULL,
    at_ns BIGINT NOT NULL,
    sender VARCHAR NOT NULL,        -- sender of a batch, actor of a command
    pieces INTEGER NOT NULL
);

-- The version of every span key that holds, in the order in which versions came to hold: the first one, the final one
-- after a pending one, and the same piece read again with other tables. The newest row of a key holds.
CREATE TABLE spans (
    tenant VARCHAR NOT NULL,
    trace_key BIGINT NOT NULL,      -- 64 bits of the trace id: look-ups go by it
    link_key BIGINT,                -- 64-bit hash of the response id, for calls seen in several traces
    trace_id VARCHAR NOT NULL,
    span_id VARCHAR NOT NULL,
    parent_id VARCHAR NOT NULL,     -- '' for a root
    position BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,       -- piece within the batch
    start_ns BIGINT NOT NULL,
    end_ns BIGINT NOT NULL,
    fate VARCHAR NOT NULL,          -- stored or ignored, when it came
    reason VARCHAR,
    role VARCHAR NOT NULL,
    final BOOLEAN NOT NULL,
    late BOOLEAN NOT NULL,
    digest VARCHAR NOT NULL,        -- of the evidence
    sender VARCHAR NOT NULL,
    process_id VARCHAR,
    seq BIGINT,
    evidence VARCHAR NOT NULL USING COMPRESSION zstd, -- canonical JSON of what was read; '' for ignored spans
    at_position BIGINT              -- the journal entry that wrote this row; NULL: of a release that read nothing again
);

-- Spans as they stand. One entry may bring a pending version and the final one.
CREATE VIEW held_spans AS
SELECT * FROM spans
QUALIFY row_number() OVER (
    PARTITION BY tenant, trace_id, span_id
    ORDER BY coalesce(at_position, 0) DESC, final DESC, position, ordinal
) = 1;

-- Fates of all other pieces, and changed fates: the newest row of a (position, ordinal) holds.
CREATE TABLE fates (
    tenant VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    trace_id VARCHAR NOT NULL,
    span_id VARCHAR NOT NULL,
    fate VARCHAR NOT NULL,
    reason VARCHAR,
    held_by VARCHAR,                -- position:ordinal of the piece that holds instead
    at_position BIGINT NOT NULL
);

-- What is kept of a quarantined piece; a replay that fails adds a row, and the newest one holds.
CREATE TABLE quarantine (
    tenant VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    at_ns BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    error VARCHAR NOT NULL,
    trace_id VARCHAR NOT NULL,
    span_id VARCHAR NOT NULL,
    kept_as VARCHAR NOT NULL,       -- what raw is: bytes as received, span (JSON) or evidence (JSON)
    raw BLOB NOT NULL,
    at_position BIGINT NOT NULL     -- the journal entry that put it aside
);

-- Two-leg revisions of calls and unit measures: usage is the sum of sign * quantity, at any moment.
CREATE TABLE legs (
    tenant VARCHAR NOT NULL,
    call_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    sign TINYINT NOT NULL,          -- +1 the new state, -1 takes an older revision back
    position BIGINT NOT NULL,       -- the journal entry that caused this leg
    trace_key BIGINT NOT NULL,      -- of the representing member's trace: look-ups go by it
    kind VARCHAR NOT NULL,          -- call or unit
    started_ns BIGINT NOT NULL,     -- service time
    ended_ns BIGINT NOT NULL,
    members VARCHAR[] NOT NULL,     -- trace_id:span_id, the representing one first
    trace_ids VARCHAR[] NOT NULL,
    evidence VARCHAR NOT NULL,      -- the member whose usage was chosen
    dialect VARCHAR NOT NULL,
    provider VARCHAR,
    model VARCHAR,
    request_model VARCHAR,
    operation VARCHAR,
    response_id VARCHAR,
    record_id VARCHAR,
    attempt INTEGER,
    retry_of VARCHAR,
    outcome VARCHAR NOT NULL,
    quality VARCHAR NOT NULL,
    service_tier VARCHAR,
    stream BOOLEAN,
    ttft_ms BIGINT,
    input BIGINT,                   -- token counts: NULL is unknown, never zero
    cache_read BIGINT,
    cache_write BIGINT,
    cache_write_5m BIGINT,
    cache_write_1h BIGINT,
    audio_in BIGINT,
    image_in BIGINT,
    output BIGINT,
    reasoning BIGINT,
    audio_out BIGINT,
    units VARCHAR,                  -- JSON {meter: decimal string} of every other meter, NULL when there are none
    meter VARCHAR,                  -- of a unit measure
    quantity DECIMAL(38, 12),       -- of a unit measure
    reported_cost DECIMAL(38, 18),
    customer VARCHAR,
    "user" VARCHAR,                 -- a subject id; its name is in names.sqlite and can be forgotten
    organization VARCHAR,
    project VARCHAR,
    workspace VARCHAR,
    feature VARCHAR,
    feature_flag VARCHAR,
    workflow VARCHAR,
    run VARCHAR,
    prompt VARCHAR,
    prompt_version VARCHAR,
    environment VARCHAR,            -- NULL means production and is counted in a report
    region VARCHAR,
    agent VARCHAR,
    request_type VARCHAR,
    phase VARCHAR,
    subscription VARCHAR,
    billable BOOLEAN,
    tags VARCHAR,                   -- JSON {name: value}, NULL when there are none
    flags VARCHAR[] NOT NULL,
    terms VARCHAR,                  -- JSON: batch, geo, speed; NULL when nothing is known
    details VARCHAR,                -- JSON: request_id, vantage, trace_sampled, stated_total, cost_currency, cost_key
    conflicts VARCHAR               -- JSON list of {field, value, member, other, other_member}, NULL without any
);

-- What settlement alone says of calls that are corrected, as two-leg revisions with the columns of legs: they add up to
-- what the spans say. The calls themselves are in legs, as corrected; a void one is not there.
CREATE TABLE uncorrected AS FROM legs LIMIT 0;

-- What people say of calls over what the spans say: a row for each trace of a corrected call.
CREATE TABLE corrections (
    tenant VARCHAR NOT NULL,
    correction VARCHAR NOT NULL,    -- cr_ and a digest; all calls of one correction share it
    call_id VARCHAR NOT NULL,       -- the call as it was when it was corrected
    position BIGINT NOT NULL,
    trace_key BIGINT NOT NULL,      -- of a trace of the call: look-ups go by it
    at_ns BIGINT NOT NULL,
    actor VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,          -- void, amend, reattribute or restore
    note VARCHAR NOT NULL,
    as_of BIGINT NOT NULL,          -- the position at which the call had these members
    meter VARCHAR,                  -- of a unit measure
    members VARCHAR[] NOT NULL,     -- trace_id:span_id, the representing one first
    changes VARCHAR NOT NULL,       -- JSON: new values by name, null for unknown
    undoes VARCHAR,                 -- the correction that a restore takes back for this call
    wish VARCHAR NOT NULL,          -- digest of what was asked for: one key may not be used for two wishes
    calls INTEGER NOT NULL          -- how many calls the correction names in all
);

-- State set by commands: the newest row of a name holds; older rows answer "as known on".
CREATE TABLE customers (
    tenant VARCHAR NOT NULL,
    customer VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    body VARCHAR NOT NULL           -- JSON: plans [{plan, from}], addons, anchor, segment, currency, zone, external_ids
);
CREATE TABLE price_versions (
    tenant VARCHAR NOT NULL,
    version VARCHAR NOT NULL,       -- pv_ and a digest of the files
    position BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,          -- recorded at
    valid_from_ns BIGINT NOT NULL,
    author VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    body VARCHAR NOT NULL           -- JSON {file name: text}
);
CREATE TABLE span_rules (
    tenant VARCHAR NOT NULL,
    version VARCHAR NOT NULL,       -- mr_ and a digest of the rules
    position BIGINT NOT NULL,       -- they hold for entries after it
    at_ns BIGINT NOT NULL,
    author VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    body VARCHAR NOT NULL           -- JSON: file (its text), rules (all of them, built-in ones included)
);
CREATE TABLE keys (
    tenant VARCHAR NOT NULL,
    key_id VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    body VARCHAR NOT NULL           -- JSON: hash, scopes, label, customer, revoked
);

-- The ledger: closed periods as they were billed, and the postings of their lines. Primary: replayed, never made again.
CREATE TABLE statements (
    tenant VARCHAR NOT NULL,
    customer VARCHAR NOT NULL,
    period VARCHAR NOT NULL,        -- its label, e.g. 2026-11
    zone VARCHAR NOT NULL,
    start_ns BIGINT NOT NULL,
    end_ns BIGINT NOT NULL,
    cycle_ns BIGINT,                -- length of the whole cycle, where the period was cut short
    position BIGINT NOT NULL,       -- the journal entry that closed it
    at_ns BIGINT NOT NULL,
    actor VARCHAR NOT NULL,
    cutoff BIGINT NOT NULL,         -- journal entries after this position were not known to it
    release VARCHAR NOT NULL,       -- that rated it
    digest VARCHAR NOT NULL,        -- SHA-256 of the body in its one notation
    body VARCHAR NOT NULL USING COMPRESSION zstd -- JSON: lines, adjustments of earlier periods, postings
);
CREATE TABLE postings (
    tenant VARCHAR NOT NULL,
    customer VARCHAR NOT NULL,
    period VARCHAR NOT NULL,        -- in which it was booked
    position BIGINT NOT NULL,
    line_id VARCHAR NOT NULL,       -- the line of the statement that caused it
    account VARCHAR NOT NULL,       -- receivable/CUSTOMER, revenue/KIND or rounding/CURRENCY
    currency VARCHAR NOT NULL,
    amount VARCHAR NOT NULL         -- exact decimal; a debit is positive, a credit negative
);
-- Revenue that was billed elsewhere: the newest row of an id holds; an amount of 0 takes it back.
CREATE TABLE imported_revenue (
    tenant VARCHAR NOT NULL,
    id VARCHAR NOT NULL,            -- of the entry, as the other system knows it
    position BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    customer VARCHAR NOT NULL,
    day VARCHAR NOT NULL,           -- on which it counts, e.g. 2026-11-30
    amount VARCHAR NOT NULL,        -- exact decimal; negative for a credit
    currency VARCHAR NOT NULL,
    note VARCHAR NOT NULL
);
-- What is handed over to other systems: one row for each item, frozen when it was planned. An export is one row of the
-- configuration: its name, its target, its mapping.
CREATE TABLE export_items (
    tenant VARCHAR NOT NULL,
    export VARCHAR NOT NULL,        -- its name in the configuration
    item_id VARCHAR NOT NULL,       -- li_ and a digest: of tenant, export, component and ordinal
    position BIGINT NOT NULL,       -- the journal entry that planned it
    place BIGINT NOT NULL,          -- in the order in which the items of an export were planned
    at_ns BIGINT NOT NULL,
    target VARCHAR NOT NULL,        -- what kind of system it is for, e.g. stripe-invoice-items
    source VARCHAR NOT NULL,        -- amount: a line of a statement; usage: a difference of a quantity
    customer VARCHAR NOT NULL,
    component VARCHAR NOT NULL,     -- the line's id; or bucket of time, zone, meter and dimensions as JSON
    ordinal INTEGER NOT NULL,       -- counts the items of a component from 0
    meter VARCHAR NOT NULL,
    period VARCHAR NOT NULL,        -- label of the billing period that it belongs to
    start_ns BIGINT NOT NULL,       -- service time
    end_ns BIGINT NOT NULL,
    stamp_ns BIGINT NOT NULL,       -- when it tells the target that it happened
    quantity VARCHAR,               -- exact decimal, signed
    amount VARCHAR,                 -- exact decimal, net of tax, signed
    currency VARCHAR,
    draft VARCHAR NOT NULL USING COMPRESSION zstd,  -- JSON: what is handed over, in our own words
    element VARCHAR NOT NULL USING COMPRESSION zstd -- JSON: the same in the target's words
);
-- What happened to items, one after the other: an item stands where its facts, in their order, bring it.
CREATE TABLE export_facts (
    tenant VARCHAR NOT NULL,
    export VARCHAR NOT NULL,
    item_id VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    place BIGINT NOT NULL,          -- order of all facts
    at_ns BIGINT NOT NULL,
    actor VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,          -- sent, receipt, rejected, not_taken, unclear, absent, held or superseded
    body VARCHAR NOT NULL           -- JSON: key, external_id, code, why, not_before_ns, look_first, by
);
-- Exports that were paused and resumed: the newest row of a name holds.
CREATE TABLE export_switches (
    tenant VARCHAR NOT NULL,
    export VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    at_ns BIGINT NOT NULL,
    actor VARCHAR NOT NULL,
    paused BOOLEAN NOT NULL,
    note VARCHAR NOT NULL
);
CREATE TABLE forgotten (tenant VARCHAR NOT NULL, subject VARCHAR NOT NULL, position BIGINT NOT NULL);

-- Calls as they stand: positive legs that no negative leg has taken back. A join, for NOT EXISTS hashes every leg.
CREATE VIEW calls AS
SELECT new_leg.* FROM legs AS new_leg
ANTI JOIN (SELECT tenant, call_id, revision FROM legs WHERE sign = -1) AS old_leg USING (tenant, call_id, revision)
WHERE new_leg.sign = 1;

-- Corrected calls as their spans alone say, void ones included.
CREATE VIEW uncorrected_calls AS
SELECT new_leg.* FROM uncorrected AS new_leg
ANTI JOIN (SELECT tenant, call_id, revision FROM uncorrected WHERE sign = -1) AS old_leg
    USING (tenant, call_id, revision)
WHERE new_leg.sign = 1;

-- All calls as their spans alone say: what corrections change is as it was, void calls are there.
CREATE VIEW settled_calls AS
SELECT * FROM calls ANTI JOIN uncorrected_calls USING (tenant, call_id)
UNION ALL
SELECT * FROM uncorrected_calls;
