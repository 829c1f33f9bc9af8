-- Webhooks: what other programs are told, signed, by HTTP.

-- Which topics somebody wants besides the live streams. An event of no tapped topic writes nothing more than itself.
create table event_taps (
  tenant_id {id} not null references tenants (id),
  pattern text not null,
  primary key (tenant_id, pattern)
) {clustered};

-- The order of the tapped events of one object: a row for each object, so no row is hotter than the object itself.
create table event_sequences (
  tenant_id {id} not null references tenants (id),
  object_id {id} not null,
  last_value {int} not null,
  primary key (tenant_id, object_id)
) {clustered};

create table webhooks (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  name text not null,
  url text not null,
  topics {json} not null,
  secret text not null,
  previous_secret text,
  previous_until {time},
  disabled_at {time},
  disabled_reason text,
  -- Since when nothing but failures; null after a success.
  failing_since {time},
  deleted_at {time},
  version {int} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id)
) {strict};

-- What is told, as the bytes that are signed; one for all who are told it.
create table webhook_messages (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  topic text not null,
  body text not null,
  created_at {time} not null,
  primary key (tenant_id, id)
) {strict};
create index webhook_messages_by_age on webhook_messages (tenant_id, created_at);

create table webhook_deliveries (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  webhook_id {id} not null,
  message_id {id} not null,
  topic text not null,
  state text not null,
  attempts {int} not null,
  -- A replay begins a new round of attempts; these were made before it.
  round {int} not null,
  attempts_before {int} not null,
  next_attempt_at {time},
  last_status {int},
  last_error text,
  created_at {time} not null,
  ended_at {time},
  primary key (tenant_id, id),
  unique (tenant_id, webhook_id, message_id),
  foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id),
  foreign key (tenant_id, message_id) references webhook_messages (tenant_id, id)
) {strict};
create index webhook_deliveries_by_webhook on webhook_deliveries (tenant_id, webhook_id, id);
create index webhook_deliveries_by_state on webhook_deliveries (tenant_id, webhook_id, state, id);
create index webhook_deliveries_by_message on webhook_deliveries (tenant_id, message_id);

create table webhook_attempts (
  tenant_id {id} not null references tenants (id),
  delivery_id {id} not null,
  number {int} not null,
  started_at {time} not null,
  duration_ms {int} not null,
  status {int},
  error text,
  answer_excerpt text not null,
  primary key (tenant_id, delivery_id, number),
  foreign key (tenant_id, delivery_id) references webhook_deliveries (tenant_id, id)
) {strict};
