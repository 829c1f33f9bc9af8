-- Rules: when something happens to a ticket, or some time after it did, and conditions hold, do something. With the log
-- that says why one fired or did not, and who is away and gets no ticket given.

alter table users add column away_at {time};
-- Null while away: until it is switched off.
alter table users add column away_until {time};

-- Lines of one commit share it: what belongs together, and what a rule's run was caused by.
alter table ticket_audits add column change_id {id};

create table rules (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  name text not null,
  position {int} not null,
  definition {json} not null,
  -- Null while it is off. What happened earlier starts nothing.
  active_since {time},
  version {int} not null,
  created_by text not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id)
) {strict};
create index rules_by_position on rules (tenant_id, position, id);

-- What the rules that are on listen to, so that a change finds out with one look.
create table rule_triggers (
  tenant_id {id} not null references tenants (id),
  event text not null,
  rule_id {id} not null,
  minutes {int} not null,
  status text,
  primary key (tenant_id, event, rule_id),
  foreign key (tenant_id, rule_id) references rules (tenant_id, id)
) {clustered};
create index rule_triggers_by_rule on rule_triggers (tenant_id, rule_id);

-- When a time-based rule looks at a ticket next; moved with its anchor.
create table rule_timers (
  tenant_id {id} not null references tenants (id),
  rule_id {id} not null,
  ticket_id {id} not null,
  anchor_at {time} not null,
  run_at {time} not null,
  primary key (tenant_id, rule_id, ticket_id),
  foreign key (tenant_id, rule_id) references rules (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};
create index rule_timers_due on rule_timers (tenant_id, run_at);
create index rule_timers_by_ticket on rule_timers (tenant_id, ticket_id);

-- Whose turn was last in a team. The team may go; the row is harmless.
create table rule_rotations (
  tenant_id {id} not null references tenants (id),
  team_id {id} not null,
  last_user_id {id},
  primary key (tenant_id, team_id)
) {clustered};

-- Each look a rule had at a ticket. Kept for a while; the rule may be gone meanwhile, its name is here.
create table rule_runs (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  rule_id {id} not null,
  rule_name text not null,
  ticket_id {id} not null,
  -- The change that started it; of a timer an id of its own.
  cause_id {id} not null,
  started_by text not null,
  outcome text not null,
  reason text,
  details {json} not null,
  -- What it changed, when it fired.
  change_id {id},
  created_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {strict};
create index rule_runs_by_rule on rule_runs (tenant_id, rule_id, id);
create index rule_runs_by_outcome on rule_runs (tenant_id, rule_id, outcome, id);
create index rule_runs_by_ticket on rule_runs (tenant_id, ticket_id, id);
create unique index rule_runs_once on rule_runs (tenant_id, rule_id, ticket_id, cause_id);
create index rule_runs_by_change on rule_runs (tenant_id, change_id) where change_id is not null;
create index rule_runs_by_age on rule_runs (tenant_id, created_at);
