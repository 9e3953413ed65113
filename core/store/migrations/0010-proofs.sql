-- Proof touches: what the core was told of a connection of our own before it was made, and the one connection that it labels.
create table proof (
  id uuid primary key,
  relay uuid not null references sensor on delete cascade,
  path text not null,
  prober uuid not null references sensor on delete cascade,
  source inet not null,
  source_port integer not null,
  target inet not null,
  target_port integer not null,
  announced_at timestamptz not null,
  until timestamptz not null,
  connection uuid,
  -- when the relay's own event of it was stored
  seen_at timestamptz
);
create index proof_announced on proof (announced_at);

-- How each path of a relay stands: one for a segment, one for each address that it listens on.
create table proof_path (
  sensor uuid not null references sensor on delete cascade,
  path text not null,
  state text not null check (state in ('waiting', 'proved', 'blind', 'unproved')),
  since timestamptz not null,
  proved_at timestamptz,
  -- who saw it last, from where, at which place
  prober uuid,
  source inet,
  target text,
  tried_at timestamptz,
  detail text not null default '',
  primary key (sensor, path)
);
-- Which prober has reached which path: one that has no interface there counts only once it did.
create table proof_reach (
  sensor uuid not null references sensor on delete cascade,
  path text not null,
  prober uuid not null references sensor on delete cascade,
  reached_at timestamptz,
  failed_at timestamptz,
  primary key (sensor, path, prober)
);

alter table event add column proof uuid;
-- All that it holds belongs to proof touches.
alter table session add column proof boolean not null default false;

-- Connections that each relay took, by the hour, without those of our own.
create table sensor_touches (
  sensor uuid not null references sensor on delete cascade,
  hour timestamptz not null,
  touches bigint not null,
  primary key (sensor, hour)
);

-- Sensors that are set up alike.
create table sensor_group (
  name text primary key,
  scope text not null,
  settings jsonb not null
);
alter table sensor add column group_name text references sensor_group on delete set null;
alter table sensor add column settings jsonb not null default '{}';
create index placement_relay on placement (relay);
