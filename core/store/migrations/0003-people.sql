-- People who sign in, their sessions and second factors (shape of better-auth's models), API tokens, failed sign-ins.

create table person (
  id uuid primary key,
  username text not null unique,
  name text not null,
  -- better-auth wants an address; ours is the user name, nothing is ever sent there.
  email text not null unique,
  email_verified boolean not null default false,
  image text,
  role text not null check (role in ('administrator', 'analyst', 'viewer')),
  scopes text[] not null check (cardinality(scopes) > 0),
  disabled boolean not null default false,
  must_change_password boolean not null default false,
  two_factor_enabled boolean not null default false,
  preferences jsonb not null default '{}',
  last_sign_in_at timestamptz,
  -- The code that was last accepted, and when: a one-time password serves once (RFC 6238 section 5.2).
  totp_used text,
  totp_used_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table person_session (
  id uuid primary key,
  token text not null unique,
  user_id uuid not null references person (id) on delete cascade,
  expires_at timestamptz not null,
  ip_address text,
  user_agent text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index person_session_user on person_session (user_id);
create index person_session_expiry on person_session (expires_at);

create table person_account (
  id uuid primary key,
  account_id text not null,
  provider_id text not null,
  user_id uuid not null references person (id) on delete cascade,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  password text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider_id, account_id)
);
create index person_account_user on person_account (user_id);

create table person_verification (
  id uuid primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index person_verification_identifier on person_verification (identifier);

create table person_two_factor (
  id uuid primary key,
  secret text not null,
  backup_codes text not null,
  user_id uuid not null references person (id) on delete cascade,
  verified boolean not null default false,
  failed_verification_count integer not null default 0,
  locked_until timestamptz
);
create index person_two_factor_user on person_two_factor (user_id);

-- Only the SHA-256 of a secret is kept.
create table api_token (
  id uuid primary key,
  name text not null,
  hash bytea not null unique,
  permissions text[] not null check (cardinality(permissions) > 0),
  scopes text[] not null check (cardinality(scopes) > 0),
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz
);

-- Failed sign-ins and locks, in the shape that rate-limiter-flexible reads; `expire` in milliseconds since 1970 UTC.
create table sign_in_limit (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
);
create index sign_in_limit_expire on sign_in_limit (expire);

-- The organisation's tree: group, division, park. Templates add to it.
create table scope (
  path text primary key,
  name jsonb not null
);
insert into scope (path, name) values ('group', '{"zh": "集团", "en": "Group"}');
