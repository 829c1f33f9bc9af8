-- What customers think of how they were helped: one question for each ticket, answered through a link nobody can guess.
create table surveys (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  ticket_id {id} not null,
  token_hash {bytes} not null,
  -- Who had resolved it when the customer was asked; reports go by them, whoever has the ticket later.
  agent_id {id},
  team_id {id},
  -- 1 to 5; null until there is an answer.
  score {int},
  comment text not null,
  asked_at {time} not null,
  answered_at {time},
  primary key (tenant_id, id),
  unique (tenant_id, ticket_id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id),
  foreign key (tenant_id, agent_id) references users (tenant_id, id),
  foreign key (tenant_id, team_id) references teams (tenant_id, id)
) {strict};
create index surveys_by_time on surveys (tenant_id, asked_at, id);
create index surveys_by_answer on surveys (tenant_id, answered_at, id) where answered_at is not null;

-- What is shown to whoever holds the link: nothing of the desk's.
create view portal_surveys {invoker} as
  select s.tenant_id, s.id, s.ticket_id, s.token_hash, s.score, s.comment, s.answered_at, t.ticket_number, t.subject
  from surveys s join portal_tickets t on t.tenant_id = s.tenant_id and t.id = s.ticket_id;
