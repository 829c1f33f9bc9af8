-- What agents are writing: drafts, answers about to go out, and who is looking.

create table drafts (
  tenant_id {id} not null references tenants (id),
  user_id {id} not null,
  ticket_id {id} not null,
  -- reply, note
  kind text not null,
  body text not null,
  -- The status that is to be set with the answer.
  status text,
  -- Files that were stored already: [{id, filename, content_type, size_bytes, sha256}].
  files {json} not null,
  updated_at {time} not null,
  primary key (tenant_id, user_id, ticket_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};
create index drafts_by_ticket on drafts (tenant_id, ticket_id);

-- An answer its author can still take back. It is no message yet: nobody outside sees it, no clock knows of it.
create table held_answers (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  -- The ticket in whose thread it will stand, and the merged one it is addressed to.
  ticket_id {id} not null,
  addressed_to {id},
  user_id {id} not null,
  user_name text not null,
  body text not null,
  body_html text not null,
  attachments {json} not null,
  status text,
  created_at {time} not null,
  release_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {strict};
create index held_answers_by_ticket on held_answers (tenant_id, ticket_id);

-- Rows live for minutes. Only what others would see changing moves an index: a sign of life is an update in place.
create table presence (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  user_id {id} not null,
  seen_at {time} not null,
  typed_at {time},
  changed_at {time} not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {clustered};
create index presence_by_change on presence (tenant_id, changed_at);
