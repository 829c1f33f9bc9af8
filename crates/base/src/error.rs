use std::{borrow::Cow, fmt, panic::Location};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The one error type: what kind, a stable code, a message for the caller, and where it was raised.
///
/// Messages of every kind but [`Kind::Bug`] are written for the person who made the call. One file of the web
/// crate turns an error into a page or a problem document; nothing else knows HTTP statuses.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    code: &'static str,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after_seconds: Option<u32>,
    place: &'static Location<'static>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// The input is wrong; the message says what would be accepted.
    Invalid,
    /// The input is fine, the state is not.
    Conflict,
    /// The caller's copy is older than what is stored.
    Stale,
    /// The caller may see it but not do this.
    Forbidden,
    /// Nobody is signed in, or the credential is not valid.
    Unauthenticated,
    /// Too much, too large or too fast.
    Limited,
    /// The input is larger than the limit.
    TooLarge,
    /// Not now; trying again may help.
    Unavailable,
    /// The disk is full: writes are refused, reads go on.
    StorageFull,
    /// The request reached a host that is nobody's.
    Misdirected,
    /// Our mistake.
    Bug,
}

/// What is wrong with one field of the input. `field` is a JSON path such as `links[0].kind`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FieldError {
    pub field: String,
    pub code: &'static str,
    pub message: String,
}

impl Error {
    #[track_caller]
    pub fn new(kind: Kind, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after_seconds: None,
            place: Location::caller(),
            source: None,
        }))
    }
    #[track_caller]
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("there is no such {what}"))
    }
    #[track_caller]
    pub fn invalid(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }
    /// One field is wrong. The message continues the field's name: "must not be empty".
    #[track_caller]
    pub fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let mut error = Self::new(Kind::Invalid, code, format!("{field}: {message}"));
        error.0.fields.push(FieldError { field, code, message });
        error
    }
    /// Several fields are wrong; says all of them at once.
    #[track_caller]
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let message =
            fields.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; ");
        let code = fields.first().map_or("invalid", |f| f.code);
        let mut error = Self::new(Kind::Invalid, code, message);
        error.0.fields = fields;
        error
    }
    #[track_caller]
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }
    #[track_caller]
    pub fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Forbidden, code, message)
    }
    #[track_caller]
    pub fn unauthenticated(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unauthenticated, code, message)
    }
    #[track_caller]
    pub fn limited(
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        retry_after_seconds: u32,
    ) -> Self {
        let mut error = Self::new(Kind::Limited, code, message);
        error.0.retry_after_seconds = Some(retry_after_seconds);
        error
    }
    #[track_caller]
    pub fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(Kind::Unavailable, code, message);
        error.0.retry_after_seconds = Some(1);
        error
    }
    /// Our mistake: the message goes to the log, never to the caller.
    #[track_caller]
    pub fn bug(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Bug, "internal", message)
    }
    /// Wraps an error of a library that should not have happened.
    #[track_caller]
    pub fn from_source(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        let mut error = Self::new(Kind::Bug, "internal", source.to_string());
        error.0.source = Some(source);
        error
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }
    pub fn code(&self) -> &'static str {
        self.0.code
    }
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// What is wrong with the one field it is about, without the field's name; otherwise the message.
    pub fn plain_message(&self) -> &str {
        match self.0.fields.as_slice() {
            [only] => &only.message,
            _ => self.message(),
        }
    }
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.fields
    }
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.0.retry_after_seconds
    }
    pub fn place(&self) -> &'static Location<'static> {
        self.0.place
    }

    /// The same error about another field, for checks that are shared between fields.
    #[must_use]
    pub fn on_field(mut self, field: impl Into<String>) -> Self {
        let field = field.into();
        if let [only] = self.0.fields.as_mut_slice() {
            only.field.clone_from(&field);
            self.0.message = format!("{field}: {}", only.message).into();
        } else if self.0.kind == Kind::Invalid && self.0.fields.is_empty() {
            let message = self.0.message.clone().into_owned();
            self.0.message = format!("{field}: {message}").into();
            self.0.fields.push(FieldError { field, code: self.0.code, message });
        }
        self
    }

    /// An exact second copy, for a commit that failed for several callers at once.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind,
            code: self.0.code,
            message: self.0.message.clone(),
            fields: self.0.fields.clone(),
            retry_after_seconds: self.0.retry_after_seconds,
            place: self.0.place,
            source: None,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} at {}: {}", self.0.kind, self.0.code, self.0.place, self.0.message)
    }
}
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as _)
    }
}

/// `store::find(…)?.or_not_found("ticket")?`
pub trait OrNotFound<T> {
    #[track_caller]
    fn or_not_found(self, what: &'static str) -> Result<T>;
}
impl<T> OrNotFound<T> for Option<T> {
    #[track_caller]
    fn or_not_found(self, what: &'static str) -> Result<T> {
        match self {
            Some(value) => Ok(value),
            None => Err(Error::not_found(what)),
        }
    }
}
