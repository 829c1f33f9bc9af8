-- Words of a long thread are found together whichever of its rows they stand in: its rows say that there are several.

{postgres} update search_entries set words = words || cast('''~long''' as tsvector) where segments > 1;

-- SQLite's table does not give its words back, so long threads are brought in anew. Who came after the index was made has
-- no row that says how far it is.
{sqlite} insert into search_progress (tenant_id, ticket_id, is_complete, run)
  select distinct tenant_id, null, 0, 0 from search_entries where segments > 1
  on conflict (tenant_id) do update set ticket_id = null, is_complete = 0, run = search_progress.run + 1;
{sqlite} delete from search_words where rowid in (select no from search_entries where segments > 1);
{sqlite} delete from search_entries where segments > 1;
