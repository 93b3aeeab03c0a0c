//! A certificate and its key in a folder, and a server that has them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use writ_testkit::{DatabaseKind, World};

use crate::process::{Process, binary};

pub(super) const ISSUER: &str = "https://localhost:9";
const HTTPS: (&str, &str) = ("SERVER__ISSUER", ISSUER);

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A pair in a folder of this test's own, gone when the test ends.
pub(super) struct PairFiles(PathBuf);

impl PairFiles {
    pub(super) fn new(certificate: &str, key: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("writ-tls-{}-{number}", std::process::id());
        let files = Self(std::env::temp_dir().join(name));
        std::fs::create_dir(&files.0).unwrap();
        files.write(certificate, key);
        files
    }

    pub(super) fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.0.join("tls.pem"), certificate).unwrap();
        std::fs::write(self.0.join("tls.key"), key).unwrap();
        self.permit(0o600);
    }

    pub(super) fn permit(&self, mode: u32) {
        let mode = Permissions::from_mode(mode);
        std::fs::set_permissions(self.0.join("tls.key"), mode).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(super) async fn served(&self) -> (World, Process) {
        let mut command = Command::new(binary());
        command.arg("serve");
        self.served_by(command).await
    }

    /// By a command that becomes the server.
    pub(super) async fn served_by(&self, command: Command) -> (World, Process) {
        let world = World::configured(DatabaseKind::Sqlite, &[HTTPS]).await;
        let (certificate, key) = (self.path("tls.pem"), self.path("tls.key"));
        let more = [
            HTTPS,
            ("SERVER__TLS__CERTIFICATE", certificate.as_str()),
            ("SERVER__TLS__KEY", key.as_str()),
        ];
        let process = Process::run(command, &world, &more).await;
        (world, process)
    }
}

impl Drop for PairFiles {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
