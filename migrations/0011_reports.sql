-- Reports: what happened to tickets, and how often, by day. See docs/adr/0012-reports.md.

-- What happened to a ticket, which its row forgets when it is reopened: answered first, resolved, closed, reopened.
create table report_facts (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  position {int} not null,
  -- responded, resolved, closed, reopened
  kind text not null,
  at {time} not null,
  -- From the creation to then.
  seconds {int} not null,
  is_on_time {bool} not null,
  -- Whose it was then.
  agent_id {id} not null,
  team_id {id} not null,
  primary key (tenant_id, ticket_id, position),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};

-- How far the figures go: tickets whose id is not below `low` are counted. Days are those of `time_zone`; counting anew
-- in another one is another generation.
create table report_state (
  tenant_id {id} not null references tenants (id),
  generation {int} not null,
  time_zone text not null,
  low {id} not null,
  primary key (tenant_id)
) {clustered};

-- Tickets that are there already are counted by a job while the server runs.
insert into report_state (tenant_id, generation, time_zone, low) select id, 0, '', {nil} from tenants;

-- What changes add; folded into the two tables below.
create table report_deltas (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  generation {int} not null,
  day {int} not null,
  channel text not null,
  category text not null,
  priority {int} not null,
  team_id {id} not null,
  agent_id {id} not null,
  slot {int} not null,
  created {int} not null,
  live {int} not null,
  returned {int} not null,
  finished {int} not null,
  responded {int} not null,
  resolved {int} not null,
  on_time {int} not null,
  reopened {int} not null,
  seconds {int} not null,
  primary key (tenant_id, id)
) {clustered};

-- By everything a report can be narrowed to. `day` counts from 1970-01-01; `slot` is a length of time, 0 where there is none.
create table report_cells (
  tenant_id {id} not null references tenants (id),
  generation {int} not null,
  day {int} not null,
  channel text not null,
  category text not null,
  priority {int} not null,
  team_id {id} not null,
  agent_id {id} not null,
  slot {int} not null,
  created {int} not null,
  live {int} not null,
  returned {int} not null,
  finished {int} not null,
  responded {int} not null,
  resolved {int} not null,
  on_time {int} not null,
  reopened {int} not null,
  seconds {int} not null,
  primary key (tenant_id, generation, day, channel, category, priority, team_id, agent_id, slot)
) {clustered};
create index report_cells_live on report_cells (tenant_id, generation, day) where live <> 0;

-- The same by one thing at a time, or by none: what most reports are read from.
create table report_sums (
  tenant_id {id} not null references tenants (id),
  generation {int} not null,
  -- all, channel, category, priority, team, agent
  dimension text not null,
  value text not null,
  day {int} not null,
  slot {int} not null,
  created {int} not null,
  live {int} not null,
  returned {int} not null,
  finished {int} not null,
  responded {int} not null,
  resolved {int} not null,
  on_time {int} not null,
  reopened {int} not null,
  seconds {int} not null,
  primary key (tenant_id, generation, dimension, day, value, slot)
) {clustered};
create index report_sums_live on report_sums (tenant_id, generation, dimension, value, day) where live <> 0;
