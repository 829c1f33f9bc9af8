use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::{Entropy, Error, Timestamp};

/// The identity of one `T`: a UUIDv7, so ids sort by the moment they were made.
///
/// On the wire it is the usual hyphenated text; SQLite keeps 16 bytes, PostgreSQL a `uuid`.
pub struct Id<T>(Uuid, PhantomData<fn() -> T>);

/// Marker of the tenant, which every other crate needs to name.
pub enum Tenant {}
pub type TenantId = Id<Tenant>;

impl<T> Id<T> {
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// A new id made of the given instant and 74 random bits.
    pub fn new(at: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self::from_uuid(Uuid::from_bytes(bytes))
    }

    /// The same, in the order of `place` among ids of the same instant: places up to 4095 are told apart.
    pub fn placed(at: Timestamp, place: u16, entropy: &dyn Entropy) -> Self {
        let mut bytes = *Self::new(at, entropy).uuid().as_bytes();
        let place = place.min(0x0fff).to_be_bytes();
        (bytes[6], bytes[7]) = (0x70 | place[0], place[1]);
        Self::from_uuid(Uuid::from_bytes(bytes))
    }

    /// No id of this instant or later sorts before it: where looking begins.
    pub fn first_of(at: Timestamp) -> Self {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Self::from_uuid(Uuid::from_u128(u128::from(millis) << 80))
    }

    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The same number under another name, for tables that refer to several kinds of thing.
    pub const fn cast<U>(self) -> Id<U> {
        Id::from_uuid(self.0)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> hash::Hash for Id<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
impl<T> FromStr for Id<T> {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        // Only the hyphenated spelling: one id, one URL.
        if s.len() == 36
            && let Ok(uuid) = Uuid::try_parse(s)
        {
            return Ok(Self::from_uuid(uuid));
        }
        Err(Error::invalid("id.malformed", "an id is a UUID such as 0198c5f2-5b6a-7c3e-9d41-2f8a6b1c0e77"))
    }
}
impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; 36];
        serializer.serialize_str(self.0.hyphenated().encode_lower(&mut buffer))
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("expected a UUID"))
    }
}
impl<T> schemars::JsonSchema for Id<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid" })
    }
    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn ids_sort_by_time_and_survive_text() {
        let entropy = SeededEntropy::new(7);
        let early: Id<Tenant> = Id::new("2026-01-01T00:00:00Z".parse().unwrap(), &entropy);
        let late: Id<Tenant> = Id::new("2026-01-01T00:00:01Z".parse().unwrap(), &entropy);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<Id<Tenant>>().unwrap(), early);
        assert_eq!(early.uuid().get_version_num(), 7);
    }

    #[test]
    fn other_spellings_of_a_uuid_are_refused() {
        for bad in ["", "x", "0198c5f25b6a7c3e9d412f8a6b1c0e77", "{0198c5f2-5b6a-7c3e-9d41-2f8a6b1c0e77}"] {
            assert!(bad.parse::<Id<Tenant>>().is_err(), "{bad}");
        }
    }
}
