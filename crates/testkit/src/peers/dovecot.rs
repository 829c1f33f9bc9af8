use std::{fs, path::PathBuf, process::Command};

use super::process::{Owned, folder, free_port, make_certificate, program};

/// Dovecot with one mailbox, `ada`. It gives no mail to root, so that belongs to somebody else.
pub struct Dovecot {
    pub imap: u16,
    pub imaps: u16,
    pub folder: tempfile::TempDir,
    _server: Owned,
}

/// Who owns the mail: Dovecot gives none to root.
fn users() -> (String, String, String) {
    let id = |argument: &str| {
        let said = Command::new("id").arg(argument).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    };
    match id("-u").as_str() {
        "0" => ("dovecot".into(), "dovenull".into(), "nobody".into()),
        _ => (id("-un"), id("-un"), id("-un")),
    }
}

impl Dovecot {
    pub const USERNAME: &str = "ada";
    pub const PASSWORD: &str = "s3cr\"t\\ pass";

    /// `more` is further configuration; `{folder}` in it is the folder of this server.
    pub fn start(more: &str) -> Self {
        let dovecot = program(&["/usr/sbin/dovecot"], "dovecot-imapd");
        program(&["/usr/lib/dovecot/imap", "/usr/libexec/dovecot/imap"], "dovecot-imapd");
        let folder = folder();
        make_certificate(folder.path());
        let (imap, imaps) = (free_port(), free_port());
        let (internal, login, owner) = users();
        let at = folder.path().display();
        let config = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/dovecot.log\nprotocols = imap\n\
             listen = 127.0.0.1\nssl = yes\nssl_cert = <{at}/cert.pem\nssl_key = <{at}/key.pem\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain login xoauth2 oauthbearer\n\
             default_internal_user = {internal}\ndefault_login_user = {login}\n\
             mail_location = maildir:{at}/mail/%u\n\
             passdb {{\n driver = passwd-file\n args = scheme=PLAIN {at}/users\n mechanisms = plain login\n}}\n\
             userdb {{\n driver = static\n args = uid={owner} gid={group} home={at}/home/%u\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {imap}\n}}\n\
             inet_listener imaps {{\n port = {imaps}\n ssl = yes\n}}\n}}\n\
             service anvil {{\n chroot =\n}}\n{more}\n",
            group =
                String::from_utf8_lossy(&Command::new("id").args(["-gn", &owner]).output().unwrap().stdout)
                    .trim(),
        );
        let config = config.replace("{folder}", &at.to_string());
        fs::write(folder.path().join("dovecot.conf"), config).unwrap();
        fs::write(
            folder.path().join("users"),
            format!("{}:{{PLAIN}}{}:::::\n", Self::USERNAME, Self::PASSWORD),
        )
        .unwrap();
        for name in ["mail/ada/new", "mail/ada/cur", "mail/ada/tmp", "home/ada", "state"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let owned = Command::new("chown")
            .args(["-R", &owner])
            .args([folder.path().join("mail"), folder.path().join("home")])
            .status()
            .unwrap();
        assert!(owned.success());
        let mut command = Command::new(dovecot);
        command.arg("-F").arg("-c").arg(folder.path().join("dovecot.conf"));
        let mut server = Owned::start(&mut command, folder.path().join("output.log"));
        server.wait_for_port(imap);
        server.wait_for_port(imaps);
        Self { imap, imaps, folder, _server: server }
    }

    /// Where the mail of `ada` is.
    pub fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail/ada")
    }

    /// Puts a mail into the folder as a delivery agent does: whole or not at all.
    pub fn deliver(&self, name: &str, mail: &str) {
        let (temporary, target) =
            (self.maildir().join("tmp").join(name), self.maildir().join("new").join(name));
        fs::write(&temporary, mail).unwrap();
        assert!(Command::new("chown").arg(users().2).arg(&temporary).status().unwrap().success());
        fs::rename(temporary, target).unwrap();
    }

    /// The same, of mail that was got at an instant: Dovecot keeps that as the time of the file.
    pub fn deliver_at(&self, name: &str, mail: &str, got: base::Timestamp) {
        self.deliver(name, mail);
        let file = self.mails().into_iter().find(|path| path.to_string_lossy().contains(&format!("/{name}")));
        fs::File::options().append(true).open(file.unwrap()).unwrap().set_modified(got.into()).unwrap();
    }

    /// What a restored or moved mailbox looks like: every mail has another number, under another UIDVALIDITY.
    pub fn make_anew(&self) {
        for file in fs::read_dir(self.maildir()).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("dovecot") {
                fs::remove_file(file.path()).unwrap();
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(1100)); // UIDVALIDITY is a time in seconds
    }

    pub fn mails(&self) -> Vec<PathBuf> {
        let files =
            |name: &str| fs::read_dir(self.maildir().join(name)).unwrap().map(|file| file.unwrap().path());
        files("new").chain(files("cur")).collect()
    }

    /// What it says about each connection.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("dovecot.log")).unwrap_or_default()
    }
}
