-- Lines that a source sent and that were not taken, because its queue was full.
alter table source add column lost bigint not null default 0;

-- When a captured file was last offered: it is kept for as long as the events that may carry it.
alter table blob add column last_at timestamptz not null default now();
create index blob_last on blob (last_at);
