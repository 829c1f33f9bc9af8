//! Puts the rooms together: database, engine, outside, web.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use base::{Error, Result, SystemClock, SystemEntropy, hours, minutes, seconds};
use db::{Db, Location, Options};
use engine::{
    Outside, Registry, Worker,
    outside::{Blobs, MailChecks, Scanner},
};
use identity::Links;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    config::Config,
    doors::{collect::Collector, desk::DeskDoor},
};

/// Opens the configured database, bringing its schema up to date.
pub fn open_database(config: &Config) -> Result<Db> {
    open_at(config.location())
}

pub fn open_at(location: Location) -> Result<Db> {
    let threads = match &location {
        Location::Sqlite(_) => 4,
        Location::Postgres(_) => 16,
    };
    let options =
        Options { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), threads, queue_max: 2048 };
    Db::open(location, options)
}

/// Files as configured: a bucket, or the data folder.
pub fn open_blobs(config: &Config) -> Result<Arc<dyn Blobs>> {
    let folder = config.data_dir.join("blobs");
    Ok(match &config.s3 {
        Some(s3) => Arc::new(outside::S3Blobs::open(s3, folder.join("tmp"))?),
        None => Arc::new(outside::LocalBlobs::open(folder)?),
    })
}

/// Letters and files as configured: a mail server, or a folder of letters.
pub fn open_outside(config: &Config) -> Result<Outside> {
    let blobs = open_blobs(config)?;
    let mailer: Arc<dyn engine::outside::Mailer> = match &config.smtp {
        Some(smtp) => Arc::new(outside::SmtpMailer::new(smtp.clone())?),
        None => Arc::new(outside::EmlFolder::open(config.data_dir.join("outbox"))?),
    };
    let http = Arc::new(outside::Outgoing::new(&config.outgoing)?);
    let scanner: Option<Arc<dyn Scanner>> = match &config.clamav {
        Some(clamav) => Some(Arc::new(outside::ClamAv::new(clamav)?)),
        None => None,
    };
    let mailboxes = Arc::new(outside::ImapMailboxes::new(config.imap.clone())?);
    let hello = config.smtp.as_ref().map_or("localhost", |smtp| smtp.hello_name.as_str());
    let relays = Arc::new(outside::SmtpRelays::new(&config.imap, hello));
    Ok(Outside { mailer, blobs, http, scanner, mail_checks: mail_checks(config), mailboxes, relays })
}

/// Without name servers nothing is known about senders, and mail is taken all the same.
fn mail_checks(config: &Config) -> Arc<dyn MailChecks> {
    if !config.mail_dns {
        return Arc::new(outside::NoMailChecks);
    }
    let hostname = config.mail_listeners.first().map_or("localhost", |l| l.hostname.as_str());
    match outside::MailAuth::new(outside::Dns::System, hostname) {
        Ok(checks) => Arc::new(checks),
        Err(error) => {
            tracing::warn!(?error, "senders of mail are not checked");
            Arc::new(outside::NoMailChecks)
        }
    }
}

/// The doors for mail: listeners as configured, and the mailboxes that administrators named.
async fn open_doors(
    config: &Config,
    db: &Db,
    outside: &Outside,
    stopping: &watch::Receiver<bool>,
) -> Result<JoinSet<()>> {
    let mut doors = JoinSet::new();
    for listener in &config.mail_listeners {
        let way = match listener.protocol {
            outside::Protocol::Smtp => desk::intake::Door::Smtp,
            outside::Protocol::Lmtp => desk::intake::Door::Lmtp,
        };
        let door = DeskDoor { db: db.clone(), blobs: outside.blobs.clone(), way };
        let server = outside::SmtpServer::new(listener.clone(), Arc::new(door))?;
        let socket = TcpListener::bind(listener.listen).await.map_err(|e| {
            let message = format!("cannot listen on {}: {e}", listener.listen);
            Error::field("mail.smtp_listen", "listen.unusable", message)
        })?;
        println!("Mail is taken at {}", listener.listen);
        doors.spawn(server.serve(socket, stopping.clone()));
    }
    let Outside { blobs, mailboxes, http, .. } = outside.clone();
    doors.spawn(Collector { db: db.clone(), blobs, mailboxes, http }.run(stopping.clone()));
    Ok(doors)
}

