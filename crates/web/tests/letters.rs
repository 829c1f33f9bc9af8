//! Letters over HTTP: their words in five languages, the preview, the test to oneself, and the letter of an escalation.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, hours};
use identity::KeyScope;
use notices::letters::{self, LetterKind};
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::both_engines;

const PAGE: &str = "/admin/letters/ticket_resolved";
const RULES: &str = "/api/admin/support/rules";
const API: &str = "/api/admin/letters";

async fn letters_to(site: &Site, who: &Client) -> Vec<letters::Letter> {
    site.work().await;
    let all = site.world.db.read(site.world.scope(), |r| letters::list(r, None, 500)).await.unwrap();
    all.into_iter().filter(|l| l.to_email.as_str() == who.email).collect()
}

async fn reads(site: &Site, who: &Client, locale: &'static str) {
    let id = base::Id::from_uuid(who.user_id.unwrap());
    site.world
        .db
        .write(site.world.scope(), move |tx| identity::users::set_profile(tx, id, "Reader", locale, "UTC"))
        .await
        .unwrap();
}

fn typed<'a>(locale: &'a str, subject: &'a str, body: &'a str, act: &'a str) -> [(&'a str, &'a str); 4] {
    [("locale", locale), ("subject", subject), ("body", body), ("act", act)]
}

