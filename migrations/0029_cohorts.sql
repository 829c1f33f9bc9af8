-- What tickets created on a day are now, added up: how the figures of any range of creation times are told without looking
-- at each ticket. See docs/adr/0012-reports.md.

-- A ticket that came to stand here (change 1), or stands here no more (-1); folded into the table below.
create table cohort_deltas (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  generation {int} not null,
  -- Of its creation, counted as `report_cells` does.
  day {int} not null,
  status text not null,
  priority {int} not null,
  category text not null,
  agent_id {id} not null,
  -- From its creation to the first answer; null without one.
  response_seconds {int},
  resolution_minutes {int},
  is_resolved {bool} not null,
  is_on_time {bool} not null,
  change {int} not null,
  primary key (tenant_id, id)
) {clustered};

create table cohort_sums (
  tenant_id {id} not null references tenants (id),
  generation {int} not null,
  -- How many days are added up, 1 or 32, and the first of them.
  days {int} not null,
  day {int} not null,
  -- status, priority, category, agent: by their values. response, resolution: by slot, `total` being the seconds or
  -- minutes. resolved: `total` being how many before they were due.
  figure text not null,
  value text not null,
  tickets {int} not null,
  total {int} not null,
  primary key (tenant_id, generation, days, day, figure, value)
) {clustered};

-- Those that are late, of any range of creation times, from the index alone: SQLite wants its own condition's columns in it.
drop index tickets_by_live_due;
create index tickets_by_live_due on tickets (tenant_id, due_at, id, created_at, status, survivor_id, deleted_at)
  where status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null;

-- Tickets that were counted already are counted anew, as another generation, while the server runs.
update report_state set time_zone = '' where generation > 0;
