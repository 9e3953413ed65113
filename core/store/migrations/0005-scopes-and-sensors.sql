-- Whom an audited action concerns: read by who sees all of these places; none is the whole installation. Part of the entry's hash where there are any.
alter table audit_entry add column scopes text[] not null default '{}';

-- The place that a known scanner belongs to: it is known there and below, and listed to who sees that place.
alter table known_scanner add column scope text;
update known_scanner set scope = coalesce(
  (select case when count(distinct scope) = 1 then min(scope) end from decoy where decoy.template = known_scanner.template), 'group');
alter table known_scanner alter column scope set not null;
alter table known_scanner drop constraint known_scanner_template_network_key;
alter table known_scanner add unique (template, network, scope);

-- Whose token it is: it ends with that person, also one that is gone, and can do no more than they. Null: made on the machine itself.
alter table api_token add column person uuid;
update api_token set person = person.id from person where person.username = api_token.created_by;

-- From where a sensor's problem came.
alter table sensor_problem add column address inet;

-- What was last told of a sensor: `mark` changes when there is more to tell.
create table sensor_told (
  sensor uuid not null references sensor on delete cascade,
  problem text not null,
  mark text not null,
  told_at timestamptz not null,
  primary key (sensor, problem)
);

-- Who each decoy pretends to be, as its host drew it from the seed and said in its health.
create table decoy_identity (
  decoy text primary key references decoy on delete cascade,
  sensor uuid not null references sensor on delete cascade,
  hostname text not null,
  mac text not null,
  serial text not null,
  said_at timestamptz not null
);
