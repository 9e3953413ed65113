-- Facts and where they come from: sensors, their sequence, events, sessions, captured files.

create table sensor (
  id uuid primary key,
  name text not null,
  role text not null check (role in ('relay', 'decoys', 'source')),
  scope text not null,
  status text not null check (status in ('pending', 'confirmed', 'revoked')),
  fingerprint text,
  serial text,
  certificate_expires timestamptz,
  enrolled_at timestamptz,
  enrolled_from inet,
  confirmed_at timestamptz,
  confirmed_by text,
  revoked_at timestamptz,
  revoked_by text,
  revoked_reason text,
  created_at timestamptz not null default now(),
  connected boolean not null default false,
  connected_from inet,
  last_seen_at timestamptz,
  last_event_at timestamptz,
  clock_offset_ms float8,
  version text,
  contained boolean,
  queue_events bigint,
  streams integer,
  config_version bigint,
  health jsonb,
  rejected bigint not null default 0
);
create unique index sensor_name on sensor (role, name) where status <> 'revoked';

-- Every certificate that was ever signed for a sensor: a revocation names them all until they run out.
create table sensor_certificate (
  serial text primary key,
  sensor uuid not null references sensor on delete cascade,
  fingerprint text not null,
  expires timestamptz not null,
  signed_at timestamptz not null
);
create index sensor_certificate_sensor on sensor_certificate (sensor);

-- What went wrong with a sensor and is not seen in its health: a cloned identity, a token used twice, a journal that went back.
create table sensor_problem (
  id uuid primary key,
  sensor uuid references sensor on delete cascade,
  key text not null,
  detail text not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  count integer not null default 1
);
create unique index sensor_problem_once on sensor_problem (sensor, key, detail);

create table enrolment_token (
  id uuid primary key,
  secret_hash text not null,
  role text not null check (role in ('relay', 'decoys')),
  name text not null,
  scope text not null,
  network cidr not null,
  issued_by text not null,
  issued_at timestamptz not null,
  expires timestamptz not null,
  used_at timestamptz,
  used_by uuid references sensor on delete set null
);

-- Committed intervals of each sensor's sequence. The primary key is also what makes a batch of unknown outcome wait for itself.
create table sensor_range (
  sensor uuid not null,
  epoch uuid not null,
  first_seq bigint not null,
  last_seq bigint not null,
  committed_at timestamptz not null default now(),
  primary key (sensor, epoch, first_seq)
);

-- Blocks of positions: a killed core leaves a hole, never a number that is used again.
create sequence event_position increment by 65536 minvalue 1 start with 1 no cycle;

create table event (
  position bigint not null,
  id uuid not null,
  time timestamptz not null,
  -- What the sensor's clock said, where it was too far from the time inside the id to be the key of a partition.
  said_time timestamptz,
  received timestamptz not null,
  sensor uuid not null,
  epoch uuid not null,
  seq bigint not null,
  scope text not null,
  kind text not null,
  connection uuid,
  session uuid,
  decoy text,
  service text,
  source_ip inet,
  source_port integer,
  destination_ip inet,
  destination_port integer,
  via jsonb,
  body jsonb not null,
  primary key (time, id)
) partition by range (time);
create table event_default partition of event default;
create index event_position_index on event (position);
create index event_session on event (session, position) where session is not null;
create index event_connection on event (connection) where connection is not null;
create index event_source on event (source_ip, time) where source_ip is not null;

-- Events that failed their schema: kept as they came, so that they block nothing and nothing is lost.
create table event_rejected (
  id uuid primary key,
  at timestamptz not null,
  sensor uuid not null,
  epoch uuid not null,
  seq bigint not null,
  scope text not null,
  reason text not null,
  raw text not null
);
create index event_rejected_at on event_rejected (at, id);

-- How far each consumer of events has come. Moved in the transaction of its effects.
create table consumer (
  name text primary key,
  position bigint not null
);

-- Events that a consumer could not handle; it went on without them.
create table consumer_skip (
  consumer text not null,
  position bigint not null,
  at timestamptz not null,
  reason text not null,
  primary key (consumer, position)
);

create table session (
  id uuid primary key,
  sensor uuid not null,
  epoch uuid not null,
  scope text not null,
  decoy text not null,
  service text not null,
  connection uuid,
  source text not null,
  source_port integer,
  destination text not null,
  destination_port integer,
  via jsonb,
  started_at timestamptz not null,
  last_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,
  adversary text not null default '',
  user_name text,
  client text,
  hassh text,
  ja4 text,
  login_attempts integer not null default 0,
  logged_in boolean not null default false,
  commands integer not null default 0,
  requests integer not null default 0,
  files integer not null default 0,
  events integer not null default 0,
  bytes_out bigint not null default 0,
  last_action text
);
create index session_started on session (started_at, id);
create index session_live on session (sensor) where ended_at is null;
create index session_source on session (source, started_at);
create index session_decoy on session (decoy, started_at);

-- Captured files by hash. `received` bytes are in the store; `complete` when the hash was checked again here.
create table blob (
  sha256 text primary key,
  size bigint not null,
  received bigint not null default 0,
  complete boolean not null default false,
  first_at timestamptz not null,
  complete_at timestamptz
);
-- Which scopes may see a file: those of the events that carried it.
create table blob_scope (
  sha256 text not null,
  scope text not null,
  primary key (sha256, scope)
);
