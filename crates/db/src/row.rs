use base::{Email, Error, Id, Result, Timestamp};
use rusqlite::types::ValueRef;
use uuid::Uuid;

/// One row of an answer, on either engine.
pub enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r postgres::Row),
}

/// What a column can be read as.
pub trait FromColumn: Sized {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self>;
    fn is_null(row: &Row<'_>, index: usize) -> Result<bool> {
        row.is_null(index)
    }
}

impl Row<'_> {
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T> {
        T::from_column(self, index)
    }

    /// Reads the columns from the left, so that a mapping is a list in the order of the select.
    pub fn columns(&self) -> Columns<'_> {
        Columns { row: self, next: 0 }
    }

    pub fn is_null(&self, index: usize) -> Result<bool> {
        match self {
            Row::Sqlite(row) => Ok(matches!(sqlite(row, index)?, ValueRef::Null)),
            Row::Postgres(row) => {
                row.try_get::<_, Nullness>(index).map(|n| n.0).map_err(|e| mismatch(index, e))
            }
        }
    }

    /// Borrowed text of a column.
    pub fn text(&self, index: usize) -> Result<&str> {
        match self {
            Row::Sqlite(row) => sqlite(row, index)?.as_str().map_err(|e| mismatch(index, e)),
            Row::Postgres(row) => row.try_get(index).map_err(|e| mismatch(index, e)),
        }
    }

    /// Borrowed bytes of a column.
    pub fn bytes(&self, index: usize) -> Result<&[u8]> {
        match self {
            Row::Sqlite(row) => sqlite(row, index)?.as_blob().map_err(|e| mismatch(index, e)),
            Row::Postgres(row) => row.try_get(index).map_err(|e| mismatch(index, e)),
        }
    }
}

pub struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Columns<'_> {
    #[allow(clippy::should_implement_trait)]
    pub fn next<T: FromColumn>(&mut self) -> Result<T> {
        let index = self.next;
        self.next += 1;
        T::from_column(self.row, index)
    }
}

struct Nullness(bool);
impl<'a> postgres::types::FromSql<'a> for Nullness {
    fn from_sql(
        _: &postgres::types::Type,
        _: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(false))
    }
    fn from_sql_null(_: &postgres::types::Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(true))
    }
    fn accepts(_: &postgres::types::Type) -> bool {
        true
    }
}

#[track_caller]
fn mismatch(index: usize, e: impl std::fmt::Display) -> Error {
    Error::bug(format!("column {index}: {e}"))
}

fn sqlite<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<ValueRef<'r>> {
    row.get_ref(index).map_err(|e| mismatch(index, e))
}

macro_rules! column {
    ($($t:ty => |$lite:ident| $from_lite:expr, |$pg:ident : $pg_t:ty| $from_pg:expr);* $(;)?) => { $(
        impl FromColumn for $t {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
                match row {
                    Row::Sqlite(row) => { let $lite = sqlite(row, index)?; $from_lite.map_err(|e| mismatch(index, e)) }
                    Row::Postgres(row) => {
                        let $pg: $pg_t = row.try_get(index).map_err(|e| mismatch(index, e))?;
                        $from_pg.map_err(|e| mismatch(index, e))
                    }
                }
            }
        }
    )* };
}
type Never = std::convert::Infallible;
column! {
    bool => |v| v.as_i64().map(|n| n != 0), |v: bool| Ok::<_, Never>(v);
    f64 => |v| match v { ValueRef::Integer(n) => Ok(n as f64), other => other.as_f64() }, |v: f64| Ok::<_, Never>(v);
    String => |v| v.as_str().map(str::to_owned), |v: String| Ok::<_, Never>(v);
    Vec<u8> => |v| v.as_blob().map(<[u8]>::to_vec), |v: Vec<u8>| Ok::<_, Never>(v);
    Uuid => |v| v.as_blob().map_err(|e| e.to_string()).and_then(|b| Uuid::from_slice(b).map_err(|e| e.to_string())), |v: Uuid| Ok::<_, Never>(v);
    Timestamp => |v| v.as_i64().map_err(|e| e.to_string()).and_then(|n| Timestamp::from_microsecond(n).map_err(|e| e.to_string())), |v: Timestamp| Ok::<_, Never>(v);
    serde_json::Value => |v| v.as_str().map_err(|e| e.to_string()).and_then(|s| serde_json::from_str(s).map_err(|e| e.to_string())), |v: serde_json::Value| Ok::<_, Never>(v);
}

impl FromColumn for i64 {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
        match row {
            Row::Sqlite(row) => sqlite(row, index)?.as_i64().map_err(|e| mismatch(index, e)),
            Row::Postgres(row) => match *row.columns()[index].type_() {
                postgres::types::Type::INT4 => {
                    row.try_get::<_, i32>(index).map(i64::from).map_err(|e| mismatch(index, e))
                }
                postgres::types::Type::INT2 => {
                    row.try_get::<_, i16>(index).map(i64::from).map_err(|e| mismatch(index, e))
                }
                _ => row.try_get(index).map_err(|e| mismatch(index, e)),
            },
        }
    }
}
macro_rules! narrow {
    ($($t:ty),*) => { $( impl FromColumn for $t {
        fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
            <$t>::try_from(i64::from_column(row, index)?).map_err(|e| mismatch(index, e))
        }
    } )* };
}
narrow!(i32, u32, u64, u8, usize);

impl<T> FromColumn for Id<T> {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
        Uuid::from_column(row, index).map(Id::from_uuid)
    }
}
impl FromColumn for Email {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
        row.text(index)?.parse()
    }
}
impl<const N: usize> FromColumn for [u8; N] {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
        row.bytes(index)?.try_into().map_err(|e| mismatch(index, e))
    }
}
impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self> {
        if T::is_null(row, index)? { Ok(None) } else { T::from_column(row, index).map(Some) }
    }
}
