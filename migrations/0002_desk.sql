-- The desk: tickets, their conversation and history, and the customer's own view of them.

create table categories (
  tenant_id {id} not null references tenants (id),
  slug text not null,
  name text not null,
  position {int} not null,
  archived_at {time},
  primary key (tenant_id, slug)
) {strict};

create table tickets (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_number text not null,
  subject text not null,
  search_text text not null,
  status text not null,
  -- What the customer is shown: an internal note that opens a ticket must leave no trace there.
  public_status text not null,
  priority {int} not null,
  category text not null,
  ticket_type text not null,
  channel text not null,
  customer_id {id} not null,
  user_id {id},
  user_email text not null,
  order_id {id},
  assigned_to {id},
  team_id {id},
  origin_type text not null,
  target_type text not null,
  unread_by_agent {int} not null,
  unread_by_customer {int} not null,
  message_count {int} not null,
  public_message_count {int} not null,
  last_message_at {time} not null,
  due_at {time} not null,
  first_response_at {time},
  resolution_time_minutes {int},
  last_reminder_at {time},
  reminder_count {int} not null,
  escalation_level {int} not null,
  escalated_at {time},
  escalated_to_user_id {id},
  resolved_at {time},
  closed_at {time},
  close_reason text,
  resolution_notes text,
  ai_summary text,
  ai_confidence_score {float},
  ai_first_response_time {int},
  ai_auto_resolved {bool} not null,
  context {json} not null,
  first_message_id {id} not null,
  follow_up_of {id},
  version {int} not null,
  public_version {int} not null,
  public_updated_at {time} not null,
  created_by_kind text not null,
  created_by_id {id},
  created_by text not null,
  updated_by text not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  unique (tenant_id, ticket_number),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, assigned_to) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id),
  foreign key (tenant_id, escalated_to_user_id) references users (tenant_id, id)
) {strict};
create index tickets_by_activity on tickets (tenant_id, last_message_at, id);
create index tickets_by_status on tickets (tenant_id, status, last_message_at, id);
create index tickets_by_assignee on tickets (tenant_id, assigned_to, status, last_message_at, id);
create index tickets_by_customer on tickets (tenant_id, customer_id, last_message_at, id);
create index tickets_by_user on tickets (tenant_id, user_id, last_message_at, id);
create index tickets_by_creation on tickets (tenant_id, created_at, id);
create index tickets_by_due on tickets (tenant_id, due_at, id);
create index tickets_by_priority on tickets (tenant_id, priority, id);
create index tickets_by_team on tickets (tenant_id, team_id, last_message_at, id);

create table messages (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  direction text not null,
  is_internal {bool} not null,
  author_kind text not null,
  author_id {id},
  author_name text not null,
  body text not null,
  body_html text not null,
  delivery text not null,
  letter_id {id},
  created_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {strict};
create index messages_by_ticket on messages (tenant_id, ticket_id, id);
-- What became of a letter is written on the message it carried; few messages have one.
create index messages_by_letter on messages (tenant_id, letter_id) where letter_id is not null;

create table attachments (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  message_id {id} not null,
  filename text not null,
  content_type text not null,
  size_bytes {int} not null,
  sha256 {bytes} not null,
  created_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id)
) {strict};
create index attachments_by_ticket on attachments (tenant_id, ticket_id);
create index attachments_by_message on attachments (tenant_id, message_id);

create table ticket_links (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  kind text not null,
  linked_id text not null,
  label text not null,
  is_public {bool} not null,
  primary key (tenant_id, ticket_id, kind, linked_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};
create index ticket_links_by_target on ticket_links (tenant_id, kind, linked_id, ticket_id);

create table ticket_tags (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  tag text not null,
  primary key (tenant_id, ticket_id, tag),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};
create index ticket_tags_by_tag on ticket_tags (tenant_id, tag, ticket_id);

create table ticket_watchers (
  tenant_id {id} not null references tenants (id),
  ticket_id {id} not null,
  user_id {id} not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {clustered};

create table ticket_audits (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  event_type text not null,
  from_value text,
  to_value text,
  metadata {json} not null,
  is_public {bool} not null,
  actor_kind text not null,
  actor_id {id},
  actor_name text not null,
  created_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {strict};
create index ticket_audits_by_ticket on ticket_audits (tenant_id, ticket_id, id);

create table status_links (
  tenant_id {id} not null references tenants (id),
  token_hash {bytes} not null,
  ticket_id {id} not null,
  created_at {time} not null,
  revoked_at {time},
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};
create index status_links_by_ticket on status_links (tenant_id, ticket_id);

-- The customer's read model. Whatever a customer is shown is selected from these views and from nothing else;
-- a test holds the portal's statements to that.
create view portal_tickets {invoker} as
  select tenant_id, id, ticket_number, subject, public_status as status, priority, category, ticket_type, channel,
         customer_id, user_id, user_email, order_id, unread_by_customer, public_message_count as message_count,
         last_message_at, resolved_at, closed_at, first_message_id, public_version as version,
         created_at, public_updated_at as updated_at
  from tickets where close_reason is null or close_reason <> 'spam';

create view portal_messages {invoker} as
  select tenant_id, id, ticket_id, direction, author_kind, author_id, author_name, body, body_html, created_at
  from messages where not is_internal;

create view portal_attachments {invoker} as
  select a.tenant_id, a.id, a.ticket_id, a.message_id, a.filename, a.content_type, a.size_bytes, a.sha256
  from attachments a join messages m on m.tenant_id = a.tenant_id and m.id = a.message_id where not m.is_internal;

create view portal_links {invoker} as
  select tenant_id, ticket_id, kind, linked_id, label from ticket_links where is_public;

create view portal_audits {invoker} as
  select tenant_id, id, ticket_id, event_type, from_value, to_value, actor_kind, created_at
  from ticket_audits where is_public;
