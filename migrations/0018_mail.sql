-- Mail that comes in: the addresses it comes to, every letter as it arrived, and what ties letters to tickets.

create table channels (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  address text not null,
  address_key text not null,
  name text not null,
  team_id {id},
  priority {int} not null,
  category text,
  signature text not null,
  -- Where answers to our letters go; null: the address itself.
  reply_address text,
  acknowledges {bool} not null,
  unknown_senders text not null,
  contact_forms {json} not null,
  forwarding_staff {bool} not null,
  -- Whose Authentication-Results are believed; null: nobody's.
  trusted_host text,
  key_hash {bytes} not null,
  key_prefix text not null,
  disabled_at {time},
  version {int} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) {strict};
create index channels_by_team on channels (tenant_id, team_id);
-- One address is one door of the whole installation.
create unique index channels_by_address on channels (address_key);
create unique index channels_by_key on channels (key_hash);

-- Every mail that came through a door, once for each time it came. The bytes are a blob; all else can be made of them again.
create table mails (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  channel_id {id} not null,
  door text not null,
  -- Null: the door does not know; empty: the null path.
  envelope_from text,
  envelope_to {json} not null,
  client_ip text,
  helo text,
  sha256 {bytes} not null,
  size_bytes {int} not null,
  state text not null,
  outcome text,
  reason text not null,
  ticket_id {id},
  message_id {id},
  header_id text,
  subject text not null,
  from_email text not null,
  from_name text not null,
  automated text,
  authentication {json} not null,
  released_by text,
  -- Which attempt at reading it is the current one.
  run {int} not null,
  received_at {time} not null,
  settled_at {time},
  primary key (tenant_id, id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {strict};
create index mails_by_state on mails (tenant_id, state, id);
create index mails_by_ticket on mails (tenant_id, ticket_id, id) where ticket_id is not null;
create index mails_by_channel on mails (tenant_id, channel_id, id);

-- One mail is filed once, however often it is delivered: Message-ID and body together are the key.
create table mail_keys (
  tenant_id {id} not null references tenants (id),
  mail_key {bytes} not null,
  mail_id {id} not null,
  primary key (tenant_id, mail_key),
  foreign key (tenant_id, mail_id) references mails (tenant_id, id)
) {clustered};
create index mail_keys_by_mail on mail_keys (tenant_id, mail_id);

-- Message-IDs that lead to a ticket: of mail that came, and of mail that was only named.
create table mail_references (
  tenant_id {id} not null references tenants (id),
  header_hash {bytes} not null,
  ticket_id {id} not null,
  is_seen {bool} not null,
  created_at {time} not null,
  primary key (tenant_id, header_hash, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {strict};
create index mail_references_by_ticket on mail_references (tenant_id, ticket_id);

-- Reply addresses given away, by the hash of their secret part. With a user: in a notice to that member of staff.
create table reply_addresses (
  tenant_id {id} not null references tenants (id),
  token_hash {bytes} not null,
  ticket_id {id} not null,
  user_id {id},
  -- An answer to what was forwarded outside.
  forward_id {id},
  created_at {time} not null,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {strict};
create index reply_addresses_by_ticket on reply_addresses (tenant_id, ticket_id);

-- How a message came by mail: what found its thread, and who is believed to have written it.
create table message_mails (
  tenant_id {id} not null references tenants (id),
  message_id {id} not null,
  ticket_id {id} not null,
  mail_id {id} not null,
  from_email text not null,
  from_name text not null,
  found_by text not null,
  reason text not null,
  -- joined, stranger, admitted, automated
  standing text not null,
  automated text,
  is_authentic {bool} not null,
  has_html {bool} not null,
  copied {json} not null,
  -- Files that were kept back, and why.
  withheld {json} not null,
  -- The ticket it may go on with, though nobody proved it.
  follows_id {id},
  primary key (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id),
  foreign key (tenant_id, mail_id) references mails (tenant_id, id)
) {strict};
create index message_mails_by_ticket on message_mails (tenant_id, ticket_id, message_id);
create index message_mails_by_mail on message_mails (tenant_id, mail_id);

-- Secrets of a tenant that nobody types: what our Message-IDs are signed with.
create table tenant_secrets (
  tenant_id {id} not null references tenants (id),
  purpose text not null,
  secret {bytes} not null,
  created_at {time} not null,
  primary key (tenant_id, purpose)
) {clustered};

alter table tickets add column mail_channel_id {id};

alter table letters add column from_email text;
alter table letters add column reply_to text;
-- The conversation before it, oldest first, as the header has it.
alter table letters add column mail_references {json} not null default '[]';
create index letters_by_message_id on letters (tenant_id, message_id);

-- Files that leave with a letter.
create table letter_files (
  tenant_id {id} not null references tenants (id),
  letter_id {id} not null,
  position {int} not null,
  filename text not null,
  content_type text not null,
  size_bytes {int} not null,
  sha256 {bytes} not null,
  primary key (tenant_id, letter_id, position),
  foreign key (tenant_id, letter_id) references letters (tenant_id, id)
) {clustered};

-- How many letters nobody pressed "send" for went to somebody lately.
create index letters_by_recipient on letters (tenant_id, to_email, created_at);
