-- Findings, incidents, tickets, notices, audit log, known scanners, and sources of alerts.

-- A rule's conclusion over events. Repeats within 24 h raise `count`; later ones begin another episode of the same key.
create table finding (
  id uuid primary key,
  -- SHA-256 of the versioned, length-prefixed tuple in `key_fields`
  key text not null,
  key_fields jsonb not null,
  rule text not null,
  rule_version integer not null,
  title jsonb not null,
  reason jsonb not null,
  severity text not null check (severity in ('info', 'low', 'medium', 'high', 'critical')),
  confidence text not null check (confidence in ('low', 'medium', 'high')),
  techniques text[] not null,
  scope text not null,
  source text,
  decoy text,
  session uuid,
  sensor uuid,
  origin text not null check (origin in ('decoy', 'alert')),
  product text,
  -- owner of the known scanner that did it
  known_scanner text,
  first_at timestamptz not null,
  last_at timestamptz not null,
  count bigint not null,
  evidence_count integer not null default 0
);
create index finding_key on finding (key, last_at desc);
create index finding_last on finding (last_at desc, id desc);
create index finding_source on finding (source);
create index finding_rule on finding (rule, last_at desc);
create index finding_techniques on finding using gin (techniques);

-- The first 20 events that show it, each with the field that matched.
create table finding_evidence (
  finding uuid not null references finding (id) on delete cascade,
  number integer not null,
  event uuid not null,
  session uuid,
  time timestamptz not null,
  field text not null,
  value text not null,
  why text not null,
  primary key (finding, number)
);
create index finding_evidence_session on finding_evidence (session);
create index finding_evidence_event on finding_evidence (event);

-- Every session in which it was seen.
create table finding_session (
  finding uuid not null references finding (id) on delete cascade,
  session uuid not null,
  primary key (finding, session)
);
create index finding_session_session on finding_session (session);

-- Concrete values that can make findings one incident.
create table finding_identity (
  finding uuid not null references finding (id) on delete cascade,
  kind text not null check (kind in ('address', 'credential', 'lure', 'key', 'fingerprint', 'payload', 'asset', 'session')),
  value text not null,
  -- false: shown, but too common to join by
  joins boolean not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (finding, kind, value)
);
create index finding_identity_value on finding_identity (kind, value, last_at desc) where joins;

-- What is known of a session apart from its findings: client fingerprints, keys, payloads.
create table session_identity (
  session uuid not null,
  kind text not null,
  value text not null,
  joins boolean not null,
  at timestamptz not null,
  primary key (session, kind, value)
);
create index session_identity_at on session_identity (at);

-- Which addresses showed a client fingerprint: what many show joins nobody.
create table fingerprint_source (
  value text not null,
  source text not null,
  last_at timestamptz not null,
  primary key (value, source)
);
create index fingerprint_source_last on fingerprint_source (last_at);

-- State of threshold rules, kept with the consumer's position.
create table detect_window (
  rule text not null,
  key text not null,
  scope text not null,
  -- the latest matching events inside the window, at most as many as the threshold counts
  ring jsonb not null,
  last_at timestamptz not null,
  primary key (rule, key)
);
create index detect_window_last on detect_window (last_at);

create table incident (
  id uuid primary key,
  number bigint generated always as identity unique,
  scope text not null,
  severity text not null check (severity in ('info', 'low', 'medium', 'high', 'critical')),
  title jsonb not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  merged_into uuid references incident (id),
  known_scanner text,
  -- a person merged two branches of the organisation: seen from where both are, and so it stays
  wide boolean not null default false,
  created_at timestamptz not null
);
create index incident_last on incident (last_at desc, id desc);

-- Which incident a finding belongs to, who said so, why and when. Rows are ended, never removed.
create table incident_link (
  id uuid primary key,
  incident uuid not null references incident (id),
  finding uuid not null references finding (id),
  by text not null,
  why text not null,
  identity_kind text,
  identity_value text,
  -- the incident that a merge took it from
  merged_from uuid references incident (id),
  at timestamptz not null,
  unlinked_at timestamptz,
  unlinked_by text,
  unlinked_why text
);
create unique index incident_link_live on incident_link (finding) where unlinked_at is null;
create index incident_link_incident on incident_link (incident) where unlinked_at is null;

-- Merges, splits and raises, in order.
create table incident_history (
  id uuid primary key,
  incident uuid not null references incident (id),
  at timestamptz not null,
  actor text not null,
  action text not null,
  detail jsonb not null
);
create index incident_history_incident on incident_history (incident, at);

