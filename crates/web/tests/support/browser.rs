//! Pages as a person at a browser uses them.
#![allow(dead_code)]

use super::{Answer, Client};

/// A person at a browser: forms carry the token of the page they stand on.
pub struct Browser {
    pub client: Client,
    pub token: String,
}

impl Browser {
    pub async fn new(client: Client) -> Self {
        let page = client.get("/help").await.text;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form with a token");
        let token = rest.split('"').next().unwrap_or_default().to_owned();
        Self { client, token }
    }
    /// A page that opens; slashes are escaped in some addresses.
    #[track_caller]
    pub fn opened(answer: Answer, path: &str) -> String {
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
        answer.text.replace("&#x2f;", "/")
    }
    pub async fn page(&self, path: &str) -> String {
        Self::opened(self.client.get(path).await, path)
    }
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, &self.token, "same-origin", fields).await
    }
    pub async fn post_with(&self, path: &str, token: &str, site: &str, fields: &[(&str, &str)]) -> Answer {
        let body = fields
            .iter()
            .chain([&("csrf", token)])
            .map(|(n, v)| format!("{n}={}", percent(v)))
            .collect::<Vec<_>>()
            .join("&");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", site)];
        self.client.send("POST", path, &headers, body.into_bytes()).await
    }
    /// A form that worked, and where it leads.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status.as_u16(), 303, "{path}: {}", answer.text);
        answer.headers["location"].to_str().unwrap().to_owned()
    }
    /// A form that came back, with what is wrong in it.
    pub async fn refused(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status.as_u16(), 422, "{path}: {}", answer.text);
        assert!(answer.text.contains("problem-summary"), "{path}: no summary of problems");
        answer.text.replace("&#x2f;", "/")
    }
}

pub fn percent(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

/// The first id after a piece of an address.
pub fn id_after(page: &str, address: &str) -> String {
    let at = page.find(address).unwrap_or_else(|| panic!("no {address} in {page}"));
    page[at + address.len()..].chars().take(36).collect()
}
