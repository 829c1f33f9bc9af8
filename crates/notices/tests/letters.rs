//! Whose words a letter says, and in which language.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::Result;
use db::Tx;
use identity::tenants;
use notices::letters::{self, LetterKind, NewLetter, Sample};
use testkit::{World, both_engines};

const KIND: LetterKind = LetterKind::TicketResolved;

async fn write<T: Send + 'static>(
    world: &World,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
) -> T {
    world.db.write(world.scope(), f).await.unwrap()
}

/// Subject and language of what a reader of a language gets.
async fn sent(world: &World, locale: &'static str) -> (String, String) {
    let read = world.db.read(world.scope(), move |r| letters::template_of(r, KIND, locale)).await.unwrap();
    (read.subject, read.locale)
}

async fn save(world: &World, locale: &'static str, subject: &'static str) {
    write(world, move |tx| letters::save(tx, KIND, locale, subject, "{{ link }}")).await;
}

fn pair(subject: &str, locale: &str) -> (String, String) {
    (subject.into(), locale.into())
}

fn letter(locale: &str) -> NewLetter {
    let to = "ada@example.org".parse().unwrap();
    NewLetter {
        values: Sample::default().values(locale),
        ..NewLetter::to(KIND, to, "Ada", locale, "here.example.org".into())
    }
}

both_engines! {
    async fn own_words_go_before_ours_even_in_another_language(world) {
        assert_eq!(sent(&world, "de").await.1, "de", "nothing is changed: the default of the language");
        assert_eq!(sent(&world, "ja").await.1, "en", "a language without words");

        save(&world, "en", "Done").await;
        assert_eq!(sent(&world, "de").await, pair("Done", "en"));
        assert_eq!(sent(&world, "pt-BR").await, pair("Done", "en"));

        // A business that writes French: its French stands in for what it did not write, before its English does.
        write(&world, |tx| {
            let tenant = tenants::get(tx, tx.tenant()?)?;
            tenants::save_settings(tx, &tenant.name, &identity::Settings { locale: "fr".into(), ..tenant.settings })
        }).await;
        assert_eq!(sent(&world, "de").await, pair("Done", "en"), "it has no French of its own");
        save(&world, "fr", "Fini").await;
        assert_eq!(sent(&world, "de").await, pair("Fini", "fr"));
        assert_eq!(sent(&world, "en").await, pair("Done", "en"));

        save(&world, "de", "Fertig").await;
        assert_eq!(sent(&world, "de").await, pair("Fertig", "de"));
        let other = world.db.read(world.scope_there(), |r| letters::template_of(r, KIND, "de")).await.unwrap();
        assert!(other.updated_at.is_none(), "the neighbour has the default");
    }

    async fn own_words_in_a_language_of_nobody_else_stand_in_for_none(world) {
        save(&world, "es", "Listo").await;
        assert_eq!(sent(&world, "es").await, pair("Listo", "es"));
        assert_eq!(sent(&world, "de").await.1, "de");
        assert_eq!(sent(&world, "en").await.1, "en");
    }

    async fn the_page_of_a_language_offers_its_default_and_says_what_is_sent_instead(world) {
        let edited = |locale: &'static str| world.db.read(world.scope(), move |r| letters::edited(r, KIND, locale));
        save(&world, "en", "Done").await;
        let german = edited("de").await.unwrap();
        assert_eq!((german.template.locale.as_str(), german.stand_in.as_deref()), ("de", Some("en")));
        assert!(german.template.subject.contains("Gelöst") && german.template.updated_at.is_none());
        // Saving it as it stands is enough.
        let (subject, body) = (german.template.subject, german.template.body);
        write(&world, move |tx| letters::save(tx, KIND, "de", &subject, &body)).await;
        let german = edited("de").await.unwrap();
        assert!(german.stand_in.is_none() && german.template.updated_at.is_some());
        let reset = write(&world, |tx| letters::reset(tx, KIND, "de")).await;
        assert!(reset.updated_at.is_none() && reset.locale == "de");
        assert_eq!(edited("de").await.unwrap().stand_in.as_deref(), Some("en"));
        let refused = world.db.write(world.scope(), |tx| letters::reset(tx, KIND, "xx")).await;
        assert_eq!(refused.unwrap_err().code(), "locale.unknown");
    }

    async fn a_letter_is_in_one_language_with_both_of_its_parts(world) {
        let posted = write(&world, |tx| letters::post(tx, NewLetter {
            kind: LetterKind::TicketAssigned, ..letter("de")
        })).await;
        let got = world.db.read(world.scope(), move |r| letters::get(r, posted.id)).await.unwrap();
        assert_eq!(got.subject, "[SUP-00042] gehört jetzt Ihnen: Seit Montag kein Internet");
        assert!(got.body_text.contains("(Priorität: hoch)"), "{}", got.body_text);
        assert!(got.body_text.contains("Ticket öffnen (https://help.example.org/desk/tickets/42)"), "{}", got.body_text);
        assert!(got.body_html.starts_with("<!doctype html>\n<html lang=\"de\">"), "{}", got.body_html);
        // Own English words to a reader of German are English for the one who reads them aloud, too.
        save(&world, "en", "Done").await;
        let posted = write(&world, |tx| letters::post(tx, letter("de"))).await;
        let got = world.db.read(world.scope(), move |r| letters::get(r, posted.id)).await.unwrap();
        assert!(got.subject == "Done" && got.body_html.contains("<html lang=\"en\">"));
    }

    async fn a_test_is_sent_as_it_was_typed_and_says_that_it_is_one(world) {
        let posted = write(&world, |tx| letters::post_test(tx, letter("fr"), "Vu {{ ticket_number }}", "**{{ name }}**")).await;
        let got = world.db.read(world.scope(), move |r| letters::get(r, posted.id)).await.unwrap();
        assert_eq!((got.subject.as_str(), got.body_text.as_str()), ("Test\u{a0}: Vu SUP-00042", "Ada Byron\n"));
        assert!(got.automatic && got.status == "queued");
        assert_ne!(sent(&world, "fr").await.0, "Vu {{ ticket_number }}", "nothing is saved");
        let refused = world.db.write(world.scope(), |tx| letters::post_test(tx, letter("fr"), "x", "{{ nmae }}")).await;
        assert_eq!(refused.unwrap_err().field_errors()[0].field, "body");
    }
}
