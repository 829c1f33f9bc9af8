-- Mail servers of a business's own: letters from a channel's address leave through its server.
create table channel_outgoing (
  tenant_id {id} not null references tenants (id),
  channel_id {id} not null,
  host text not null,
  port {int} not null,
  tls text not null,
  -- password, oauth (the mailbox's own connection), none
  sign_in text not null,
  username text not null,
  password text not null,
  error text,
  -- It refuses us: nobody knocks until the access is corrected.
  paused_at {time},
  version {int} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {clustered};
