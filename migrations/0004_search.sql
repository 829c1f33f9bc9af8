-- Finding tickets by their words. What is here is made of tickets, messages and files, and can be made again of them
-- (`counterfoil search rebuild`): no backup holds it.

-- One row a ticket, and more for a very long one. `no` grows with the moment the ticket was filed, so that walking it
-- backwards walks from the newest ticket to the oldest.
create table search_entries (
  tenant_id {id} not null references tenants (id),
  no {int} not null,
  ticket_id {id} not null,
  segment {int} not null,
  -- How many segments the ticket has.
  segments {int} not null,
  -- The words with their places. SQLite keeps them in `search_words` instead, under the same `no`.
  words {words},
  primary key (tenant_id, no),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id)
) {clustered};
create index search_entries_by_ticket on search_entries (tenant_id, ticket_id, segment);
-- The row number of the full-text table is the same for all tenants.
create unique index search_entries_by_no on search_entries (no);

-- How far tickets that were there before the index have been brought into it.
create table search_progress (
  tenant_id {id} not null references tenants (id),
  -- Tickets up to this one are in the index.
  ticket_id {id},
  is_complete {bool} not null,
  -- Differs from one time it is made anew to the next.
  run {int} not null,
  primary key (tenant_id)
) {clustered};

insert into search_progress (tenant_id, is_complete, run) select id, false, 0 from tenants;

{sqlite} create virtual table search_words using fts5 (head, said, noted, content = '', contentless_delete = 1,
  tokenize = "ascii tokenchars '-~'");

-- What was filed last waits in a list that every search reads through and now and then somebody empties: a short one.
{postgres} create index search_entries_by_words on search_entries using gin (words) with (gin_pending_list_limit = 1024);

-- Row-level security keeps the planner from asking a full-text index first: its operator could tell of rows it was
-- shown. These two look on behalf of the tenant of the transaction, which they ask for themselves.
{postgres} create function counterfoil_search(wanted tsquery, in_head tsquery, most bigint)
  returns table (no bigint, ticket_id uuid, segments bigint, heads boolean)
  language sql stable security definer
  set search_path = public set enable_seqscan = off set enable_indexscan = off
  as $$ select e.no, e.ticket_id, e.segments, e.words @@ in_head from search_entries e
    where e.words @@ wanted and e.tenant_id::text = current_setting('counterfoil.tenant', true) limit most $$;

{postgres} create function counterfoil_search_newest(wanted tsquery, below bigint, most bigint)
  returns table (no bigint, ticket_id uuid, segments bigint)
  language sql stable security definer
  set search_path = public set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  as $$ select e.no, e.ticket_id, e.segments from search_entries e
    where e.tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid and e.no < below
      and e.words @@ wanted order by e.no desc limit most $$;