both_engines! {
    async fn the_frame_shows_what_is_typed_or_what_is_wrong_with_it(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        let saved = admin.client.get(&format!("{PAGE}/preview?locale=de")).await;
        saved.expect_status(200);
        assert!(saved.text.contains("<html lang=\"de\">") && saved.text.contains("Anfrage öffnen"), "{}", saved.text);
        assert!(saved.text.contains("Northwind Fiber"), "the name of this very business");
        let policy = saved.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("sandbox allow-same-origin; default-src 'none'"), "{policy}");

        let shown = admin.post(&format!("{PAGE}/preview"), &typed("fr", "Vu <b>", "**{{ name }}**\r\n\r\n<script>x</script>", "")).await;
        shown.expect_status(200);
        for there in ["Vu &lt;b&gt;", "<strong>Ada Byron</strong>", "<html lang=\"fr\">"] {
            assert!(shown.text.contains(there), "{there}: {}", shown.text);
        }
        assert!(!shown.text.contains("<script"), "{}", shown.text);
        let wrong = admin.post(&format!("{PAGE}/preview"), &typed("fr", "x", "{{ nmae }}", "")).await;
        wrong.expect_status(200);
        assert!(wrong.text.contains("undefined"), "{}", wrong.text);
        assert!(!admin.page(PAGE).await.contains("Vu "), "nothing is saved");
        admin.post_with(&format!("{PAGE}/preview"), "wrong", "same-origin", &typed("fr", "x", "y", "")).await.expect_status(403);
        for path in ["/admin/letters/none/preview", "/admin/letters/ticket_new/preview?locale=xx"] {
            admin.client.get(path).await.expect_status(404);
        }
        let agent = site.user("Ben", Role::Agent).await;
        agent.get(&format!("{PAGE}/preview")).await.expect_status(403);
    }

    async fn a_page_says_who_gets_other_words_until_its_own_are_saved(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        let german = format!("{PAGE}?locale=de");
        let says = "only that wording is your own";
        assert!(!admin.page(&german).await.contains(says));
        admin.done(PAGE, &typed("en", "Done", "It is done: {{ link }}", "save")).await;
        let page = admin.page(&german).await;
        assert!(page.contains(says) && page.contains("English") && page.contains("gelöst"), "{page}");
        admin.done(PAGE, &typed("de", "Fertig", "Fertig: {{ link }}", "save")).await;
        assert!(!admin.page(&german).await.contains(says));
        assert!(admin.page("/admin/letters").await.contains("Deutsch"));

        let customer = site.user("Ada", Role::Customer).await;
        reads(&site, &customer, "de").await;
        let id = customer.file("x").await;
        let resolve = json!({ "status": "resolved" });
        admin.client.patch(&format!("/api/admin/support/tickets/{id}"), resolve).await.expect(200);
        let got = letters_to(&site, &customer).await;
        assert!(got.iter().any(|l| l.subject == "Fertig" && l.body_html.contains("lang=\"de\"")), "{got:?}");
        assert!(got.iter().any(|l| l.subject == "Ihre Anfrage SUP-00001 ist eingegangen"), "{got:?}");
    }

    async fn a_test_goes_to_oneself_as_it_is_typed_and_not_too_often(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        let test = typed("es", "Visto {{ ticket_number }}", "Hola, {{ name }}", "test");
        let answer = admin.post(PAGE, &test).await;
        answer.expect_status(200);
        for there in [admin.client.email.as_str(), "on its way", "value=\"Visto {{ ticket_number }}\"", "Hola, {{ name }}"] {
            assert!(answer.text.contains(there), "{there}: {}", answer.text);
        }
        let got = letters_to(&site, &admin.client).await;
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].subject.as_str(), got[0].body_text.as_str(), got[0].status.as_str()), ("Prueba: Visto SUP-00042", "Hola, Ada Byron\n", "sent"));
        let raw = String::from_utf8_lossy(&site.mailer.sent().last().unwrap().raw).into_owned();
        assert!(raw.contains("Auto-Submitted: auto"), "{raw}");
        assert!(!admin.page(&format!("{PAGE}?locale=es")).await.contains("Visto"), "nothing is saved");

        // A template that does not work is refused and counts as none.
        assert!(admin.refused(PAGE, &typed("es", "x", "{{ nmae }}", "test")).await.contains("{{ nmae }}"));
        for _ in 0..9 {
            admin.post(PAGE, &test).await.expect_status(200);
            site.world.clock.advance(base::minutes(2));
        }
        assert!(admin.refused(PAGE, &test).await.contains("too many attempts"));
        assert_eq!(letters_to(&site, &admin.client).await.len(), 10);
        // Somebody else has tests of their own, and they come to them.
        let other = Browser::new(site.user("Root", Role::Admin).await).await;
        other.post(PAGE, &test).await.expect_status(200);
        assert_eq!(letters_to(&site, &other.client).await.len(), 1);
        site.world.clock.advance(hours(1));
        admin.post(PAGE, &test).await.expect_status(200);
    }

    async fn programs_do_the_same(world) {
        let site = Site::new(world).await;
        let (admin, key) = (site.user("Ann", Role::Admin).await, site.key(KeyScope::Admin).await);
        let kinds = key.get(API).await.expect(200);
        assert_eq!(kinds["items"].as_array().unwrap().len(), LetterKind::ALL.len());
        let at = format!("{API}/magic_link/fr");
        let found = key.get(&at).await.expect(200);
        assert_eq!((&found["subject"], &found["updated_at"], &found["stand_in"]), (&json!("Votre lien de connexion"), &Value::Null, &Value::Null));
        let words = json!({ "subject": "Entrez", "body": "[Entrer]({{ link }})" });
        let shown = key.post(&format!("{at}/preview"), words.clone()).await.expect(200);
        assert_eq!(shown["text"], "Entrer (http://here.example.org:8080/help/tickets/42)\n");
        assert!(shown["html"].as_str().unwrap().starts_with("<!doctype html>"));
        let saved = key.json("PUT", &at, &[], words.clone()).await.expect(200);
        assert_eq!((&saved["subject"], &saved["locale"]), (&json!("Entrez"), &json!("fr")));
        let kinds = key.get(API).await.expect(200);
        assert!(kinds["items"].as_array().unwrap().iter().any(|k| k["kind"] == "magic_link" && k["changed_in"] == json!(["fr"])));
        let back = key.json("DELETE", &at, &[], Value::Null).await.expect(200);
        assert_eq!(back["subject"], "Votre lien de connexion");

        key.post(&format!("{at}/test"), words.clone()).await.expect_status(403);
        let sent = admin.post(&format!("{at}/test"), words.clone()).await.expect(202);
        assert_eq!((&sent["to"], &sent["status"]), (&json!(admin.email), &json!("queued")));
        assert_eq!(letters_to(&site, &admin).await[0].subject, "Test : Entrez".replace("Test ", "Test\u{a0}"));

        for path in [format!("{API}/none/fr"), format!("{API}/magic_link/xx")] {
            admin.get(&path).await.expect_status(404);
        }
        let wrong = admin.json("PUT", &at, &[], json!({ "subject": "x", "body": "{{ nmae }}" })).await.expect(422);
        assert_eq!(wrong["errors"][0]["field"], "body", "{wrong}");
        let there = site.neighbour("Ned", Role::Admin).await;
        admin.json("PUT", &at, &[], words).await.expect_status(200);
        assert_eq!(there.get(&at).await.expect(200)["subject"], "Votre lien de connexion");
    }

    async fn whoever_a_ticket_is_escalated_to_gets_an_urgent_letter(world) {
        let site = Site::new(world).await;
        let (owner, admin) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let agent = site.user("Ben", Role::Agent).await;
        reads(&site, &agent, "de").await;
        let id = owner.file("Internet down").await;
        let path = format!("/api/admin/support/tickets/{id}");
        let urgent = async |who: &Client| {
            let all = letters_to(&site, who).await;
            all.into_iter().filter(|l| l.kind == "support_ticket_urgent").collect::<Vec<_>>()
        };
        admin.patch(&path, json!({ "escalated_to_user_id": agent.user_id })).await.expect(200);
        let got = urgent(&agent).await;
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].subject, "DRINGEND: Ticket SUP-00001 braucht Aufmerksamkeit");
        assert!(got[0].body_text.contains("Root hat SUP-00001 an Sie eskaliert (Priorität: normal): Internet down"), "{}", got[0].body_text);
        assert!(got[0].body_text.contains(&format!("/desk/tickets/{id})")), "{}", got[0].body_text);
        // The same again is no news; a level up is; a level down is not.
        admin.patch(&path, json!({ "escalated_to_user_id": agent.user_id })).await.expect(200);
        assert_eq!(urgent(&agent).await.len(), 1);
        admin.patch(&path, json!({ "escalation_level": 2 })).await.expect(200);
        assert_eq!(urgent(&agent).await.len(), 2);
        admin.patch(&path, json!({ "escalation_level": 1 })).await.expect(200);
        admin.patch(&path, json!({ "escalation_level": 0, "escalated_to_user_id": null })).await.expect(200);
        assert_eq!(urgent(&agent).await.len(), 2);
        // In English it is what the business knows; to oneself it is no news.
        admin.patch(&path, json!({ "escalated_to_user_id": admin.user_id })).await.expect(200);
        assert_eq!(urgent(&admin).await.len(), 0);
        agent.patch(&path, json!({ "escalated_to_user_id": null })).await.expect(200);
        agent.patch(&path, json!({ "escalated_to_user_id": admin.user_id })).await.expect(200);
        assert_eq!(urgent(&admin).await[0].subject, "URGENT: Ticket SUP-00001 needs attention");
        assert!(urgent(&owner).await.is_empty(), "the customer hears nothing of it");
        // A rule does the same.
        let rule = json!({ "name": "Up", "trigger": { "kind": "event", "events": ["ticket_created"] }, "all": [], "actions": [{ "action": "escalate", "value": agent.user_id }] });
        admin.post(RULES, rule).await.expect(201);
        owner.file("The whole street is down").await;
        let got = urgent(&agent).await;
        assert!(got[0].subject.contains("SUP-00002") && got[0].body_text.starts_with("Rule: Up hat"), "{}", got[0].body_text);
    }
}
