-- What a large desk needs: an answer on a long thread that costs what it says, and overdue tickets found at once.

-- The row holds the messages from this one on and nothing after them, so that what is said next is filed by writing
-- this row anew, or another behind it. Null for a row that was cut from the middle of a thread.
alter table search_entries add column since {id};

-- Most tickets of a large desk were due long ago and are done: those that wait are found without passing all others.
create index tickets_by_live_due on tickets (tenant_id, due_at, id)
  where status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null;
