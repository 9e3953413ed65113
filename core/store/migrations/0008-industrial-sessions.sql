-- What a session did at an industrial device, in counts, with the plant as its adversary last saw it: industrialSummary in contract/records.ts.
alter table session add column industrial jsonb;