/// Every job and schedule of the product.
pub fn registry(links: &Links, db: &Db) -> Registry {
    let mut registry = Registry::default();
    registry.handle(notices::letters::Sender {
        links: links.clone(),
        settled: Arc::new(|tx, letter, status| desk::tickets::letter_settled(tx, letter.uuid(), status)),
        ways: Some(Arc::new(desk::channels::outgoing::Outgoing::new(db.clone()))),
    });
    registry.handle_inside(desk::tickets::jobs::Announcer { links: links.clone() });
    registry.handle_inside(desk::csat::jobs::Asker { links: links.clone() });
    registry.handle_inside(desk::bulk::jobs::BulkRunner);
    registry.handle_inside(desk::bulk::jobs::BulkUndoer);
    registry.every("desk.give_up_bulk", minutes(5), desk::bulk::give_up_abandoned);
    registry.handle_inside(desk::rules::jobs::ChangeLooker);
    registry.handle_inside(desk::rules::jobs::TimeLooker);
    registry.handle_inside(desk::rules::jobs::DueTaker);
    registry.every("desk.run_rule_timers", seconds(15), desk::rules::jobs::run_timers);
    registry.every("desk.forget_rule_runs", minutes(10), desk::rules::forget_old);
    registry.handle(desk::intake::MailWorker::default());
    registry.every("desk.sweep_mails", minutes(1), desk::intake::sweep);
    registry.every_piece("desk.purge_stray_mails", minutes(10), desk::intake::purge_strays);
    registry.every("desk.tell_of_mails", minutes(1), desk::intake::waiting::tell_of_undecided);
    registry.handle_inside(desk::composing::held::Releaser);
    registry.every("desk.forget_composing", minutes(5), desk::composing::forget_old);
    registry.handle_inside(notices::webhooks::FanOut { describe: Arc::new(web::webhooks::describe) });
    registry.handle(notices::webhooks::Deliverer::default());
    registry.every("notices.forget_deliveries", minutes(10), notices::webhooks::forget_old);
    registry.handle_inside(desk::tickets::search::Indexer);
    registry.handle_inside(desk::tickets::search::CustomerIndexer);
    registry.every("desk.index_tickets", minutes(1), desk::tickets::search::catch_up);
    registry.every("desk.close_resolved", minutes(5), desk::tickets::close_resolved);
    registry.every("desk.archive_old", minutes(30), desk::tickets::archive_old);
    registry.every("desk.wake_snoozed", minutes(1), desk::tickets::wake_due);
    registry.handle(desk::leftovers::Sweeper);
    registry.every("desk.sweep_leftovers", hours(1), desk::leftovers::sweep_due);
    registry.every("desk.purge_deleted", hours(1), desk::tickets::purge_deleted);
    registry.every("desk.fold_counts", seconds(5), desk::tickets::counts::fold);
    registry.handle_inside(desk::reports::Filler);
    registry.every("desk.fill_reports", seconds(15), desk::reports::catch_up);
    registry.every_piece("desk.fold_reports", seconds(2), desk::reports::fold);
    registry.every_piece("desk.fold_cohorts", seconds(2), desk::reports::cohorts::fold);
    registry.every("identity.forget", hours(1), |tx| {
        identity::sessions::end_expired(tx)?;
        identity::tokens::forget_expired(tx)?;
        identity::throttle::forget_old(tx)
    });
    registry.every("web.forget_idempotency_keys", hours(1), web::http::answer::forget_old);
    registry
}

