//! An outside world in memory: letters that were handed over, blobs, and failures on demand.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use base::{Error, Result, TenantId};
use bytes::Bytes;
use engine::{
    Moment, Outside, Probe,
    outside::{
        Authentication, BlobReader, BlobRef, BlobWriter, Blobs, CheckedMail, Envelope, HttpAnswer,
        HttpClient, HttpError, HttpRequest, MailChecks, MailRelay, Mailer, Outcome, Receipt, Relays,
        ScanError, Scanner, SendError, Sha256, Verdict,
    },
};
use sha2::Digest as _;

use crate::FakeMailboxes;

/// Letters as the mail system got them, in order. A real one may deliver a second copy under the same Message-ID.
#[derive(Default)]
pub struct FakeMailer {
    sent: Mutex<Vec<Envelope>>,
    failures: Mutex<VecDeque<SendError>>,
}

impl FakeMailer {
    pub fn sent(&self) -> Vec<Envelope> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Copies that arrived of each Message-ID.
    pub fn copies(&self) -> BTreeMap<String, usize> {
        self.sent().into_iter().fold(BTreeMap::new(), |mut map, e| {
            *map.entry(e.message_id).or_default() += 1;
            map
        })
    }
    /// The next letters fail like this, in order.
    pub fn fail_next(&self, error: SendError) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push_back(error);
    }
}

#[async_trait]
impl Mailer for FakeMailer {
    async fn send(&self, envelope: Envelope) -> Result<Receipt, SendError> {
        if let Some(error) = self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Err(error);
        }
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(envelope);
        Ok(Receipt { detail: "250 kept in memory".into() })
    }
}

type Stored = Arc<Mutex<HashMap<(TenantId, [u8; 32]), Bytes>>>;

#[derive(Default, Clone)]
pub struct FakeBlobs(Stored);

struct FakeWriter {
    tenant: TenantId,
    stored: Stored,
    content: Vec<u8>,
}

#[async_trait]
impl Blobs for FakeBlobs {
    async fn begin(&self, tenant: TenantId) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(FakeWriter { tenant, stored: self.0.clone(), content: Vec::new() }))
    }
    async fn open(&self, tenant: TenantId, sha256: Sha256) -> Result<BlobReader> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let content = stored.get(&(tenant, sha256.0)).cloned().ok_or_else(|| Error::not_found("blob"))?;
        let size_bytes = content.len() as u64;
        Ok(BlobReader { size_bytes, stream: Box::pin(futures::stream::iter([Ok(content)])) })
    }
    async fn exists(&self, tenant: TenantId, sha256: Sha256) -> Result<bool> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&(tenant, sha256.0)))
    }
    async fn list(&self, tenant: TenantId) -> Result<Vec<BlobRef>> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<BlobRef> = stored
            .iter()
            .filter(|((t, _), _)| *t == tenant)
            .map(|((_, sha256), content)| BlobRef {
                sha256: Sha256(*sha256),
                size_bytes: content.len() as u64,
            })
            .collect();
        list.sort();
        Ok(list)
    }
    async fn remove(&self, tenant: TenantId, sha256: Sha256, _: base::Timestamp) -> Result<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(tenant, sha256.0));
        Ok(true)
    }
    async fn check_free(&self, _: u64) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for FakeWriter {
    async fn write(&mut self, piece: Bytes) -> Result<()> {
        self.content.extend_from_slice(&piece);
        Ok(())
    }
    async fn finish(self: Box<Self>) -> Result<BlobRef> {
        let sha256: [u8; 32] = sha2::Sha256::digest(&self.content).into();
        let size_bytes = self.content.len() as u64;
        self.stored
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((self.tenant, sha256), self.content.into());
        Ok(BlobRef { sha256: Sha256(sha256), size_bytes })
    }
    async fn abort(self: Box<Self>) {}
}

/// Receivers of calls, in memory: every call is kept, and answered as told; 200 when nothing was told.
#[derive(Default)]
pub struct FakeHttp {
    calls: Mutex<Vec<HttpRequest>>,
    answers: Mutex<VecDeque<Result<HttpAnswer, HttpError>>>,
}

