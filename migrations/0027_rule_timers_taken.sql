-- A look was queued for this timer: it is due no more, and goes when the look is taken.
alter table rule_timers add column queued_at {time};
drop index rule_timers_due;
create index rule_timers_due on rule_timers (tenant_id, run_at) where queued_at is null;
