-- The plant that an industrial decoy belongs to: {id, template, units}.
alter table decoy add column plant jsonb;
