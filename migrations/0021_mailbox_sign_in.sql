-- Mailboxes that are signed in to by OAuth 2: who we are at a provider, and what it gave us for a channel.

-- The registration of this business at a provider, one for each.
create table oauth_clients (
  tenant_id {id} not null references tenants (id),
  provider text not null,
  client_id text not null,
  client_secret text not null,
  -- Microsoft's directory; empty elsewhere.
  directory text not null,
  -- Of another provider; empty for those we know.
  authorize_url text not null,
  token_url text not null,
  scopes text not null,
  host text not null,
  port {int} not null,
  tls text not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, provider)
) {clustered};

-- A sign-in that was begun: who comes back with its state, in the same session, ends it once.
create table oauth_attempts (
  tenant_id {id} not null references tenants (id),
  state_hash {bytes} not null,
  session_id {id} not null,
  channel_id {id} not null,
  provider text not null,
  verifier text not null,
  redirect_url text not null,
  username text not null,
  folder text not null,
  from_beginning {bool} not null,
  expires_at {time} not null,
  primary key (tenant_id, state_hash),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {strict};
create index oauth_attempts_by_channel on oauth_attempts (tenant_id, channel_id);
create index oauth_attempts_by_end on oauth_attempts (tenant_id, expires_at);

-- What a provider gave us for a channel's mailbox.
create table channel_grants (
  tenant_id {id} not null references tenants (id),
  channel_id {id} not null,
  provider text not null,
  -- Who signed in, as the provider says; null where it does not.
  account text,
  refresh_token text not null,
  access_token text not null,
  expires_at {time} not null,
  -- From then on the next one is fetched.
  renew_at {time} not null,
  -- One server asks for the next token at a time, and until then.
  refreshing_until {time},
  -- Which asking is the current one.
  run {int} not null,
  -- The provider takes it back: somebody has to sign in again.
  ended_at {time},
  connected_by text not null,
  connected_at {time} not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {strict};
create index channel_grants_by_provider on channel_grants (tenant_id, provider, channel_id);

alter table channel_mailboxes add column sign_in text not null default 'password';

-- The folder of a mailbox whose letters are answers of the business, and how far it was read.
create table channel_sent_folders (
  tenant_id {id} not null references tenants (id),
  channel_id {id} not null,
  -- Empty: the one the server calls its folder of sent mail.
  folder text not null,
  -- Null before the first look.
  uidvalidity {int},
  last_uid {int},
  -- Nothing written before is taken.
  since {time} not null,
  checked_at {time},
  collected {int} not null,
  error_code text,
  error text,
  paused_at {time},
  version {int} not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {clustered};
