//! The help centre over HTTP: what readers see and never see, versions, searching, suggesting, being helped.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use identity::KeyScope;
use serde_json::{Value, json};
use support::{Answer, Client, Site, browser::Browser};
use testkit::both_engines;

const HOME: &str = "/api/admin/articles";
const HELP: &str = "/api/help/articles";

async fn category(admin: &Client, name: &str) -> String {
    admin.post("/api/admin/article-categories", json!({ "name": name })).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn write(agent: &Client, category: &str, title: &str, body: &str, publish: bool) -> Value {
    let new = json!({ "category_id": category, "language": "en", "title": title, "body": body, "publish": publish });
    agent.post(HOME, new).await.expect(201)
}

fn at(article: &Value, rest: &str) -> String {
    format!("{HOME}/{}{rest}", article["id"].as_str().unwrap())
}

fn slugs(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|a| a["slug"].as_str().unwrap().to_owned()).collect()
}

/// What a reader gets from everywhere articles are shown, but for what is different in each request.
async fn shown(reader: &Client) -> Vec<(String, u16, String)> {
    let mut out = Vec::new();
    for path in [
        "/help",
        "/help/search?q=secret",
        "/help/search?q=router",
        "/help/categories/internet",
        "/help/categories/plans",
        "/help/articles/secret-offer",
        "/help/articles/router",
        "/help/suggest?q=secret+offer",
        "/help/suggest?q=my+router+blinks",
        HELP,
        "/api/help/articles?q=secret",
        "/api/help/articles?q=router",
        "/api/help/articles/secret-offer",
        "/api/help/articles/router",
        "/help/contact?article=secret-offer",
    ] {
        let answer = reader.get(path).await;
        let mut text = answer.text;
        if let Some(at) = text.find("name=\"idempotency_key\" value=\"") {
            text.replace_range(at..at + 30 + 32, "");
        }
        out.push((path.to_owned(), answer.status.as_u16(), text));
    }
    out
}

