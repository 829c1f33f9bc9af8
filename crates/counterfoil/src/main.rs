//! The binary: command line, configuration, wiring.

mod backup;
mod cli;
mod config;
mod demo;
mod doctor;
mod doors;
mod lock;
mod mail;
mod people;
mod wiring;

use std::process::ExitCode;

use base::{Error, Result, Role};
use clap::Parser as _;
use cli::{
    ApiKeyCommand, ChannelCommand, Cli, Command, ConfigCommand, MailCommand, SearchCommand, TenantCommand,
    UserCommand,
};
use config::{Config, Overrides};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // One provider for every TLS connection; the first line, because a second one would panic later.
    rustls::crypto::ring::default_provider().install_default().ok();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => return explain(&wrong),
    };
    if let Command::Mail(MailCommand::Deliver { recipient, sender, client_ip }) = cli.command {
        let place = cli.place;
        let overrides = Overrides {
            listen: None,
            data_dir: place.data_dir,
            database_url: place.database_url,
            config: place.config,
        };
        let piped = mail::Piped { recipient, sender, client_ip };
        return deliver(Config::load(&overrides, std::env::vars()), piped);
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counterfoil: {}", error.message());
            tracing::debug!(?error, "failed");
            ExitCode::FAILURE
        }
    }
}

/// Help, or what is wrong with the command line. A mail server takes a code that it does not know for the letter's fault.
fn explain(wrong: &clap::Error) -> ExitCode {
    wrong.print().ok();
    let pipe = std::env::args().skip(1).filter(|a| a == "mail" || a == "deliver").count() == 2;
    let code = if wrong.use_stderr() && pipe { i32::from(mail::exit::USAGE) } else { wrong.exit_code() };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// To standard error, so that what a command answers stands alone on standard output.
fn start_log(json: bool) {
    let filter = EnvFilter::try_from_env("COUNTERFOIL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { log.json().init() } else { log.compact().init() }
}

fn run(cli: Cli) -> Result<()> {
    let listen = match &cli.command {
        Command::Serve { listen } | Command::Demo { listen, .. } => listen.clone(),
        _ => None,
    };
    let named_folder = cli.place.data_dir.clone();
    if matches!(cli.command, Command::Demo { .. }) && cli.place.database_url.is_some() {
        let message = "the demo uses the embedded database in a folder of its own; leave it out";
        return Err(Error::field("database_url", "demo.embedded_only", message));
    }
    let overrides = Overrides {
        listen,
        data_dir: cli.place.data_dir,
        database_url: cli.place.database_url,
        config: cli.place.config,
    };
    let config = Config::load(&overrides, std::env::vars())?;
    start_log(config.log_json);
    match cli.command {
        Command::Serve { .. } => serve(&config),
        Command::Demo { fresh, .. } => demo::run(&demo::configure(config, named_folder), fresh),
        Command::Migrate => migrate(&config),
        Command::Tenant(command) => tenant(&config, command),
        Command::User(command) => user(&config, command),
        Command::ApiKey(ApiKeyCommand::Create { tenant, name, scope }) => with_db(&config, |db| {
            println!("{}", people::create_key(db, &tenant, &name, &scope)?);
            Ok(())
        }),
        Command::Channel(command) => channel(&config, command),
        Command::Mail(MailCommand::Replay { tenant, mail }) => with_db(&config, |db| {
            let queued = mail::replay(db, &tenant, mail.as_deref())?;
            let letters = if queued == 1 { "letter" } else { "letters" };
            println!("{queued} {letters} will be read again by the running server, or the next one");
            Ok(())
        }),
        // Its exit code says more than success or failure: see `main`.
        Command::Mail(MailCommand::Deliver { .. }) => Ok(()),
        Command::Config(ConfigCommand::Check) => {
            println!("the configuration is right");
            Ok(())
        }
        Command::Config(ConfigCommand::Show) => {
            for (key, value) in config.lines() {
                println!("{key} = {value}");
            }
            Ok(())
        }
        Command::Backup { file } => make_backup(&config, &file),
        Command::Restore { file, replace } => restore(&config, &file, replace),
        Command::Search(SearchCommand::Rebuild { tenant }) => {
            with_db(&config, |db| rebuild_search(db, tenant.as_deref()))
        }
        Command::Doctor => doctor::run(&config),
    }
}

/// Opens the database for one command and closes it properly, whatever the command came to.
fn with_db<T>(config: &Config, work: impl FnOnce(&db::Db) -> Result<T>) -> Result<T> {
    wiring::ensure_folder(&config.data_dir)?;
    let db = wiring::open_database(config)?;
    let done = work(&db);
    db.close();
    done
}

fn serve(config: &Config) -> Result<()> {
    let _lock = lock::FolderLock::take(&config.data_dir)?;
    let db = wiring::open_database(config)?;
    serve_with(config, db)
}

fn serve_with(config: &Config, db: db::Db) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::from_source)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(config.listen).await.map_err(|e| {
            Error::field("listen", "listen.unusable", format!("cannot listen on {}: {e}", config.listen))
        })?;
        let tenants = db.read(db::Scope::installation(base::Actor::system()), identity::tenants::all).await?;
        if tenants.is_empty() {
            let token = db
                .write(db::Scope::installation(base::Actor::operator()), identity::tokens::issue_first_run)
                .await?;
            println!(
                "Nothing is set up here yet. Open this link, once, within a day:\n\n  {}/first-run/{}\n",
                config.public_url,
                token.reveal()
            );
        }
        println!("Counterfoil answers at {}", config.public_url);
        wiring::serve(config, db, listener).await
    })
}

