//! Lists that are short by nature: whole, unless a part of them is asked for.

use base::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Page;
use crate::tickets::wire;

/// Which part of a short list.
#[derive(Clone, Debug, Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Part {
    pub cursor: Option<String>,
    /// 1 to 100; absent: the whole list.
    pub limit: Option<String>,
}

/// A part that was checked.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    after: usize,
    limit: usize,
}

impl Part {
    /// # Errors
    /// `limit.range`, `cursor.malformed`.
    pub fn place(&self) -> Result<Place> {
        let wrong = || Error::field("cursor", "cursor.malformed", "pass next_cursor unchanged");
        let after = self.cursor.as_ref().map_or(Ok(0), |c| c.parse().map_err(|_| wrong()))?;
        let limit = match &self.limit {
            None => usize::MAX,
            Some(_) => wire::limit(self.limit.as_ref())? as usize,
        };
        Ok(Place { after, limit })
    }
}

impl Place {
    /// That part of the list, and where the next begins.
    pub fn of<T>(self, items: Vec<T>) -> Page<T> {
        let end = self.after.saturating_add(self.limit);
        let next_cursor = (items.len() > end).then(|| end.to_string());
        let items = items.into_iter().skip(self.after).take(self.limit).collect();
        Page { items, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(limit: Option<&str>, cursor: Option<&str>) -> Result<Page<u8>> {
        let of = |text: Option<&str>| text.map(str::to_owned);
        Ok(Part { limit: of(limit), cursor: of(cursor) }.place()?.of(vec![1, 2, 3, 4, 5]))
    }

    #[test]
    fn parts_make_the_list_again() {
        let whole = part(None, None).unwrap();
        assert_eq!((whole.items.len(), whole.next_cursor), (5, None));
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = part(Some("2"), cursor.as_deref()).unwrap();
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(all, [1, 2, 3, 4, 5]);
        assert_eq!(part(Some("5"), None).unwrap().next_cursor, None);
        assert!(part(Some("2"), Some("9")).unwrap().items.is_empty());
    }

    #[test]
    fn what_is_no_part_is_refused_on_its_field() {
        for (limit, cursor, field) in
            [(Some("0"), None, "limit"), (Some("101"), None, "limit"), (None, Some("x"), "cursor")]
        {
            let error = part(limit, cursor).map(|_| ()).unwrap_err();
            assert_eq!(error.field_errors()[0].field, field);
        }
    }
}
