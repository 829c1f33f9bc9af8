-- Made from migrations/ by `cargo dev schema`; a test compares it.

-- 0001_foundation
create table tenants (
  id blob not null primary key,
  slug text not null unique,
  name text not null,
  host text unique,
  settings text not null,
  created_at integer not null,
  updated_at integer not null
) strict;
create table installation_tokens (
  token_hash blob not null primary key,
  purpose text not null,
  expires_at integer not null,
  used_at integer
) strict;
create table schedules (
  name text not null primary key,
  next_run_at integer not null,
  last_run_at integer
) strict;
create table number_series (
  tenant_id blob not null references tenants (id),
  series text not null,
  next_value integer not null,
  primary key (tenant_id, series)
) strict, without rowid;
create table customers (
  tenant_id blob not null references tenants (id),
  id blob not null,
  email text not null,
  email_key text not null,
  name text not null,
  phone text,
  company text,
  service_address text,
  plan text,
  internal_notes text not null,
  verified_at integer,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  unique (tenant_id, email_key)
) strict;
create index customers_by_name on customers (tenant_id, name, id);
create table users (
  tenant_id blob not null references tenants (id),
  id blob not null,
  email text not null,
  email_key text not null,
  name text not null,
  role text not null,
  customer_id blob,
  password_hash text,
  verified_at integer,
  disabled_at integer,
  totp_secret text,
  totp_confirmed_at integer,
  totp_last_step integer not null,
  locale text not null,
  time_zone text not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  last_seen_at integer,
  primary key (tenant_id, id),
  unique (tenant_id, email_key),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
) strict;
create index users_by_customer on users (tenant_id, customer_id);
create table recovery_codes (
  tenant_id blob not null references tenants (id),
  id blob not null,
  user_id blob not null,
  code_hash blob not null,
  used_at integer,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;
create index recovery_codes_by_user on recovery_codes (tenant_id, user_id);
create table sessions (
  tenant_id blob not null references tenants (id),
  id blob not null,
  user_id blob not null,
  token_hash blob not null,
  user_agent text not null,
  client_ip text not null,
  created_at integer not null,
  last_seen_at integer not null,
  expires_at integer not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict;
create index sessions_by_user on sessions (tenant_id, user_id);
create table api_keys (
  tenant_id blob not null references tenants (id),
  id blob not null,
  name text not null,
  prefix text not null,
  key_hash blob not null,
  scope text not null,
  created_at integer not null,
  last_used_at integer,
  revoked_at integer,
  primary key (tenant_id, id),
  unique (tenant_id, key_hash)
) strict;
create table one_time_tokens (
  tenant_id blob not null references tenants (id),
  id blob not null,
  purpose text not null,
  token_hash blob not null,
  user_id blob not null,
  expires_at integer not null,
  used_at integer,
  created_at integer not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict;
create table throttles (
  tenant_id blob not null references tenants (id),
  bucket text not null,
  window_start integer not null,
  hits integer not null,
  primary key (tenant_id, bucket)
) strict, without rowid;
create table teams (
  tenant_id blob not null references tenants (id),
  id blob not null,
  name text not null,
  name_key text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  unique (tenant_id, name_key)
) strict;
create table team_members (
  tenant_id blob not null references tenants (id),
  team_id blob not null,
  user_id blob not null,
  primary key (tenant_id, team_id, user_id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;
create index team_members_by_user on team_members (tenant_id, user_id);
create table audit_log (
  tenant_id blob not null references tenants (id),
  id blob not null,
  event_type text not null,
  subject_kind text not null,
  subject_id blob,
  before_value text,
  after_value text,
  actor_kind text not null,
  actor_id blob,
  actor_name text not null,
  request_id text,
  created_at integer not null,
  primary key (tenant_id, id)
) strict;
create index audit_log_by_type on audit_log (tenant_id, event_type, id);
create table idempotency_keys (
  tenant_id blob not null references tenants (id),
  caller text not null,
  idempotency_key text not null,
  request_hash blob not null,
  status integer not null,
  body text not null,
  created_at integer not null,
  primary key (tenant_id, caller, idempotency_key)
) strict, without rowid;
create index idempotency_keys_by_age on idempotency_keys (tenant_id, created_at);
create table jobs (
  tenant_id blob not null references tenants (id),
  id blob not null,
  kind text not null,
  job_key text not null,
  payload text not null,
  state text not null,
  run_at integer not null,
  attempts integer not null,
  lease_until integer,
  fence integer not null,
  last_error text,
  cause text,
  created_at integer not null,
  finished_at integer,
  primary key (tenant_id, id),
  unique (tenant_id, kind, job_key)
) strict;
create index jobs_due on jobs (run_at) where state = 'queued';
create index jobs_leased on jobs (lease_until) where state = 'running';
create index jobs_dead on jobs (tenant_id, finished_at) where state = 'dead';
create index jobs_done on jobs (finished_at) where state = 'done';
create table events (
  tenant_id blob not null references tenants (id),
  id blob not null,
  topic text not null,
  ticket_id blob,
  customer_id blob,
  is_public integer not null,
  payload text not null,
  created_at integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create index events_by_age on events (created_at);
create table letters (
  tenant_id blob not null references tenants (id),
  id blob not null,
  kind text not null,
  ticket_id blob,
  to_email text not null,
  to_name text not null,
  subject text not null,
  body_text text not null,
  body_html text not null,
  message_id text not null,
  in_reply_to text,
  automatic integer not null,
  status text not null,
  attempts integer not null,
  last_error text,
  created_at integer not null,
  sent_at integer,
  primary key (tenant_id, id)
) strict;
create index letters_by_status on letters (tenant_id, status, id);
create index letters_by_ticket on letters (tenant_id, ticket_id);
create table letter_templates (
  tenant_id blob not null references tenants (id),
  kind text not null,
  locale text not null,
  subject text not null,
  body text not null,
  updated_at integer not null,
  primary key (tenant_id, kind, locale)
) strict;
create table notices (
  tenant_id blob not null references tenants (id),
  id blob not null,
  user_id blob not null,
  kind text not null,
  title text not null,
  ticket_id blob,
  created_at integer not null,
  read_at integer,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict;
create index notices_unread on notices (tenant_id, user_id, id) where read_at is null;
create index notices_by_user on notices (tenant_id, user_id, id);

-- 0002_desk
create table categories (
  tenant_id blob not null references tenants (id),
  slug text not null,
  name text not null,
  position integer not null,
  archived_at integer,
  primary key (tenant_id, slug)
) strict;
create table tickets (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_number text not null,
  subject text not null,
  search_text text not null,
  status text not null,
  
  public_status text not null,
  priority integer not null,
  category text not null,
  ticket_type text not null,
  channel text not null,
  customer_id blob not null,
  user_id blob,
  user_email text not null,
  order_id blob,
  assigned_to blob,
  team_id blob,
  origin_type text not null,
  target_type text not null,
  unread_by_agent integer not null,
  unread_by_customer integer not null,
  message_count integer not null,
  public_message_count integer not null,
  last_message_at integer not null,
  due_at integer not null,
  first_response_at integer,
  resolution_time_minutes integer,
  last_reminder_at integer,
  reminder_count integer not null,
  escalation_level integer not null,
  escalated_at integer,
  escalated_to_user_id blob,
  resolved_at integer,
  closed_at integer,
  close_reason text,
  resolution_notes text,
  ai_summary text,
  ai_confidence_score real,
  ai_first_response_time integer,
  ai_auto_resolved integer not null,
  context text not null,
  first_message_id blob not null,
  follow_up_of blob,
  version integer not null,
  public_version integer not null,
  public_updated_at integer not null,
  created_by_kind text not null,
  created_by_id blob,
  created_by text not null,
  updated_by text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  unique (tenant_id, ticket_number),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, assigned_to) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id),
  foreign key (tenant_id, escalated_to_user_id) references users (tenant_id, id)
) strict;
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
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  direction text not null,
  is_internal integer not null,
  author_kind text not null,
  author_id blob,
  author_name text not null,
  body text not null,
  body_html text not null,
  delivery text not null,
  letter_id blob,
  created_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict;
create index messages_by_ticket on messages (tenant_id, ticket_id, id);
create index messages_by_letter on messages (tenant_id, letter_id) where letter_id is not null;
create table attachments (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  message_id blob not null,
  filename text not null,
  content_type text not null,
  size_bytes integer not null,
  sha256 blob not null,
  created_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id)
) strict;
create index attachments_by_ticket on attachments (tenant_id, ticket_id);
create index attachments_by_message on attachments (tenant_id, message_id);
create table ticket_links (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  kind text not null,
  linked_id text not null,
  label text not null,
  is_public integer not null,
  primary key (tenant_id, ticket_id, kind, linked_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create index ticket_links_by_target on ticket_links (tenant_id, kind, linked_id, ticket_id);
create table ticket_tags (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  tag text not null,
  primary key (tenant_id, ticket_id, tag),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create index ticket_tags_by_tag on ticket_tags (tenant_id, tag, ticket_id);
create table ticket_watchers (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  user_id blob not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;
create table ticket_audits (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  event_type text not null,
  from_value text,
  to_value text,
  metadata text not null,
  is_public integer not null,
  actor_kind text not null,
  actor_id blob,
  actor_name text not null,
  created_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict;
create index ticket_audits_by_ticket on ticket_audits (tenant_id, ticket_id, id);
create table status_links (
  tenant_id blob not null references tenants (id),
  token_hash blob not null,
  ticket_id blob not null,
  created_at integer not null,
  revoked_at integer,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create index status_links_by_ticket on status_links (tenant_id, ticket_id);
create view portal_tickets  as
  select tenant_id, id, ticket_number, subject, public_status as status, priority, category, ticket_type, channel,
         customer_id, user_id, user_email, order_id, unread_by_customer, public_message_count as message_count,
         last_message_at, resolved_at, closed_at, first_message_id, public_version as version,
         created_at, public_updated_at as updated_at
  from tickets where close_reason is null or close_reason <> 'spam';
create view portal_messages  as
  select tenant_id, id, ticket_id, direction, author_kind, author_id, author_name, body, body_html, created_at
  from messages where not is_internal;
create view portal_attachments  as
  select a.tenant_id, a.id, a.ticket_id, a.message_id, a.filename, a.content_type, a.size_bytes, a.sha256
  from attachments a join messages m on m.tenant_id = a.tenant_id and m.id = a.message_id where not m.is_internal;
create view portal_links  as
  select tenant_id, ticket_id, kind, linked_id, label from ticket_links where is_public;
create view portal_audits  as
  select tenant_id, id, ticket_id, event_type, from_value, to_value, actor_kind, created_at
  from ticket_audits where is_public;

-- 0003_webhooks
create table event_taps (
  tenant_id blob not null references tenants (id),
  pattern text not null,
  primary key (tenant_id, pattern)
) strict, without rowid;
create table event_sequences (
  tenant_id blob not null references tenants (id),
  object_id blob not null,
  last_value integer not null,
  primary key (tenant_id, object_id)
) strict, without rowid;
create table webhooks (
  tenant_id blob not null references tenants (id),
  id blob not null,
  name text not null,
  url text not null,
  topics text not null,
  secret text not null,
  previous_secret text,
  previous_until integer,
  disabled_at integer,
  disabled_reason text,
  
  failing_since integer,
  deleted_at integer,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict;
create table webhook_messages (
  tenant_id blob not null references tenants (id),
  id blob not null,
  topic text not null,
  body text not null,
  created_at integer not null,
  primary key (tenant_id, id)
) strict;
create index webhook_messages_by_age on webhook_messages (tenant_id, created_at);
create table webhook_deliveries (
  tenant_id blob not null references tenants (id),
  id blob not null,
  webhook_id blob not null,
  message_id blob not null,
  topic text not null,
  state text not null,
  attempts integer not null,
  
  round integer not null,
  attempts_before integer not null,
  next_attempt_at integer,
  last_status integer,
  last_error text,
  created_at integer not null,
  ended_at integer,
  primary key (tenant_id, id),
  unique (tenant_id, webhook_id, message_id),
  foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id),
  foreign key (tenant_id, message_id) references webhook_messages (tenant_id, id)
) strict;
create index webhook_deliveries_by_webhook on webhook_deliveries (tenant_id, webhook_id, id);
create index webhook_deliveries_by_state on webhook_deliveries (tenant_id, webhook_id, state, id);
create index webhook_deliveries_by_message on webhook_deliveries (tenant_id, message_id);
create table webhook_attempts (
  tenant_id blob not null references tenants (id),
  delivery_id blob not null,
  number integer not null,
  started_at integer not null,
  duration_ms integer not null,
  status integer,
  error text,
  answer_excerpt text not null,
  primary key (tenant_id, delivery_id, number),
  foreign key (tenant_id, delivery_id) references webhook_deliveries (tenant_id, id)
) strict;

-- 0004_search
create table search_entries (
  tenant_id blob not null references tenants (id),
  no integer not null,
  ticket_id blob not null,
  segment integer not null,
  
  segments integer not null,
  
  words text,
  primary key (tenant_id, no),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create index search_entries_by_ticket on search_entries (tenant_id, ticket_id, segment);
create unique index search_entries_by_no on search_entries (no);
create table search_progress (
  tenant_id blob not null references tenants (id),
  
  ticket_id blob,
  is_complete integer not null,
  
  run integer not null,
  primary key (tenant_id)
) strict, without rowid;
insert into search_progress (tenant_id, is_complete, run) select id, false, 0 from tenants;
create virtual table search_words using fts5 (head, said, noted, content = '', contentless_delete = 1,
  tokenize = "ascii tokenchars '-~'");

-- 0005_desk_work
alter table tickets add column survivor_id blob;
alter table tickets add column merged_count integer not null default 0;
alter table tickets add column public_last_message_at integer;
alter table tickets add column snoozed_at integer;
alter table tickets add column snoozed_until integer;
alter table tickets add column deleted_at integer;
alter table tickets add column minutes_spent integer not null default 0;
create index tickets_by_survivor on tickets (tenant_id, survivor_id) where survivor_id is not null;
create index tickets_by_snooze on tickets (tenant_id, snoozed_until) where snoozed_at is not null;
create index tickets_by_deletion on tickets (tenant_id, deleted_at) where deleted_at is not null;
create table ticket_merges (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  into_id blob not null,
  merged_by text not null,
  merged_at integer not null,
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, into_id) references tickets (tenant_id, id)
) strict, without rowid;
create index ticket_merges_by_target on ticket_merges (tenant_id, into_id);
create table ticket_relations (
  tenant_id blob not null references tenants (id),
  from_id blob not null,
  kind text not null,
  to_id blob not null,
  created_by text not null,
  created_at integer not null,
  primary key (tenant_id, from_id, kind, to_id),
  foreign key (tenant_id, from_id) references tickets (tenant_id, id),
  foreign key (tenant_id, to_id) references tickets (tenant_id, id)
) strict, without rowid;
create index ticket_relations_by_target on ticket_relations (tenant_id, to_id, kind);
create table ticket_participants (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  email text not null,
  name text not null,
  added_by text not null,
  created_at integer not null,
  primary key (tenant_id, ticket_id, email),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create table forwards (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  message_id blob not null,
  to_email text not null,
  token_hash blob not null,
  created_at integer not null,
  revoked_at integer,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id)
) strict;
create index forwards_by_ticket on forwards (tenant_id, ticket_id);
create table checklist_items (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  position integer not null,
  text text not null,
  done_at integer,
  done_by text,
  created_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict;
create index checklist_items_by_ticket on checklist_items (tenant_id, ticket_id, position);
create table time_entries (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  user_id blob,
  user_name text not null,
  minutes integer not null,
  note text not null,
  created_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict;
create index time_entries_by_ticket on time_entries (tenant_id, ticket_id);
create table blocked_senders (
  tenant_id blob not null references tenants (id),
  email text not null,
  blocked_by text not null,
  created_at integer not null,
  primary key (tenant_id, email)
) strict, without rowid;
create table tags (
  tenant_id blob not null references tenants (id),
  tag text not null,
  colour text not null,
  updated_at integer not null,
  primary key (tenant_id, tag)
) strict, without rowid;
drop view portal_tickets;
create view portal_tickets  as
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
  where (t.close_reason is null or t.close_reason <> 'spam') and t.deleted_at is null;

-- 0006_views
create table ticket_counts (
  tenant_id blob not null references tenants (id),
  status text not null,
  is_snoozed integer not null,
  assigned_to blob not null,
  team_id blob not null,
  part blob not null,
  count integer not null,
  primary key (tenant_id, status, is_snoozed, assigned_to, team_id, part)
) strict, without rowid;
insert into ticket_counts (tenant_id, status, is_snoozed, assigned_to, team_id, part, count)
  select tenant_id, status, 0, coalesce(assigned_to, x'00000000000000000000000000000000'), coalesce(team_id, x'00000000000000000000000000000000'), x'00000000000000000000000000000000', count(*)
  from tickets where close_reason is null or close_reason <> 'spam'
  group by tenant_id, status, coalesce(assigned_to, x'00000000000000000000000000000000'), coalesce(team_id, x'00000000000000000000000000000000');
create table saved_views (
  tenant_id blob not null references tenants (id),
  id blob not null,
  name text not null,
  owner_id blob not null,
  
  team_id blob,
  is_for_all integer not null,
  query text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) strict;
create index saved_views_by_owner on saved_views (tenant_id, owner_id);
create table bulk_changes (
  tenant_id blob not null references tenants (id),
  id blob not null,
  changes text not null,
  
  status text not null,
  total integer not null,
  done integer not null,
  failed integer not null,
  restored integer not null,
  user_id blob,
  actor_kind text not null,
  actor_name text not null,
  role text not null,
  created_at integer not null,
  finished_at integer,
  primary key (tenant_id, id)
) strict;
create index bulk_changes_by_creation on bulk_changes (tenant_id, created_at);
create table bulk_items (
  tenant_id blob not null references tenants (id),
  bulk_id blob not null,
  position integer not null,
  ticket_id blob not null,
  
  outcome text not null,
  reason text,
  
  before text,
  version integer,
  primary key (tenant_id, bulk_id, position),
  foreign key (tenant_id, bulk_id) references bulk_changes (tenant_id, id)
) strict, without rowid;

-- 0007_composing
create table drafts (
  tenant_id blob not null references tenants (id),
  user_id blob not null,
  ticket_id blob not null,
  
  kind text not null,
  body text not null,
  
  status text,
  
  files text not null,
  updated_at integer not null,
  primary key (tenant_id, user_id, ticket_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create index drafts_by_ticket on drafts (tenant_id, ticket_id);
create table held_answers (
  tenant_id blob not null references tenants (id),
  id blob not null,
  
  ticket_id blob not null,
  addressed_to blob,
  user_id blob not null,
  user_name text not null,
  body text not null,
  body_html text not null,
  attachments text not null,
  status text,
  created_at integer not null,
  release_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict;
create index held_answers_by_ticket on held_answers (tenant_id, ticket_id);
create table presence (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  user_id blob not null,
  seen_at integer not null,
  typed_at integer,
  changed_at integer not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) strict, without rowid;
create index presence_by_change on presence (tenant_id, changed_at);

-- 0008_macros
create table macros (
  tenant_id blob not null references tenants (id),
  id blob not null,
  is_canned integer not null,
  name text not null,
  
  text_kind text,
  body text not null,
  files text not null,
  changes text not null,
  owner_id blob not null,
  
  team_id blob,
  is_for_all integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) strict;
create index macros_by_owner on macros (tenant_id, owner_id);
create table macro_uses (
  tenant_id blob not null references tenants (id),
  macro_id blob not null,
  
  by_id blob not null,
  uses integer not null,
  last_used_at integer not null,
  primary key (tenant_id, macro_id, by_id),
  foreign key (tenant_id, macro_id) references macros (tenant_id, id)
) strict, without rowid;

-- 0009_rules
alter table users add column away_at integer;
alter table users add column away_until integer;
alter table ticket_audits add column change_id blob;
create table rules (
  tenant_id blob not null references tenants (id),
  id blob not null,
  name text not null,
  position integer not null,
  definition text not null,
  
  active_since integer,
  version integer not null,
  created_by text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id)
) strict;
create index rules_by_position on rules (tenant_id, position, id);
create table rule_triggers (
  tenant_id blob not null references tenants (id),
  event text not null,
  rule_id blob not null,
  minutes integer not null,
  status text,
  primary key (tenant_id, event, rule_id),
  foreign key (tenant_id, rule_id) references rules (tenant_id, id)
) strict, without rowid;
create index rule_triggers_by_rule on rule_triggers (tenant_id, rule_id);
create table rule_timers (
  tenant_id blob not null references tenants (id),
  rule_id blob not null,
  ticket_id blob not null,
  anchor_at integer not null,
  run_at integer not null,
  primary key (tenant_id, rule_id, ticket_id),
  foreign key (tenant_id, rule_id) references rules (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create index rule_timers_due on rule_timers (tenant_id, run_at);
create index rule_timers_by_ticket on rule_timers (tenant_id, ticket_id);
create table rule_rotations (
  tenant_id blob not null references tenants (id),
  team_id blob not null,
  last_user_id blob,
  primary key (tenant_id, team_id)
) strict, without rowid;
create table rule_runs (
  tenant_id blob not null references tenants (id),
  id blob not null,
  rule_id blob not null,
  rule_name text not null,
  ticket_id blob not null,
  
  cause_id blob not null,
  started_by text not null,
  outcome text not null,
  reason text,
  details text not null,
  
  change_id blob,
  created_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict;
create index rule_runs_by_rule on rule_runs (tenant_id, rule_id, id);
create index rule_runs_by_outcome on rule_runs (tenant_id, rule_id, outcome, id);
create index rule_runs_by_ticket on rule_runs (tenant_id, ticket_id, id);
create unique index rule_runs_once on rule_runs (tenant_id, rule_id, ticket_id, cause_id);
create index rule_runs_by_change on rule_runs (tenant_id, change_id) where change_id is not null;
create index rule_runs_by_age on rule_runs (tenant_id, created_at);

-- 0010_csat
create table surveys (
  tenant_id blob not null references tenants (id),
  id blob not null,
  ticket_id blob not null,
  token_hash blob not null,
  
  agent_id blob,
  team_id blob,
  
  score integer,
  comment text not null,
  asked_at integer not null,
  answered_at integer,
  primary key (tenant_id, id),
  unique (tenant_id, ticket_id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, agent_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) strict;
create index surveys_by_time on surveys (tenant_id, asked_at, id);
create index surveys_by_answer on surveys (tenant_id, answered_at, id) where answered_at is not null;
create view portal_surveys  as
  select s.tenant_id, s.id, s.ticket_id, s.token_hash, s.score, s.comment, s.answered_at, t.ticket_number, t.subject
  from surveys s join portal_tickets t on t.tenant_id = s.tenant_id and t.id = s.ticket_id;

-- 0011_reports
create table report_facts (
  tenant_id blob not null references tenants (id),
  ticket_id blob not null,
  position integer not null,
  
  kind text not null,
  at integer not null,
  
  seconds integer not null,
  is_on_time integer not null,
  
  agent_id blob not null,
  team_id blob not null,
  primary key (tenant_id, ticket_id, position),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict, without rowid;
create table report_state (
  tenant_id blob not null references tenants (id),
  generation integer not null,
  time_zone text not null,
  low blob not null,
  primary key (tenant_id)
) strict, without rowid;
insert into report_state (tenant_id, generation, time_zone, low) select id, 0, '', x'00000000000000000000000000000000' from tenants;
create table report_deltas (
  tenant_id blob not null references tenants (id),
  id blob not null,
  generation integer not null,
  day integer not null,
  channel text not null,
  category text not null,
  priority integer not null,
  team_id blob not null,
  agent_id blob not null,
  slot integer not null,
  created integer not null,
  live integer not null,
  returned integer not null,
  finished integer not null,
  responded integer not null,
  resolved integer not null,
  on_time integer not null,
  reopened integer not null,
  seconds integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create table report_cells (
  tenant_id blob not null references tenants (id),
  generation integer not null,
  day integer not null,
  channel text not null,
  category text not null,
  priority integer not null,
  team_id blob not null,
  agent_id blob not null,
  slot integer not null,
  created integer not null,
  live integer not null,
  returned integer not null,
  finished integer not null,
  responded integer not null,
  resolved integer not null,
  on_time integer not null,
  reopened integer not null,
  seconds integer not null,
  primary key (tenant_id, generation, day, channel, category, priority, team_id, agent_id, slot)
) strict, without rowid;
create index report_cells_live on report_cells (tenant_id, generation, day) where live <> 0;
create table report_sums (
  tenant_id blob not null references tenants (id),
  generation integer not null,
  
  dimension text not null,
  value text not null,
  day integer not null,
  slot integer not null,
  created integer not null,
  live integer not null,
  returned integer not null,
  finished integer not null,
  responded integer not null,
  resolved integer not null,
  on_time integer not null,
  reopened integer not null,
  seconds integer not null,
  primary key (tenant_id, generation, dimension, day, value, slot)
) strict, without rowid;
create index report_sums_live on report_sums (tenant_id, generation, dimension, value, day) where live <> 0;

-- 0012_articles
create table article_categories (
  tenant_id blob not null references tenants (id),
  id blob not null,
  slug text not null,
  name text not null,
  position integer not null,
  created_at integer not null,
  primary key (tenant_id, id)
) strict;
create unique index article_categories_by_slug on article_categories (tenant_id, slug);
create table articles (
  tenant_id blob not null references tenants (id),
  id blob not null,
  
  slug text not null,
  category_id blob not null,
  visibility text not null check (visibility in ('public', 'signed_in')),
  position integer not null,
  archived_at integer,
  
  version integer not null,
  created_by text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, category_id) references article_categories (tenant_id, id)
) strict;
create unique index articles_by_slug on articles (tenant_id, slug);
create index articles_by_category on articles (tenant_id, category_id, position, id);
create table article_versions (
  tenant_id blob not null references tenants (id),
  article_id blob not null,
  language text not null,
  number integer not null,
  title text not null,
  body text not null,
  body_html text not null,
  
  restored_from integer,
  saved_by text not null,
  saved_at integer not null,
  
  published_at integer,
  primary key (tenant_id, article_id, language, number),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) strict;
create table article_texts (
  tenant_id blob not null references tenants (id),
  article_id blob not null,
  language text not null,
  draft_number integer not null,
  published_number integer,
  published_at integer,
  primary key (tenant_id, article_id, language),
  foreign key (tenant_id, article_id, language, draft_number) references article_versions (tenant_id, article_id, language, number),
  foreign key (tenant_id, article_id, language, published_number) references article_versions (tenant_id, article_id, language, number)
) strict;
create table article_words (
  tenant_id blob not null references tenants (id),
  word blob not null,
  article_id blob not null,
  language text not null,
  in_title integer not null,
  
  hits integer not null,
  primary key (tenant_id, word, article_id, language),
  foreign key (tenant_id, article_id, language) references article_texts (tenant_id, article_id, language)
) strict, without rowid;
create index article_words_by_article on article_words (tenant_id, article_id, language);
create table article_feedback (
  tenant_id blob not null references tenants (id),
  article_id blob not null,
  
  reader blob not null,
  is_helpful integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, article_id, reader),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) strict, without rowid;
create table article_deflections (
  tenant_id blob not null references tenants (id),
  article_id blob not null,
  on_day integer not null,
  reader blob not null,
  created_at integer not null,
  primary key (tenant_id, article_id, on_day, reader),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) strict, without rowid;
create table article_views (
  tenant_id blob not null references tenants (id),
  article_id blob not null,
  on_day integer not null,
  slot integer not null,
  views integer not null,
  primary key (tenant_id, article_id, on_day, slot),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) strict, without rowid;
create view portal_member_articles  as
  select a.tenant_id, a.id, a.slug, a.category_id, c.slug as category_slug, c.name as category_name,
         c.position as category_position, a.visibility, a.position, t.language, v.number, v.title, v.body, v.body_html,
         t.published_at
  from articles a
  join article_categories c on c.tenant_id = a.tenant_id and c.id = a.category_id
  join article_texts t on t.tenant_id = a.tenant_id and t.article_id = a.id
  join article_versions v on v.tenant_id = t.tenant_id and v.article_id = t.article_id and v.language = t.language
       and v.number = t.published_number
  where a.archived_at is null;
create view portal_articles  as
  select tenant_id, id, slug, category_id, category_slug, category_name, category_position, visibility, position,
         language, number, title, body, body_html, published_at
  from portal_member_articles where visibility = 'public';
create view portal_member_article_words  as
  select w.tenant_id, w.word, w.article_id, w.language, w.in_title, w.hits
  from article_words w
  join articles a on a.tenant_id = w.tenant_id and a.id = w.article_id
  where a.archived_at is null;
create view portal_article_words  as
  select w.tenant_id, w.word, w.article_id, w.language, w.in_title, w.hits
  from article_words w
  join articles a on a.tenant_id = w.tenant_id and a.id = w.article_id
  where a.archived_at is null and a.visibility = 'public';

-- 0013_long_threads
alter table search_entries add column since blob;
create index tickets_by_live_due on tickets (tenant_id, due_at, id)
  where status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null;

-- 0014_article_addresses
create table article_addresses (
  tenant_id blob not null references tenants (id),
  slug text not null,
  article_id blob not null,
  primary key (tenant_id, slug),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) strict, without rowid;
create index article_addresses_by_article on article_addresses (tenant_id, article_id);
create view portal_article_addresses  as
  select d.tenant_id, d.slug, a.slug as leads_to
  from article_addresses d join articles a on a.tenant_id = d.tenant_id and a.id = d.article_id;

-- 0015_held_answers_seen
alter table held_answers add column others integer not null default 0;

-- 0016_orders
drop index attachments_by_ticket;
create index attachments_by_ticket on attachments (tenant_id, ticket_id, id);
drop index attachments_by_message;
create index attachments_by_message on attachments (tenant_id, message_id, id);
drop index letters_by_ticket;
create index letters_by_ticket on letters (tenant_id, ticket_id, id);
drop index tickets_by_survivor;
create index tickets_by_survivor on tickets (tenant_id, survivor_id, id) where survivor_id is not null;
drop index forwards_by_ticket;
create index forwards_by_ticket on forwards (tenant_id, ticket_id, id);
drop index time_entries_by_ticket;
create index time_entries_by_ticket on time_entries (tenant_id, ticket_id, id);
drop index held_answers_by_ticket;
create index held_answers_by_ticket on held_answers (tenant_id, ticket_id, id);

-- 0017_job_lanes
alter table jobs add column lane integer not null default 1;
drop index jobs_due;
create index jobs_due on jobs (lane, run_at) where state = 'queued';
create index bulk_changes_collecting on bulk_changes (tenant_id, created_at) where status = 'collecting';

-- 0018_mail
create table channels (
  tenant_id blob not null references tenants (id),
  id blob not null,
  address text not null,
  address_key text not null,
  name text not null,
  team_id blob,
  priority integer not null,
  category text,
  signature text not null,
  
  reply_address text,
  reply_key text,
  acknowledges integer not null,
  unknown_senders text not null,
  contact_forms text not null,
  forwarding_staff integer not null,
  
  trusted_host text,
  key_hash blob not null,
  key_prefix text not null,
  disabled_at integer,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) strict;
create index channels_by_team on channels (tenant_id, team_id);
create unique index channels_by_address on channels (address_key);
create unique index channels_by_reply_address on channels (reply_key) where reply_key is not null;
create unique index channels_by_key on channels (key_hash);
create table mails (
  tenant_id blob not null references tenants (id),
  id blob not null,
  channel_id blob not null,
  door text not null,
  
  envelope_from text,
  envelope_to text not null,
  client_ip text,
  helo text,
  sha256 blob not null,
  size_bytes integer not null,
  state text not null,
  outcome text,
  reason text not null,
  ticket_id blob,
  message_id blob,
  header_id text,
  subject text not null,
  from_email text not null,
  from_name text not null,
  automated text,
  authentication text not null,
  released_by text,
  
  run integer not null,
  received_at integer not null,
  settled_at integer,
  primary key (tenant_id, id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict;
create index mails_by_state on mails (tenant_id, state, id);
create index mails_by_ticket on mails (tenant_id, ticket_id, id) where ticket_id is not null;
create index mails_by_channel on mails (tenant_id, channel_id, id);
create table mail_keys (
  tenant_id blob not null references tenants (id),
  mail_key blob not null,
  mail_id blob not null,
  primary key (tenant_id, mail_key),
  foreign key (tenant_id, mail_id) references mails (tenant_id, id)
) strict, without rowid;
create index mail_keys_by_mail on mail_keys (tenant_id, mail_id);
create table mail_references (
  tenant_id blob not null references tenants (id),
  header_hash blob not null,
  ticket_id blob not null,
  is_seen integer not null,
  created_at integer not null,
  primary key (tenant_id, header_hash, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict;
create index mail_references_by_ticket on mail_references (tenant_id, ticket_id);
create table reply_addresses (
  tenant_id blob not null references tenants (id),
  token_hash blob not null,
  ticket_id blob not null,
  user_id blob,
  
  forward_id blob,
  created_at integer not null,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) strict;
create index reply_addresses_by_ticket on reply_addresses (tenant_id, ticket_id);
create table message_mails (
  tenant_id blob not null references tenants (id),
  message_id blob not null,
  ticket_id blob not null,
  mail_id blob not null,
  from_email text not null,
  from_name text not null,
  found_by text not null,
  reason text not null,
  
  standing text not null,
  automated text,
  is_authentic integer not null,
  has_html integer not null,
  copied text not null,
  
  withheld text not null,
  
  follows_id blob,
  primary key (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id),
  foreign key (tenant_id, mail_id) references mails (tenant_id, id)
) strict;
create index message_mails_by_ticket on message_mails (tenant_id, ticket_id, message_id);
create index message_mails_by_mail on message_mails (tenant_id, mail_id);
create table tenant_secrets (
  tenant_id blob not null references tenants (id),
  purpose text not null,
  secret blob not null,
  created_at integer not null,
  primary key (tenant_id, purpose)
) strict, without rowid;
alter table tickets add column mail_channel_id blob;
create index tickets_by_follow_up on tickets (tenant_id, follow_up_of, id) where follow_up_of is not null;
alter table letters add column from_email text;
alter table letters add column reply_to text;
alter table letters add column mail_references text not null default '[]';
create index letters_by_message_id on letters (tenant_id, message_id);
create table letter_files (
  tenant_id blob not null references tenants (id),
  letter_id blob not null,
  position integer not null,
  filename text not null,
  content_type text not null,
  size_bytes integer not null,
  sha256 blob not null,
  primary key (tenant_id, letter_id, position),
  foreign key (tenant_id, letter_id) references letters (tenant_id, id)
) strict, without rowid;
create index letters_by_recipient on letters (tenant_id, to_email, created_at);

-- 0019_mailboxes
create table channel_mailboxes (
  tenant_id blob not null references tenants (id),
  channel_id blob not null,
  host text not null,
  port integer not null,
  tls text not null,
  username text not null,
  password text not null,
  folder text not null,
  
  uidvalidity integer,
  last_uid integer,
  
  from_beginning integer not null,
  checked_at integer,
  collected integer not null,
  error_code text,
  error text,
  
  paused_at integer,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict, without rowid;

-- 0020_once
alter table jobs add column is_begun integer not null default false;

-- 0021_mailbox_sign_in
create table oauth_clients (
  tenant_id blob not null references tenants (id),
  provider text not null,
  client_id text not null,
  client_secret text not null,
  
  directory text not null,
  
  authorize_url text not null,
  token_url text not null,
  scopes text not null,
  host text not null,
  port integer not null,
  tls text not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, provider)
) strict, without rowid;
create table oauth_attempts (
  tenant_id blob not null references tenants (id),
  state_hash blob not null,
  session_id blob not null,
  channel_id blob not null,
  provider text not null,
  verifier text not null,
  redirect_url text not null,
  username text not null,
  folder text not null,
  from_beginning integer not null,
  expires_at integer not null,
  primary key (tenant_id, state_hash),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict;
create index oauth_attempts_by_channel on oauth_attempts (tenant_id, channel_id);
create index oauth_attempts_by_end on oauth_attempts (tenant_id, expires_at);
create table channel_grants (
  tenant_id blob not null references tenants (id),
  channel_id blob not null,
  provider text not null,
  
  account text,
  refresh_token text not null,
  access_token text not null,
  expires_at integer not null,
  
  renew_at integer not null,
  
  refreshing_until integer,
  
  run integer not null,
  
  ended_at integer,
  connected_by text not null,
  connected_at integer not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict;
create index channel_grants_by_provider on channel_grants (tenant_id, provider, channel_id);
alter table channel_mailboxes add column sign_in text not null default 'password';
create table channel_sent_folders (
  tenant_id blob not null references tenants (id),
  channel_id blob not null,
  
  folder text not null,
  
  uidvalidity integer,
  last_uid integer,
  
  since integer not null,
  checked_at integer,
  collected integer not null,
  error_code text,
  error text,
  paused_at integer,
  version integer not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict, without rowid;

-- 0022_letters_lately
create index letters_lately_to on letters (tenant_id, to_email, created_at) where automatic and status <> 'held';
create index letters_lately on letters (tenant_id, id) where automatic and status <> 'held';

-- 0023_channel_outgoing
create table channel_outgoing (
  tenant_id blob not null references tenants (id),
  channel_id blob not null,
  host text not null,
  port integer not null,
  tls text not null,
  
  sign_in text not null,
  username text not null,
  password text not null,
  error text,
  
  paused_at integer,
  version integer not null,
  created_at integer not null,
  updated_at integer not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict, without rowid;

-- 0024_mail_people
alter table channels add column mailing_lists text not null default '[]';
alter table mails add column reuses_id integer not null default false;
alter table letters add column customer_id blob;
create index letters_by_customer on letters (tenant_id, customer_id, created_at) where customer_id is not null;
alter table letters add column shown_to text;
alter table letters add column shown_cc text not null default '[]';
alter table letters add column unsubscribe text;
alter table ticket_participants add column is_hidden integer not null default false;
alter table customers add column surveys_off_at integer;
create table dropped_blobs (
  tenant_id blob not null references tenants (id),
  sha256 blob not null,
  dropped_at integer not null,
  primary key (tenant_id, sha256)
) strict;
create index dropped_blobs_by_age on dropped_blobs (tenant_id, dropped_at);
create index attachments_by_content on attachments (tenant_id, sha256);
create index mails_by_content on mails (tenant_id, sha256);
create index letter_files_by_content on letter_files (tenant_id, sha256);

-- 0025_channel_addresses
create table channel_addresses (
  tenant_id blob not null references tenants (id),
  address_key text not null,
  channel_id blob not null,
  primary key (tenant_id, address_key),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict;
create unique index channel_addresses_once on channel_addresses (address_key);
create index channel_addresses_by_channel on channel_addresses (tenant_id, channel_id);
insert into channel_addresses (tenant_id, address_key, channel_id) select tenant_id, address_key, id from channels;
insert into channel_addresses (tenant_id, address_key, channel_id)
  select tenant_id, reply_key, id from channels where reply_key is not null and reply_key not in (select address_key from channel_addresses);
drop index channels_by_reply_address;
alter table channels drop column reply_key;

-- 0026_mailboxes_made_anew
alter table channel_mailboxes add column since integer;
alter table channel_mailboxes add column anew_until integer;
alter table channel_sent_folders add column anew_until integer;

-- 0027_rule_timers_taken
alter table rule_timers add column queued_at integer;
drop index rule_timers_due;
create index rule_timers_due on rule_timers (tenant_id, run_at) where queued_at is null;

-- 0028_bulk_actors
alter table bulk_changes add column actor_id blob;
alter table bulk_changes add column undone_by_kind text;
alter table bulk_changes add column undone_by_id blob;
alter table bulk_changes add column undone_by_name text;

-- 0029_cohorts
create table cohort_deltas (
  tenant_id blob not null references tenants (id),
  id blob not null,
  generation integer not null,
  
  day integer not null,
  status text not null,
  priority integer not null,
  category text not null,
  agent_id blob not null,
  
  response_seconds integer,
  resolution_minutes integer,
  is_resolved integer not null,
  is_on_time integer not null,
  change integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create table cohort_sums (
  tenant_id blob not null references tenants (id),
  generation integer not null,
  
  days integer not null,
  day integer not null,
  
  
  figure text not null,
  value text not null,
  tickets integer not null,
  total integer not null,
  primary key (tenant_id, generation, days, day, figure, value)
) strict, without rowid;
drop index tickets_by_live_due;
create index tickets_by_live_due on tickets (tenant_id, due_at, id, created_at, status, survivor_id, deleted_at)
  where status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null;
update report_state set time_zone = '' where generation > 0;

-- 0030_held_macros
alter table held_answers add column afterwards text;

-- 0031_mail_waiting
create table channel_tellings (
  tenant_id blob not null references tenants (id),
  channel_id blob not null,
  told_at integer not null,
  
  told_until integer not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict, without rowid;
create index mails_undecided on mails (tenant_id, channel_id, settled_at) where state in ('quarantined', 'failed');

-- 0032_mail_gone
create index mails_strays on mails (tenant_id, settled_at) where message_id is null and state in ('done', 'discarded');
create table gone_mails (
  tenant_id blob not null references tenants (id),
  channel_id blob not null,
  mark blob not null,
  gone_at integer not null,
  primary key (tenant_id, channel_id, mark),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) strict, without rowid;

-- 0033_null_path
alter table channel_outgoing add column null_path_refused_at integer;

-- 0034_trusted_sealers
alter table channels add column trusted_sealers text not null default '[]';

-- 0035_blobs_aside
alter table dropped_blobs add column aside_at integer;
create index dropped_blobs_aside on dropped_blobs (tenant_id, aside_at) where aside_at is not null;

-- 0036_long_words
insert into search_progress (tenant_id, ticket_id, is_complete, run)
  select distinct tenant_id, null, 0, 0 from search_entries where segments > 1
  on conflict (tenant_id) do update set ticket_id = null, is_complete = 0, run = search_progress.run + 1;
delete from search_words where rowid in (select no from search_entries where segments > 1);
delete from search_entries where segments > 1;

-- 0037_letters_of_customer
drop index letters_by_customer;
create index letters_lately_customer on letters (tenant_id, customer_id, created_at) where automatic and status <> 'held' and customer_id is not null;

-- 0038_drafts_aside
alter table drafts add column aside text;
