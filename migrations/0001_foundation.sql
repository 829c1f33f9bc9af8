-- The foundation: tenants, people, keys, the engine's queue, audit, customers, letters.
-- Types in braces are native on each engine; see crates/db/src/dialect.rs. Statements end with a semicolon.

create table tenants (
  id {id} not null primary key,
  slug text not null unique,
  name text not null,
  host text unique,
  settings {json} not null,
  created_at {time} not null,
  updated_at {time} not null
) {strict};

create table installation_tokens (
  token_hash {bytes} not null primary key,
  purpose text not null,
  expires_at {time} not null,
  used_at {time}
) {strict};

create table schedules (
  name text not null primary key,
  next_run_at {time} not null,
  last_run_at {time}
) {strict};

create table number_series (
  tenant_id {id} not null references tenants (id),
  series text not null,
  next_value {int} not null,
  primary key (tenant_id, series)
) {clustered};

create table customers (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  email text not null,
  email_key text not null,
  name text not null,
  phone text,
  company text,
  service_address text,
  plan text,
  internal_notes text not null,
  verified_at {time},
  version {int} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  unique (tenant_id, email_key)
) {strict};
create index customers_by_name on customers (tenant_id, name, id);

create table users (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  email text not null,
  email_key text not null,
  name text not null,
  role text not null,
  customer_id {id},
  password_hash text,
  verified_at {time},
  disabled_at {time},
  totp_secret text,
  totp_confirmed_at {time},
  totp_last_step {int} not null,
  locale text not null,
  time_zone text not null,
  version {int} not null,
  created_at {time} not null,
  updated_at {time} not null,
  last_seen_at {time},
  primary key (tenant_id, id),
  unique (tenant_id, email_key),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id)
) {strict};
create index users_by_customer on users (tenant_id, customer_id);

create table recovery_codes (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  user_id {id} not null,
  code_hash {bytes} not null,
  used_at {time},
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {clustered};
create index recovery_codes_by_user on recovery_codes (tenant_id, user_id);

create table sessions (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  user_id {id} not null,
  token_hash {bytes} not null,
  user_agent text not null,
  client_ip text not null,
  created_at {time} not null,
  last_seen_at {time} not null,
  expires_at {time} not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {strict};
create index sessions_by_user on sessions (tenant_id, user_id);

create table api_keys (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  name text not null,
  prefix text not null,
  key_hash {bytes} not null,
  scope text not null,
  created_at {time} not null,
  last_used_at {time},
  revoked_at {time},
  primary key (tenant_id, id),
  unique (tenant_id, key_hash)
) {strict};

create table one_time_tokens (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  purpose text not null,
  token_hash {bytes} not null,
  user_id {id} not null,
  expires_at {time} not null,
  used_at {time},
  created_at {time} not null,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {strict};

create table throttles (
  tenant_id {id} not null references tenants (id),
  bucket text not null,
  window_start {time} not null,
  hits {int} not null,
  primary key (tenant_id, bucket)
) {clustered};

create table teams (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  name text not null,
  name_key text not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  unique (tenant_id, name_key)
) {strict};

create table team_members (
  tenant_id {id} not null references tenants (id),
  team_id {id} not null,
  user_id {id} not null,
  primary key (tenant_id, team_id, user_id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {clustered};
create index team_members_by_user on team_members (tenant_id, user_id);

-- Administrative and security acts. Ticket history is ticket_audits.
create table audit_log (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  event_type text not null,
  subject_kind text not null,
  subject_id {id},
  before_value {json},
  after_value {json},
  actor_kind text not null,
  actor_id {id},
  actor_name text not null,
  request_id text,
  created_at {time} not null,
  primary key (tenant_id, id)
) {strict};
create index audit_log_by_type on audit_log (tenant_id, event_type, id);

create table idempotency_keys (
  tenant_id {id} not null references tenants (id),
  caller text not null,
  idempotency_key text not null,
  request_hash {bytes} not null,
  status {int} not null,
  body text not null,
  created_at {time} not null,
  primary key (tenant_id, caller, idempotency_key)
) {clustered};
create index idempotency_keys_by_age on idempotency_keys (tenant_id, created_at);

create table jobs (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  kind text not null,
  job_key text not null,
  payload {json} not null,
  state text not null,
  run_at {time} not null,
  attempts {int} not null,
  lease_until {time},
  fence {int} not null,
  last_error text,
  cause text,
  created_at {time} not null,
  finished_at {time},
  primary key (tenant_id, id),
  unique (tenant_id, kind, job_key)
) {strict};
create index jobs_due on jobs (run_at) where state = 'queued';
create index jobs_leased on jobs (lease_until) where state = 'running';
create index jobs_dead on jobs (tenant_id, finished_at) where state = 'dead';
create index jobs_done on jobs (finished_at) where state = 'done';

create table events (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  topic text not null,
  ticket_id {id},
  customer_id {id},
  is_public {bool} not null,
  payload {json} not null,
  created_at {time} not null,
  primary key (tenant_id, id)
) {clustered};
create index events_by_age on events (created_at);

create table letters (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  kind text not null,
  ticket_id {id},
  to_email text not null,
  to_name text not null,
  subject text not null,
  body_text text not null,
  body_html text not null,
  message_id text not null,
  in_reply_to text,
  automatic {bool} not null,
  status text not null,
  attempts {int} not null,
  last_error text,
  created_at {time} not null,
  sent_at {time},
  primary key (tenant_id, id)
) {strict};
create index letters_by_status on letters (tenant_id, status, id);
create index letters_by_ticket on letters (tenant_id, ticket_id);

create table letter_templates (
  tenant_id {id} not null references tenants (id),
  kind text not null,
  locale text not null,
  subject text not null,
  body text not null,
  updated_at {time} not null,
  primary key (tenant_id, kind, locale)
) {strict};

create table notices (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  user_id {id} not null,
  kind text not null,
  title text not null,
  ticket_id {id},
  created_at {time} not null,
  read_at {time},
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
) {strict};
create index notices_unread on notices (tenant_id, user_id, id) where read_at is null;
create index notices_by_user on notices (tenant_id, user_id, id);
