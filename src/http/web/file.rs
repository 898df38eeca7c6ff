//! The file of a web configuration and those it names: read, and looked at for changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::{HeaderName, HeaderValue};
use ring::digest;
use tokio_rustls::rustls::ServerConfig;

use super::auth::Users;
use super::config::{self, Clients, Pem, Rate, Tls};
use super::tls::{self, Material};
use crate::files::{Error, Files};

/// Clocks of file systems go by steps: what changed so recently may change again unnoticed.
const SETTLING: Duration = Duration::from_secs(1);

/// A configuration, made ready.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// `None` for plain HTTP.
    pub(super) tls: Option<Arc<ServerConfig>>,
    clients: Clients,
    pub(super) http2: bool,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) rate: Option<Rate>,
    pub(super) users: Arc<Users>,
}

impl Loaded {
    /// What this would open that another has closed. Nobody is to do that by a slip in a file.
    pub(super) fn opens(&self, before: &Self) -> Option<&'static str> {
        let demands = |loaded: &Self| loaded.clients >= Clients::VerifyIfGiven;
        if before.tls.is_some() && self.tls.is_none() {
            Some("tls_server_config is gone: TLS is switched off by a restart alone")
        } else if !before.users.is_empty() && self.users.is_empty() {
            Some("basic_auth_users are gone: passwords are switched off by a restart alone")
        } else if demands(before) && self.clients < before.clients {
            Some("client_auth_type asks for less: that is done by a restart alone")
        } else {
            None
        }
    }
}

/// What came of reading the files.
pub(super) struct Attempt {
    /// Every file that was read, as it was just before.
    pub(super) seen: Vec<Seen>,
    /// Of all that was read.
    pub(super) digest: Option<digest::Digest>,
    /// Or why there is nothing, in one line.
    pub(super) outcome: Result<Loaded, String>,
}

/// A file, as it was at some moment.
#[derive(Debug)]
pub(super) struct Seen {
    path: PathBuf,
    stamp: Option<Stamp>,
    settled: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    fn now(path: &Path) -> Self {
        let found = std::fs::metadata(path).ok();
        let settled = found.as_ref().is_none_or(|found| {
            let changed = Duration::new(
                found.ctime().try_into().unwrap_or_default(),
                found.ctime_nsec().try_into().unwrap_or_default(),
            );
            SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH + changed)
                .is_ok_and(|age| age > SETTLING)
        });
        let stamp = found.map(|found| Stamp {
            file: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        });
        Self { path: path.into(), stamp, settled }
    }

    /// Whether it is certain that the file is still the same.
    pub(super) fn holds(&self) -> bool {
        self.settled && Self::now(&self.path).stamp == self.stamp
    }
}

/// Reads a configuration and everything that it names.
pub(super) fn load(path: &Path, files: &mut Files) -> Attempt {
    let mut reader =
        Reader { files, seen: Vec::new(), read: digest::Context::new(&digest::SHA256) };
    let outcome = reader.whole(path);
    let outcome = outcome.map_err(|reason| format!("{}: {reason}", path.display()));
    let Reader { seen, read, .. } = reader;
    Attempt { seen, digest: outcome.is_ok().then(|| read.finish()), outcome }
}

struct Reader<'f> {
    files: &'f mut Files,
    seen: Vec<Seen>,
    read: digest::Context,
}

impl Reader<'_> {
    fn whole(&mut self, path: &Path) -> Result<Loaded, String> {
        let text = self.file(path)?;
        let text = str::from_utf8(&text).map_err(|_| "text in UTF-8 expected")?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let config = config::read(text, directory).map_err(|wrong| wrong.to_string())?;
        let tls = config.tls.as_ref();
        let server = tls.map(|tls| self.tls(tls, config.http2)).transpose()?;
        Ok(Loaded {
            clients: tls.map(|tls| tls.clients).unwrap_or_default(),
            tls: server.map(Arc::new),
            http2: config.http2,
            headers: config.headers,
            rate: config.rate,
            users: Arc::new(Users::new(config.users)),
        })
    }

    fn tls(&mut self, tls: &Tls, http2: bool) -> Result<ServerConfig, String> {
        let material = Material {
            certificate: self.pem(&tls.certificate)?,
            key: self.pem(&tls.key)?,
            client_authorities: tls
                .client_authorities
                .as_ref()
                .map(|pem| self.pem(pem))
                .transpose()?,
        };
        tls::server(tls, &material, http2)
    }

    fn pem(&mut self, pem: &Pem) -> Result<Vec<u8>, String> {
        match pem {
            Pem::File { path, .. } => self.file(path).map_err(|reason| format!("{pem}: {reason}")),
            Pem::Inline { text, .. } => Ok(text.as_bytes().into()),
        }
    }

    fn file(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        self.seen.push(Seen::now(path));
        let text = self.files.load(path, |text| Ok(text.to_vec()));
        let text = text.map_err(|error| match error {
            Error::Read { source, .. } => source.to_string(),
            _ => "no such file".into(),
        })?;
        self.read.update(&text.len().to_le_bytes());
        self.read.update(&text);
        Ok(text)
    }
}
