use std::{fs, path::Path, process::Command};

use super::process::{Owned, folder, free_port, program};

/// Postfix, which takes letters and delivers them where it is told. It insists on root.
pub struct Postfix {
    pub port: u16,
    _server: Owned,
    folder: tempfile::TempDir,
}

impl Postfix {
    /// Sends what is for a domain to its next hop, such as `smtp:[127.0.0.1]:2525`; what is for another goes nowhere.
    pub fn start(routes: &[(&str, &str)]) -> Self {
        Self::start_with(routes, "")
    }

    /// The same with further lines of `main.cf`.
    pub fn start_with(routes: &[(&str, &str)], more: &str) -> Self {
        let postfix = program(&["/usr/sbin/postfix"], "postfix");
        let master = program(&["/usr/lib/postfix/sbin/master", "/usr/libexec/postfix/master"], "postfix");
        let folder = folder();
        let port = free_port();
        configure(folder.path(), master.parent().unwrap(), port, routes, more);
        let checked = Command::new(postfix).arg("-c").arg(folder.path()).arg("check").output().unwrap();
        assert!(
            checked.status.success(),
            "postfix check (Postfix runs as root alone): {}",
            String::from_utf8_lossy(&checked.stderr)
        );
        // -d: in the foreground, as our own process.
        let mut command = Command::new(master);
        command.arg("-c").arg(folder.path()).arg("-d");
        let mut server = Owned::start(&mut command, folder.path().join("master.log"));
        server.wait_for_port(port);
        Self { port, _server: server, folder }
    }

    /// What it did with each letter, line by line.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("mail.log")).unwrap_or_default()
    }
}

fn configure(folder: &Path, daemons: &Path, port: u16, routes: &[(&str, &str)], more: &str) {
    let (folder_text, daemons) = (folder.display(), daemons.display());
    let domains = routes.iter().map(|(domain, _)| *domain).collect::<Vec<_>>().join(", ");
    let transports: Vec<String> =
        routes.iter().map(|(domain, next_hop)| format!("{{ {domain}={next_hop} }}")).collect();
    let transports = transports.join(", ");
    let main = format!(
        "compatibility_level = 3.6
queue_directory = {folder_text}/queue
data_directory = {folder_text}/data
daemon_directory = {daemons}
command_directory = /usr/sbin
maillog_file = {folder_text}/mail.log
maillog_file_prefixes = {folder_text}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example.net
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
relay_domains = {domains}
default_transport = error:nothing leaves this machine
transport_maps = inline:{{ {transports} }}
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = may
lmtp_tls_security_level = may
smtputf8_enable = yes
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
default_destination_concurrency_failed_cohort_limit = 0
{more}
"
    );
    let master = format!(
        "127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
discard unix - - n - - discard
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    );
    fs::create_dir(folder.join("queue")).unwrap();
    fs::create_dir(folder.join("data")).unwrap();
    let owned = Command::new("chown").arg("postfix").arg(folder.join("data")).status().unwrap();
    assert!(owned.success());
    fs::write(folder.join("main.cf"), main).unwrap();
    fs::write(folder.join("master.cf"), master).unwrap();
}
