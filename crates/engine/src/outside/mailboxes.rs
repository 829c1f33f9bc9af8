use std::time::Duration;

use async_trait::async_trait;
use base::{Error, Result, Secret, Timestamp};
use bytes::Bytes;

/// Opens mailboxes that letters are collected from (IMAP).
///
/// Errors are `Kind::Unavailable` with a code that says whose turn it is: `imap.unreachable`, `imap.tls`, `imap.lost`
/// and `imap.protocol` may pass by themselves; `imap.refused`, `imap.sign_in` and `imap.folder` want somebody to correct
/// the access, and to stop knocking until then. The message is for the admin pages and holds no credentials.
#[async_trait]
pub trait Mailboxes: Send + Sync + 'static {
    /// Connects, signs in and opens the folder for reading.
    async fn open(&self, access: &MailboxAccess) -> Result<Box<dyn Mailbox>>;

    /// The folder that the server calls its folder of sent mail (RFC 6154), in the server's own spelling; None where it names
    /// none.
    async fn sent_folder(&self, access: &MailboxAccess) -> Result<Option<String>>;
}

/// An open folder. It is read and never changed: no flag is set, nothing is deleted, and none of it is looked at.
///
/// After an error the connection is of no use: drop it and open another.
#[async_trait]
pub trait Mailbox: Send {
    /// Where the folder ends now, for who wants only what comes later.
    async fn end(&mut self) -> Result<MailCursor>;

    /// The mails behind `cursor` in the order they came, at most `limit` (up to 500) and a few dozen megabytes at once.
    /// `None` begins at the first. Those that are `bygone` are passed over unread.
    ///
    /// Store the letters and the new cursor together: that is what makes each arrive once.
    async fn since(
        &mut self,
        cursor: Option<MailCursor>,
        limit: usize,
        bygone: Option<Bygone>,
    ) -> Result<Fetched>;

    /// One mail, also a large one; `None` when it is gone, or when the folder was made anew. For retrying by hand.
    async fn one(&mut self, uidvalidity: u32, uid: u32, max_bytes: u64) -> Result<Option<Bytes>>;

    /// Waits until the server has something new, at most so long. A server that cannot tell is asked now and then.
    async fn idle(&mut self, at_most: Duration) -> Result<Wake>;

    /// Says goodbye.
    async fn close(self: Box<Self>);
}

/// How far a folder was read. UIDs only grow, as long as UIDVALIDITY is the same (RFC 9051 2.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MailCursor {
    pub uidvalidity: u32,
    /// The last one read; 0 before the first.
    pub last_uid: u32,
}

/// Mails that were there when a folder's numbers began anew, and are older than anybody's interest in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bygone {
    /// The last one that was there.
    pub until_uid: u32,
    /// Of these, what the server got before (its INTERNALDATE, in whole seconds) is meant. One without a date is not.
    pub before: Timestamp,
}

impl Bygone {
    pub fn covers(&self, uid: u32, got: Option<Timestamp>) -> bool {
        let whole = base::seconds(1);
        uid <= self.until_uid && got.is_some_and(|got| got + whole <= self.before)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where to go on. It has moved past everything that is in one of the lists, and past what is gone.
    pub cursor: MailCursor,
    /// UID and the whole mail.
    pub mails: Vec<(u32, Bytes)>,
    /// UID and size in bytes of what is larger than we take. It is passed over and has to be shown to somebody.
    pub too_large: Vec<(u32, u64)>,
    /// UID of what the server has and does not hand out, and what it says. Passed over and to be shown as well.
    pub unreadable: Vec<(u32, String)>,
    /// There is more: ask again before waiting.
    pub more: bool,
    /// The folder has another UIDVALIDITY than the cursor: its numbers began anew, and this is the last one now. Nothing was
    /// read; from the new cursor everything in it comes once more, and who has kept what came before can tell.
    pub restarted: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something came.
    Mail,
    /// The time is over. Look all the same: some servers forget to tell.
    Nothing,
}

/// Where a mailbox is and who we are there.
#[derive(Clone, Debug)]
pub struct MailboxAccess {
    pub host: String,
    /// Usually 993 with `Tls`, 143 with `Starttls`.
    pub port: u16,
    pub tls: MailboxTls,
    pub sign_in: MailboxSignIn,
    /// `INBOX`, or another in the server's own spelling (modified UTF-7).
    pub folder: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailboxTls {
    /// Encrypted from the first byte.
    #[default]
    Tls,
    /// Starts in the clear and refuses to go on unless the server upgrades.
    Starttls,
    /// In the clear: to this machine only.
    None,
}

#[derive(Clone, Debug)]
pub enum MailboxSignIn {
    Password {
        username: String,
        password: Secret,
    },
    /// OAuth 2 (XOAUTH2), as Microsoft 365 and Google want it. The token is good for an hour or so.
    Token {
        username: String,
        access_token: Secret,
    },
}

impl MailboxSignIn {
    pub fn username(&self) -> &str {
        match self {
            Self::Password { username, .. } | Self::Token { username, .. } => username,
        }
    }
}

impl MailboxAccess {
    /// Refuses what cannot work. The field names are those of the form.
    pub fn check(&self) -> Result<()> {
        let word =
            |text: &str| !text.is_empty() && text.len() <= 253 && text.chars().all(|c| c.is_ascii_graphic());
        let line = |text: &str| !text.is_empty() && text.len() <= 500 && !text.chars().any(char::is_control);
        let (MailboxSignIn::Password { username, password: secret }
        | MailboxSignIn::Token { username, access_token: secret }) = &self.sign_in;
        let refuse = |field: &str, why: &str| Err(Error::field(field, "imap.access", why));
        if !word(&self.host) {
            return refuse("host", "expected a host name or an IP address");
        }
        if self.port == 0 {
            return refuse("port", "expected a port from 1 to 65535");
        }
        if !line(username) {
            return refuse("username", "expected a name on one line");
        }
        if secret.is_empty() || secret.reveal().chars().any(char::is_control) {
            return refuse("password", "expected a password or a token on one line");
        }
        if !line(&self.folder) {
            return refuse("folder", "expected a folder such as INBOX");
        }
        Ok(())
    }
}
