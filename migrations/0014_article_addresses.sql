-- Addresses that articles had: links that were shared lead on to the article.
create table article_addresses (
  tenant_id {id} not null references tenants (id),
  slug text not null,
  article_id {id} not null,
  primary key (tenant_id, slug),
  foreign key (tenant_id, article_id) references articles (tenant_id, id)
) {clustered};
create index article_addresses_by_article on article_addresses (tenant_id, article_id);

-- Where an address leads now. Whether a reader may read what is there is asked of `portal_articles`.
create view portal_article_addresses {invoker} as
  select d.tenant_id, d.slug, a.slug as leads_to
  from article_addresses d join articles a on a.tenant_id = d.tenant_id and a.id = d.article_id;
