-- What agents do to tickets besides answering: merging, splitting, relating, snoozing, forwarding, measuring, deleting.

-- Set on a merged ticket: the one whose thread shows its messages (the end of the chain of merges).
alter table tickets add column survivor_id {id};
-- How many tickets are merged into this one, directly or through others.
alter table tickets add column merged_count {int} not null default 0;
-- Set where a message of another customer's merged ticket is the last one: what this ticket's own customer is told.
alter table tickets add column public_last_message_at {time};
alter table tickets add column snoozed_at {time};
-- Null while snoozed: until somebody replies.
alter table tickets add column snoozed_until {time};
alter table tickets add column deleted_at {time};
alter table tickets add column minutes_spent {int} not null default 0;
create index tickets_by_survivor on tickets (tenant_id, survivor_id) where survivor_id is not null;
create index tickets_by_snooze on tickets (tenant_id, snoozed_until) where snoozed_at is not null;
create index tickets_by_deletion on tickets (tenant_id, deleted_at) where deleted_at is not null;

-- An edge of the overlay. Nothing else of the merged ticket changes, so taking the edge away restores it.
create table ticket_merges (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  into_id {id} not null,
  merged_by text not null,
  merged_at {time} not null,
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, into_id) references tickets (tenant_id, id)
) {clustered};
create index ticket_merges_by_target on ticket_merges (tenant_id, into_id);

create table ticket_relations (
  tenant_id {id} not null references tenants (id),
  from_id {id} not null,
  kind text not null,
  to_id {id} not null,
  created_by text not null,
  created_at {time} not null,
  primary key (tenant_id, from_id, kind, to_id),
  foreign key (tenant_id, from_id) references tickets (tenant_id, id),
  foreign key (tenant_id, to_id) references tickets (tenant_id, id)
) {clustered};
create index ticket_relations_by_target on ticket_relations (tenant_id, to_id, kind);

create table ticket_participants (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  email text not null,
  name text not null,
  added_by text not null,
  created_at {time} not null,
  primary key (tenant_id, ticket_id, email),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};

create table forwards (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  message_id {id} not null,
  to_email text not null,
  token_hash {bytes} not null,
  created_at {time} not null,
  revoked_at {time},
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id)
) {strict};
create index forwards_by_ticket on forwards (tenant_id, ticket_id);

create table checklist_items (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  position {int} not null,
  text text not null,
  done_at {time},
  done_by text,
  created_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {strict};
create index checklist_items_by_ticket on checklist_items (tenant_id, ticket_id, position);

create table time_entries (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  user_id {id},
  user_name text not null,
  minutes {int} not null,
  note text not null,
  created_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {strict};
create index time_entries_by_ticket on time_entries (tenant_id, ticket_id);

create table blocked_senders (
  tenant_id {id} not null references tenants (id),
  email text not null,
  blocked_by text not null,
  created_at {time} not null,
  primary key (tenant_id, email)
) {clustered};

-- Colours of tags. A tag without a row has none.
create table tags (
  tenant_id {id} not null references tenants (id),
  tag text not null,
  colour text not null,
  updated_at {time} not null,
  primary key (tenant_id, tag)
) {clustered};

-- The customer's read model again, now over merged tickets: one that went into another of the same customer says which;
-- one that went into somebody else's shows that one's state and nothing more of it.
drop view portal_tickets;
create view portal_tickets {invoker} as
  select t.tenant_id, t.id, t.ticket_number, t.subject, coalesce(s.public_status, t.public_status) as status,
         t.priority, t.category, t.ticket_type, t.channel,
         t.customer_id, t.user_id, t.user_email, t.order_id,
         case when t.merged_count = 0 then t.unread_by_customer else t.unread_by_customer + (
           select cast(coalesce(sum(g.unread_by_customer), 0) as bigint) from tickets g
           where g.tenant_id = t.tenant_id and g.survivor_id = t.id and g.customer_id = t.customer_id) end as unread_by_customer,
         case when t.merged_count = 0 then t.public_message_count else t.public_message_count + (
           select cast(coalesce(sum(g.public_message_count), 0) as bigint) from tickets g
           where g.tenant_id = t.tenant_id and g.survivor_id = t.id and g.customer_id = t.customer_id) end as message_count,
         coalesce(t.public_last_message_at, t.last_message_at) as last_message_at,
         case when s.id is null then t.resolved_at else s.resolved_at end as resolved_at,
         case when s.id is null then t.closed_at else s.closed_at end as closed_at,
         t.first_message_id, t.public_version + coalesce(s.public_version, 0) as version,
         t.created_at,
         case when s.public_updated_at > t.public_updated_at then s.public_updated_at else t.public_updated_at end as updated_at,
         t.merged_count, case when s.customer_id = t.customer_id then s.id end as merged_into
  from tickets t left join tickets s on s.tenant_id = t.tenant_id and s.id = t.survivor_id
  where (t.close_reason is null or t.close_reason <> 'spam') and t.deleted_at is null
