//! Where a ticket's page was come to from, `?from=`: the list that stands beside it, and the way back. It is the query of a list
//! or of the board and nothing else, written anew from what is understood of it, so no address of anybody's choosing gets in.

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderValue, header, request::Parts},
    middleware::Next,
    response::Response,
};
use base::{Kind, Result};
use db::Read;
use desk::tickets::{self, Ticket, TicketFilter};
use identity::Staff;
use serde::Deserialize;

use crate::{http::page::encode, queue::asked::Asked};

/// Rows beside a ticket: as many as a page of the list has.
const ROWS: u32 = 50;
/// Nobody's list has a longer address.
const FROM_MAX: usize = 2_000;

/// The query of a ticket's page.
#[derive(Clone, Default)]
pub struct Around {
    from: Option<From>,
    /// Which of two drafts is written on.
    pub write: Option<String>,
}

#[derive(Clone)]
struct From {
    is_board: bool,
    asked: Asked,
}

impl From {
    fn parse(text: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Place {
            board: Option<String>,
        }
        if text.len() > FROM_MAX {
            return None;
        }
        let place: Place = serde_urlencoded::from_str(text).ok()?;
        Some(Self { is_board: place.board.is_some(), asked: serde_urlencoded::from_str(text).ok()? })
    }

    fn back(&self) -> String {
        let path = if self.is_board { "/desk/board" } else { "/desk" };
        self.asked.href(path, "cursor", self.asked.cursor.as_deref())
    }

    /// The query of the list, as it stands in `from`.
    fn text(&self) -> String {
        let list = self.asked.href("", "cursor", self.asked.cursor.as_deref());
        let list = list.trim_start_matches('?');
        let parts = [self.is_board.then_some("board=1"), Some(list).filter(|l| !l.is_empty())];
        parts.into_iter().flatten().collect::<Vec<_>>().join("&")
    }

    fn suffix(&self) -> String {
        let text = self.text();
        if text.is_empty() { text } else { format!("?from={}", encode(&text)) }
    }
}

/// What links of a list add to a ticket's address.
pub fn from_list(asked: &Asked) -> String {
    From { is_board: false, asked: asked.clone() }.suffix()
}

/// The same for the board.
pub fn from_board(asked: &Asked) -> String {
    From { is_board: true, asked: asked.clone() }.suffix()
}

impl Around {
    fn of(query: Option<&str>) -> Self {
        let mut around = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "from" => around.from = From::parse(&value),
                "write" if ["reply", "note"].contains(&&*value) => around.write = Some(value.into_owned()),
                _ => {}
            }
        }
        around
    }

    /// Beside this list: the value of a field `from`.
    pub fn beside(from: Option<&str>) -> Self {
        Self { from: from.and_then(From::parse), write: None }
    }

    /// What the page's own links and forms add to their addresses.
    pub fn suffix(&self) -> String {
        self.from.as_ref().map(From::suffix).unwrap_or_default()
    }

    /// The same as the value of a field `from`; none where there is none.
    pub fn from(&self) -> Option<String> {
        self.from.as_ref().map(From::text).filter(|text| !text.is_empty())
    }

    pub fn back(&self) -> String {
        self.from.as_ref().map_or_else(|| "/desk".into(), From::back)
    }

    /// The tickets of the list, with this one in its place also when it is on it no more, or never was: from there `j` and `k` go
    /// on. Without a list, or with one that is not understood: the inbox.
    pub fn rows(&self, read: &Read<'_>, staff: &Staff, t: &Ticket) -> Result<Vec<Ticket>> {
        let wanted = match &self.from {
            Some(from) if !from.is_board => found(read, staff, &from.asked)?,
            _ => None,
        };
        let (mut rows, filter) = match wanted {
            Some(found) => found,
            None => {
                let inbox = tickets::query::view_filter("inbox", staff).unwrap_or_default();
                let filter = TicketFilter { limit: ROWS, ..inbox };
                (tickets::query::list(read, staff, &filter)?.0, filter)
            }
        };
        if !rows.iter().any(|row| row.id == t.id) {
            let place = |row: &Ticket| filter.sort.cursor_after(row).value;
            let comes_after = |row: &Ticket| {
                if filter.sort.descending { place(row) < place(t) } else { place(row) > place(t) }
            };
            let at = if filter.q.is_some() { Some(0) } else { rows.iter().position(comes_after) };
            rows.insert(at.unwrap_or(rows.len()), t.clone());
        }
        Ok(rows)
    }
}

/// None when the list is not understood, or is somebody else's view by now.
fn found(read: &Read<'_>, staff: &Staff, asked: &Asked) -> Result<Option<(Vec<Ticket>, TicketFilter)>> {
    let found = asked.filter(read, staff, ROWS).and_then(|filter| {
        let rows = if filter.q.is_some() {
            tickets::search::search(read, staff, &filter)?.tickets
        } else {
            tickets::query::list(read, staff, &filter)?.0
        };
        Ok((rows, filter))
    });
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::NotFound | Kind::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Around {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self::of(parts.uri.query()))
    }
}

/// A form's answer leads back to the ticket, beside the list it was come to from; or to that list.
pub async fn keep(request: Request, next: Next) -> Response {
    let around = Around::of(request.uri().query());
    let mut response = next.run(request).await;
    if around.from.is_some()
        && let Some(to) = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok())
        && let Some(to) = beside(&around, to)
        && let Ok(to) = HeaderValue::from_str(&to)
    {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn beside(around: &Around, to: &str) -> Option<String> {
    if to == "/desk" {
        return Some(around.back());
    }
    if !to.starts_with("/desk/tickets/") || to.contains('?') {
        return None;
    }
    let (path, place) = to.split_once('#').map_or((to, None), |(path, place)| (path, Some(place)));
    let place = place.map(|p| format!("#{p}")).unwrap_or_default();
    Some(format!("{path}{}{place}", around.suffix()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(from: &str) -> String {
        Around::of(Some(&format!("from={}", encode(from)))).back()
    }

    #[test]
    fn only_what_a_list_is_asked_for_comes_back() {
        assert_eq!(back("view=mine&status=open"), "/desk?view=mine&status=open");
        assert_eq!(back("q=red light"), "/desk?q=red%20light");
        assert_eq!(
            back("view=mine&cursor=a%26b%3D1%23c%22d%27"),
            "/desk?view=mine&cursor=a%26b%3D1%23c%22d%27"
        );
        assert_eq!(back("board=1&priority=high"), "/desk/board?priority=high");
        assert_eq!(back("https://elsewhere.example/"), "/desk");
        assert_eq!(back("//elsewhere.example?view=mine&next=/logout"), "/desk");
        assert_eq!(back(&"x".repeat(3_000)), "/desk");
        assert_eq!(Around::of(None).back(), "/desk");
    }

    #[test]
    fn a_redirect_to_a_ticket_keeps_the_list() {
        let around = Around::of(Some("from=view%3Dmine"));
        assert_eq!(beside(&around, "/desk/tickets/1#held").unwrap(), "/desk/tickets/1?from=view%3Dmine#held");
        assert_eq!(beside(&around, "/desk").unwrap(), "/desk?view=mine");
        assert_eq!(beside(&around, "/login"), None);
    }
}
