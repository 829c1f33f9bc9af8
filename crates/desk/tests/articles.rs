//! Searching the help centre: the same articles on both engines, and those that a look at every word finds.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use db::Scope;
use desk::articles::{self, NewArticle, Visibility, Writing, categories, portal, search};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use testkit::World;

/// Titles and texts with a small set of words, so that there is something to find.
fn library() -> Vec<(String, String)> {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let word = "router|routers|Röuter|Wi-Fi|wifi|slow|slower|slowly|light|Licht|invoice|ÜBER|uber|日本語|本|SUP-00042|ﬁber|x|é|z{1,3}|[a-zäß']{1,6}|[\\u{0}-\\u{ff}&&[^\\u{0}-\\u{1f}\\u{7f}-\\u{9f}]]{1,4}";
    let texts = proptest::collection::vec(proptest::string::string_regex(word).unwrap(), 1..8);
    (0..60)
        .map(|_| {
            let mut one = || texts.new_tree(&mut runner).unwrap().current().join(" ");
            (format!("T {}", one()), format!("b {}", one()))
        })
        .collect()
}

/// What every question finds, in order, with whether it is partial, and what is suggested.
async fn answers(world: World) -> Vec<(String, bool, Vec<String>, Vec<String>)> {
    let scope = |tenant| Scope::tenant(tenant, base::Actor::operator());
    for tenant in [world.here, world.there] {
        // The neighbour has the same articles and more; none of them may show.
        let mut texts = library();
        if tenant == world.there {
            texts.extend(library());
        }
        world
            .db
            .write(scope(tenant), move |tx| {
                let category = categories::create(tx, "All", None)?.id;
                for (n, (title, body)) in texts.iter().enumerate() {
                    let visibility = if n % 7 == 3 { Visibility::SignedIn } else { Visibility::Public };
                    let writing = Writing::parse(if n % 5 == 4 { "de" } else { "en" }, title, body)?;
                    let language = writing.language;
                    let slug = Some(format!("a-{n}"));
                    let made = articles::create(
                        tx,
                        NewArticle { category_id: category, visibility, slug, writing },
                    )?;
                    if n % 6 != 5 {
                        articles::publish(tx, made.id, language, None)?;
                    }
                    if n % 11 == 10 {
                        articles::archive(tx, made.id, None)?;
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
    }
    let mut questions: Vec<String> = library().into_iter().flat_map(|(t, b)| [t, b]).collect();
    questions.extend(
        [
            "rout",
            "wi fi",
            "日",
            "日本",
            "本",
            "語",
            "slo",
            "sup-0",
            "SUP-00042",
            "",
            "é",
            "licht uber",
            "z",
            "%",
            "_",
            "\u{ff}",
        ]
        .map(str::to_owned),
    );
    world
        .db
        .read(scope(world.here), move |read| {
            let reader = portal::Reader { reach: portal::Reach::Public, languages: vec!["en".into()] };
            questions
                .iter()
                .map(|q| {
                    let found = search::search(read, &reader, q)?;
                    let slugs: Vec<String> = found.headings.iter().map(|h| h.slug.clone()).collect();
                    assert_eq!(
                        slugs.iter().collect::<std::collections::BTreeSet<_>>().len(),
                        slugs.len(),
                        "{q}: twice"
                    );
                    let suggested =
                        search::suggest(read, &reader, q, 4)?.into_iter().map(|f| f.heading.slug).collect();
                    Ok((q.clone(), found.is_partial, slugs, suggested))
                })
                .collect()
        })
        .await
        .unwrap()
}

/// What a search has to find, word by word, without the index.
fn expected(q: &str) -> (bool, Vec<String>) {
    let tokens = |text: &str| db::search::tokenize(text);
    let mut asked: Vec<String> = tokens(q).into_iter().filter(|t| !t.is_tail).map(|t| t.text).collect();
    let mut seen = std::collections::BTreeSet::new();
    asked.retain(|w| seen.insert(w.clone()));
    asked.truncate(24);
    let mut counted: Vec<(usize, String)> = Vec::new();
    for (n, (title, body)) in library().iter().enumerate() {
        if n % 7 == 3 || n % 6 == 5 || n % 11 == 10 {
            continue;
        }
        let body = mail::markdown::to_text(body);
        let words: Vec<String> =
            [title.as_str(), &body].iter().flat_map(|t| tokens(t)).map(|t| t.text).collect();
        let has = |(i, w): (usize, &String)| {
            let begins =
                i + 1 == asked.len() || (w.chars().count() == 1 && w.chars().all(|c| c as u32 >= 0x3005));
            words.iter().any(|x| if begins { x.starts_with(w.as_str()) } else { x == w })
        };
        let hits = asked.iter().enumerate().filter(|p| has(*p)).count();
        if hits > 0 {
            counted.push((hits, format!("a-{n}")));
        }
    }
    let whole = counted.iter().any(|(hits, _)| *hits == asked.len());
    let mut slugs: Vec<String> =
        counted.into_iter().filter(|(h, _)| !whole || *h == asked.len()).map(|(_, s)| s).collect();
    slugs.sort();
    (!whole && !slugs.is_empty(), slugs)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_find_and_suggest_the_same() {
    let sqlite = answers(World::sqlite()).await;
    let mut something = 0;
    for (q, is_partial, found, _) in &sqlite {
        let (partial, mut wanted) = expected(q);
        let mut found = found.clone();
        found.sort();
        wanted.sort();
        assert_eq!((&partial, &wanted), (is_partial, &found), "{q}");
        something += usize::from(!found.is_empty());
    }
    assert!(something > 100 && sqlite.iter().any(|a| !a.3.is_empty()), "{something}");
    assert_eq!(answers(World::postgres()).await, sqlite);
}