fn migrate(config: &Config) -> Result<()> {
    wiring::ensure_folder(&config.data_dir)?;
    let outcome = db::migrate::run(&config.location(), base::Clock::now(&base::SystemClock))?;
    for name in &outcome.applied {
        println!("applied {name}");
    }
    if let Some(snapshot) = &outcome.snapshot {
        println!("the database as it was before is kept in {}", snapshot.display());
    }
    if outcome.applied.is_empty() {
        println!("the schema is up to date");
    }
    Ok(())
}

fn tenant(config: &Config, command: TenantCommand) -> Result<()> {
    with_db(config, |db| match command {
        TenantCommand::Create { slug, name, host } => {
            let id = wiring::create_tenant(db, &slug, &name, host.as_deref())?;
            println!("{id}");
            Ok(())
        }
        TenantCommand::SetHost { slug, host } => {
            let of = wiring::find_tenant(db, &slug)?.id;
            let scope = db::Scope::tenant(of, base::Actor::operator());
            let t = db.write_blocking(scope, move |tx| identity::tenants::set_host(tx, &host))?;
            println!("{} is served under {}", t.slug, t.host.unwrap_or_default());
            Ok(())
        }
        TenantCommand::List => {
            let all =
                db.read_blocking(db::Scope::installation(base::Actor::operator()), identity::tenants::all)?;
            for t in all {
                println!("{}\t{}\t{}\t{}", t.slug, t.name, t.host.unwrap_or_else(|| "-".into()), t.id);
            }
            Ok(())
        }
    })
}

fn user(config: &Config, command: UserCommand) -> Result<()> {
    with_db(config, |db| match command {
        UserCommand::Create { tenant, email, name, role, password_stdin } => {
            let made = people::create_user(db, &tenant, &email, &name, &role, password_stdin)?;
            say_password(&email, made);
            Ok(())
        }
        UserCommand::List { tenant } => {
            for u in people::list_users(db, &tenant)? {
                let state = if u.disabled_at.is_some() {
                    "disabled"
                } else if u.verified_at.is_none() {
                    "unverified"
                } else {
                    "active"
                };
                println!("{}\t{}\t{}\t{state}\t{}", u.email, Role::as_str(u.role), u.name, u.id);
            }
            Ok(())
        }
        UserCommand::SetPassword { tenant, email, password_stdin } => {
            let made = people::set_password(db, &tenant, &email, password_stdin)?;
            say_password(&email, made);
            Ok(())
        }
        UserCommand::Reset2fa { tenant, email } => people::reset_second_factor(db, &tenant, &email),
    })
}

fn channel(config: &Config, command: ChannelCommand) -> Result<()> {
    with_db(config, |db| match command {
        ChannelCommand::Create { tenant, address, name } => {
            println!("{}", mail::create_channel(db, &tenant, &address, name.as_deref())?);
            Ok(())
        }
        ChannelCommand::List { tenant } => {
            for c in mail::list_channels(db, &tenant)? {
                let state = if c.disabled_at.is_some() { "off" } else { "on" };
                println!("{}\t{state}\t{}\t{}", c.address, c.name, c.id);
            }
            Ok(())
        }
    })
}

/// A mail server's pipe: the exit code tells it what to do with the letter.
fn deliver(config: Result<Config>, piped: mail::Piped) -> ExitCode {
    let done = config.map_err(|e| (mail::exit::TEMPORARY, e)).and_then(|config| {
        let later = |e: Error| (mail::exit::TEMPORARY, e);
        wiring::ensure_folder(&config.data_dir).map_err(later)?;
        let db = wiring::open_database(&config).map_err(later)?;
        let taken = wiring::open_outside(&config).map_err(later).and_then(|o| mail::deliver(&db, &o, piped));
        db.close();
        taken
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            eprintln!("counterfoil: {}", error.message());
            ExitCode::from(code)
        }
    }
}

fn make_backup(config: &Config, file: &std::path::Path) -> Result<()> {
    let made = backup::backup(config, file)?;
    for name in &made.missing_blobs {
        eprintln!("warning: the content of attachment {name} is lost; it is not in the backup");
    }
    println!("{}: {} rows and {} attachments", file.display(), made.rows, made.blobs);
    Ok(())
}

/// The index of one business, or of all.
fn rebuild_search(db: &db::Db, tenant: Option<&str>) -> Result<()> {
    let all = match tenant {
        Some(slug) => vec![wiring::find_tenant(db, slug)?],
        None => db.read_blocking(db::Scope::installation(base::Actor::operator()), identity::tenants::all)?,
    };
    for tenant in all {
        let scope = || db::Scope::tenant(tenant.id, base::Actor::operator());
        desk::tickets::search::rebuild(&|step| db.write_blocking(scope(), step))?;
        let count = db.read_blocking(scope(), db::search::count)?;
        println!("{}: {count} tickets can be found", tenant.slug);
    }
    Ok(())
}

fn restore(config: &Config, file: &std::path::Path, replace: bool) -> Result<()> {
    let restored = backup::restore(config, file, replace)?;
    for name in &restored.missing_blobs {
        eprintln!("warning: the content of attachment {name} was lost before the backup was made");
    }
    println!(
        "restored {} rows and {} attachments as they were at {}",
        restored.rows, restored.blobs, restored.made_at
    );
    eprintln!(
        "the server brings tickets back into the search when it runs; `counterfoil search rebuild` does it now"
    );
    Ok(())
}

/// A password that was made here is the one thing on standard output.
fn say_password(email: &str, made: Option<base::Secret>) {
    if let Some(password) = made {
        eprintln!("password of {email}, shown this once:");
        println!("{}", password.reveal());
    }
}
