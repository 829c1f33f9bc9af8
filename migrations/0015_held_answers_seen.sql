-- How many messages of others stood in the thread when the answer was held: with more of them it does not go out. Times
-- cannot tell: one who waited for the ticket's row writes with an earlier one.
alter table held_answers add column others {int} not null default 0;
