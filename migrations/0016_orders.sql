-- What belongs to a ticket is read in the order of ids. An index that holds both lets no engine think of walking all of a
-- tenant's rows in that order instead.
drop index attachments_by_ticket;
create index attachments_by_ticket on attachments (tenant_id, ticket_id, id);
drop index attachments_by_message;
create index attachments_by_message on attachments (tenant_id, message_id, id);
drop index letters_by_ticket;
create index letters_by_ticket on letters (tenant_id, ticket_id, id);
drop index tickets_by_survivor;
create index tickets_by_survivor on tickets (tenant_id, survivor_id, id) where survivor_id is not null;
drop index forwards_by_ticket;
create index forwards_by_ticket on forwards (tenant_id, ticket_id, id);
drop index time_entries_by_ticket;
create index time_entries_by_ticket on time_entries (tenant_id, ticket_id, id);
drop index held_answers_by_ticket;
create index held_answers_by_ticket on held_answers (tenant_id, ticket_id, id);
