//! The queue's pages: views that are kept and shared, changes of a selection, the board, and what the palette finds.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::both_engines;

async fn ticket(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/admin/support/tickets/{id}")).await.expect(200)
}

both_engines! {
    async fn a_view_is_kept_shared_and_changed_from_the_queue(world) {
        let site = Site::new(world).await;
        let (dora, neighbour) = (site.user("Dora", Role::Customer).await, site.neighbour("Nadia", Role::Agent).await);
        let admin = site.user("Ada", Role::Admin).await;
        let (ben, cleo) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let outage = dora.file("Outage in the north").await;
        dora.file("A question").await;
        admin.patch(&format!("/api/admin/support/tickets/{outage}"), json!({ "tags": ["outage"] })).await.expect(200);
        let team = admin.post("/api/admin/teams", json!({ "name": "Field", "members": [ben.user_id, cleo.user_id] })).await;
        let team = team.expect(201)["id"].as_str().unwrap().to_owned();

        let b = Browser::new(ben.clone()).await;
        assert!(!b.page("/desk").await.contains("action=\"/desk/views\""), "nothing is filtered: nothing to keep");
        let filtered = b.page("/desk?view=all&tag=outage").await;
        assert!(filtered.contains("Outage in the north") && !filtered.contains("A question"));
        assert!(filtered.contains(r#"name="filter.tag" value="outage""#), "{filtered}");
        let to = b.done("/desk/views", &[("name", "Outages"), ("sharing", &team), ("filter.tag", "outage")]).await;
        let view = to.strip_prefix("/desk?view=").expect("the view's address").to_owned();

        // It is on everybody's desk who is in the team, and nobody else's.
        let c = Browser::new(cleo.clone()).await;
        let page = c.page(&to).await;
        assert!(page.contains("<title>Outages ") && page.contains("Outage in the north") && !page.contains("A question"));
        assert!(!page.contains("Delete this view"), "it is not hers to change");
        let others = Browser::new(site.user("Emil", Role::Agent).await).await;
        assert!(!others.page("/desk").await.contains("Outages"));
        others.client.get(&to).await.expect_status(404);
        Browser::new(neighbour).await.client.get(&to).await.expect_status(404);

        // More filters on top of it can be kept, its own stay.
        let changed = b.page(&format!("{to}&priority=high")).await;
        assert!(changed.contains(r#"name="filter.priority" value="high""#) && changed.contains(r#"name="filter.tag" value="outage""#));
        let path = format!("/desk/views/{view}");
        b.done(&path, &[("name", "Urgent outages"), ("sharing", "personal"), ("filter.tag", "outage"), ("filter.priority", "high")]).await;
        assert!(!b.page(&to).await.contains("Outage in the north"), "its priority is normal");
        c.client.get(&to).await.expect_status(404);
        c.post(&format!("{path}/delete"), &[]).await.expect_status(404);
        b.done(&format!("{path}/delete"), &[]).await;
        b.client.get(&to).await.expect_status(404);
        // Nonsense is not kept.
        b.done("/desk/views", &[("name", "Bad"), ("sharing", "personal"), ("filter.status", "sleeping")]).await;
        assert!(!b.page("/desk").await.contains(">Bad<"));
        b.client.get("/desk?view=nothing").await.expect_status(404);
    }

    async fn a_selection_is_changed_and_taken_back_from_the_queue(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora", Role::Customer).await;
        let (first, second, third) = (dora.file("First").await, dora.file("Second").await, dora.file("Third").await);
        let agent = site.user("Ben", Role::Agent).await;
        let b = Browser::new(agent.clone()).await;
        let page = b.page("/desk").await;
        assert_eq!(page.matches(r#"name="ids""#).count(), 3);
        let fields = [("ids", first.as_str()), ("ids", &second), ("priority", "high"), ("assigned_to", "me"), ("back", "/desk?view=mine")];
        assert_eq!(b.done("/desk/bulk", &fields).await, "/desk?view=mine");
        let changed = ticket(&agent, &first).await;
        assert_eq!((&changed["priority"], &changed["assigned_to"]), (&json!("high"), &json!(agent.user_id)));
        assert_eq!(ticket(&agent, &third).await["priority"], "normal");

        // All that match, by the filter of the list; somebody touches another field of one before it is taken back.
        let all = [("all", "true"), ("filter.view", "all"), ("filter.priority", "high"), ("add_tags", "storm")];
        let answer = b.post("/desk/bulk", &all).await;
        let undo = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        let undo = undo.split_once('!').expect("a way back").1.split(';').next().unwrap().replace("%2F", "/");
        assert_eq!(ticket(&agent, &second).await["tags"], json!(["storm"]));
        agent.patch(&format!("/api/admin/support/tickets/{second}"), json!({ "category": "billing" })).await.expect(200);
        b.done(&undo, &[]).await;
        assert_eq!(ticket(&agent, &first).await["tags"], json!([]));
        let touched = ticket(&agent, &second).await;
        assert_eq!((&touched["tags"], &touched["category"]), (&json!([]), &json!("billing")), "each field by itself");
        // In a view of what is put off, sorted: those, and nothing that is not shown.
        agent.post(&format!("/api/admin/support/tickets/{third}/snooze"), json!({ "until": null })).await.expect(200);
        assert!(b.page("/desk?view=snoozed&order=created_at").await.contains("Third"));
        let all = [("all", "true"), ("filter.view", "snoozed"), ("filter.order", "created_at"), ("priority", "urgent")];
        b.done("/desk/bulk", &all).await;
        let mut priorities = Vec::new();
        for id in [&first, &second, &third] {
            priorities.push(ticket(&agent, id).await["priority"].clone());
        }
        assert_eq!(priorities, ["high", "high", "urgent"]);
        let technician = Browser::new(site.user("Tom", Role::Technician).await).await;
        assert!(!technician.page("/desk").await.contains("id=\"bulk\""));
    }

    async fn cards_move_between_columns_and_only_where_they_may(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora", Role::Customer).await;
        let id = dora.file("Red light").await;
        let (ben, cleo) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let neighbour = Browser::new(site.neighbour("Nadia", Role::Agent).await).await;
        let b = Browser::new(ben.clone()).await;
        let board = b.page("/desk/board").await;
        assert!(board.contains("Red light") && board.contains(&format!("action=\"/desk/board/{id}\"")));
        let version = ticket(&ben, &id).await["version"].as_i64();
        let seen = version.map_or_else(|| field(&board, "version"), |v| v.to_string());
        let path = format!("/desk/board/{id}");
        neighbour.post(&path, &[("status", "resolved")]).await.expect_status(404);
        assert_eq!(b.done(&path, &[("status", "in_progress"), ("version", &seen), ("back", "/desk/board?team=x")]).await, "/desk/board?team=x");
        assert_eq!(ticket(&ben, &id).await["status"], "in_progress");
        // Against what it was before: refused, said, nothing changed.
        let late = b.post(&path, &[("status", "resolved"), ("version", &seen)]).await;
        assert!(late.headers["set-cookie"].to_str().unwrap().starts_with("flash=bad"), "{:?}", late.headers);
        assert_eq!(ticket(&ben, &id).await["status"], "in_progress");
        for bad in ["new", "sleeping", ""] {
            let refused = b.post(&path, &[("status", bad)]).await;
            assert!(refused.headers["set-cookie"].to_str().unwrap().starts_with("flash=bad"), "{bad:?}");
        }
        // Somebody else's card has no form and does not move.
        ben.patch(&format!("/api/admin/support/tickets/{id}"), json!({ "assigned_to": ben.user_id })).await.expect(200);
        let c = Browser::new(cleo).await;
        let hers = c.page("/desk/board").await;
        assert!(hers.contains("Red light") && !hers.contains(&format!("action=\"/desk/board/{id}\"")));
        c.done(&path, &[("status", "open")]).await;
        assert_eq!(ticket(&ben, &id).await["status"], "in_progress");
        assert!(!c.page("/desk/board?assigned_to=none").await.contains("Red light"));
        // A ticket made on the board leads back to it.
        let fields = [("email", "new@mail.example"), ("subject", "Made here"), ("body", "Hello"), ("next", "/desk/board")];
        assert_eq!(b.done("/desk/tickets/new", &fields).await, "/desk/board");
        assert!(b.page("/desk/board").await.contains("Made here"));
    }

    async fn a_ticket_has_the_list_it_was_opened_from_beside_it_and_leads_back_to_it(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora", Role::Customer).await;
        let (mine, other) = (dora.file("Mine to do").await, dora.file("Somebody else's").await);
        let ben = site.user("Ben", Role::Agent).await;
        ben.patch(&format!("/api/admin/support/tickets/{mine}"), json!({ "assigned_to": ben.user_id })).await.expect(200);
        let b = Browser::new(ben.clone()).await;
        let list = b.page("/desk?view=mine&order=-due_at").await;
        let href = format!("/desk/tickets/{mine}?from=view%3Dmine%26order%3D-due_at");
        assert!(list.contains(&href), "{list}");
        let beside = |page: &str| page.split("id=\"side-list\"").nth(1).unwrap().split("</nav>").next().unwrap().to_owned();
        let page = b.page(&href).await;
        assert!(beside(&page).contains("Mine to do") && !beside(&page).contains("Somebody else"), "only that list");
        assert!(page.contains("href=\"/desk?view=mine&amp;order=-due_at\" data-key=\"back\"") || page.contains("href=\"/desk?view=mine&amp;order=-due_at\""), "the way back");
        assert!(beside(&page).contains("?from=view%3Dmine"), "and so with the next");
        // What is done there comes back beside the same list.
        let suffix = "?from=view%3Dmine%26order%3D-due_at";
        let to = b.done(&format!("/desk/tickets/{mine}/resolve{suffix}"), &[("resolution_notes", "New cable")]).await;
        assert_eq!(to, format!("/desk/tickets/{mine}{suffix}"));
        // It is not on the list any more, but still where one is.
        let page = b.page(&to).await;
        assert!(beside(&page).contains("aria-current=\"true\"") && beside(&page).contains("Mine to do"));
        // A refused form is shown beside it as well.
        let refused = b.post(&format!("/desk/tickets/{mine}/close{suffix}"), &[]).await;
        assert!(refused.text.replace("&#x2f;", "/").contains(&format!("action=\"/desk/tickets/{mine}/reopen{suffix}\"")), "{}", refused.text);
        // From anywhere else: the inbox, with this ticket in its place. No address of anybody's choosing, no list that is not theirs.
        for from in ["", "?from=https%3A%2F%2Felsewhere.example", "?from=view%3D0190d3a4-0000-7000-8000-000000000000", "?from=status%3Dsleeping", "?from=view%3Dmine%26cursor%3Dx"] {
            let page = b.page(&format!("/desk/tickets/{other}{from}")).await;
            assert!(beside(&page).contains("Somebody else") && !page.contains("//elsewhere.example"), "{from}");
        }
        // A search, and the board.
        let found = b.page("/desk?view=all&q=somebody").await;
        assert!(found.contains(&format!("/desk/tickets/{other}?from=view%3Dall%26q%3Dsomebody")));
        let page = b.page(&format!("/desk/tickets/{other}?from=view%3Dall%26q%3Dsomebody")).await;
        assert!(beside(&page).contains("Somebody else") && !beside(&page).contains("Mine to do"));
        assert!(b.page("/desk/board?priority=normal").await.contains(&format!("/desk/tickets/{other}?from=board%3D1%26priority%3Dnormal")));
        assert!(b.page(&format!("/desk/tickets/{other}?from=board%3D1%26priority%3Dnormal")).await.contains("href=\"/desk/board?priority=normal\""));
        // Open again: what was written when it was resolved is of before.
        b.done(&format!("/desk/tickets/{mine}/reopen"), &[]).await;
        let page = b.page(&format!("/desk/tickets/{mine}")).await;
        assert!(page.contains("Resolved before") && page.contains("New cable") && !page.contains("callout tone-ok"));
    }

    async fn a_search_counts_what_it_would_change_and_one_not_understood_offers_nothing(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora", Role::Customer).await;
        let agent = site.user("Ben", Role::Agent).await;
        for n in 0..53 {
            dora.file(&format!("Pangolin {n}")).await;
        }
        let b = Browser::new(agent).await;
        let page = b.page("/desk?view=all&q=pangolin").await;
        assert!(page.contains("All 53 that match"), "{page}");
        let heading = page.split("id=\"queue-count\"").nth(1).unwrap().split('<').next().unwrap();
        assert!(heading.ends_with(">53"), "{heading}");
        assert!(b.page("/desk?view=all").await.contains("All 53 that match"));
        // Over everything, so everything is where one is.
        let views = |page: &str| page.split("id=\"views\"").nth(1).unwrap().split("</ul>").next().unwrap().to_owned();
        let current = |page: &str| views(page).split("<li").find(|l| l.contains("aria-current=\"page\"")).unwrap_or_default().to_owned();
        assert!(current(&b.page("/desk?q=pangolin").await).contains("view=all"));
        assert!(current(&b.page("/desk").await).contains("data-key=\"inbox\""));
        assert!(current(&b.page("/desk?q=view%3Dmine").await).contains("view=all"), "words are no view");
        let none = b.page("/desk?view=all&q=quetzal").await;
        assert!(none.contains("Nothing found") && none.contains("Try fewer words"));
        let refused = b.client.get("/desk?view=all&q=subject:x").await;
        assert_eq!(refused.status.as_u16(), 400);
        assert!(refused.text.contains("search-problem"));
        for nonsense in ["class=\"empty", "Save as a view", "action=\"/desk/views\""] {
            assert!(!refused.text.replace("&#x2f;", "/").contains(nonsense), "{nonsense}");
        }
        // Nothing chosen to be changed: said in the page's own words.
        let answer = b.post("/desk/bulk", &[("all", "true"), ("filter.view", "all"), ("back", "/desk?view=all")]).await;
        let said = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(said.starts_with("flash=bad") && said.contains("Choose") && !said.contains("team_id"), "{said}");
    }

    async fn the_palette_finds_what_its_reader_may_see(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora Winter", Role::Customer).await;
        dora.file("Modem without light").await;
        let found = |answer: support::Answer| -> Vec<String> {
            answer.expect(200).as_array().unwrap().iter().map(|f| f["label"].as_str().unwrap().to_owned()).collect()
        };
        let agent = site.user("Ben", Role::Agent).await;
        assert_eq!(found(agent.get("/desk/find?q=mod").await), ["Modem without light"]);
        let detail = agent.get("/desk/find?q=mod").await.expect(200)[0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("Dora Winter · "), "whose it is: {detail}");
        for words in ["light%20wi", "modem%20a", "no%20such%20thing"] {
            agent.get(&format!("/desk/find?q={words}")).await.expect(200);
        }
        assert_eq!(found(agent.get("/desk/find?q=winter").await), ["Modem without light", "Dora Winter"]);
        assert_eq!(found(agent.get("/desk/find?q=status:").await), Vec::<String>::new());
        assert_eq!(found(agent.get("/desk/find").await), Vec::<String>::new(), "nothing is his");
        dora.file("Modem 3").await;
        assert_eq!(found(agent.get("/desk/find?q=modem%203").await), ["Modem 3"], "a short last word is a word");
        let technician = site.user("Tom", Role::Technician).await;
        assert_eq!(found(technician.get("/desk/find?q=winter").await), Vec::<String>::new());
        assert_eq!(found(site.neighbour("Nadia", Role::Agent).await.get("/desk/find?q=mod").await), Vec::<String>::new());
        dora.get("/desk/find?q=mod").await.expect_status(403);
    }
}

fn field(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let at = page.find(&mark).unwrap_or_else(|| panic!("no {name} in {page}"));
    page[at + mark.len()..].split('"').next().unwrap_or_default().to_owned()
}
