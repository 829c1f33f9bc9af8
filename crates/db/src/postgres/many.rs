//! One statement for many rows: from the text of a statement that writes one row, the text that writes as many as it is
//! given, a list of values for each parameter.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// A statement of which many can be one.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    pub table: String,
    pub kind: Kind,
    /// Columns that hold a parameter as it is, or have to equal one: which parameter, counted from 1.
    pub places: Vec<(String, usize)>,
    /// With `{?2}` and so on where a parameter of the row stands.
    text: String,
    /// Where the rows go in.
    rows_at: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    Insert,
    /// `columns` say which row, and these parameters (counted from 1, the tenant being the first) hold their values.
    Update {
        columns: String,
        key: Vec<usize>,
    },
    Delete,
}

/// What is known of a statement's text; none when many of it cannot be one.
pub fn shape(text: &str) -> Option<Arc<Shape>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Option<Arc<Shape>>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shape) = known.get(text) {
        return shape.clone();
    }
    let shape = Shape::of(text).map(Arc::new);
    known.insert(text.to_owned(), shape.clone());
    shape
}

impl Shape {
    fn of(text: &str) -> Option<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // A quoted text may hold anything, also what looks like SQL; words do not.
        let is_word = |quoted: &str| quoted.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !text.split('\'').skip(1).step_by(2).all(is_word)
            || text.contains(" returning ")
            || text.contains('{')
        {
            return None;
        }
        if let Some(rest) = text.strip_prefix("insert into ") {
            return Self::insert(&text, rest);
        }
        if let Some(rest) = text.strip_prefix("delete from ") {
            return Self::by_rows(&text, rest, Kind::Delete);
        }
        text.strip_prefix("update ").and_then(|rest| Self::update(&text, rest))
    }

    /// `insert into t (…) values (?1, …)`, with nothing or `on conflict … do nothing` behind it.
    fn insert(text: &str, rest: &str) -> Option<Self> {
        let (head, values) = text.split_once(" values (")?;
        let end = closing(values)?;
        let (values, behind) = (values.get(..end)?, values.get(end + 1..)?);
        if !(behind.is_empty() || behind.starts_with(" on conflict") && behind.ends_with("do nothing")) {
            return None;
        }
        let text = format!("{head} select {}", marked(values));
        let columns = head.split_once(" (").map_or("", |(_, columns)| columns.trim_end_matches(')'));
        // A value with a comma in it ends this list too soon, and what is behind it is not known.
        let plain = |value: &str| value.strip_prefix('?').and_then(|n| n.parse().ok());
        let places = columns
            .split(", ")
            .zip(values.split(", "))
            .take_while(|(_, value)| !value.contains('('))
            .filter_map(|(column, value)| Some((column.to_owned(), plain(value)?)))
            .collect();
        Some(Self {
            places,
            table: rest.split(' ').next()?.to_owned(),
            kind: Kind::Insert,
            rows_at: text.len(),
            text: text + behind,
        })
    }

    /// `update t set … where tenant_id = ?1 and id = ?2`, with equalities alone in the condition.
    fn update(text: &str, rest: &str) -> Option<Self> {
        let (_, condition) = text.split_once(" where ")?;
        let (columns, key) = equalities(condition)?;
        let kind = Kind::Update { columns: columns.join(","), key };
        Self::by_rows(text, rest, kind)
    }

    /// What finds its rows by their values.
    fn by_rows(text: &str, rest: &str, kind: Kind) -> Option<Self> {
        let (head, condition) = text.split_once(" where ")?;
        let head = marked(head);
        let (columns, key) = equalities(condition)?;
        Some(Self {
            places: columns.into_iter().map(str::to_owned).zip(key).collect(),
            table: rest.split(' ').next()?.to_owned(),
            kind,
            rows_at: head.len(),
            text: format!("{head} where {}", marked(condition)),
        })
    }

    /// The statement for many rows. `types` are those of all parameters by name, the tenant's first.
    pub fn text(&self, types: &[&str]) -> String {
        let numbers = || 2..=types.len();
        let lists: Vec<String> =
            numbers().zip(types.iter().skip(1)).map(|(n, ty)| format!("cast(?{n} as {ty}[])")).collect();
        let columns: Vec<String> = numbers().map(|n| format!("p{n}")).collect();
        let from = if self.kind == Kind::Delete { "using" } else { "from" };
        let rows = format!(" {from} unnest({}) as many({})", lists.join(", "), columns.join(", "));
        let (before, behind) = self.text.split_at(self.rows_at);
        let mut text = format!("{before}{rows}{behind}");
        for n in numbers() {
            text = text.replace(&format!("{{?{n}}}"), &format!("many.p{n}"));
        }
        text.replace("{?1}", &format!("cast(?1 as {})", types.first().unwrap_or(&"uuid")))
    }
}

