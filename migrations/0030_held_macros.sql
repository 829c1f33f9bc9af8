-- What a macro changes when its answer has gone out, and its name: taken back with the answer. Null where nothing follows.
alter table held_answers add column afterwards {json};
