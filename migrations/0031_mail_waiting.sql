-- Mail that waits for somebody's decision: kept back, or not readable. Who is to decide is told, at most once in an hour for an address.
create table channel_tellings (
  tenant_id {id} not null references tenants (id),
  channel_id {id} not null,
  told_at {time} not null,
  -- What came to wait after this was not told of.
  told_until {time} not null,
  primary key (tenant_id, channel_id),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {clustered};
create index mails_undecided on mails (tenant_id, channel_id, settled_at) where state in ('quarantined', 'failed');
