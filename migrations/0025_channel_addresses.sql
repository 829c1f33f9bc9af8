-- Where mail for a channel may be addressed: its address, and where answers go. One address is one door of the whole
-- installation, whichever of the two it is.
create table channel_addresses (
  tenant_id {id} not null references tenants (id),
  address_key text not null,
  channel_id {id} not null,
  primary key (tenant_id, address_key),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id)
) {strict};
create unique index channel_addresses_once on channel_addresses (address_key);
create index channel_addresses_by_channel on channel_addresses (tenant_id, channel_id);
insert into channel_addresses (tenant_id, address_key, channel_id) select tenant_id, address_key, id from channels;
-- What is somebody's address already was nobody's to answer from.
insert into channel_addresses (tenant_id, address_key, channel_id)
  select tenant_id, reply_key, id from channels where reply_key is not null and reply_key not in (select address_key from channel_addresses);
drop index channels_by_reply_address;
alter table channels drop column reply_key;
