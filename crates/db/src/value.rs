use base::{Email, Id, Timestamp};
use bytes::BytesMut;
use postgres::types::{IsNull, ToSql, Type};
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

/// One parameter of a statement, borrowed from the caller where it can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    OwnedText(String),
    Bytes(&'a [u8]),
    OwnedBytes(Vec<u8>),
    Uuid(Uuid),
    Time(Timestamp),
    /// JSON text, already valid.
    Json(String),
}

impl Value<'_> {
    /// The same, borrowed from nobody.
    pub(crate) fn to_owned_value(&self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(v) => Value::Bool(*v),
            Value::Int(v) => Value::Int(*v),
            Value::Float(v) => Value::Float(*v),
            Value::Text(v) => Value::OwnedText((*v).to_owned()),
            Value::OwnedText(v) => Value::OwnedText(v.clone()),
            Value::Bytes(v) => Value::OwnedBytes(v.to_vec()),
            Value::OwnedBytes(v) => Value::OwnedBytes(v.clone()),
            Value::Uuid(v) => Value::Uuid(*v),
            Value::Time(v) => Value::Time(*v),
            Value::Json(v) => Value::Json(v.clone()),
        }
    }
}

/// What can be a parameter. Enums stored as text get it from [`crate::text_column!`].
pub trait ToValue {
    fn to_value(&self) -> Value<'_>;
}

/// `params![id, name]` for parameters `?2, ?3` of a tenant's statement (`?1, ?2` of an installation's).
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::ToValue::to_value(&$value)),*][..] };
}

macro_rules! by_value {
    ($($t:ty => |$v:ident| $e:expr),* $(,)?) => { $(
        impl ToValue for $t { fn to_value(&self) -> Value<'_> { let $v = self; $e } }
    )* };
}
by_value! {
    bool => |v| Value::Bool(*v),
    i64 => |v| Value::Int(*v),
    i32 => |v| Value::Int(i64::from(*v)),
    u32 => |v| Value::Int(i64::from(*v)),
    u8 => |v| Value::Int(i64::from(*v)),
    u64 => |v| Value::Int(i64::try_from(*v).unwrap_or(i64::MAX)),
    f64 => |v| Value::Float(*v),
    str => |v| Value::Text(v),
    String => |v| Value::Text(v),
    [u8] => |v| Value::Bytes(v),
    Vec<u8> => |v| Value::Bytes(v),
    Uuid => |v| Value::Uuid(*v),
    Timestamp => |v| Value::Time(*v),
    Email => |v| Value::Text(v.as_str()),
    serde_json::Value => |v| Value::Json(v.to_string()),
}
impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}
impl<T> ToValue for Id<T> {
    fn to_value(&self) -> Value<'_> {
        Value::Uuid(self.uuid())
    }
}
impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}
impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}
impl ToValue for Value<'_> {
    fn to_value(&self) -> Value<'_> {
        self.clone()
    }
}
impl ToValue for std::borrow::Cow<'_, str> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(v) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*v))),
            Value::Int(v) => ToSqlOutput::Borrowed(ValueRef::Integer(*v)),
            Value::Float(v) => ToSqlOutput::Borrowed(ValueRef::Real(*v)),
            Value::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Value::OwnedText(v) | Value::Json(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Value::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
            Value::OwnedBytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
            Value::Uuid(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v.as_bytes())),
            Value::Time(v) => ToSqlOutput::Borrowed(ValueRef::Integer(v.as_microsecond())),
        })
    }
}

/// On PostgreSQL the column decides the type; a value that does not fit it is our bug, said plainly.
impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Bool(v) => v.to_sql(ty, out),
            Value::Int(v) => match *ty {
                Type::INT2 => i16::try_from(*v)?.to_sql(ty, out),
                Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
                #[allow(clippy::cast_precision_loss)]
                Type::FLOAT8 => (*v as f64).to_sql(ty, out),
                Type::INT8 => v.to_sql(ty, out),
                _ => Err(format!("an integer cannot be bound as {ty}").into()),
            },
            Value::Float(v) => v.to_sql(ty, out),
            Value::Text(v) => text(v, ty, out),
            Value::OwnedText(v) => text(v, ty, out),
            Value::Json(v) => match *ty {
                Type::JSONB => {
                    out.extend_from_slice(&[1]);
                    out.extend_from_slice(v.as_bytes());
                    Ok(IsNull::No)
                }
                _ => {
                    out.extend_from_slice(v.as_bytes());
                    Ok(IsNull::No)
                }
            },
            Value::Bytes(v) => v.to_sql(ty, out),
            Value::OwnedBytes(v) => v.to_sql(ty, out),
            Value::Uuid(v) => v.to_sql(ty, out),
            Value::Time(v) => v.to_sql(ty, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    postgres::types::to_sql_checked!();
}

fn text(v: &str, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
    if v.contains('\0') {
        return Err("a text with a NUL character cannot be stored".into());
    }
    v.to_sql(ty, out)
}

/// Stores an enum with `as_str` and `FromStr` as text.
#[macro_export]
macro_rules! text_column {
    ($($t:ty),* $(,)?) => { $(
        impl $crate::ToValue for $t {
            fn to_value(&self) -> $crate::Value<'_> { $crate::Value::Text(self.as_str()) }
        }
        impl $crate::FromColumn for $t {
            fn from_column(row: &$crate::Row<'_>, index: usize) -> base::Result<Self> {
                row.text(index)?.parse().map_err(|_| base::Error::bug(concat!("a stored ", stringify!($t), " is not known")))
            }
            fn is_null(row: &$crate::Row<'_>, index: usize) -> base::Result<bool> { row.is_null(index) }
        }
    )* };
}

text_column!(base::Role, base::ActorKind);