both_engines! {
    async fn a_draft_changes_no_byte_that_readers_get(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let customer = site.user("Ada", Role::Customer).await;
        let (internet, plans) = (category(&admin, "Internet").await, category(&admin, "Plans").await);
        let router = write(&agent, &internet, "Router", "Look at the router's lights.", true).await;
        let before = (shown(&site.anonymous()).await, shown(&customer).await);
        let secret = write(&agent, &plans, "Secret offer", "The secret router offer.", false).await;
        agent.patch(&at(&router, ""), json!({ "language": "en", "body": "The secret of the router." })).await.expect(200);
        agent.patch(&at(&router, ""), json!({ "language": "de", "title": "Geheim", "body": "secret" })).await.expect(200);
        assert_eq!(shown(&site.anonymous()).await, before.0);
        assert_eq!(shown(&customer).await, before.1);
        // Published for people who are signed in: strangers get the same bytes still, customers read it.
        agent.patch(&at(&secret, ""), json!({ "visibility": "signed_in" })).await.expect(200);
        agent.post(&at(&secret, "/publish"), json!({})).await.expect(200);
        assert_eq!(shown(&site.anonymous()).await, before.0);
        let read = customer.get("/api/help/articles/secret-offer").await.expect(200);
        assert_eq!(read["body"], "The secret router offer.");
        assert_eq!(slugs(&customer.get("/api/help/articles?q=secret").await.expect(200)), ["secret-offer"]);
        assert!(customer.get("/help").await.text.contains("Secret offer"));
        // What is archived is gone for everybody who reads; what is taken back too.
        agent.post(&at(&secret, "/archive"), json!({})).await.expect(200);
        assert_eq!(shown(&customer).await, before.1);
        agent.post(&at(&secret, "/restore"), json!({})).await.expect(200);
        customer.get("/api/help/articles/secret-offer").await.expect(200);
        agent.post(&at(&secret, "/unpublish"), json!({})).await.expect(200);
        assert_eq!(shown(&customer).await, before.1);
        // The neighbour has a help centre of their own.
        let eve = site.neighbour("Eve", Role::Admin).await;
        assert_eq!(eve.get(HELP).await.expect(200)["items"], json!([]));
        assert_eq!(eve.get(HOME).await.expect(200)["items"], json!([]));
        eve.get("/api/help/articles/router").await.expect(404);
        eve.get(&at(&router, "")).await.expect(404);
        let other = json!({ "category_id": internet, "language": "en", "title": "x", "body": "x" });
        assert_eq!(eve.post(HOME, other).await.expect(422)["errors"][0]["field"], "category_id");
    }

    async fn a_stale_save_is_refused_and_both_texts_are_kept(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        let made = write(&agent, &internet, "Router", "One.", true).await;
        let read = agent.get(&at(&made, "")).await;
        let seen = read.etag();
        let to = |body: &str| json!({ "language": "en", "body": body });
        let saved = agent.json("PATCH", &at(&made, ""), &[("if-match", &seen)], to("Two.")).await;
        saved.expect(200);
        assert_ne!(saved.etag(), seen);
        let stale = admin.json("PATCH", &at(&made, ""), &[("if-match", &seen)], to("Three.")).await.expect(412);
        assert_eq!(stale["code"], "article.stale");
        admin.json("POST", &at(&made, "/publish"), &[("if-match", &seen)], json!({})).await.expect(412);
        assert_eq!(agent.get(&at(&made, "")).await.expect(200)["texts"][0]["body"], "Two.");
        // On the page: theirs beside ours, and the next save is made knowing it.
        let browser = Browser::new(admin.clone()).await;
        let page = format!("/desk/articles/{}", made["id"].as_str().unwrap());
        let version = seen.trim_matches('"');
        let fields = |version, body| [
            ("language", "en"), ("title", "Router"), ("body", body), ("category_id", internet.as_str()),
            ("visibility", "public"), ("slug", "router"), ("version", version), ("do", "save"),
        ];
        let answer = browser.post(&page, &fields(version, "Mine.")).await;
        assert_eq!(answer.status, 412);
        assert!(answer.text.contains("Two.") && answer.text.contains("Mine.") && answer.text.contains("Ben"), "{}", answer.text);
        let current = saved.etag();
        browser.done(&page, &fields(current.trim_matches('"'), "Mine.")).await;
        let now = agent.get(&at(&made, "")).await.expect(200);
        assert_eq!((now["texts"][0]["body"].clone(), now["texts"][0]["state"].clone()), (json!("Mine."), json!("published")));
        assert_eq!(site.anonymous().get("/api/help/articles/router").await.expect(200)["body"], "One.");
    }

    async fn versions_are_kept_and_restored_exactly(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        let first = "  Four spaces,\n\n\ttabs, ünïcode 日本 and\n* a list \n";
        let made = write(&agent, &internet, "Router ☂", first, true).await;
        for body in ["Second.", "Third."] {
            agent.patch(&at(&made, ""), json!({ "language": "en", "title": "Renamed", "body": body })).await.expect(200);
            agent.post(&at(&made, "/publish"), json!({})).await.expect(200);
        }
        // Saving what is there makes no version.
        agent.patch(&at(&made, ""), json!({ "language": "en", "title": "Renamed", "body": "Third." })).await.expect(200);
        let all = agent.get(&at(&made, "/versions")).await.expect(200)["items"].clone();
        assert_eq!(all.as_array().unwrap().len(), 3);
        assert!(all.as_array().unwrap().iter().all(|v| v["published_at"].is_string() && v["saved_by"] == "Ben"));
        let page = agent.get(&at(&made, "/versions?limit=2")).await.expect(200);
        let rest = agent.get(&format!("{}&cursor={}", at(&made, "/versions?limit=2"), page["next_cursor"].as_str().unwrap())).await.expect(200);
        assert_eq!(rest["items"], json!([all[2]]));
        let restored = agent.post(&at(&made, "/versions/1/restore"), json!({})).await.expect(200);
        let text = &restored["texts"][0];
        assert_eq!((&text["title"], &text["body"], &text["number"]), (&json!("Router ☂"), &json!(first), &json!(4)));
        assert_eq!(text["body_html"], made["texts"][0]["body_html"]);
        let public = async || site.anonymous().get("/api/help/articles/router").await.expect(200);
        assert_eq!(public().await["body"], "Third.", "a restored text is a draft");
        agent.post(&at(&made, "/publish"), json!({})).await.expect(200);
        assert_eq!((public().await["body"].clone(), public().await["title"].clone()), (json!(first), json!("Router ☂")));
        let after = agent.get(&at(&made, "/versions")).await.expect(200)["items"].clone();
        assert_eq!(after[0]["restored_from"], 1);
        assert_eq!(after.as_array().unwrap()[1..], all.as_array().unwrap()[..], "what was stays as it was");
        agent.post(&at(&made, "/versions/9/restore"), json!({})).await.expect(404);
        let page = agent.get(&format!("/desk/articles/{}/versions/2", made["id"].as_str().unwrap())).await;
        assert!(page.text.contains("Second."), "{}", page.text);
    }

    async fn addresses_are_made_kept_and_never_shared(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet & Wi-Fi").await;
        let mut made = Vec::new();
        for _ in 0..3 {
            made.push(write(&agent, &internet, "Größe?", "x", false).await);
        }
        assert_eq!(made.iter().map(|a| a["slug"].as_str().unwrap()).collect::<Vec<_>>(), ["grosse", "grosse-2", "grosse-3"]);
        agent.patch(&at(&made[0], ""), json!({ "language": "en", "title": "Another" })).await.expect(200);
        assert_eq!(agent.get(&at(&made[0], "")).await.expect(200)["slug"], "grosse");
        for (body, field) in [
            (json!({ "slug": "grosse-2" }), "slug"), (json!({ "slug": "Grosse" }), "slug"), (json!({ "slug": "" }), "slug"),
            (json!({ "position": 0 }), "position"), (json!({ "visibility": "secret" }), "visibility"), (json!({ "title": "x" }), "language"),
            (json!({ "language": "xx", "title": "x", "body": "x" }), "language"), (json!({ "language": "de", "title": "x" }), "body"),
            (json!({ "body_html": "x" }), "body_html"), (json!({ "language": "en", "title": "a\nb" }), "title"),
        ] {
            let refused = agent.patch(&at(&made[0], ""), body.clone()).await;
            assert_eq!(refused.expect(422)["errors"][0]["field"], field, "{body}: {}", refused.text);
        }
        agent.post(&at(&made[0], "/archive"), json!({})).await.expect(200);
        let taken = json!({ "category_id": internet, "language": "en", "title": "x", "body": "x", "slug": "grosse" });
        assert_eq!(agent.post(HOME, taken).await.expect(422)["errors"][0]["code"], "article.slug_taken");
        assert_eq!(agent.patch(&at(&made[0], ""), json!({ "slug": "new" })).await.expect(409)["code"], "article.archived");
        agent.patch(&at(&made[2], ""), json!({ "position": 1 })).await.expect(200);
        assert_eq!(slugs(&agent.get(HOME).await.expect(200)), ["grosse-3", "grosse-2"]);
        // Made once for each key.
        let new = json!({ "category_id": internet, "language": "en", "title": "Once", "body": "x" });
        let key = [("idempotency-key", "k1")];
        let (one, two) = (agent.json("POST", HOME, &key, new.clone()).await, agent.json("POST", HOME, &key, new).await);
        assert_eq!(one.expect(201), two.expect(201));
        agent.json("POST", HOME, &key, json!({ "category_id": internet, "language": "en", "title": "Else", "body": "x" })).await.expect(409);
        let home = "/api/admin/article-categories";
        admin.send("DELETE", &format!("{home}/{internet}"), &[], Vec::new()).await.expect(409);
        agent.post(home, json!({ "name": "Mine" })).await.expect(403);
        let second = category(&admin, "Internet & Wi-Fi").await;
        let list = admin.patch(&format!("{home}/{second}"), json!({ "position": 1 })).await.expect(200);
        assert_eq!((list["slug"].clone(), list["position"].clone()), (json!("internet-wi-fi-2"), json!(1)));
        admin.send("DELETE", &format!("{home}/{second}"), &[], Vec::new()).await.expect_status(204);
    }

    async fn an_old_address_leads_on_until_another_article_has_it(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let internet = category(&admin, "Internet").await;
        let lights = write(&admin, &internet, "Lights", "What they mean.", true).await;
        for slug in ["router-lights", "lamps"] {
            admin.patch(&at(&lights, ""), json!({ "slug": slug })).await.expect(200);
        }
        let nobody = site.anonymous();
        for old in ["lights", "router-lights"] {
            let answer = nobody.get(&format!("/help/articles/{old}?language=en")).await;
            assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (307, "/help/articles/lamps?language=en"));
            assert_eq!(nobody.get(&format!("{HELP}/{old}")).await.expect(200)["slug"], "lamps");
        }
        // Another article takes the address; and back to an own one.
        let other = write(&admin, &internet, "Lights", "Of the car.", true).await;
        assert_eq!(other["slug"], "lights");
        assert_eq!(nobody.get(&format!("{HELP}/lights")).await.expect(200)["title"], "Lights");
        nobody.get("/help/articles/lights").await.expect_status(200);
        admin.patch(&at(&lights, ""), json!({ "slug": "router-lights" })).await.expect(200);
        assert_eq!(nobody.get(&format!("{HELP}/lamps")).await.expect(200)["slug"], "router-lights");
        nobody.get("/help/articles/router-lights").await.expect_status(200);
        // What one may not read is at no address.
        admin.patch(&at(&lights, ""), json!({ "visibility": "signed_in" })).await.expect(200);
        for slug in ["lamps", "router-lights"] {
            nobody.get(&format!("/help/articles/{slug}")).await.expect_status(404);
            nobody.get(&format!("{HELP}/{slug}")).await.expect_status(404);
        }
        site.neighbour("Nadia", Role::Customer).await.get("/help/articles/lamps").await.expect_status(404);
    }

    async fn the_desks_list_has_pages(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (first, second) = (category(&admin, "First").await, category(&admin, "Second").await);
        for n in 0..205 {
            write(&admin, if n < 60 { &first } else { &second }, &format!("Article {n:03}."), "x", n % 2 == 0).await;
        }
        let browser = Browser::new(admin).await;
        let mut seen = Vec::new();
        for (from, count) in [(0, 100), (100, 100), (200, 5), (100_000, 0)] {
            let page = browser.page(&format!("/desk/articles?from={from}")).await;
            let here: Vec<String> = page.split("\">Article ").skip(1).map(|s| s[..3].to_owned()).collect();
            assert_eq!(here.len(), count, "from {from}");
            assert_eq!(page.contains("More articles"), from < 200, "from {from}");
            assert_eq!(page.contains("From the beginning"), from > 0, "from {from}");
            seen.extend(here);
        }
        assert_eq!(seen, (0..205).map(|n| format!("{n:03}")).collect::<Vec<_>>());
        assert!(browser.page("/desk/articles?state=draft").await.contains("state=draft&amp;from=100"));
    }

    async fn script_is_cleaned_and_languages_are_chosen_and_said(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        let evil = "# Top\n\n<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>\n\nfine";
        let made = write(&agent, &internet, "<b>Router</b>", evil, true).await;
        for text in [site.anonymous().get("/help/articles/b-router-b").await.text, site.anonymous().get("/api/help/articles/b-router-b").await.expect(200)["body_html"].to_string()] {
            assert!(text.contains("fine") && !text.contains("<script>alert") && !text.contains("javascript:") && !text.contains("onerror=alert(1)&gt;\"") && !text.contains("<img src=x"), "{text}");
            assert!(!text.contains("<b>Router"), "{text}");
        }
        let page = site.anonymous().get("/help/articles/b-router-b").await.text;
        assert_eq!(page.matches("<h1").count(), 1);
        assert!(page.contains("<h2 id=\"part-1\">Top</h2>"), "{page}");
        agent.patch(&at(&made, ""), json!({ "language": "de", "title": "Der Router", "body": "Das Licht blinkt." })).await.expect(200);
        let which = agent.post(&at(&made, "/publish"), json!({})).await.expect(422);
        assert_eq!(which["errors"][0]["field"], "language");
        agent.post(&at(&made, "/publish"), json!({ "language": "de" })).await.expect(200);
        let as_reader = async |accept: &str, path: &str| -> Answer {
            site.anonymous().send("GET", path, &[("accept-language", accept)], Vec::new()).await
        };
        let german = as_reader("de-AT,en;q=0.5", "/help/articles/b-router-b").await.text;
        assert!(german.contains("lang=\"de\"") && german.contains("Das Licht blinkt.") && !german.contains("not available"), "{german}");
        let french = as_reader("fr", "/help/articles/b-router-b").await.text;
        assert!(french.contains("not available in Français yet. Here it is in English"), "{french}");
        let asked = as_reader("en", "/api/help/articles/b-router-b?language=de").await.expect(200);
        assert_eq!((asked["language"].clone(), asked["languages"].clone()), (json!("de"), json!(["de", "en"])));
        as_reader("en", "/api/help/articles/b-router-b?language=xx").await.expect(422);
        // Found by the words of the language they are shown it in.
        assert_eq!(slugs(&as_reader("de", "/api/help/articles?q=blinkt").await.expect(200)), ["b-router-b"]);
        assert_eq!(slugs(&as_reader("en", "/api/help/articles?q=blinkt").await.expect(200)), Vec::<String>::new());
    }

    async fn the_desk_opens_the_text_whose_title_it_shows(world) {
        let site = Site::new(world).await;
        let admin = site.user("Ada", Role::Admin).await;
        let internet = category(&admin, "Internet").await;
        let article = write(&admin, &internet, "The router blinks", "Restart it.", true).await;
        admin.patch(&at(&article, ""), json!({ "language": "de", "title": "Der Router blinkt", "body": "Neu starten." })).await.expect(200);
        let b = Browser::new(admin).await;
        let id = article["id"].as_str().unwrap();
        let list = b.page("/desk/articles").await;
        assert!(list.contains(&format!("href=\"/desk/articles/{id}?language=en\">The router blinks")), "{list}");
        for path in [format!("/desk/articles/{id}"), format!("/desk/articles/{id}?language=en")] {
            let page = b.page(&path).await;
            assert!(page.contains("value=\"The router blinks\"") && !page.contains("value=\"Der Router blinkt\""), "{path}");
        }
        assert!(b.page(&format!("/desk/articles/{id}?language=de")).await.contains("value=\"Der Router blinkt\""));
        assert!(b.page(&format!("/desk/articles/{id}/versions")).await.contains("The router blinks"));
    }

    async fn readers_find_what_they_look_for_titles_first(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        let wrote = [("Moving house", "Take the router with you."), ("Router lights", "Green is good."), ("Invoice", "Crème brûlée is not on it.")];
        for (title, body) in wrote {
            write(&agent, &internet, title, body, true).await;
        }
        let found = async |q: &str| slugs(&site.anonymous().get(&format!("{HELP}?q={q}")).await.expect(200));
        assert_eq!(found("router").await, ["router-lights", "moving-house"]);
        assert_eq!(found("rout").await, ["router-lights", "moving-house"]);
        assert_eq!(found("CREME+brulee").await, ["invoice"]);
        assert_eq!(found("router+green").await, ["router-lights"]);
        assert_eq!(found("router+brulee").await, ["router-lights", "moving-house", "invoice"], "some, where none has all");
        assert_eq!(found("nothing+xyzzy").await, Vec::<String>::new());
        let page = site.anonymous().get("/help/search?q=rout").await.text;
        assert!(page.contains("<mark>Router</mark> lights"), "{page}");
        let first = site.anonymous().get(&format!("{HELP}?q=router&limit=1")).await.expect(200);
        let next = site.anonymous().get(&format!("{HELP}?q=router&limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
        assert_eq!((slugs(&first), slugs(&next), &next["next_cursor"]), (vec!["router-lights".into()], vec!["moving-house".into()], &Value::Null));
        assert_eq!(slugs(&site.anonymous().get(&format!("{HELP}?category=internet")).await.expect(200)).len(), 3);
        site.anonymous().get(&format!("{HELP}?category=nothing")).await.expect(422);
        site.anonymous().get(&format!("{HELP}?order=title")).await.expect(400);
        for q in ["%00", "%F0%9F%99%82", "%27+OR+1%3D1+--", "*", "%22", "%25", "%E6%97%A5"] {
            assert_eq!(site.anonymous().get(&format!("/help/search?q={q}")).await.status, 200, "{q}");
        }
    }

    async fn a_reader_says_once_whether_it_helped_and_may_change_it(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        let made = write(&agent, &internet, "Router", "Look.", true).await;
        let figures = async || {
            let a = agent.get(&at(&made, "")).await.expect(200);
            (a["helpful"].as_u64().unwrap(), a["not_helpful"].as_u64().unwrap(), a["deflections"].as_u64().unwrap())
        };
        let ada = site.user("Ada", Role::Customer).await;
        let path = "/api/help/articles/router/feedback";
        for helpful in [true, true, false] {
            ada.post(path, json!({ "helpful": helpful })).await.expect_status(204);
        }
        assert_eq!(figures().await, (0, 1, 0));
        // A stranger is known by a cookie, which the first word sets.
        let stranger = Browser { client: site.anonymous(), token: String::new() };
        let said = stranger.post("/help/articles/router/feedback", &[("helpful", "yes")]).await;
        assert_eq!(said.status, 303);
        let cookie = said.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(cookie.starts_with("reader="), "{cookie}");
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let again = [kind, ("sec-fetch-site", "same-origin"), ("cookie", cookie.as_str())];
        let answer = site.anonymous().send("POST", "/help/articles/router/feedback", &again, b"csrf=&helpful=no".to_vec()).await;
        assert!(answer.status == 303 && !answer.headers.contains_key("set-cookie"), "{}", answer.text);
        assert_eq!(figures().await, (0, 2, 0));
        let page = site.anonymous().send("GET", "/help/articles/router", &[("cookie", &cookie)], Vec::new()).await;
        assert!(page.text.contains("You said it did not help"), "{}", page.text);
        assert!(!site.anonymous().get("/help/articles/router").await.text.contains("You said"));
        assert_eq!(ada.post(path, json!({ "helpful": "perhaps" })).await.expect(422)["errors"][0]["field"], "helpful");
        ada.post("/api/help/articles/nothing/feedback", json!({ "helpful": true })).await.expect(404);
        let foreign = [kind, ("sec-fetch-site", "cross-site")];
        let refused = site.anonymous().send("POST", "/help/articles/router/feedback", &foreign, b"csrf=&helpful=no".to_vec()).await;
        assert_eq!(refused.status, 403);
        // The neighbour's reader says nothing about ours.
        site.neighbour("Eve", Role::Customer).await.post(path, json!({ "helpful": true })).await.expect(404);
        // A client without cookies is one reader to the API, however often it asks; and it is asked to wait in the end.
        let mut limited = 0;
        for _ in 0..70 {
            limited += usize::from(site.anonymous().post(path, json!({ "helpful": true })).await.status == 429);
        }
        assert!(limited > 0, "no limit");
        assert_eq!(figures().await, (1, 2, 0));
    }

    async fn a_ticket_is_not_filed_when_an_article_answers(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        let made = write(&agent, &internet, "Why is my Wi-Fi slow?", "Walls slow it down. Choose 5 GHz.", true).await;
        for n in 0..9 {
            write(&agent, &internet, &format!("Something else {n}"), "Nothing of the kind.", true).await;
        }
        let stranger = site.anonymous();
        let shown = stranger.get("/help/suggest?q=my+wifi+hm+wi-fi+is+so+slow+since+monday").await.text;
        assert!(shown.contains("/help/articles/why-is-my-wi-fi-slow") || shown.contains("why-is-my-wi-fi-slow"), "{shown}");
        assert!(!shown.contains("something-else"), "{shown}");
        assert!(!stranger.get("/help/suggest?q=is+it").await.text.contains("<li"));
        // Without JavaScript: what is typed is kept, and the answer is there.
        let browser = Browser { client: stranger.clone(), token: String::new() };
        let fields = [("subject", "Slow Wi-Fi"), ("description", "Since \"Monday\""), ("email", "a@example.org"), ("name", "A"), ("category", "technical"), ("website", ""), ("idempotency_key", "k")];
        let page = browser.post("/help/contact/articles", &fields).await;
        assert_eq!(page.status, 200);
        for kept in ["Slow Wi-Fi", "Since &quot;Monday&quot;", "a@example.org", "why-is-my-wi-fi-slow"] {
            assert!(page.text.contains(kept), "{kept}: {}", page.text);
        }
        let to = browser.done("/help/answered", &[("article", "why-is-my-wi-fi-slow")]).await;
        assert_eq!(to, "/help/articles/why-is-my-wi-fi-slow");
        let count = async || agent.get(&at(&made, "")).await.expect(200)["deflections"].clone();
        assert_eq!(count().await, 1);
        let ada = Browser::new(site.user("Ada", Role::Customer).await).await;
        for _ in 0..2 {
            ada.done("/help/answered", &[("article", "why-is-my-wi-fi-slow")]).await;
        }
        assert_eq!(count().await, 2, "once a day and reader");
        assert_eq!(browser.post("/help/answered", &[("article", "nothing")]).await.status, 404);
        assert_eq!(admin.get("/api/admin/support/tickets").await.expect(200)["items"], json!([]));
        // Who writes all the same says what they read.
        assert!(stranger.get("/help/contact?article=why-is-my-wi-fi-slow").await.text.contains("You were reading"));
        let form = json!({ "email": "b@example.org", "description": "Still slow", "article": "why-is-my-wi-fi-slow" });
        stranger.post("/api/help/contact", form).await.expect(201);
        let ticket = admin.get("/api/admin/support/tickets").await.expect(200)["items"][0].clone();
        assert_eq!(ticket["links"][0]["kind"], "article");
        let form = json!({ "email": "b@example.org", "description": "x", "article": "nothing" });
        assert_eq!(stranger.post("/api/help/contact", form).await.expect(422)["errors"][0]["field"], "article");
    }

    async fn an_article_is_put_into_an_answer(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let internet = category(&admin, "Internet").await;
        write(&agent, &internet, "Router [lights]", "Look at **them**.", true).await;
        write(&agent, &internet, "Draft", "not yet", false).await;
        let ticket = site.user("Ada", Role::Customer).await.file("red light").await;
        let ben = Browser::new(agent.clone()).await;
        let home = format!("/desk/tickets/{ticket}/articles");
        let typed = [("kind", "reply"), ("body", "Hello Ada,"), ("then", "")];
        assert_eq!(ben.done(&home, &typed).await, format!("{home}?kind=reply"));
        let page = ben.page(&format!("{home}?q=rout")).await;
        assert!(page.contains("<mark>Router</mark>") && !page.contains("not yet"), "{page}");
        ben.done(&format!("{home}/insert"), &[("slug", "router-lights"), ("how", "link")]).await;
        ben.done(&format!("{home}/insert"), &[("slug", "router-lights"), ("how", "text")]).await;
        let draft = ben.page(&format!("/desk/tickets/{ticket}")).await;
        let wanted = "Hello Ada,\n\n[Router \\[lights\\]](http://here.example.org:8080/help/articles/router-lights)\n\nLook at **them**.";
        assert!(draft.contains(wanted), "{draft}");
        assert_eq!(ben.post(&format!("{home}/insert"), &[("slug", "draft"), ("how", "link")]).await.status, 404);
        assert_eq!(ben.post(&format!("{home}/insert"), &[("slug", "router-lights"), ("how", "both")]).await.status, 422);
        // A note written meanwhile stays a note: the article is for the answer it was looked up for, and the way back is that of the list.
        let drafts = format!("/api/admin/support/tickets/{ticket}/draft");
        let draft = async |kind: &str| agent.get(&format!("{drafts}?kind={kind}")).await.expect(200)["body"].as_str().unwrap().to_owned();
        agent.json("PUT", &drafts, &[], json!({ "kind": "note", "body": "She never reads" })).await.expect(200);
        let to = ben.done(&format!("{home}/insert"), &[("slug", "router-lights"), ("how", "text"), ("kind", "reply"), ("from", "view=mine&q=a\"b")]).await;
        assert_eq!(to, format!("/desk/tickets/{ticket}?from=view%3Dmine%26q%3Da%2522b&write=reply#reply"));
        assert_eq!((draft("note").await.as_str(), draft("reply").await), ("She never reads", format!("{wanted}\n\nLook at **them**.")));
        // And the other way about: for a note that there may be nothing of yet.
        agent.json("DELETE", &format!("{drafts}?kind=note"), &[], json!({})).await.expect(204);
        let found = ben.done(&format!("{home}?from=view%3Dmine"), &[("kind", "note"), ("body", ""), ("then", "")]).await;
        assert_eq!(found, format!("{home}?from=view%3Dmine&kind=note"));
        let page = ben.page(&found).await.replace("&#x2f;", "/");
        assert!(page.contains("name=\"kind\" value=\"note\"") && page.contains("name=\"from\" value=\"view=mine\""), "{page}");
        assert!(page.contains(&format!("href=\"/desk/tickets/{ticket}?from=view%3Dmine&amp;write=note#reply\"")), "{page}");
        ben.done(&format!("{home}/insert"), &[("slug", "router-lights"), ("how", "text"), ("kind", "note")]).await;
        assert_eq!((draft("note").await.as_str(), draft("reply").await), ("Look at **them**.", format!("{wanted}\n\nLook at **them**.")));
        assert_eq!(ben.post(&format!("{home}/insert"), &[("slug", "router-lights"), ("how", "text"), ("kind", "letter")]).await.status, 422);
        assert_eq!(ben.client.get(&format!("{home}?kind=letter")).await.status, 422);
        let theirs = Browser::new(site.neighbour("Eve", Role::Agent).await).await;
        assert_eq!(theirs.client.get(&home).await.status, 404);
    }

    async fn the_desk_writes_and_the_outside_is_told(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let hook = json!({ "name": "Site", "url": "https://hooks.example.org/in", "topics": ["article.*"] });
        admin.post("/api/admin/webhooks", hook).await.expect(201);
        let root = Browser::new(admin.clone()).await;
        root.done("/admin/article-categories", &[("name", "Internet")]).await;
        let internet = admin.get("/api/admin/article-categories").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let ben = Browser::new(agent.clone()).await;
        let fields = |verb| [("language", "en"), ("title", "Router"), ("body", "## One\n\ntext"), ("category_id", internet.as_str()), ("visibility", "public"), ("slug", ""), ("do", verb)];
        let preview = ben.post("/desk/articles/new", &fields("preview")).await;
        assert!(preview.status == 200 && preview.text.contains("<h2 id=\"part-1\">One</h2>"), "{}", preview.text);
        assert_eq!(agent.get(HOME).await.expect(200)["items"], json!([]), "a preview saves nothing");
        let refused = ben.refused("/desk/articles/new", &[("language", "en"), ("title", ""), ("body", "kept"), ("category_id", &internet), ("visibility", "public"), ("do", "save")]).await;
        assert!(refused.contains("id=\"title-problem\"") && refused.contains("kept"), "{refused}");
        let page = ben.done("/desk/articles/new", &fields("publish")).await;
        let page = page.split('?').next().unwrap().to_owned();
        assert!(ben.page("/desk/articles").await.contains("Router"));
        ben.done(&format!("{page}/unpublish"), &[("language", "en")]).await;
        ben.done(&format!("{page}/publish"), &[("language", "en")]).await;
        ben.done(&format!("{page}/archive"), &[("confirmed", "true")]).await;
        assert!(!ben.page("/desk/articles").await.contains("Router</a>"));
        assert!(ben.page("/desk/articles?state=archived").await.contains("Router</a>"));
        ben.done(&format!("{page}/restore"), &[]).await;
        site.work().await;
        let told: Vec<Value> = site.http.calls().iter().map(|c| serde_json::from_slice(&c.body).unwrap()).collect();
        let mut order: Vec<(i64, &str)> = told.iter().map(|t| (t["object"]["sequence"].as_i64().unwrap(), t["type"].as_str().unwrap())).collect();
        order.sort_unstable();
        assert_eq!(order.iter().map(|o| o.1).collect::<Vec<_>>(), ["article.published", "article.unpublished", "article.published", "article.unpublished", "article.published"]);
        assert!(told.iter().all(|t| t["object"]["type"] == "article" && t["data"]["slug"] == "router" && t["data"]["article"]["slug"] == "router"));
        let audit = admin.get("/admin/audit").await.text;
        for event in ["article.created", "article.published", "article.unpublished", "article.archived", "article.restored"] {
            assert!(audit.contains(event), "{event} is not in the audit");
        }
        // Who reads only, and who sees their own tickets only, writes nothing.
        let new = json!({ "category_id": internet, "language": "en", "title": "x", "body": "x" });
        site.key(KeyScope::Read).await.post(HOME, new.clone()).await.expect(403);
        site.user("Tess", Role::Technician).await.post(HOME, new.clone()).await.expect(403);
        site.key(KeyScope::Write).await.post(HOME, new).await.expect(201);
        let (customer, path) = (Browser::new(site.user("Ada", Role::Customer).await).await, format!("{page}/archive"));
        assert_eq!(customer.post(&path, &[("confirmed", "true")]).await.status, 403);
    }
}
