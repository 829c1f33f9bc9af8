-- Content that a store without a word for "unless somebody stored it meanwhile" was asked to put aside: since when.
alter table dropped_blobs add column aside_at {time};
create index dropped_blobs_aside on dropped_blobs (tenant_id, aside_at) where aside_at is not null;
