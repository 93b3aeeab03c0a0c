//! TLS of this server's own: a certificate chain and its private key in PEM, and what is spoken with them. TLS 1.3, and TLS 1.2 with
//! forward secrecy and authenticated encryption alone (BCP 195, RFC 9325 section 4.2).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use serde::Deserialize;
use writ_jose::hash::sha256;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use super::{bounded_file, host_of, secret_file};

/// The largest file with certificates, in bytes.
const MAX_CERTIFICATES: u64 = 256 * 1024;
const NO_CERTIFICATE: &str = "`server.tls.certificate` has no certificate in PEM";
/// So long before its end the operator is told.
const EXPIRES_SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// The one protocol that is spoken inside (RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsFile {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl TlsFile {
    pub(super) const fn is_set(&self) -> bool {
        self.certificate.is_some() || self.key.is_some()
    }
}

/// Where certificate chain and private key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Of `server.issuer`: by it clients call this server.
    host: String,
}

/// What the files hold at one time.
pub struct TlsPair {
    host: String,
    certificates: Vec<u8>,
    key: Zeroizing<String>,
}

pub(super) fn check(
    file: TlsFile,
    issuer: Option<&ResourceUri>,
    problems: &mut Vec<String>,
) -> Option<TlsFiles> {
    let files = match (file.certificate, file.key) {
        (None, None) => return None,
        (Some(certificate), Some(key)) => TlsFiles {
            certificate,
            key,
            host: issuer.map(host_of).unwrap_or_default().to_owned(),
        },
        _ => {
            problems.push(
                "`server.tls.certificate` and `server.tls.key` belong together: name both"
                    .to_owned(),
            );
            return None;
        }
    };
    if issuer.is_some_and(|issuer| issuer.as_str().starts_with("http://")) {
        problems.push(
            "`server.tls` is set, and `server.issuer` is `http`: clients would come without TLS"
                .to_owned(),
        );
    }
    if let Err(problem) = files.read().and_then(|pair| pair.protocol()) {
        problems.push(problem);
    }
    Some(files)
}

impl TlsFiles {
    pub fn read(&self) -> Result<TlsPair, String> {
        let certificates =
            bounded_file::read(&self.certificate, MAX_CERTIFICATES).map_err(|why| {
                let path = self.certificate.display();
                format!("`server.tls.certificate`: `{path}` {why}")
            })?;
        let key = secret_file::read(&self.key)
            .map_err(|why| format!("`server.tls.key`: `{}` {why}", self.key.display()))?;
        Ok(TlsPair {
            host: self.host.clone(),
            certificates,
            key: Zeroizing::new(key),
        })
    }
}

impl TlsPair {
    /// Tells two states of the files apart.
    pub fn fingerprint(&self) -> [[u8; 32]; 2] {
        [sha256(&self.certificates), sha256(self.key.as_bytes())]
    }

    /// What the certificates say of themselves.
    pub fn certificate(&self) -> Result<CertificateFacts, String> {
        let chain = self.chain()?;
        let first = chain.first().ok_or(NO_CERTIFICATE)?;
        let mut facts = CertificateFacts {
            begins_at: Timestamp::from_micros(0),
            expires_at: Timestamp::from_micros(i64::MAX),
            other_host: (!names(first, &self.host)).then(|| self.host.clone()),
        };
        for certificate in &chain {
            let (_, read) = X509Certificate::from_der(certificate).map_err(|_| {
                "`server.tls.certificate` has a certificate that says no end".to_owned()
            })?;
            let validity = read.validity();
            let (begins, ends) = (
                validity.not_before.timestamp(),
                validity.not_after.timestamp(),
            );
            facts.begins_at = facts.begins_at.max(Timestamp::from_seconds(begins));
            facts.expires_at = facts.expires_at.min(Timestamp::from_seconds(ends));
        }
        Ok(facts)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        CertificateDer::pem_slice_iter(&self.certificates)
            .collect::<Result<_, _>>()
            .map_err(|_| "`server.tls.certificate` is no chain of certificates in PEM".to_owned())
    }

    /// What is spoken with it; refused if key and certificate do not belong together. No sentence holds anything of the key.
    pub fn protocol(&self) -> Result<Arc<ServerConfig>, String> {
        let chain = self.chain()?;
        if chain.is_empty() {
            return Err(NO_CERTIFICATE.to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|_| {
            "`server.tls.key` has no private key in PEM, without a password".to_owned()
        })?;
        let unusable = |e: rustls::Error| {
            match e {
            rustls::Error::InconsistentKeys(_) => {
                "`server.tls.key` is not the key of `server.tls.certificate`: its own certificate comes first in the chain"
                    .to_owned()
            }
            other => format!("`server.tls` cannot be used: {other}"),
        }
        };
        let mut protocol = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        protocol.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Arc::new(protocol))
    }
}