/// Listens, works jobs, and stops when told: no new requests, those at hand are finished, what was accepted is written.
pub async fn serve(config: &Config, db: Db, listener: TcpListener) -> Result<()> {
    let outside = open_outside(config)?;
    if db.kind() == db::EngineKind::Sqlite {
        // The folder is locked by us: what a killed server had in hand is taken up at once.
        db.write(db::Scope::installation(base::Actor::system()), engine::store::release_leases).await?;
    }
    let links = Links::parse(&config.public_url)?;
    let (stop, stopping) = watch::channel(false);
    let worker = Worker::new(db.clone(), outside.clone(), registry(&links, &db));
    let working = tokio::spawn({
        let stopping = stopping.clone();
        async move { worker.run(stopping).await }
    });
    let mut doors = open_doors(config, &db, &outside, &stopping).await?;
    let recorder = recorder();
    let web_config = web::WebConfig {
        links,
        trusted_proxies: config.trusted_proxies.clone(),
        requests_per_minute: config.limits.requests_per_minute,
        letters_are_kept: config.smtp.is_none(),
    };
    let queue = db.clone();
    let metrics_text = Arc::new(move || {
        metrics::gauge!("counterfoil_db_writer_queue_depth").set(queue.write_queue_depth() as f64);
        recorder.as_ref().map(metrics_exporter_prometheus::PrometheusHandle::render).unwrap_or_default()
    });
    let app = web::App::new(db.clone(), outside, web_config, stopping.clone(), metrics_text);
    let service = web::service(app).into_make_service_with_connect_info::<SocketAddr>();
    let drained = {
        let mut stopping = stopping.clone();
        async move {
            stopping.wait_for(|s| *s).await.ok();
        }
    };
    let server = axum::serve(listener, service).with_graceful_shutdown(drained);
    let mut serving = tokio::spawn(async move { server.await });
    tokio::select! {
        ended = &mut serving => {
            ended.map_err(Error::from_source)?.map_err(Error::from_source)?;
        }
        () = asked_to_stop() => {
            tracing::info!("stopping: finishing what is at hand");
            stop.send(true).ok();
            // Somebody who keeps a connection open must not keep the server from stopping.
            if tokio::time::timeout(Duration::from_secs(20), &mut serving).await.is_err() {
                serving.abort();
            }
        }
    }
    stop.send(true).ok();
    let closed = async { while doors.join_next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), closed).await.ok();
    tokio::time::timeout(Duration::from_secs(20), working).await.ok();
    tokio::task::spawn_blocking(move || db.close()).await.map_err(Error::from_source)?;
    tracing::info!("stopped");
    Ok(())
}

fn recorder() -> Option<metrics_exporter_prometheus::PrometheusHandle> {
    metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().ok()
}

async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
}

/// Makes a tenant with everything its first ticket needs, in one commit.
pub fn create_tenant(db: &Db, slug: &str, name: &str, host: Option<&str>) -> Result<base::TenantId> {
    let id = base::Id::new(db.now(), &*db.entropy());
    let (slug, name, host) = (slug.to_owned(), name.to_owned(), host.map(str::to_owned));
    db.write_blocking(db::Scope::tenant(id, base::Actor::operator()), move |tx| {
        identity::tenants::create_as(tx, id, &slug, &name, host.as_deref())?;
        desk::prepare_tenant(tx)
    })?;
    Ok(id)
}

/// The tenant of a slug.
pub fn find_tenant(db: &Db, slug: &str) -> Result<identity::TenantRecord> {
    let all = db.read_blocking(db::Scope::installation(base::Actor::operator()), identity::tenants::all)?;
    let known: Vec<String> = all.iter().map(|t| t.slug.clone()).collect();
    all.into_iter().find(|t| t.slug == slug).ok_or_else(|| {
        let hint = base::text::suggest(slug, known.iter().map(String::as_str))
            .map(|s| format!("; did you mean {s}?"))
            .unwrap_or_default();
        Error::field("tenant", "tenant.unknown", format!("there is no tenant {slug}{hint}"))
    })
}

/// A folder that must be there and be ours.
pub fn ensure_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| {
        Error::field("data_dir", "data_dir.unusable", format!("{} cannot be made: {e}", path.display()))
    })
}
