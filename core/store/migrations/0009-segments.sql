-- Segments in which a relay answers for idle addresses; their hosts are decoys with an address of their own.
create table segment (
  id text primary key,
  template text not null references template on delete cascade,
  relay text not null,
  host text not null,
  scope text not null,
  name jsonb not null,
  -- what the relay is told: segment in contract/segment.ts, without `released`
  config jsonb not null,
  real_hosts integer,
  -- let go of by hand: nothing is answered until that is taken back
  released boolean not null default false,
  released_at timestamptz,
  released_by text,
  released_reason text
);
create index segment_relay on segment (relay);

alter table decoy add column segment text references segment on delete cascade;
-- Of a host of a segment: {address, mac, hostname, tcp, closed, steps}.
alter table decoy add column idle jsonb;
create index decoy_segment on decoy (segment) where segment is not null;
create index decoy_host on decoy (host);
-- Null until OpenSSL has drawn them: such a decoy answers nowhere yet.
alter table decoy alter column secrets drop not null;
create index decoy_undrawn on decoy (id) where secrets is null;

-- What was last said of an address by its relay: address.claimed, address.refused, address.released.
create table segment_address (
  segment text not null references segment on delete cascade,
  address inet not null,
  state text not null,
  reason text,
  owner text,
  at timestamptz not null,
  event uuid not null,
  primary key (segment, address)
);
