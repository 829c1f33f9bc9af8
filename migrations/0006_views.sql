-- Counters of the queue, saved views, and changes of many tickets at once.

-- How many tickets are in a state, of an assignee, of a team. A row whose part is nil is what was folded; the others are
-- what changes added since. Summed on read: no row is hot, and none has to be locked to count.
create table ticket_counts (
  tenant_id {id} not null references tenants (id),
  status text not null,
  is_snoozed {bool} not null,
  assigned_to {id} not null,
  team_id {id} not null,
  part {id} not null,
  count {int} not null,
  primary key (tenant_id, status, is_snoozed, assigned_to, team_id, part)
) {clustered};

insert into ticket_counts (tenant_id, status, is_snoozed, assigned_to, team_id, part, count)
  select tenant_id, status, {false}, coalesce(assigned_to, {nil}), coalesce(team_id, {nil}), {nil}, count(*)
  from tickets where close_reason is null or close_reason <> 'spam'
  group by tenant_id, status, coalesce(assigned_to, {nil}), coalesce(team_id, {nil});

create table saved_views (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  name text not null,
  owner_id {id} not null,
  -- Set where it is shared with a team.
  team_id {id},
  is_for_all {bool} not null,
  query {json} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) {strict};
create index saved_views_by_owner on saved_views (tenant_id, owner_id);

create table bulk_changes (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  changes {json} not null,
  -- collecting, running, done, undoing, undone
  status text not null,
  total {int} not null,
  done {int} not null,
  failed {int} not null,
  restored {int} not null,
  user_id {id},
  actor_kind text not null,
  actor_name text not null,
  role text not null,
  created_at {time} not null,
  finished_at {time},
  primary key (tenant_id, id)
) {strict};
create index bulk_changes_by_creation on bulk_changes (tenant_id, created_at);

create table bulk_items (
  tenant_id {id} not null references tenants (id),
  bulk_id {id} not null,
  position {int} not null,
  ticket_id {id} not null,
  -- waiting, changed, unchanged, failed, restored, kept
  outcome text not null,
  reason text,
  -- What the changed fields were, and the version the change made.
  before {json},
  version {int},
  primary key (tenant_id, bulk_id, position),
  foreign key (tenant_id, bulk_id) references bulk_changes (tenant_id, id)
) {clustered};
