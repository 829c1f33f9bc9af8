//! The document that describes the API is kept as a file, so that a change of the contract is seen in a review.
//! `cargo dev bless` writes it.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::path::PathBuf;

use serde_json::Value;

/// Keys in alphabetical order, so that the file does not depend on the order of registration.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[test]
fn openapi_document_is_the_one_in_docs() {
    let (_, document) = web::http::router::api();
    let mut made = serde_json::to_string_pretty(&sorted(serde_json::to_value(document).unwrap())).unwrap();
    made.push('\n');
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "docs/openapi.json is not what the routes say; `cargo dev bless` writes it anew");
}
