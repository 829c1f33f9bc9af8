-- Made from migrations/ by `cargo dev schema`; a test compares it.

-- 0001_foundation
create table tenants (
  id uuid not null primary key,
  slug text not null unique,
  name text not null,
  host text unique,
  settings jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create table installation_tokens (
  token_hash bytea not null primary key,
  purpose text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create table schedules (
  name text not null primary key,
  next_run_at timestamptz not null,
  last_run_at timestamptz
);
create table number_series (
  tenant_id uuid not null references tenants (id),
  series text not null,
  next_value bigint not null,
  primary key (tenant_id, series)
);
create table customers (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  email text not null,
  email_key text not null,
  name text not null,
  phone text,
  company text,
  service_address text,
  plan text,
  internal_notes text not null,
  verified_at timestamptz,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, email_key)
);
create index customers_by_name on customers (tenant_id, name, id);
create table users (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  email text not null,
  email_key text not null,
  name text not null,
  role text not null,
  customer_id uuid,
  password_hash text,
  verified_at timestamptz,
  disabled_at timestamptz,
  totp_secret text,
  totp_confirmed_at timestamptz,
  totp_last_step bigint not null,
  locale text not null,
  time_zone text not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_seen_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, email_key),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
);
create index users_by_customer on users (tenant_id, customer_id);
create table recovery_codes (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  user_id uuid not null,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index recovery_codes_by_user on recovery_codes (tenant_id, user_id);
create table sessions (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  user_id uuid not null,
  token_hash bytea not null,
  user_agent text not null,
  client_ip text not null,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index sessions_by_user on sessions (tenant_id, user_id);
create table api_keys (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  prefix text not null,
  key_hash bytea not null,
  scope text not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, key_hash)
);
create table one_time_tokens (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  purpose text not null,
  token_hash bytea not null,
  user_id uuid not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create table throttles (
  tenant_id uuid not null references tenants (id),
  bucket text not null,
  window_start timestamptz not null,
  hits bigint not null,
  primary key (tenant_id, bucket)
);
create table teams (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  name_key text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, name_key)
);
create table team_members (
  tenant_id uuid not null references tenants (id),
  team_id uuid not null,
  user_id uuid not null,
  primary key (tenant_id, team_id, user_id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index team_members_by_user on team_members (tenant_id, user_id);
create table audit_log (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  event_type text not null,
  subject_kind text not null,
  subject_id uuid,
  before_value jsonb,
  after_value jsonb,
  actor_kind text not null,
  actor_id uuid,
  actor_name text not null,
  request_id text,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
create index audit_log_by_type on audit_log (tenant_id, event_type, id);
create table idempotency_keys (
  tenant_id uuid not null references tenants (id),
  caller text not null,
  idempotency_key text not null,
  request_hash bytea not null,
  status bigint not null,
  body text not null,
  created_at timestamptz not null,
  primary key (tenant_id, caller, idempotency_key)
);
create index idempotency_keys_by_age on idempotency_keys (tenant_id, created_at);
create table jobs (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  kind text not null,
  job_key text not null,
  payload jsonb not null,
  state text not null,
  run_at timestamptz not null,
  attempts bigint not null,
  lease_until timestamptz,
  fence bigint not null,
  last_error text,
  cause text,
  created_at timestamptz not null,
  finished_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, kind, job_key)
);
create index jobs_due on jobs (run_at) where state = 'queued';
create index jobs_leased on jobs (lease_until) where state = 'running';
create index jobs_dead on jobs (tenant_id, finished_at) where state = 'dead';
create index jobs_done on jobs (finished_at) where state = 'done';
create table events (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  topic text not null,
  ticket_id uuid,
  customer_id uuid,
  is_public boolean not null,
  payload jsonb not null,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
create index events_by_age on events (created_at);
create table letters (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  kind text not null,
  ticket_id uuid,
  to_email text not null,
  to_name text not null,
  subject text not null,
  body_text text not null,
  body_html text not null,
  message_id text not null,
  in_reply_to text,
  automatic boolean not null,
  status text not null,
  attempts bigint not null,
  last_error text,
  created_at timestamptz not null,
  sent_at timestamptz,
  primary key (tenant_id, id)
);
create index letters_by_status on letters (tenant_id, status, id);
create index letters_by_ticket on letters (tenant_id, ticket_id);
create table letter_templates (
  tenant_id uuid not null references tenants (id),
  kind text not null,
  locale text not null,
  subject text not null,
  body text not null,
  updated_at timestamptz not null,
  primary key (tenant_id, kind, locale)
);
create table notices (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  user_id uuid not null,
  kind text not null,
  title text not null,
  ticket_id uuid,
  created_at timestamptz not null,
  read_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index notices_unread on notices (tenant_id, user_id, id) where read_at is null;
create index notices_by_user on notices (tenant_id, user_id, id);

-- 0002_desk
create table categories (
  tenant_id uuid not null references tenants (id),
  slug text not null,
  name text not null,
  position bigint not null,
  archived_at timestamptz,
  primary key (tenant_id, slug)
);
create table tickets (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_number text not null,
  subject text not null,
  search_text text not null,
  status text not null,
  
  public_status text not null,
  priority bigint not null,
  category text not null,
  ticket_type text not null,
  channel text not null,
  customer_id uuid not null,
  user_id uuid,
  user_email text not null,
  order_id uuid,
  assigned_to uuid,
  team_id uuid,
  origin_type text not null,
  target_type text not null,
  unread_by_agent bigint not null,
  unread_by_customer bigint not null,
  message_count bigint not null,
  public_message_count bigint not null,
  last_message_at timestamptz not null,
  due_at timestamptz not null,
  first_response_at timestamptz,
  resolution_time_minutes bigint,
  last_reminder_at timestamptz,
  reminder_count bigint not null,
  escalation_level bigint not null,
  escalated_at timestamptz,
  escalated_to_user_id uuid,
  resolved_at timestamptz,
  closed_at timestamptz,
  close_reason text,
  resolution_notes text,
  ai_summary text,
  ai_confidence_score double precision,
  ai_first_response_time bigint,
  ai_auto_resolved boolean not null,
  context jsonb not null,
  first_message_id uuid not null,
  follow_up_of uuid,
  version bigint not null,
  public_version bigint not null,
  public_updated_at timestamptz not null,
  created_by_kind text not null,
  created_by_id uuid,
  created_by text not null,
  updated_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, ticket_number),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, assigned_to) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id),
  foreign key (tenant_id, escalated_to_user_id) references users (tenant_id, id)
);
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
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  direction text not null,
  is_internal boolean not null,
  author_kind text not null,
  author_id uuid,
  author_name text not null,
  body text not null,
  body_html text not null,
  delivery text not null,
  letter_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index messages_by_ticket on messages (tenant_id, ticket_id, id);
create index messages_by_letter on messages (tenant_id, letter_id) where letter_id is not null;
create table attachments (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  message_id uuid not null,
  filename text not null,
  content_type text not null,
  size_bytes bigint not null,
  sha256 bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id)
);
create index attachments_by_ticket on attachments (tenant_id, ticket_id);
create index attachments_by_message on attachments (tenant_id, message_id);
create table ticket_links (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  kind text not null,
  linked_id text not null,
  label text not null,
  is_public boolean not null,
  primary key (tenant_id, ticket_id, kind, linked_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index ticket_links_by_target on ticket_links (tenant_id, kind, linked_id, ticket_id);
create table ticket_tags (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  tag text not null,
  primary key (tenant_id, ticket_id, tag),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index ticket_tags_by_tag on ticket_tags (tenant_id, tag, ticket_id);
create table ticket_watchers (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  user_id uuid not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create table ticket_audits (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  event_type text not null,
  from_value text,
  to_value text,
  metadata jsonb not null,
  is_public boolean not null,
  actor_kind text not null,
  actor_id uuid,
  actor_name text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index ticket_audits_by_ticket on ticket_audits (tenant_id, ticket_id, id);
create table status_links (
  tenant_id uuid not null references tenants (id),
  token_hash bytea not null,
  ticket_id uuid not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index status_links_by_ticket on status_links (tenant_id, ticket_id);
create view portal_tickets with (security_invoker = true) as
  select tenant_id, id, ticket_number, subject, public_status as status, priority, category, ticket_type, channel,
         customer_id, user_id, user_email, order_id, unread_by_customer, public_message_count as message_count,
         last_message_at, resolved_at, closed_at, first_message_id, public_version as version,
         created_at, public_updated_at as updated_at
  from tickets where close_reason is null or close_reason <> 'spam';
create view portal_messages with (security_invoker = true) as
  select tenant_id, id, ticket_id, direction, author_kind, author_id, author_name, body, body_html, created_at
  from messages where not is_internal;
create view portal_attachments with (security_invoker = true) as
  select a.tenant_id, a.id, a.ticket_id, a.message_id, a.filename, a.content_type, a.size_bytes, a.sha256
  from attachments a join messages m on m.tenant_id = a.tenant_id and m.id = a.message_id where not m.is_internal;
create view portal_links with (security_invoker = true) as
  select tenant_id, ticket_id, kind, linked_id, label from ticket_links where is_public;
create view portal_audits with (security_invoker = true) as
  select tenant_id, id, ticket_id, event_type, from_value, to_value, actor_kind, created_at
  from ticket_audits where is_public;

-- 0003_webhooks
create table event_taps (
  tenant_id uuid not null references tenants (id),
  pattern text not null,
  primary key (tenant_id, pattern)
);
create table event_sequences (
  tenant_id uuid not null references tenants (id),
  object_id uuid not null,
  last_value bigint not null,
  primary key (tenant_id, object_id)
);
create table webhooks (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  url text not null,
  topics jsonb not null,
  secret text not null,
  previous_secret text,
  previous_until timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  
  failing_since timestamptz,
  deleted_at timestamptz,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id)
);
create table webhook_messages (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  topic text not null,
  body text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
create index webhook_messages_by_age on webhook_messages (tenant_id, created_at);
create table webhook_deliveries (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  webhook_id uuid not null,
  message_id uuid not null,
  topic text not null,
  state text not null,
  attempts bigint not null,
  
  round bigint not null,
  attempts_before bigint not null,
  next_attempt_at timestamptz,
  last_status bigint,
  last_error text,
  created_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, webhook_id, message_id),
  foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id),
  foreign key (tenant_id, message_id) references webhook_messages (tenant_id, id)
);
create index webhook_deliveries_by_webhook on webhook_deliveries (tenant_id, webhook_id, id);
create index webhook_deliveries_by_state on webhook_deliveries (tenant_id, webhook_id, state, id);
create index webhook_deliveries_by_message on webhook_deliveries (tenant_id, message_id);
create table webhook_attempts (
  tenant_id uuid not null references tenants (id),
  delivery_id uuid not null,
  number bigint not null,
  started_at timestamptz not null,
  duration_ms bigint not null,
  status bigint,
  error text,
  answer_excerpt text not null,
  primary key (tenant_id, delivery_id, number),
  foreign key (tenant_id, delivery_id) references webhook_deliveries (tenant_id, id)
);

-- 0004_search
create table search_entries (
  tenant_id uuid not null references tenants (id),
  no bigint not null,
  ticket_id uuid not null,
  segment bigint not null,
  
  segments bigint not null,
  
  words tsvector,
  primary key (tenant_id, no),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index search_entries_by_ticket on search_entries (tenant_id, ticket_id, segment);
create unique index search_entries_by_no on search_entries (no);
create table search_progress (
  tenant_id uuid not null references tenants (id),
  
  ticket_id uuid,
  is_complete boolean not null,
  
  run bigint not null,
  primary key (tenant_id)
);
insert into search_progress (tenant_id, is_complete, run) select id, false, 0 from tenants;
create index search_entries_by_words on search_entries using gin (words) with (gin_pending_list_limit = 1024);
create function counterfoil_search(wanted tsquery, in_head tsquery, most bigint)
  returns table (no bigint, ticket_id uuid, segments bigint, heads boolean)
  language sql stable security definer
  set search_path = public set enable_seqscan = off set enable_indexscan = off
  as $$ select e.no, e.ticket_id, e.segments, e.words @@ in_head from search_entries e
    where e.words @@ wanted and e.tenant_id::text = current_setting('counterfoil.tenant', true) limit most $$;
create function counterfoil_search_newest(wanted tsquery, below bigint, most bigint)
  returns table (no bigint, ticket_id uuid, segments bigint)
  language sql stable security definer
  set search_path = public set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  as $$ select e.no, e.ticket_id, e.segments from search_entries e
    where e.tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid and e.no < below
      and e.words @@ wanted order by e.no desc limit most $$;

-- 0005_desk_work
alter table tickets add column survivor_id uuid;
alter table tickets add column merged_count bigint not null default 0;
alter table tickets add column public_last_message_at timestamptz;
alter table tickets add column snoozed_at timestamptz;
alter table tickets add column snoozed_until timestamptz;
alter table tickets add column deleted_at timestamptz;
alter table tickets add column minutes_spent bigint not null default 0;
create index tickets_by_survivor on tickets (tenant_id, survivor_id) where survivor_id is not null;
create index tickets_by_snooze on tickets (tenant_id, snoozed_until) where snoozed_at is not null;
create index tickets_by_deletion on tickets (tenant_id, deleted_at) where deleted_at is not null;
create table ticket_merges (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  into_id uuid not null,
  merged_by text not null,
  merged_at timestamptz not null,
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, into_id) references tickets (tenant_id, id)
);
create index ticket_merges_by_target on ticket_merges (tenant_id, into_id);
create table ticket_relations (
  tenant_id uuid not null references tenants (id),
  from_id uuid not null,
  kind text not null,
  to_id uuid not null,
  created_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, from_id, kind, to_id),
  foreign key (tenant_id, from_id) references tickets (tenant_id, id),
  foreign key (tenant_id, to_id) references tickets (tenant_id, id)
);
create index ticket_relations_by_target on ticket_relations (tenant_id, to_id, kind);
create table ticket_participants (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  email text not null,
  name text not null,
  added_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, ticket_id, email),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create table forwards (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  message_id uuid not null,
  to_email text not null,
  token_hash bytea not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id)
);
create index forwards_by_ticket on forwards (tenant_id, ticket_id);
create table checklist_items (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  position bigint not null,
  text text not null,
  done_at timestamptz,
  done_by text,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index checklist_items_by_ticket on checklist_items (tenant_id, ticket_id, position);
create table time_entries (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  user_id uuid,
  user_name text not null,
  minutes bigint not null,
  note text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index time_entries_by_ticket on time_entries (tenant_id, ticket_id);
create table blocked_senders (
  tenant_id uuid not null references tenants (id),
  email text not null,
  blocked_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, email)
);
create table tags (
  tenant_id uuid not null references tenants (id),
  tag text not null,
  colour text not null,
  updated_at timestamptz not null,
  primary key (tenant_id, tag)
);
drop view portal_tickets;
create view portal_tickets with (security_invoker = true) as
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
  tenant_id uuid not null references tenants (id),
  status text not null,
  is_snoozed boolean not null,
  assigned_to uuid not null,
  team_id uuid not null,
  part uuid not null,
  count bigint not null,
  primary key (tenant_id, status, is_snoozed, assigned_to, team_id, part)
);
insert into ticket_counts (tenant_id, status, is_snoozed, assigned_to, team_id, part, count)
  select tenant_id, status, false, coalesce(assigned_to, uuid '00000000-0000-0000-0000-000000000000'), coalesce(team_id, uuid '00000000-0000-0000-0000-000000000000'), uuid '00000000-0000-0000-0000-000000000000', count(*)
  from tickets where close_reason is null or close_reason <> 'spam'
  group by tenant_id, status, coalesce(assigned_to, uuid '00000000-0000-0000-0000-000000000000'), coalesce(team_id, uuid '00000000-0000-0000-0000-000000000000');
create table saved_views (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  owner_id uuid not null,
  
  team_id uuid,
  is_for_all boolean not null,
  query jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
);
create index saved_views_by_owner on saved_views (tenant_id, owner_id);
create table bulk_changes (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  changes jsonb not null,
  
  status text not null,
  total bigint not null,
  done bigint not null,
  failed bigint not null,
  restored bigint not null,
  user_id uuid,
  actor_kind text not null,
  actor_name text not null,
  role text not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  primary key (tenant_id, id)
);
create index bulk_changes_by_creation on bulk_changes (tenant_id, created_at);
create table bulk_items (
  tenant_id uuid not null references tenants (id),
  bulk_id uuid not null,
  position bigint not null,
  ticket_id uuid not null,
  
  outcome text not null,
  reason text,
  
  before jsonb,
  version bigint,
  primary key (tenant_id, bulk_id, position),
  foreign key (tenant_id, bulk_id) references bulk_changes (tenant_id, id)
);

-- 0007_composing
create table drafts (
  tenant_id uuid not null references tenants (id),
  user_id uuid not null,
  ticket_id uuid not null,
  
  kind text not null,
  body text not null,
  
  status text,
  
  files jsonb not null,
  updated_at timestamptz not null,
  primary key (tenant_id, user_id, ticket_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index drafts_by_ticket on drafts (tenant_id, ticket_id);
create table held_answers (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  
  ticket_id uuid not null,
  addressed_to uuid,
  user_id uuid not null,
  user_name text not null,
  body text not null,
  body_html text not null,
  attachments jsonb not null,
  status text,
  created_at timestamptz not null,
  release_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index held_answers_by_ticket on held_answers (tenant_id, ticket_id);
create table presence (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  user_id uuid not null,
  seen_at timestamptz not null,
  typed_at timestamptz,
  changed_at timestamptz not null,
  primary key (tenant_id, ticket_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index presence_by_change on presence (tenant_id, changed_at);

-- 0008_macros
create table macros (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  is_canned boolean not null,
  name text not null,
  
  text_kind text,
  body text not null,
  files jsonb not null,
  changes jsonb not null,
  owner_id uuid not null,
  
  team_id uuid,
  is_for_all boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, owner_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
);
create index macros_by_owner on macros (tenant_id, owner_id);
create table macro_uses (
  tenant_id uuid not null references tenants (id),
  macro_id uuid not null,
  
  by_id uuid not null,
  uses bigint not null,
  last_used_at timestamptz not null,
  primary key (tenant_id, macro_id, by_id),
  foreign key (tenant_id, macro_id) references macros (tenant_id, id)
);

-- 0009_rules
alter table users add column away_at timestamptz;
alter table users add column away_until timestamptz;
alter table ticket_audits add column change_id uuid;
create table rules (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text not null,
  position bigint not null,
  definition jsonb not null,
  
  active_since timestamptz,
  version bigint not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id)
);
create index rules_by_position on rules (tenant_id, position, id);
create table rule_triggers (
  tenant_id uuid not null references tenants (id),
  event text not null,
  rule_id uuid not null,
  minutes bigint not null,
  status text,
  primary key (tenant_id, event, rule_id),
  foreign key (tenant_id, rule_id) references rules (tenant_id, id)
);
create index rule_triggers_by_rule on rule_triggers (tenant_id, rule_id);
create table rule_timers (
  tenant_id uuid not null references tenants (id),
  rule_id uuid not null,
  ticket_id uuid not null,
  anchor_at timestamptz not null,
  run_at timestamptz not null,
  primary key (tenant_id, rule_id, ticket_id),
  foreign key (tenant_id, rule_id) references rules (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index rule_timers_due on rule_timers (tenant_id, run_at);
create index rule_timers_by_ticket on rule_timers (tenant_id, ticket_id);
create table rule_rotations (
  tenant_id uuid not null references tenants (id),
  team_id uuid not null,
  last_user_id uuid,
  primary key (tenant_id, team_id)
);
create table rule_runs (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  rule_id uuid not null,
  rule_name text not null,
  ticket_id uuid not null,
  
  cause_id uuid not null,
  started_by text not null,
  outcome text not null,
  reason text,
  details jsonb not null,
  
  change_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index rule_runs_by_rule on rule_runs (tenant_id, rule_id, id);
create index rule_runs_by_outcome on rule_runs (tenant_id, rule_id, outcome, id);
create index rule_runs_by_ticket on rule_runs (tenant_id, ticket_id, id);
create unique index rule_runs_once on rule_runs (tenant_id, rule_id, ticket_id, cause_id);
create index rule_runs_by_change on rule_runs (tenant_id, change_id) where change_id is not null;
create index rule_runs_by_age on rule_runs (tenant_id, created_at);

-- 0010_csat
create table surveys (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  ticket_id uuid not null,
  token_hash bytea not null,
  
  agent_id uuid,
  team_id uuid,
  
  score bigint,
  comment text not null,
  asked_at timestamptz not null,
  answered_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, ticket_id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, agent_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
);
create index surveys_by_time on surveys (tenant_id, asked_at, id);
create index surveys_by_answer on surveys (tenant_id, answered_at, id) where answered_at is not null;
create view portal_surveys with (security_invoker = true) as
  select s.tenant_id, s.id, s.ticket_id, s.token_hash, s.score, s.comment, s.answered_at, t.ticket_number, t.subject
  from surveys s join portal_tickets t on t.tenant_id = s.tenant_id and t.id = s.ticket_id;

-- 0011_reports
create table report_facts (
  tenant_id uuid not null references tenants (id),
  ticket_id uuid not null,
  position bigint not null,
  
  kind text not null,
  at timestamptz not null,
  
  seconds bigint not null,
  is_on_time boolean not null,
  
  agent_id uuid not null,
  team_id uuid not null,
  primary key (tenant_id, ticket_id, position),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create table report_state (
  tenant_id uuid not null references tenants (id),
  generation bigint not null,
  time_zone text not null,
  low uuid not null,
  primary key (tenant_id)
);
insert into report_state (tenant_id, generation, time_zone, low) select id, 0, '', uuid '00000000-0000-0000-0000-000000000000' from tenants;
create table report_deltas (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  generation bigint not null,
  day bigint not null,
  channel text not null,
  category text not null,
  priority bigint not null,
  team_id uuid not null,
  agent_id uuid not null,
  slot bigint not null,
  created bigint not null,
  live bigint not null,
  returned bigint not null,
  finished bigint not null,
  responded bigint not null,
  resolved bigint not null,
  on_time bigint not null,
  reopened bigint not null,
  seconds bigint not null,
  primary key (tenant_id, id)
);
create table report_cells (
  tenant_id uuid not null references tenants (id),
  generation bigint not null,
  day bigint not null,
  channel text not null,
  category text not null,
  priority bigint not null,
  team_id uuid not null,
  agent_id uuid not null,
  slot bigint not null,
  created bigint not null,
  live bigint not null,
  returned bigint not null,
  finished bigint not null,
  responded bigint not null,
  resolved bigint not null,
  on_time bigint not null,
  reopened bigint not null,
  seconds bigint not null,
  primary key (tenant_id, generation, day, channel, category, priority, team_id, agent_id, slot)
);
create index report_cells_live on report_cells (tenant_id, generation, day) where live <> 0;
create table report_sums (
  tenant_id uuid not null references tenants (id),
  generation bigint not null,
  
  dimension text not null,
  value text not null,
  day bigint not null,
  slot bigint not null,
  created bigint not null,
  live bigint not null,
  returned bigint not null,
  finished bigint not null,
  responded bigint not null,
  resolved bigint not null,
  on_time bigint not null,
  reopened bigint not null,
  seconds bigint not null,
  primary key (tenant_id, generation, dimension, day, value, slot)
);
create index report_sums_live on report_sums (tenant_id, generation, dimension, value, day) where live <> 0;

-- 0012_articles
create table article_categories (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  slug text not null,
  name text not null,
  position bigint not null,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
create unique index article_categories_by_slug on article_categories (tenant_id, slug);
create table articles (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  
  slug text not null,
  category_id uuid not null,
  visibility text not null check (visibility in ('public', 'signed_in')),
  position bigint not null,
  archived_at timestamptz,
  
  version bigint not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, category_id) references article_categories (tenant_id, id)
);
create unique index articles_by_slug on articles (tenant_id, slug);
create index articles_by_category on articles (tenant_id, category_id, position, id);
create table article_versions (
  tenant_id uuid not null references tenants (id),
  article_id uuid not null,
  language text not null,
  number bigint not null,
  title text not null,
  body text not null,
  body_html text not null,
  
  restored_from bigint,
  saved_by text not null,
  saved_at timestamptz not null,
  
  published_at timestamptz,
  primary key (tenant_id, article_id, language, number),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
);
create table article_texts (
  tenant_id uuid not null references tenants (id),
  article_id uuid not null,
  language text not null,
  draft_number bigint not null,
  published_number bigint,
  published_at timestamptz,
  primary key (tenant_id, article_id, language),
  foreign key (tenant_id, article_id, language, draft_number) references article_versions (tenant_id, article_id, language, number),
  foreign key (tenant_id, article_id, language, published_number) references article_versions (tenant_id, article_id, language, number)
);
create table article_words (
  tenant_id uuid not null references tenants (id),
  word bytea not null,
  article_id uuid not null,
  language text not null,
  in_title boolean not null,
  
  hits bigint not null,
  primary key (tenant_id, word, article_id, language),
  foreign key (tenant_id, article_id, language) references article_texts (tenant_id, article_id, language)
);
create index article_words_by_article on article_words (tenant_id, article_id, language);
create table article_feedback (
  tenant_id uuid not null references tenants (id),
  article_id uuid not null,
  
  reader bytea not null,
  is_helpful boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, article_id, reader),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
);
create table article_deflections (
  tenant_id uuid not null references tenants (id),
  article_id uuid not null,
  on_day bigint not null,
  reader bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, article_id, on_day, reader),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
);
create table article_views (
  tenant_id uuid not null references tenants (id),
  article_id uuid not null,
  on_day bigint not null,
  slot bigint not null,
  views bigint not null,
  primary key (tenant_id, article_id, on_day, slot),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
);
create view portal_member_articles with (security_invoker = true) as
  select a.tenant_id, a.id, a.slug, a.category_id, c.slug as category_slug, c.name as category_name,
         c.position as category_position, a.visibility, a.position, t.language, v.number, v.title, v.body, v.body_html,
         t.published_at
  from articles a
  join article_categories c on c.tenant_id = a.tenant_id and c.id = a.category_id
  join article_texts t on t.tenant_id = a.tenant_id and t.article_id = a.id
  join article_versions v on v.tenant_id = t.tenant_id and v.article_id = t.article_id and v.language = t.language
       and v.number = t.published_number
  where a.archived_at is null;
create view portal_articles with (security_invoker = true) as
  select tenant_id, id, slug, category_id, category_slug, category_name, category_position, visibility, position,
         language, number, title, body, body_html, published_at
  from portal_member_articles where visibility = 'public';
create view portal_member_article_words with (security_invoker = true) as
  select w.tenant_id, w.word, w.article_id, w.language, w.in_title, w.hits
  from article_words w
  join articles a on a.tenant_id = w.tenant_id and a.id = w.article_id
  where a.archived_at is null;
create view portal_article_words with (security_invoker = true) as
  select w.tenant_id, w.word, w.article_id, w.language, w.in_title, w.hits
  from article_words w
  join articles a on a.tenant_id = w.tenant_id and a.id = w.article_id
  where a.archived_at is null and a.visibility = 'public';

-- 0013_long_threads
alter table search_entries add column since uuid;
create index tickets_by_live_due on tickets (tenant_id, due_at, id)
  where status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null;

-- 0014_article_addresses
create table article_addresses (
  tenant_id uuid not null references tenants (id),
  slug text not null,
  article_id uuid not null,
  primary key (tenant_id, slug),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
);
create index article_addresses_by_article on article_addresses (tenant_id, article_id);
create view portal_article_addresses with (security_invoker = true) as
  select d.tenant_id, d.slug, a.slug as leads_to
  from article_addresses d join articles a on a.tenant_id = d.tenant_id and a.id = d.article_id;

-- 0015_held_answers_seen
alter table held_answers add column others bigint not null default 0;

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
alter table jobs add column lane bigint not null default 1;
drop index jobs_due;
create index jobs_due on jobs (lane, run_at) where state = 'queued';
create index bulk_changes_collecting on bulk_changes (tenant_id, created_at) where status = 'collecting';

-- 0018_mail
create table channels (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  address text not null,
  address_key text not null,
  name text not null,
  team_id uuid,
  priority bigint not null,
  category text,
  signature text not null,
  
  reply_address text,
  reply_key text,
  acknowledges boolean not null,
  unknown_senders text not null,
  contact_forms jsonb not null,
  forwarding_staff boolean not null,
  
  trusted_host text,
  key_hash bytea not null,
  key_prefix text not null,
  disabled_at timestamptz,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
);
create index channels_by_team on channels (tenant_id, team_id);
create unique index channels_by_address on channels (address_key);
create unique index channels_by_reply_address on channels (reply_key) where reply_key is not null;
create unique index channels_by_key on channels (key_hash);
create table mails (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  channel_id uuid not null,
  door text not null,
  
  envelope_from text,
  envelope_to jsonb not null,
  client_ip text,
  helo text,
  sha256 bytea not null,
  size_bytes bigint not null,
  state text not null,
  outcome text,
  reason text not null,
  ticket_id uuid,
  message_id uuid,
  header_id text,
  subject text not null,
  from_email text not null,
  from_name text not null,
  automated text,
  authentication jsonb not null,
  released_by text,
  
  run bigint not null,
  received_at timestamptz not null,
  settled_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
create index mails_by_state on mails (tenant_id, state, id);
create index mails_by_ticket on mails (tenant_id, ticket_id, id) where ticket_id is not null;
create index mails_by_channel on mails (tenant_id, channel_id, id);
create table mail_keys (
  tenant_id uuid not null references tenants (id),
  mail_key bytea not null,
  mail_id uuid not null,
  primary key (tenant_id, mail_key),
  foreign key (tenant_id, mail_id) references mails (tenant_id, id)
);
create index mail_keys_by_mail on mail_keys (tenant_id, mail_id);
create table mail_references (
  tenant_id uuid not null references tenants (id),
  header_hash bytea not null,
  ticket_id uuid not null,
  is_seen boolean not null,
  created_at timestamptz not null,
  primary key (tenant_id, header_hash, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index mail_references_by_ticket on mail_references (tenant_id, ticket_id);
create table reply_addresses (
  tenant_id uuid not null references tenants (id),
  token_hash bytea not null,
  ticket_id uuid not null,
  user_id uuid,
  
  forward_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
);
create index reply_addresses_by_ticket on reply_addresses (tenant_id, ticket_id);
create table message_mails (
  tenant_id uuid not null references tenants (id),
  message_id uuid not null,
  ticket_id uuid not null,
  mail_id uuid not null,
  from_email text not null,
  from_name text not null,
  found_by text not null,
  reason text not null,
  
  standing text not null,
  automated text,
  is_authentic boolean not null,
  has_html boolean not null,
  copied jsonb not null,
  
  withheld jsonb not null,
  
  follows_id uuid,
  primary key (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id),
  foreign key (tenant_id, mail_id) references mails (tenant_id, id)
);
create index message_mails_by_ticket on message_mails (tenant_id, ticket_id, message_id);
create index message_mails_by_mail on message_mails (tenant_id, mail_id);
create table tenant_secrets (
  tenant_id uuid not null references tenants (id),
  purpose text not null,
  secret bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, purpose)
);
alter table tickets add column mail_channel_id uuid;
create index tickets_by_follow_up on tickets (tenant_id, follow_up_of, id) where follow_up_of is not null;
alter table letters add column from_email text;
alter table letters add column reply_to text;
alter table letters add column mail_references jsonb not null default '[]';
create index letters_by_message_id on letters (tenant_id, message_id);
create table letter_files (
  tenant_id uuid not null references tenants (id),
  letter_id uuid not null,
  position bigint not null,
  filename text not null,
  content_type text not null,
  size_bytes bigint not null,
  sha256 bytea not null,
  primary key (tenant_id, letter_id, position),
  foreign key (tenant_id, letter_id) references letters (tenant_id, id)
);
create index letters_by_recipient on letters (tenant_id, to_email, created_at);

-- 0019_mailboxes
create table channel_mailboxes (
  tenant_id uuid not null references tenants (id),
  channel_id uuid not null,
  host text not null,
  port bigint not null,
  tls text not null,
  username text not null,
  password text not null,
  folder text not null,
  
  uidvalidity bigint,
  last_uid bigint,
  
  from_beginning boolean not null,
  checked_at timestamptz,
  collected bigint not null,
  error_code text,
  error text,
  
  paused_at timestamptz,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);

-- 0020_once
alter table jobs add column is_begun boolean not null default false;

-- 0021_mailbox_sign_in
create table oauth_clients (
  tenant_id uuid not null references tenants (id),
  provider text not null,
  client_id text not null,
  client_secret text not null,
  
  directory text not null,
  
  authorize_url text not null,
  token_url text not null,
  scopes text not null,
  host text not null,
  port bigint not null,
  tls text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, provider)
);
create table oauth_attempts (
  tenant_id uuid not null references tenants (id),
  state_hash bytea not null,
  session_id uuid not null,
  channel_id uuid not null,
  provider text not null,
  verifier text not null,
  redirect_url text not null,
  username text not null,
  folder text not null,
  from_beginning boolean not null,
  expires_at timestamptz not null,
  primary key (tenant_id, state_hash),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
create index oauth_attempts_by_channel on oauth_attempts (tenant_id, channel_id);
create index oauth_attempts_by_end on oauth_attempts (tenant_id, expires_at);
create table channel_grants (
  tenant_id uuid not null references tenants (id),
  channel_id uuid not null,
  provider text not null,
  
  account text,
  refresh_token text not null,
  access_token text not null,
  expires_at timestamptz not null,
  
  renew_at timestamptz not null,
  
  refreshing_until timestamptz,
  
  run bigint not null,
  
  ended_at timestamptz,
  connected_by text not null,
  connected_at timestamptz not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
create index channel_grants_by_provider on channel_grants (tenant_id, provider, channel_id);
alter table channel_mailboxes add column sign_in text not null default 'password';
create table channel_sent_folders (
  tenant_id uuid not null references tenants (id),
  channel_id uuid not null,
  
  folder text not null,
  
  uidvalidity bigint,
  last_uid bigint,
  
  since timestamptz not null,
  checked_at timestamptz,
  collected bigint not null,
  error_code text,
  error text,
  paused_at timestamptz,
  version bigint not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);

-- 0022_letters_lately
create index letters_lately_to on letters (tenant_id, to_email, created_at) where automatic and status <> 'held';
create index letters_lately on letters (tenant_id, id) where automatic and status <> 'held';

-- 0023_channel_outgoing
create table channel_outgoing (
  tenant_id uuid not null references tenants (id),
  channel_id uuid not null,
  host text not null,
  port bigint not null,
  tls text not null,
  
  sign_in text not null,
  username text not null,
  password text not null,
  error text,
  
  paused_at timestamptz,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);

-- 0024_mail_people
alter table channels add column mailing_lists jsonb not null default '[]';
alter table mails add column reuses_id boolean not null default false;
alter table letters add column customer_id uuid;
create index letters_by_customer on letters (tenant_id, customer_id, created_at) where customer_id is not null;
alter table letters add column shown_to jsonb;
alter table letters add column shown_cc jsonb not null default '[]';
alter table letters add column unsubscribe text;
alter table ticket_participants add column is_hidden boolean not null default false;
alter table customers add column surveys_off_at timestamptz;
create table dropped_blobs (
  tenant_id uuid not null references tenants (id),
  sha256 bytea not null,
  dropped_at timestamptz not null,
  primary key (tenant_id, sha256)
);
create index dropped_blobs_by_age on dropped_blobs (tenant_id, dropped_at);
create index attachments_by_content on attachments (tenant_id, sha256);
create index mails_by_content on mails (tenant_id, sha256);
create index letter_files_by_content on letter_files (tenant_id, sha256);

-- 0025_channel_addresses
create table channel_addresses (
  tenant_id uuid not null references tenants (id),
  address_key text not null,
  channel_id uuid not null,
  primary key (tenant_id, address_key),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
create unique index channel_addresses_once on channel_addresses (address_key);
create index channel_addresses_by_channel on channel_addresses (tenant_id, channel_id);
insert into channel_addresses (tenant_id, address_key, channel_id) select tenant_id, address_key, id from channels;
insert into channel_addresses (tenant_id, address_key, channel_id)
  select tenant_id, reply_key, id from channels where reply_key is not null and reply_key not in (select address_key from channel_addresses);
drop index channels_by_reply_address;
alter table channels drop column reply_key;

-- 0026_mailboxes_made_anew
alter table channel_mailboxes add column since timestamptz;
alter table channel_mailboxes add column anew_until bigint;
alter table channel_sent_folders add column anew_until bigint;

-- 0027_rule_timers_taken
alter table rule_timers add column queued_at timestamptz;
drop index rule_timers_due;
create index rule_timers_due on rule_timers (tenant_id, run_at) where queued_at is null;

-- 0028_bulk_actors
alter table bulk_changes add column actor_id uuid;
alter table bulk_changes add column undone_by_kind text;
alter table bulk_changes add column undone_by_id uuid;
alter table bulk_changes add column undone_by_name text;

-- 0029_cohorts
create table cohort_deltas (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  generation bigint not null,
  
  day bigint not null,
  status text not null,
  priority bigint not null,
  category text not null,
  agent_id uuid not null,
  
  response_seconds bigint,
  resolution_minutes bigint,
  is_resolved boolean not null,
  is_on_time boolean not null,
  change bigint not null,
  primary key (tenant_id, id)
);
create table cohort_sums (
  tenant_id uuid not null references tenants (id),
  generation bigint not null,
  
  days bigint not null,
  day bigint not null,
  
  
  figure text not null,
  value text not null,
  tickets bigint not null,
  total bigint not null,
  primary key (tenant_id, generation, days, day, figure, value)
);
drop index tickets_by_live_due;
create index tickets_by_live_due on tickets (tenant_id, due_at, id, created_at, status, survivor_id, deleted_at)
  where status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null;
update report_state set time_zone = '' where generation > 0;

-- 0030_held_macros
alter table held_answers add column afterwards jsonb;

-- 0031_mail_waiting
create table channel_tellings (
  tenant_id uuid not null references tenants (id),
  channel_id uuid not null,
  told_at timestamptz not null,
  
  told_until timestamptz not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
create index mails_undecided on mails (tenant_id, channel_id, settled_at) where state in ('quarantined', 'failed');

-- 0032_mail_gone
create index mails_strays on mails (tenant_id, settled_at) where message_id is null and state in ('done', 'discarded');
create table gone_mails (
  tenant_id uuid not null references tenants (id),
  channel_id uuid not null,
  mark bytea not null,
  gone_at timestamptz not null,
  primary key (tenant_id, channel_id, mark),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);

-- 0033_null_path
alter table channel_outgoing add column null_path_refused_at timestamptz;

-- 0034_trusted_sealers
alter table channels add column trusted_sealers jsonb not null default '[]';

-- 0035_blobs_aside
alter table dropped_blobs add column aside_at timestamptz;
create index dropped_blobs_aside on dropped_blobs (tenant_id, aside_at) where aside_at is not null;

-- 0036_long_words
update search_entries set words = words || cast('''~long''' as tsvector) where segments > 1;

-- 0037_letters_of_customer
drop index letters_by_customer;
create index letters_lately_customer on letters (tenant_id, customer_id, created_at) where automatic and status <> 'held' and customer_id is not null;

-- 0038_drafts_aside
alter table drafts add column aside jsonb;

-- row-level security
grant usage on schema public to counterfoil_app;
grant select, insert, update, delete on all tables in schema public to counterfoil_app;
grant usage, select on all sequences in schema public to counterfoil_app;
create or replace function counterfoil_create_sequence(name text, first bigint) returns bigint language plpgsql security definer set search_path = public as $$ begin if name !~ '^series_[a-z_]+_[0-9a-f]{32}$' then raise exception 'not a series'; end if; execute format('create sequence if not exists %I', name); perform setval(name::regclass, first, false); execute format('grant usage, select, update on sequence %I to counterfoil_app', name); return first; end $$;
alter table number_series enable row level security;
alter table number_series force row level security;
drop policy if exists tenant_only on number_series;
create policy tenant_only on number_series to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on number_series;
create policy owner_all on number_series to current_user using (true) with check (true);
alter table customers enable row level security;
alter table customers force row level security;
drop policy if exists tenant_only on customers;
create policy tenant_only on customers to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on customers;
create policy owner_all on customers to current_user using (true) with check (true);
alter table users enable row level security;
alter table users force row level security;
drop policy if exists tenant_only on users;
create policy tenant_only on users to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on users;
create policy owner_all on users to current_user using (true) with check (true);
alter table recovery_codes enable row level security;
alter table recovery_codes force row level security;
drop policy if exists tenant_only on recovery_codes;
create policy tenant_only on recovery_codes to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on recovery_codes;
create policy owner_all on recovery_codes to current_user using (true) with check (true);
alter table sessions enable row level security;
alter table sessions force row level security;
drop policy if exists tenant_only on sessions;
create policy tenant_only on sessions to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on sessions;
create policy owner_all on sessions to current_user using (true) with check (true);
alter table api_keys enable row level security;
alter table api_keys force row level security;
drop policy if exists tenant_only on api_keys;
create policy tenant_only on api_keys to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on api_keys;
create policy owner_all on api_keys to current_user using (true) with check (true);
alter table one_time_tokens enable row level security;
alter table one_time_tokens force row level security;
drop policy if exists tenant_only on one_time_tokens;
create policy tenant_only on one_time_tokens to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on one_time_tokens;
create policy owner_all on one_time_tokens to current_user using (true) with check (true);
alter table throttles enable row level security;
alter table throttles force row level security;
drop policy if exists tenant_only on throttles;
create policy tenant_only on throttles to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on throttles;
create policy owner_all on throttles to current_user using (true) with check (true);
alter table teams enable row level security;
alter table teams force row level security;
drop policy if exists tenant_only on teams;
create policy tenant_only on teams to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on teams;
create policy owner_all on teams to current_user using (true) with check (true);
alter table team_members enable row level security;
alter table team_members force row level security;
drop policy if exists tenant_only on team_members;
create policy tenant_only on team_members to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on team_members;
create policy owner_all on team_members to current_user using (true) with check (true);
alter table audit_log enable row level security;
alter table audit_log force row level security;
drop policy if exists tenant_only on audit_log;
create policy tenant_only on audit_log to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on audit_log;
create policy owner_all on audit_log to current_user using (true) with check (true);
alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;
drop policy if exists tenant_only on idempotency_keys;
create policy tenant_only on idempotency_keys to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on idempotency_keys;
create policy owner_all on idempotency_keys to current_user using (true) with check (true);
alter table jobs enable row level security;
alter table jobs force row level security;
drop policy if exists tenant_only on jobs;
create policy tenant_only on jobs to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation') with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation');
drop policy if exists owner_all on jobs;
create policy owner_all on jobs to current_user using (true) with check (true);
alter table events enable row level security;
alter table events force row level security;
drop policy if exists tenant_only on events;
create policy tenant_only on events to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation') with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation');
drop policy if exists owner_all on events;
create policy owner_all on events to current_user using (true) with check (true);
alter table letters enable row level security;
alter table letters force row level security;
drop policy if exists tenant_only on letters;
create policy tenant_only on letters to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on letters;
create policy owner_all on letters to current_user using (true) with check (true);
alter table letter_templates enable row level security;
alter table letter_templates force row level security;
drop policy if exists tenant_only on letter_templates;
create policy tenant_only on letter_templates to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on letter_templates;
create policy owner_all on letter_templates to current_user using (true) with check (true);
alter table notices enable row level security;
alter table notices force row level security;
drop policy if exists tenant_only on notices;
create policy tenant_only on notices to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on notices;
create policy owner_all on notices to current_user using (true) with check (true);
alter table categories enable row level security;
alter table categories force row level security;
drop policy if exists tenant_only on categories;
create policy tenant_only on categories to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on categories;
create policy owner_all on categories to current_user using (true) with check (true);
alter table tickets enable row level security;
alter table tickets force row level security;
drop policy if exists tenant_only on tickets;
create policy tenant_only on tickets to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on tickets;
create policy owner_all on tickets to current_user using (true) with check (true);
alter table messages enable row level security;
alter table messages force row level security;
drop policy if exists tenant_only on messages;
create policy tenant_only on messages to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on messages;
create policy owner_all on messages to current_user using (true) with check (true);
alter table attachments enable row level security;
alter table attachments force row level security;
drop policy if exists tenant_only on attachments;
create policy tenant_only on attachments to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on attachments;
create policy owner_all on attachments to current_user using (true) with check (true);
alter table ticket_links enable row level security;
alter table ticket_links force row level security;
drop policy if exists tenant_only on ticket_links;
create policy tenant_only on ticket_links to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_links;
create policy owner_all on ticket_links to current_user using (true) with check (true);
alter table ticket_tags enable row level security;
alter table ticket_tags force row level security;
drop policy if exists tenant_only on ticket_tags;
create policy tenant_only on ticket_tags to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_tags;
create policy owner_all on ticket_tags to current_user using (true) with check (true);
alter table ticket_watchers enable row level security;
alter table ticket_watchers force row level security;
drop policy if exists tenant_only on ticket_watchers;
create policy tenant_only on ticket_watchers to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_watchers;
create policy owner_all on ticket_watchers to current_user using (true) with check (true);
alter table ticket_audits enable row level security;
alter table ticket_audits force row level security;
drop policy if exists tenant_only on ticket_audits;
create policy tenant_only on ticket_audits to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_audits;
create policy owner_all on ticket_audits to current_user using (true) with check (true);
alter table status_links enable row level security;
alter table status_links force row level security;
drop policy if exists tenant_only on status_links;
create policy tenant_only on status_links to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on status_links;
create policy owner_all on status_links to current_user using (true) with check (true);
alter table event_taps enable row level security;
alter table event_taps force row level security;
drop policy if exists tenant_only on event_taps;
create policy tenant_only on event_taps to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on event_taps;
create policy owner_all on event_taps to current_user using (true) with check (true);
alter table event_sequences enable row level security;
alter table event_sequences force row level security;
drop policy if exists tenant_only on event_sequences;
create policy tenant_only on event_sequences to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on event_sequences;
create policy owner_all on event_sequences to current_user using (true) with check (true);
alter table webhooks enable row level security;
alter table webhooks force row level security;
drop policy if exists tenant_only on webhooks;
create policy tenant_only on webhooks to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on webhooks;
create policy owner_all on webhooks to current_user using (true) with check (true);
alter table webhook_messages enable row level security;
alter table webhook_messages force row level security;
drop policy if exists tenant_only on webhook_messages;
create policy tenant_only on webhook_messages to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on webhook_messages;
create policy owner_all on webhook_messages to current_user using (true) with check (true);
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
drop policy if exists tenant_only on webhook_deliveries;
create policy tenant_only on webhook_deliveries to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on webhook_deliveries;
create policy owner_all on webhook_deliveries to current_user using (true) with check (true);
alter table webhook_attempts enable row level security;
alter table webhook_attempts force row level security;
drop policy if exists tenant_only on webhook_attempts;
create policy tenant_only on webhook_attempts to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on webhook_attempts;
create policy owner_all on webhook_attempts to current_user using (true) with check (true);
alter table search_entries enable row level security;
alter table search_entries force row level security;
drop policy if exists tenant_only on search_entries;
create policy tenant_only on search_entries to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on search_entries;
create policy owner_all on search_entries to current_user using (true) with check (true);
alter table search_progress enable row level security;
alter table search_progress force row level security;
drop policy if exists tenant_only on search_progress;
create policy tenant_only on search_progress to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on search_progress;
create policy owner_all on search_progress to current_user using (true) with check (true);
alter table ticket_merges enable row level security;
alter table ticket_merges force row level security;
drop policy if exists tenant_only on ticket_merges;
create policy tenant_only on ticket_merges to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_merges;
create policy owner_all on ticket_merges to current_user using (true) with check (true);
alter table ticket_relations enable row level security;
alter table ticket_relations force row level security;
drop policy if exists tenant_only on ticket_relations;
create policy tenant_only on ticket_relations to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_relations;
create policy owner_all on ticket_relations to current_user using (true) with check (true);
alter table ticket_participants enable row level security;
alter table ticket_participants force row level security;
drop policy if exists tenant_only on ticket_participants;
create policy tenant_only on ticket_participants to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_participants;
create policy owner_all on ticket_participants to current_user using (true) with check (true);
alter table forwards enable row level security;
alter table forwards force row level security;
drop policy if exists tenant_only on forwards;
create policy tenant_only on forwards to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on forwards;
create policy owner_all on forwards to current_user using (true) with check (true);
alter table checklist_items enable row level security;
alter table checklist_items force row level security;
drop policy if exists tenant_only on checklist_items;
create policy tenant_only on checklist_items to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on checklist_items;
create policy owner_all on checklist_items to current_user using (true) with check (true);
alter table time_entries enable row level security;
alter table time_entries force row level security;
drop policy if exists tenant_only on time_entries;
create policy tenant_only on time_entries to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on time_entries;
create policy owner_all on time_entries to current_user using (true) with check (true);
alter table blocked_senders enable row level security;
alter table blocked_senders force row level security;
drop policy if exists tenant_only on blocked_senders;
create policy tenant_only on blocked_senders to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on blocked_senders;
create policy owner_all on blocked_senders to current_user using (true) with check (true);
alter table tags enable row level security;
alter table tags force row level security;
drop policy if exists tenant_only on tags;
create policy tenant_only on tags to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on tags;
create policy owner_all on tags to current_user using (true) with check (true);
alter table ticket_counts enable row level security;
alter table ticket_counts force row level security;
drop policy if exists tenant_only on ticket_counts;
create policy tenant_only on ticket_counts to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on ticket_counts;
create policy owner_all on ticket_counts to current_user using (true) with check (true);
alter table saved_views enable row level security;
alter table saved_views force row level security;
drop policy if exists tenant_only on saved_views;
create policy tenant_only on saved_views to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on saved_views;
create policy owner_all on saved_views to current_user using (true) with check (true);
alter table bulk_changes enable row level security;
alter table bulk_changes force row level security;
drop policy if exists tenant_only on bulk_changes;
create policy tenant_only on bulk_changes to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on bulk_changes;
create policy owner_all on bulk_changes to current_user using (true) with check (true);
alter table bulk_items enable row level security;
alter table bulk_items force row level security;
drop policy if exists tenant_only on bulk_items;
create policy tenant_only on bulk_items to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on bulk_items;
create policy owner_all on bulk_items to current_user using (true) with check (true);
alter table drafts enable row level security;
alter table drafts force row level security;
drop policy if exists tenant_only on drafts;
create policy tenant_only on drafts to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on drafts;
create policy owner_all on drafts to current_user using (true) with check (true);
alter table held_answers enable row level security;
alter table held_answers force row level security;
drop policy if exists tenant_only on held_answers;
create policy tenant_only on held_answers to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on held_answers;
create policy owner_all on held_answers to current_user using (true) with check (true);
alter table presence enable row level security;
alter table presence force row level security;
drop policy if exists tenant_only on presence;
create policy tenant_only on presence to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on presence;
create policy owner_all on presence to current_user using (true) with check (true);
alter table macros enable row level security;
alter table macros force row level security;
drop policy if exists tenant_only on macros;
create policy tenant_only on macros to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on macros;
create policy owner_all on macros to current_user using (true) with check (true);
alter table macro_uses enable row level security;
alter table macro_uses force row level security;
drop policy if exists tenant_only on macro_uses;
create policy tenant_only on macro_uses to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on macro_uses;
create policy owner_all on macro_uses to current_user using (true) with check (true);
alter table rules enable row level security;
alter table rules force row level security;
drop policy if exists tenant_only on rules;
create policy tenant_only on rules to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on rules;
create policy owner_all on rules to current_user using (true) with check (true);
alter table rule_triggers enable row level security;
alter table rule_triggers force row level security;
drop policy if exists tenant_only on rule_triggers;
create policy tenant_only on rule_triggers to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on rule_triggers;
create policy owner_all on rule_triggers to current_user using (true) with check (true);
alter table rule_timers enable row level security;
alter table rule_timers force row level security;
drop policy if exists tenant_only on rule_timers;
create policy tenant_only on rule_timers to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on rule_timers;
create policy owner_all on rule_timers to current_user using (true) with check (true);
alter table rule_rotations enable row level security;
alter table rule_rotations force row level security;
drop policy if exists tenant_only on rule_rotations;
create policy tenant_only on rule_rotations to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on rule_rotations;
create policy owner_all on rule_rotations to current_user using (true) with check (true);
alter table rule_runs enable row level security;
alter table rule_runs force row level security;
drop policy if exists tenant_only on rule_runs;
create policy tenant_only on rule_runs to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on rule_runs;
create policy owner_all on rule_runs to current_user using (true) with check (true);
alter table surveys enable row level security;
alter table surveys force row level security;
drop policy if exists tenant_only on surveys;
create policy tenant_only on surveys to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on surveys;
create policy owner_all on surveys to current_user using (true) with check (true);
alter table report_facts enable row level security;
alter table report_facts force row level security;
drop policy if exists tenant_only on report_facts;
create policy tenant_only on report_facts to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on report_facts;
create policy owner_all on report_facts to current_user using (true) with check (true);
alter table report_state enable row level security;
alter table report_state force row level security;
drop policy if exists tenant_only on report_state;
create policy tenant_only on report_state to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on report_state;
create policy owner_all on report_state to current_user using (true) with check (true);
alter table report_deltas enable row level security;
alter table report_deltas force row level security;
drop policy if exists tenant_only on report_deltas;
create policy tenant_only on report_deltas to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on report_deltas;
create policy owner_all on report_deltas to current_user using (true) with check (true);
alter table report_cells enable row level security;
alter table report_cells force row level security;
drop policy if exists tenant_only on report_cells;
create policy tenant_only on report_cells to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on report_cells;
create policy owner_all on report_cells to current_user using (true) with check (true);
alter table report_sums enable row level security;
alter table report_sums force row level security;
drop policy if exists tenant_only on report_sums;
create policy tenant_only on report_sums to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on report_sums;
create policy owner_all on report_sums to current_user using (true) with check (true);
alter table article_categories enable row level security;
alter table article_categories force row level security;
drop policy if exists tenant_only on article_categories;
create policy tenant_only on article_categories to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_categories;
create policy owner_all on article_categories to current_user using (true) with check (true);
alter table articles enable row level security;
alter table articles force row level security;
drop policy if exists tenant_only on articles;
create policy tenant_only on articles to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on articles;
create policy owner_all on articles to current_user using (true) with check (true);
alter table article_versions enable row level security;
alter table article_versions force row level security;
drop policy if exists tenant_only on article_versions;
create policy tenant_only on article_versions to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_versions;
create policy owner_all on article_versions to current_user using (true) with check (true);
alter table article_texts enable row level security;
alter table article_texts force row level security;
drop policy if exists tenant_only on article_texts;
create policy tenant_only on article_texts to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_texts;
create policy owner_all on article_texts to current_user using (true) with check (true);
alter table article_words enable row level security;
alter table article_words force row level security;
drop policy if exists tenant_only on article_words;
create policy tenant_only on article_words to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_words;
create policy owner_all on article_words to current_user using (true) with check (true);
alter table article_feedback enable row level security;
alter table article_feedback force row level security;
drop policy if exists tenant_only on article_feedback;
create policy tenant_only on article_feedback to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_feedback;
create policy owner_all on article_feedback to current_user using (true) with check (true);
alter table article_deflections enable row level security;
alter table article_deflections force row level security;
drop policy if exists tenant_only on article_deflections;
create policy tenant_only on article_deflections to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_deflections;
create policy owner_all on article_deflections to current_user using (true) with check (true);
alter table article_views enable row level security;
alter table article_views force row level security;
drop policy if exists tenant_only on article_views;
create policy tenant_only on article_views to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_views;
create policy owner_all on article_views to current_user using (true) with check (true);
alter table article_addresses enable row level security;
alter table article_addresses force row level security;
drop policy if exists tenant_only on article_addresses;
create policy tenant_only on article_addresses to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on article_addresses;
create policy owner_all on article_addresses to current_user using (true) with check (true);
alter table channels enable row level security;
alter table channels force row level security;
drop policy if exists tenant_only on channels;
create policy tenant_only on channels to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation') with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation');
drop policy if exists owner_all on channels;
create policy owner_all on channels to current_user using (true) with check (true);
alter table mails enable row level security;
alter table mails force row level security;
drop policy if exists tenant_only on mails;
create policy tenant_only on mails to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on mails;
create policy owner_all on mails to current_user using (true) with check (true);
alter table mail_keys enable row level security;
alter table mail_keys force row level security;
drop policy if exists tenant_only on mail_keys;
create policy tenant_only on mail_keys to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on mail_keys;
create policy owner_all on mail_keys to current_user using (true) with check (true);
alter table mail_references enable row level security;
alter table mail_references force row level security;
drop policy if exists tenant_only on mail_references;
create policy tenant_only on mail_references to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on mail_references;
create policy owner_all on mail_references to current_user using (true) with check (true);
alter table reply_addresses enable row level security;
alter table reply_addresses force row level security;
drop policy if exists tenant_only on reply_addresses;
create policy tenant_only on reply_addresses to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on reply_addresses;
create policy owner_all on reply_addresses to current_user using (true) with check (true);
alter table message_mails enable row level security;
alter table message_mails force row level security;
drop policy if exists tenant_only on message_mails;
create policy tenant_only on message_mails to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on message_mails;
create policy owner_all on message_mails to current_user using (true) with check (true);
alter table tenant_secrets enable row level security;
alter table tenant_secrets force row level security;
drop policy if exists tenant_only on tenant_secrets;
create policy tenant_only on tenant_secrets to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on tenant_secrets;
create policy owner_all on tenant_secrets to current_user using (true) with check (true);
alter table letter_files enable row level security;
alter table letter_files force row level security;
drop policy if exists tenant_only on letter_files;
create policy tenant_only on letter_files to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on letter_files;
create policy owner_all on letter_files to current_user using (true) with check (true);
alter table channel_mailboxes enable row level security;
alter table channel_mailboxes force row level security;
drop policy if exists tenant_only on channel_mailboxes;
create policy tenant_only on channel_mailboxes to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on channel_mailboxes;
create policy owner_all on channel_mailboxes to current_user using (true) with check (true);
alter table oauth_clients enable row level security;
alter table oauth_clients force row level security;
drop policy if exists tenant_only on oauth_clients;
create policy tenant_only on oauth_clients to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on oauth_clients;
create policy owner_all on oauth_clients to current_user using (true) with check (true);
alter table oauth_attempts enable row level security;
alter table oauth_attempts force row level security;
drop policy if exists tenant_only on oauth_attempts;
create policy tenant_only on oauth_attempts to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on oauth_attempts;
create policy owner_all on oauth_attempts to current_user using (true) with check (true);
alter table channel_grants enable row level security;
alter table channel_grants force row level security;
drop policy if exists tenant_only on channel_grants;
create policy tenant_only on channel_grants to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on channel_grants;
create policy owner_all on channel_grants to current_user using (true) with check (true);
alter table channel_sent_folders enable row level security;
alter table channel_sent_folders force row level security;
drop policy if exists tenant_only on channel_sent_folders;
create policy tenant_only on channel_sent_folders to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on channel_sent_folders;
create policy owner_all on channel_sent_folders to current_user using (true) with check (true);
alter table channel_outgoing enable row level security;
alter table channel_outgoing force row level security;
drop policy if exists tenant_only on channel_outgoing;
create policy tenant_only on channel_outgoing to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on channel_outgoing;
create policy owner_all on channel_outgoing to current_user using (true) with check (true);
alter table dropped_blobs enable row level security;
alter table dropped_blobs force row level security;
drop policy if exists tenant_only on dropped_blobs;
create policy tenant_only on dropped_blobs to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on dropped_blobs;
create policy owner_all on dropped_blobs to current_user using (true) with check (true);
alter table channel_addresses enable row level security;
alter table channel_addresses force row level security;
drop policy if exists tenant_only on channel_addresses;
create policy tenant_only on channel_addresses to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation') with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid or current_setting('counterfoil.reach', true) = 'installation');
drop policy if exists owner_all on channel_addresses;
create policy owner_all on channel_addresses to current_user using (true) with check (true);
alter table cohort_deltas enable row level security;
alter table cohort_deltas force row level security;
drop policy if exists tenant_only on cohort_deltas;
create policy tenant_only on cohort_deltas to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on cohort_deltas;
create policy owner_all on cohort_deltas to current_user using (true) with check (true);
alter table cohort_sums enable row level security;
alter table cohort_sums force row level security;
drop policy if exists tenant_only on cohort_sums;
create policy tenant_only on cohort_sums to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on cohort_sums;
create policy owner_all on cohort_sums to current_user using (true) with check (true);
alter table channel_tellings enable row level security;
alter table channel_tellings force row level security;
drop policy if exists tenant_only on channel_tellings;
create policy tenant_only on channel_tellings to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on channel_tellings;
create policy owner_all on channel_tellings to current_user using (true) with check (true);
alter table gone_mails enable row level security;
alter table gone_mails force row level security;
drop policy if exists tenant_only on gone_mails;
create policy tenant_only on gone_mails to counterfoil_app using (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid) with check (tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid);
drop policy if exists owner_all on gone_mails;
create policy owner_all on gone_mails to current_user using (true) with check (true);