impl FakeHttp {
    pub fn calls(&self) -> Vec<HttpRequest> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// The next calls are answered with these, in order.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Result<HttpAnswer, HttpError>>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).extend(answers);
    }
    /// An answer of a status, with an empty body.
    pub fn status(status: u16) -> Result<HttpAnswer, HttpError> {
        Ok(HttpAnswer { status, retry_after: None, body: Bytes::new(), took: Duration::ZERO })
    }
    /// No answer.
    pub fn no_answer(detail: &str) -> Result<HttpAnswer, HttpError> {
        Err(HttpError { refused: false, detail: detail.into(), took: Duration::ZERO })
    }
}

#[async_trait]
impl HttpClient for FakeHttp {
    fn check(&self, url: &str) -> Result<()> {
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(());
        }
        Err(Error::field("url", "url.refused", "begins with https:// or http://"))
    }
    async fn call(&self, request: HttpRequest) -> Result<HttpAnswer, HttpError> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let told = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        told.unwrap_or_else(|| Self::status(200))
    }
}

/// Mail servers of tenants, in memory: every letter is kept with the server it left through.
#[derive(Default)]
pub struct FakeRelays {
    sent: Mutex<Vec<(MailRelay, Envelope)>>,
    failures: Mutex<VecDeque<SendError>>,
    knocks: Mutex<u32>,
    wants_return_path: std::sync::atomic::AtomicBool,
}

impl FakeRelays {
    /// From now on they take no letter without a return path, as servers that people sign in to.
    pub fn want_return_path(&self) {
        self.wants_return_path.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    pub fn sent(&self) -> Vec<(MailRelay, Envelope)> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// The next attempts fail with these, in order.
    pub fn fail_next(&self, failures: impl IntoIterator<Item = SendError>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).extend(failures);
    }
    /// Attempts so far, also those that failed.
    pub fn knocks(&self) -> u32 {
        *self.knocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Relays for FakeRelays {
    async fn send(&self, relay: &MailRelay, envelope: Envelope) -> Result<Receipt, SendError> {
        *self.knocks.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        if let Some(failure) = self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Err(failure);
        }
        if envelope.from.is_none() && self.wants_return_path.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(SendError::permanent("MAIL: permanent error (550): 5.7.1 <>: not yours"));
        }
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push((relay.clone(), envelope));
        Ok(Receipt { detail: "250 taken".into() })
    }
}

/// A scanner that knows only the patterns it was told, and can be down.
#[derive(Default)]
pub struct FakeScanner(Mutex<ScannerState>);

#[derive(Default)]
struct ScannerState {
    patterns: Vec<(Vec<u8>, String)>,
    down: Option<String>,
    scans: usize,
}

impl FakeScanner {
    /// From now on content with `pattern` in it is infected by `name`.
    pub fn infected_by(&self, pattern: impl AsRef<[u8]>, name: &str) {
        self.state().patterns.push((pattern.as_ref().to_vec(), name.into()));
    }
    /// From now on nobody looks.
    pub fn go_down(&self, detail: &str) {
        self.state().down = Some(detail.into());
    }
    pub fn come_back(&self) {
        self.state().down = None;
    }
    /// Calls so far, also those that failed.
    pub fn scans(&self) -> usize {
        self.state().scans
    }
    fn state(&self) -> MutexGuard<'_, ScannerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Scanner for FakeScanner {
    async fn scan(&self, content: Bytes) -> Result<Verdict, ScanError> {
        let mut state = self.state();
        state.scans += 1;
        if let Some(detail) = &state.down {
            return Err(ScanError::new(detail.clone()));
        }
        let found = state.patterns.iter().find(|(pattern, _)| has(&content, pattern));
        Ok(found.map_or(Verdict::Clean, |(_, name)| Verdict::Infected { name: name.clone() }))
    }
}

fn has(content: &[u8], pattern: &[u8]) -> bool {
    pattern.is_empty() || content.windows(pattern.len()).any(|window| window == pattern)
}

/// Checks of mail that say what they were told; about everything else, that nothing is known.
#[derive(Default)]
pub struct FakeChecks(Mutex<ChecksState>);