-- Pairs that a person took apart: no rule joins them again.
create table incident_apart (
  one uuid not null references incident (id),
  other uuid not null references incident (id),
  by text not null,
  why text not null,
  at timestamptz not null,
  primary key (one, other)
);

create table ticket (
  id uuid primary key,
  number bigint generated always as identity unique,
  loop text not null check (loop in ('incident', 'vulnerability', 'baseline', 'risk')),
  state text not null,
  previous_state text,
  severity text not null check (severity in ('info', 'low', 'medium', 'high', 'critical')),
  title jsonb not null,
  scope text not null,
  assignee text,
  assignee_name text,
  incident uuid references incident (id),
  duplicate_of uuid references ticket (id),
  hold_until timestamptz,
  reopened integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  opened_at timestamptz not null,
  answered_at timestamptz,
  closed_at timestamptz,
  due_at timestamptz,
  late_noticed boolean not null default false
);
create unique index ticket_incident on ticket (incident);
create index ticket_open on ticket (due_at) where closed_at is null;

create table ticket_activity (
  id uuid primary key,
  ticket uuid not null references ticket (id),
  at timestamptz not null,
  actor_id text not null,
  actor text not null,
  action text not null,
  from_state text,
  to_state text,
  comment text,
  detail jsonb not null
);
create index ticket_activity_ticket on ticket_activity (ticket, at);

create table ticket_evidence (
  id uuid primary key,
  ticket uuid not null references ticket (id),
  kind text not null check (kind in ('event', 'session', 'finding', 'note')),
  target text not null,
  label text not null,
  by_id text not null,
  by text not null,
  at timestamptz not null,
  why text not null,
  unlinked_at timestamptz,
  unlinked_by text
);
create index ticket_evidence_ticket on ticket_evidence (ticket) where unlinked_at is null;

-- A deadline is the sum of these: each says whether time ran, why, by which calendar and policy.
create table ticket_clock (
  id uuid primary key,
  ticket uuid not null references ticket (id),
  started timestamptz not null,
  stopped timestamptz,
  running boolean not null,
  why text not null,
  calendar text not null,
  policy text not null,
  budget_ms bigint not null
);
create index ticket_clock_ticket on ticket_clock (ticket, started);
create unique index ticket_clock_live on ticket_clock (ticket) where stopped is null;

-- `person` null: for everyone who may see `scope`. `at` is when it last said something new, `count` how often it did.
create table notice (
  id uuid primary key,
  person text,
  scope text not null,
  kind text not null check (kind in ('ticket', 'sensor', 'system', 'assigned', 'mention')),
  target text not null,
  title jsonb not null,
  link text not null,
  at timestamptz not null,
  count bigint not null default 1
);
create unique index notice_target on notice (kind, target, person) nulls not distinct;
create index notice_at on notice (at desc, id desc);
create table notice_read (
  notice uuid not null references notice (id) on delete cascade,
  person text not null,
  read_at timestamptz not null,
  primary key (notice, person)
);

create table audit_entry (
  number bigint primary key,
  at timestamptz not null,
  actor_id text not null,
  actor text not null,
  address text,
  action text not null,
  target text not null,
  detail jsonb not null,
  hash text not null
);
create index audit_entry_action on audit_entry (action, number desc);
create index audit_entry_actor on audit_entry (actor_id, number desc);
-- Number and hash of the newest entry; its row lock puts writers in line.
create table audit_head (
  single boolean primary key default true check (single),
  number bigint not null,
  hash text not null
);
insert into audit_head (number, hash) values (0, '');

create table known_scanner (
  id uuid primary key,
  template text not null,
  network cidr not null,
  owner text not null,
  reason text not null,
  expires date not null,
  ports integer[] not null,
  touches bigint not null default 0,
  unique (template, network)
);

-- Other tools. The row of the same id in `sensor` has name and scope.
create table source (
  id uuid primary key,
  format text not null check (format in ('suricata-eve', 'cef')),
  transport text not null check (transport in ('syslog', 'http')),
  allowed cidr[] not null,
  created_at timestamptz not null,
  last_at timestamptz,
  received bigint not null default 0,
  ignored bigint not null default 0,
  rejected bigint not null default 0
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% of % is refused: its rows are written once', tg_op, tg_table_name;
end $$;
create trigger audit_entry_fixed before update or delete on audit_entry for each row execute function refuse_change();
create trigger audit_entry_kept before truncate on audit_entry for each statement execute function refuse_change();
create trigger ticket_activity_fixed before update or delete on ticket_activity for each row execute function refuse_change();
create trigger ticket_activity_kept before truncate on ticket_activity for each statement execute function refuse_change();
