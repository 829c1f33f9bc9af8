//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Counterfoil: the counter where a business meets its customers.
#[derive(Parser)]
#[command(
    name = "counterfoil",
    version,
    about,
    after_help = "\
Begin with:
  counterfoil demo                                   a believable month of an internet provider, in a folder of its own
Or for real:
  counterfoil tenant create acme --name 'Acme Broadband'
  counterfoil user create --tenant acme --email you@example.org --name 'Your Name' --role admin
  counterfoil serve --listen 127.0.0.1:8080

Every option can also be set in counterfoil.toml or as a COUNTERFOIL_… variable; `counterfoil config show` tells what is in force."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    #[command(flatten)]
    pub place: Place,
}

/// Where the data is; every command takes these.
#[derive(Args, Clone)]
pub struct Place {
    /// Folder for the database, attachments and letters [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database: postgres://user:password@host/database
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Configuration file [default: counterfoil.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve pages and API, and work the jobs
    Serve {
        /// Address and port to listen on [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
    /// Fill a folder of its own with a believable month and serve it
    Demo {
        /// Start over instead of going on with the last demo
        #[arg(long)]
        fresh: bool,
        /// Address and port to listen on [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
    /// Bring the database's schema up to date (serve does it too)
    Migrate,
    /// Businesses that share this installation
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// People who sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Keys for programs
    #[command(subcommand, name = "api-key")]
    ApiKey(ApiKeyCommand),
    /// Addresses that mail comes to
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Mail that comes in
    #[command(subcommand)]
    Mail(MailCommand),
    /// The configuration in force
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write everything into one file, also while the server runs
    Backup {
        /// The file to make
        file: PathBuf,
    },
    /// Load a backup, into either engine; refuses where data is, unless told
    Restore {
        file: PathBuf,
        /// Replace what is there
        #[arg(long)]
        replace: bool,
    },
    /// The index that tickets are found by
    #[command(subcommand)]
    Search(SearchCommand),
    /// Look for what could go wrong: database, disk, mail server, jobs
    Doctor,
}

#[derive(Subcommand)]
pub enum TenantCommand {
    /// Make a business: counterfoil tenant create acme --name 'Acme Broadband' --host help.acme.example
    Create {
        /// Short name for the command line: lower-case letters, digits, hyphens
        slug: String,
        #[arg(long)]
        name: String,
        /// Host name it is served under; only the only business can do without one
        #[arg(long)]
        host: Option<String>,
    },
    /// Serve a business under another host name: counterfoil tenant set-host acme help.acme.example
    SetHost {
        /// Its short name, as `tenant list` has it
        slug: String,
        /// Host name without scheme or port
        host: String,
    },
    /// All businesses, one a line: slug, name, host (- where it has none), id
    List,
}

#[derive(Subcommand)]
pub enum UserCommand {
    /// Make a user, who counts as verified; without --password-stdin a password is made and printed once
    Create {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// customer, agent, sales_manager, technician, admin or super_admin
        #[arg(long)]
        role: String,
        /// Read the password from standard input, so that it is in no history
        #[arg(long)]
        password_stdin: bool,
    },
    /// Everybody of a business, one a line: e-mail, role, name, state, id
    List {
        #[arg(long)]
        tenant: String,
    },
    /// Set a password; ends the user's sessions
    SetPassword {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        email: String,
        #[arg(long)]
        password_stdin: bool,
    },
    /// Switch off a second factor that was lost
    #[command(name = "reset-2fa")]
    Reset2fa {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        email: String,
    },
}

#[derive(Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key; prints the key alone, this once
    Create {
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        name: String,
        /// read (GET only), write (as an agent) or admin
        #[arg(long)]
        scope: String,
    },
}

#[derive(Subcommand)]
pub enum ChannelCommand {
    /// Take mail at an address; prints the channel's key alone, this once
    Create {
        #[arg(long)]
        tenant: String,
        /// Such as support@example.org
        #[arg(long)]
        address: String,
        /// What you call it among yourselves
        #[arg(long)]
        name: Option<String>,
    },
    /// All channels of a business, one a line: address, state, name, id
    List {
        #[arg(long)]
        tenant: String,
    },
}

#[derive(Subcommand)]
pub enum MailCommand {
    /// Take a mail from standard input, for the pipe of a mail server; exits with the codes of sysexits
    Deliver {
        /// Whom the envelope is to
        #[arg(long, value_name = "ADDR", allow_hyphen_values = true)]
        recipient: String,
        /// Whom the envelope is from; empty for the null path
        #[arg(long, value_name = "ADDR", allow_hyphen_values = true)]
        sender: String,
        /// Who handed it over the border
        #[arg(long, value_name = "IP")]
        client_ip: Option<String>,
    },
    /// Read letters again from their bytes: one, or all of a business
    Replay {
        #[arg(long)]
        tenant: String,
        /// One letter only [default: all]
        #[arg(long, value_name = "ID")]
        mail: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum SearchCommand {
    /// Make the index anew from tickets and messages, also while the server runs
    Rebuild {
        /// One business only [default: all]
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is right
    Check,
    /// Print every value in force; secrets are not shown
    Show,
}
