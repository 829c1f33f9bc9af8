-- Mailboxes that letters of a channel are collected from, and how far each was read.
create table channel_mailboxes (
  tenant_id {id} not null references tenants (id),
  channel_id {id} not null,
  host text not null,
  port {int} not null,
  tls text not null,
  username text not null,
  password text not null,
  folder text not null,
  -- Null before the first look.
  uidvalidity {int},
  last_uid {int},
  -- What is there already is collected too, not only what comes.
  from_beginning {bool} not null,
  checked_at {time},
  collected {int} not null,
  error_code text,
  error text,
  -- Nobody knocks until the access is corrected.
  paused_at {time},
  version {int} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {clustered};