/// The columns, and the numbers of the parameters they equal, of a condition that is `tenant_id = ?1 and a = ?2 …`. Beside
/// those, columns may have to be a number that the text names (`and n = 0`), which says nothing of which row it is.
fn equalities(condition: &str) -> Option<(Vec<&str>, Vec<usize>)> {
    let mut terms = condition.split(" and ");
    if terms.next() != Some("tenant_id = ?1") {
        return None;
    }
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for term in terms {
        let (column, value) = term.split_once(" = ")?;
        if !column.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return None;
        }
        match value.strip_prefix('?') {
            Some(number) => {
                columns.push(column);
                key.push(number.parse().ok()?);
            }
            None => {
                value.parse::<i64>().ok()?;
            }
        }
    }
    (!key.is_empty()).then_some((columns, key))
}

/// Where the bracket that is open ends.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        (depth == 0).then_some(at)
    })
}

/// `{?2}` of `?2`.
fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut in_parameter = false;
    for c in text.chars() {
        if in_parameter && !c.is_ascii_digit() {
            out.push('}');
            in_parameter = false;
        }
        if c == '?' {
            out.push('{');
            in_parameter = true;
        }
        out.push(c);
    }
    if in_parameter {
        out.push('}');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_and_an_update_become_one_of_many_rows() {
        let insert =
            Shape::of("insert into notes (tenant_id, id, n, state, body) values (?1, ?2, 0, 'queued', ?10)")
                .unwrap();
        assert_eq!((insert.table.as_str(), &insert.kind), ("notes", &Kind::Insert));
        let at = |column: &str, n| (column.to_owned(), n);
        assert_eq!(insert.places, [at("tenant_id", 1), at("id", 2), at("body", 10)]);
        let cast =
            Shape::of("insert into t (tenant_id, a, b, c) values (?1, ?2, cast(?3 as text), ?4)").unwrap();
        assert_eq!(cast.places, [at("tenant_id", 1), at("a", 2)]);
        assert_eq!(
            Shape::of("insert into t (tenant_id, a) values (?1, ?2) on conflict do nothing")
                .unwrap()
                .text(&["uuid", "int8"]),
            "insert into t (tenant_id, a) select cast(?1 as uuid), many.p2 from unnest(cast(?2 as int8[])) as many(p2) on conflict do nothing"
        );
        let update =
            Shape::of("update t set a = ?4, n = n + 1\n where tenant_id = ?1 and b = ?2 and c = ?3").unwrap();
        let drop = Shape::of("delete from t where tenant_id = ?1 and b = ?2").unwrap();
        assert_eq!(
            drop.text(&["uuid", "text"]),
            "delete from t using unnest(cast(?2 as text[])) as many(p2) where tenant_id = cast(?1 as uuid) and b = many.p2"
        );
        assert_eq!(drop.places, [at("b", 2)]);
        let empty = Shape::of("delete from t where tenant_id = ?1 and b = ?2 and n = 0").unwrap();
        assert_eq!((&empty.kind, &empty.places), (&Kind::Delete, &vec![at("b", 2)]));
        assert!(empty.text(&["uuid", "text"]).ends_with("and b = many.p2 and n = 0"));
        assert_eq!(update.kind, Kind::Update { columns: "b,c".into(), key: vec![2, 3] });
        assert_eq!(
            update.text(&["uuid", "uuid", "int4", "text"]),
            "update t set a = many.p4, n = n + 1 \
             from unnest(cast(?2 as uuid[]), cast(?3 as int4[]), cast(?4 as text[])) as many(p2, p3, p4) \
             where tenant_id = cast(?1 as uuid) and b = many.p2 and c = many.p3"
        );
    }

    #[test]
    fn what_does_more_than_write_a_row_stays_alone() {
        for other in [
            "insert into t (tenant_id, a) values (?1, ?2) returning a",
            "insert into t (tenant_id, a) values (?1, ?2) on conflict (tenant_id) do update set a = excluded.a",
            "insert into t (tenant_id, a) select ?1, a from u where tenant_id = ?1",
            "insert into t (tenant_id, a) values (?1, 'x values (')",
            "insert into t (tenant_id, a) values (?1, 'It''s')",
            "update t set a = ?2 where tenant_id = ?1",
            "update t set a = ?3 where tenant_id = ?1 and b > ?2",
            "update t set a = ?3 where tenant_id = ?1 and b = ?2 and c is null",
            "update t set a = ?3 where tenant_id = ?1 and b = ?2 or c = ?3",
            "delete from t where tenant_id = ?1 and a >= ?2",
            "delete from t where tenant_id = ?1",
            "delete from t where tenant_id = ?1 and n = 0",
            "delete from t where tenant_id = ?1 and a = ?2 and n = 0 or m = 0",
            "select a from t where tenant_id = ?1",
        ] {
            assert_eq!(Shape::of(other), None, "{other}");
        }
    }
}