#[derive(Default)]
struct ChecksState {
    next: VecDeque<Authentication>,
    by_sender: HashMap<String, Authentication>,
    checked: Vec<CheckedMail>,
}

impl FakeChecks {
    /// What is said of every mail from this address (that in the `From` field, the whole of it).
    pub fn say_of(&self, from: &str, answer: Authentication) {
        self.state().by_sender.insert(from.to_lowercase(), answer);
    }
    /// What is said of the next mails, in order, whoever sent them.
    pub fn say_next(&self, answer: Authentication) {
        self.state().next.push_back(answer);
    }
    /// The three outcomes with a detail of their own making.
    pub fn answer(spf: Outcome, dkim: Outcome, dmarc: Outcome) -> Authentication {
        Authentication {
            spf,
            dkim,
            dmarc,
            detail: format!("spf={spf} dkim={dkim} dmarc={dmarc} (told by the test)"),
        }
    }
    pub fn checked(&self) -> Vec<CheckedMail> {
        self.state().checked.clone()
    }
    fn state(&self) -> MutexGuard<'_, ChecksState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl MailChecks for FakeChecks {
    async fn check(&self, mail: CheckedMail) -> Authentication {
        let mut state = self.state();
        let told = state.next.pop_front().or_else(|| {
            let from = from_address(&mail.raw)?;
            state.by_sender.get(&from).cloned()
        });
        state.checked.push(mail);
        told.unwrap_or_else(|| Authentication::none("nothing was told"))
    }
}

/// The address of a `From` field that is written on one line and names one person: enough for a test's own mails.
fn from_address(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let line = text.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("from").then(|| value.trim().to_lowercase())
    })?;
    let address = line.rsplit_once('<').map_or(line.as_str(), |(_, rest)| rest);
    Some(address.trim_end_matches('>').trim().to_owned())
}

/// The whole outside in memory, with everything in it to ask and to instruct.
pub struct Fakes {
    pub outside: Outside,
    pub mailer: Arc<FakeMailer>,
    pub http: Arc<FakeHttp>,
    /// Configured, and finding nothing until told.
    pub scanner: Arc<FakeScanner>,
    pub checks: Arc<FakeChecks>,
    pub mailboxes: FakeMailboxes,
    pub relays: Arc<FakeRelays>,
}

pub fn fakes() -> Fakes {
    let (mailer, http) = (Arc::new(FakeMailer::default()), Arc::new(FakeHttp::default()));
    let (mailboxes, relays) = (FakeMailboxes::default(), Arc::new(FakeRelays::default()));
    let (scanner, checks) = (Arc::new(FakeScanner::default()), Arc::new(FakeChecks::default()));
    let outside = Outside {
        mailer: mailer.clone(),
        blobs: Arc::new(FakeBlobs::default()),
        http: http.clone(),
        scanner: Some(scanner.clone()),
        mail_checks: checks.clone(),
        mailboxes: Arc::new(mailboxes.clone()),
        relays: relays.clone(),
    };
    Fakes { outside, mailer, http, scanner, checks, mailboxes, relays }
}

/// The whole outside in memory, and the mailer to ask what arrived.
pub fn fake_outside() -> (Outside, Arc<FakeMailer>) {
    let fakes = fakes();
    (fakes.outside, fakes.mailer)
}

/// The same with the receiver of calls.
pub fn fake_outside_with_http() -> (Outside, Arc<FakeMailer>, Arc<FakeHttp>) {
    let fakes = fakes();
    (fakes.outside, fakes.mailer, fakes.http)
}

/// The crash simulator: the process dies at the given moments, in order, and lives after that.
pub struct DiesAt(Mutex<VecDeque<Moment>>);

impl DiesAt {
    pub fn new(moments: impl IntoIterator<Item = Moment>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(moments.into_iter().collect())))
    }
}

impl Probe for DiesAt {
    fn goes_on(&self, moment: Moment) -> bool {
        let mut plan = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if plan.front() == Some(&moment) {
            plan.pop_front();
            return false;
        }
        true
    }
}
