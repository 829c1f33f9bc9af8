-- The help centre: articles in categories, each in one or more languages, with every text that was ever saved.

create table article_categories (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  slug text not null,
  name text not null,
  position {int} not null,
  created_at {time} not null,
  primary key (tenant_id, id)
) {strict};
create unique index article_categories_by_slug on article_categories (tenant_id, slug);

create table articles (
  tenant_id {id} not null references tenants (id),
  id {id} not null,
  -- Its address; stays when the title changes, also while it is archived.
  slug text not null,
  category_id {id} not null,
  visibility text not null check (visibility in ('public', 'signed_in')),
  position {int} not null,
  archived_at {time},
  -- Of everything about it, its texts too.
  version {int} not null,
  created_by text not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, category_id) references article_categories (tenant_id, id)
) {strict};
create unique index articles_by_slug on articles (tenant_id, slug);
create index articles_by_category on articles (tenant_id, category_id, position, id);

-- Every text that was saved, and never changed after.
create table article_versions (
  tenant_id {id} not null references tenants (id),
  article_id {id} not null,
  language text not null,
  number {int} not null,
  title text not null,
  body text not null,
  body_html text not null,
  -- The version it says again, where an old one was restored.
  restored_from {int},
  saved_by text not null,
  saved_at {time} not null,
  -- When it was first what readers saw.
  published_at {time},
  primary key (tenant_id, article_id, language, number),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) {strict};

-- An article in a language: which version is worked on, and which readers see.
create table article_texts (
  tenant_id {id} not null references tenants (id),
  article_id {id} not null,
  language text not null,
  draft_number {int} not null,
  published_number {int},
  published_at {time},
  primary key (tenant_id, article_id, language),
  foreign key (tenant_id, article_id, language, draft_number) references article_versions (tenant_id, article_id, language, number),
  foreign key (tenant_id, article_id, language, published_number) references article_versions (tenant_id, article_id, language, number)
) {strict};

-- The words of what readers see, as the product's tokenizer makes them. Bytes: both engines order them alike.
create table article_words (
  tenant_id {id} not null references tenants (id),
  word {bytes} not null,
  article_id {id} not null,
  language text not null,
  in_title {bool} not null,
  -- How often it stands in title and text.
  hits {int} not null,
  primary key (tenant_id, word, article_id, language),
  foreign key (tenant_id, article_id, language) references article_texts (tenant_id, article_id, language)
) {clustered};
create index article_words_by_article on article_words (tenant_id, article_id, language);

-- Helpful or not: a row a reader, so that no row is everybody's.
create table article_feedback (
  tenant_id {id} not null references tenants (id),
  article_id {id} not null,
  -- A digest; who it was cannot be read from it.
  reader {bytes} not null,
  is_helpful {bool} not null,
  created_at {time} not null,
  updated_at {time} not null,
  primary key (tenant_id, article_id, reader),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) {clustered};

-- Somebody was about to write to us and was helped by an article: once a reader and day.
create table article_deflections (
  tenant_id {id} not null references tenants (id),
  article_id {id} not null,
  on_day {int} not null,
  reader {bytes} not null,
  created_at {time} not null,
  primary key (tenant_id, article_id, on_day, reader),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) {clustered};

-- How often it was opened, by day, in a few rows each.
create table article_views (
  tenant_id {id} not null references tenants (id),
  article_id {id} not null,
  on_day {int} not null,
  slot {int} not null,
  views {int} not null,
  primary key (tenant_id, article_id, on_day, slot),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) {clustered};

-- What readers are shown is selected from these views and from nothing else: a draft is in none of them. Strangers read
-- from those without `member`.
create view portal_member_articles {invoker} as
  select a.tenant_id, a.id, a.slug, a.category_id, c.slug as category_slug, c.name as category_name,
         c.position as category_position, a.visibility, a.position, t.language, v.number, v.title, v.body, v.body_html,
         t.published_at
  from articles a
  join article_categories c on c.tenant_id = a.tenant_id and c.id = a.category_id
  join article_texts t on t.tenant_id = a.tenant_id and t.article_id = a.id
  join article_versions v on v.tenant_id = t.tenant_id and v.article_id = t.article_id and v.language = t.language
       and v.number = t.published_number
  where a.archived_at is null;

create view portal_articles {invoker} as
  select tenant_id, id, slug, category_id, category_slug, category_name, category_position, visibility, position,
         language, number, title, body, body_html, published_at
  from portal_member_articles where visibility = 'public';

create view portal_member_article_words {invoker} as
  select w.tenant_id, w.word, w.article_id, w.language, w.in_title, w.hits
  from article_words w
  join articles a on a.tenant_id = w.tenant_id and a.id = w.article_id
  where a.archived_at is null;

create view portal_article_words {invoker} as
  select w.tenant_id, w.word, w.article_id, w.language, w.in_title, w.hits
  from article_words w
  join articles a on a.tenant_id = w.tenant_id and a.id = w.article_id
  where a.archived_at is null and a.visibility = 'public';
