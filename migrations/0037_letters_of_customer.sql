-- What was written about a customer lately is counted before each automatic letter, as what an address was sent is (0022):
-- those held back are not walked.
drop index letters_by_customer;
create index letters_lately_customer on letters (tenant_id, customer_id, created_at) where automatic and status <> 'held' and customer_id is not null;
