-- What an address, and a business, was sent lately is counted before each automatic letter. Those held back do not count,
-- and in a flood they are most: so they are not walked either.
create index letters_lately_to on letters (tenant_id, to_email, created_at) where automatic and status <> 'held';
create index letters_lately on letters (tenant_id, id) where automatic and status <> 'held';
