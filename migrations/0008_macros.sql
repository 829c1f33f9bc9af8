-- Canned replies (text to insert) and macros (text and changes, applied at once).

create table macros (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  is_canned {bool} not null,
  name text not null,
  -- reply, note; none where it only changes something
  text_kind text,
  body text not null,
  files {json} not null,
  changes {json} not null,
  owner_id {id} not null,
  -- Set where it is shared with a team.
  team_id {id},
  is_for_all {bool} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) {strict};
create index macros_by_owner on macros (tenant_id, owner_id);

-- How often each person used it: one row each, so that no row is everybody's.
create table macro_uses (
  tenant_id {id} not null references tenants (id),
  macro_id {id} not null,
  -- A user, or the key that applied it.
  by_id {id} not null,
  uses {int} not null,
  last_used_at {time} not null,
  primary key (tenant_id, macro_id, by_id),
  foreign key (tenant_id, macro_id) references macros (tenant_id, id)
) {clustered};
