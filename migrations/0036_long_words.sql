-- Words of a long thread are found together whichever of its rows they stand in: its rows say that there are several.

{postgres} update search_entries set words = words || cast('''~long''' as tsvector) where segments > 1;

-- SQLite's table does not give its words back, so long threads are brought in anew.
{sqlite} update search_progress set ticket_id = null, is_complete = 0, run = run + 1
  where tenant_id in (select tenant_id from search_entries where segments > 1);
{sqlite} delete from search_words where rowid in (select no from search_entries where segments > 1);
{sqlite} delete from search_entries where segments > 1;
