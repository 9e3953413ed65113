-- Templates as applied, the decoys and placements that they make, and settings of this installation.
create table setting (
  key text primary key,
  value jsonb not null
);
create table template (
  name text primary key,
  title jsonb not null,
  text text not null,
  version integer not null,
  applied_by text not null,
  applied_at timestamptz not null
);
create table decoy (
  id text primary key,
  template text not null references template on delete cascade,
  persona text not null,
  name jsonb,
  scope text not null,
  host text not null,
  organisation jsonb not null,
  services jsonb not null,
  -- RSA keys and certificates, drawn once, sealed under the master key
  secrets bytea not null
);
create table placement (
  id text primary key,
  template text not null references template on delete cascade,
  relay text not null,
  host text not null,
  decoy text not null references decoy on delete cascade,
  address text not null,
  port integer not null,
  transport text not null,
  service text not null,
  unique (relay, address, port, transport)
);
create index placement_decoy on placement (decoy);
-- Rises with every change of what sensors should run.
create sequence config_version;
