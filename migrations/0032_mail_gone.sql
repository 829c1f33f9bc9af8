-- Mail that led nowhere is deleted for good some time after that was decided.
create index mails_strays on mails (tenant_id, settled_at) where message_id is null and state in ('done', 'discarded');

-- What a mailbox may hand out again stays gone: marks of such mail, which tell nobody what it said.
create table gone_mails (
  tenant_id {id} not null references tenants (id),
  channel_id {id} not null,
  mark {bytes} not null,
  gone_at {time} not null,
  primary key (tenant_id, channel_id, mark),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {clustered};
