-- What somebody waits for stands in a lane of its own, so that a flood of letters does not keep it waiting.
alter table jobs add column lane {int} not null default 1;
drop index jobs_due;
create index jobs_due on jobs (lane, run_at) where state = 'queued';

-- Changes of many tickets whose request ended while it was still saying which.
create index bulk_changes_collecting on bulk_changes (tenant_id, created_at) where status = 'collecting';