/// Of a chain: from when on and until when all of it is good (RFC 5280 section 4.1.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    pub begins_at: Timestamp,
    pub expires_at: Timestamp,
    /// The host of the issuer, if the certificate does not name it (RFC 9525).
    other_host: Option<String>,
}

/// Why clients may not take a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TlsDefect {
    Ended,
    NotBegun,
    OtherHost,
}

impl CertificateFacts {
    fn has(&self, defect: TlsDefect, now: Timestamp) -> bool {
        match defect {
            TlsDefect::Ended => now >= self.expires_at,
            TlsDefect::NotBegun => now < self.begins_at,
            TlsDefect::OtherHost => self.other_host.is_some(),
        }
    }

    /// Why clients that take the one before would not take this one.
    pub fn worse_than(&self, before: &Self, now: Timestamp) -> Option<String> {
        use TlsDefect::{Ended, NotBegun, OtherHost};
        let is_new = |defect: &TlsDefect| self.has(*defect, now) && !before.has(*defect, now);
        let worse = [Ended, NotBegun, OtherHost].into_iter().find(is_new)?;
        let why = match worse {
            Ended => format!("ended at {}", self.expires_at.rfc3339()),
            NotBegun => format!("begins at {}", self.begins_at.rfc3339()),
            OtherHost => {
                let host = self.other_host.as_deref().unwrap_or_default();
                format!("is not for `{host}`, the host of `server.issuer`")
            }
        };
        Some(format!("`server.tls.certificate` {why}"))
    }
}

/// Whether a client that calls this host takes the certificate.
fn names(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let name = ServerName::try_from(host);
    match (ParsedCertificate::try_from(certificate), name) {
        (Ok(certificate), Ok(name)) => verify_server_name(&certificate, &name).is_ok(),
        _ => false,
    }
}

/// For the operator, once it is time to renew the certificate.
pub fn expiry_warning(expires_at: Timestamp, now: Timestamp) -> Option<String> {
    let at = expires_at.rfc3339();
    if now >= expires_at {
        return Some(format!(
            "`server.tls.certificate` ended at {at}: no client that looks at it connects any more"
        ));
    }
    (now.until(expires_at) <= EXPIRES_SOON)
        .then(|| format!("`server.tls.certificate` ends at {at}: renew it"))
}

/// The library's own, with no other cipher suites than these.
fn provider() -> CryptoProvider {
    use aws_lc_rs::cipher_suite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
    };
    CryptoProvider {
        cipher_suites: vec![
            TLS13_AES_256_GCM_SHA384,
            TLS13_AES_128_GCM_SHA256,
            TLS13_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ],
        ..aws_lc_rs::default_provider()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_pair_is_refused_for_what_the_one_before_had_not() {
        let now = Timestamp::from_seconds(1_790_000_000);
        let facts = |begins, ends, other: Option<&str>| CertificateFacts {
            begins_at: begins,
            expires_at: ends,
            other_host: other.map(str::to_owned),
        };
        let good = facts(now, now.plus(DAY), None);
        let ended = facts(now.minus(DAY), now, None);
        let later = facts(now.plus(DAY), now.plus(DAY * 2), None);
        let other = facts(now, now.plus(DAY), Some("as.example"));
        for (new, before, why) in [
            (&good, &good, None),
            (&ended, &good, Some("ended at")),
            (&later, &good, Some("begins at")),
            (&other, &good, Some("is not for `as.example`")),
            (&ended, &later, Some("ended at")),
            (&good, &ended, None),
            (&ended, &ended, None),
            (&other, &other, None),
            (&other, &ended, Some("is not for `as.example`")),
        ] {
            let said = new.worse_than(before, now);
            assert_eq!(said.is_some(), why.is_some(), "{new:?} {before:?}");
            let said = said.unwrap_or_default();
            assert!(said.contains(why.unwrap_or_default()), "{said}");
        }
        // Once it begins it may follow.
        assert_eq!(later.worse_than(&good, now.plus(DAY)), None);
    }

    #[test]
    fn an_end_is_told_two_weeks_before() {
        let end = Timestamp::from_seconds(1_790_000_000);
        for (now, said) in [
            (end.minus(DAY * 15), None),
            (end.minus(DAY * 14), Some("renew it")),
            (end.minus(Duration::from_secs(1)), Some("renew it")),
            (end, Some("ended at")),
            (end.plus(DAY), Some("ended at")),
        ] {
            let warning = expiry_warning(end, now);
            assert_eq!(warning.is_some(), said.is_some(), "{now}");
            let warning = warning.unwrap_or_default();
            assert!(warning.contains(said.unwrap_or_default()), "{warning}");
        }
    }
}
