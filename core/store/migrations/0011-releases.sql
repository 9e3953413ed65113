-- Public keys whose releases this core takes; sensors have lists of their own.
create table release_key (
  id text primary key check (id ~ '^[0-9a-f]{64}$'),
  name text not null,
  pem text not null,
  added_at timestamptz not null,
  added_by text not null
);

create table release (
  sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
  role text not null,
  platform text not null,
  version text not null,
  sequence integer not null,
  size bigint not null,
  -- as it was signed, given to sensors unchanged
  signed jsonb not null,
  key text not null,
  imported_at timestamptz not null,
  imported_by text not null,
  unique (role, platform, sequence)
);

create table rollout (
  id uuid primary key,
  release text not null references release,
  state text not null check (state in ('running', 'waiting', 'halted', 'stopped', 'done')),
  stage text not null check (stage in ('canary', 'rest')),
  wait_minutes double precision,
  started_at timestamptz not null,
  started_by text not null,
  -- since when all canaries are healthy
  healthy_at timestamptz,
  reason text not null default ''
);

create table rollout_sensor (
  rollout uuid not null references rollout on delete cascade,
  sensor uuid not null references sensor on delete cascade,
  stage text not null check (stage in ('canary', 'rest')),
  state text not null check (state in ('pending', 'offered', 'updating', 'healthy', 'failed')),
  -- since when it is in this state
  since timestamptz not null,
  detail text not null default '',
  primary key (rollout, sensor)
);
create index rollout_sensor_of on rollout_sensor (sensor);
