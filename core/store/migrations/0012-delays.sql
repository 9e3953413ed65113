-- Sources whose connections decoy hosts are to hold, by whom and until when; rows stay as a record of it.
create table delay (
  id uuid primary key,
  scope text not null,
  source inet not null,
  kinds text[] not null,
  until timestamptz not null,
  reason text not null,
  -- a person's name, or `rule:ID`
  by text not null,
  session uuid,
  incident uuid,
  at timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  ended_reason text
);
create index delay_until on delay (until) where ended_at is null;
create index delay_source on delay (source);

-- Connections that were held, from delay.began and delay.ended: what it took from the attacker and what it cost.
create table delay_hold (
  connection uuid primary key,
  delay uuid not null,
  scope text not null,
  source inet not null,
  session uuid,
  decoy text,
  kind text not null,
  began_at timestamptz not null,
  ended_at timestamptz,
  held_ms double precision not null default 0,
  bytes_out bigint not null default 0,
  cpu_ms double precision not null default 0,
  reason text
);
create index delay_hold_source on delay_hold (source);
create index delay_hold_session on delay_hold (session);
create index delay_hold_delay on delay_hold (delay);
