//! TLS of the server's own: what is spoken, what is not, and a certificate that is renewed while it runs.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use rustls::client::ClientConnection;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use writ_server::config::Config;

use super::tls_files::{ISSUER, PairFiles};
use super::tls_pairs::{
    ENDED_CERTIFICATE, ENDED_KEY, FIRST_CERTIFICATE, FIRST_KEY, LATER_CERTIFICATE, LATER_KEY,
    OTHER_CERTIFICATE, OTHER_KEY, SECOND_CERTIFICATE, SECOND_KEY,
};
use crate::process::{IN_TIME, binary, until};

/// A client that trusts one certificate alone.
struct TlsClient {
    trusted: &'static str,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl TlsClient {
    fn trusting(trusted: &'static str) -> Self {
        Self {
            trusted,
            versions: vec![&TLS13, &TLS12],
        }
    }

    fn config(&self) -> ClientConfig {
        let certificate = CertificateDer::from_pem_slice(self.trusted.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    /// The status line of `/jwks`, and what was spoken.
    async fn get(&self, address: SocketAddr) -> std::io::Result<(String, Spoken)> {
        let connector = TlsConnector::from(Arc::new(self.config()));
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, socket).await?;
        let spoken = Spoken::of(stream.get_ref().1);
        let request = "GET /jwks HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok((answer.lines().next().unwrap_or_default().to_owned(), spoken))
    }

    async fn is_served(&self, address: SocketAddr) -> bool {
        let answered = self.get(address).await;
        answered.is_ok_and(|(status, _)| status == "HTTP/1.1 200 OK")
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Spoken {
    version: Option<ProtocolVersion>,
    inside: Option<Vec<u8>>,
}

impl Spoken {
    fn of(connection: &ClientConnection) -> Self {
        Self {
            version: connection.protocol_version(),
            inside: connection.alpn_protocol().map(<[u8]>::to_vec),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_1_over_tls_1_3_and_over_1_2() {
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let (_world, process) = files.served().await;
    let client = TlsClient::trusting(FIRST_CERTIFICATE);
    let older = TlsClient {
        versions: vec![&TLS12],
        ..TlsClient::trusting(FIRST_CERTIFICATE)
    };
    for (client, version) in [
        (client, ProtocolVersion::TLSv1_3),
        (older, ProtocolVersion::TLSv1_2),
    ] {
        let (status, spoken) = client.get(process.address).await.unwrap();
        assert_eq!(status, "HTTP/1.1 200 OK");
        let (version, inside) = (Some(version), Some(b"http/1.1".to_vec()));
        assert_eq!(spoken, Spoken { version, inside });
    }
    let start = process
        .lines()
        .into_iter()
        .find(|line| line["tls"] == "here");
    assert!(start.is_some(), "{}", process.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_certificate_is_said() {
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let (world, process) = files.served().await;
    let lines = process.lines();
    let start = lines.iter().find(|line| line["tls"] == "here").unwrap();
    // As `openssl x509 -enddate` says, and as seconds `date`.
    let end = "2126-11-05T19:19:02Z";
    assert_eq!(start["certificate_expires"], end);
    until(async || {
        let metrics = process.operators.try_get("/metrics").await.unwrap();
        let metrics = metrics.text();
        metrics.contains("writ_tls_certificate_expires_seconds 4949579942\n")
    })
    .await;
    let checked = Command::new(binary())
        .env_clear()
        .envs(world.environment())
        .env("WRIT__SERVER__ISSUER", ISSUER)
        .env("WRIT__SERVER__TLS__CERTIFICATE", files.path("tls.pem"))
        .env("WRIT__SERVER__TLS__KEY", files.path("tls.key"))
        .arg("check")
        .output()
        .unwrap();
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains(&format!("good until {end}")), "{said}");
    assert!(!said.contains("renew it"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_over_and_a_bad_one_is_not() {
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let (_world, process) = files.served().await;
    let (first, second) = (
        TlsClient::trusting(FIRST_CERTIFICATE),
        TlsClient::trusting(SECOND_CERTIFICATE),
    );
    assert!(first.is_served(process.address).await);
    assert!(!second.is_served(process.address).await);

    files.write(SECOND_CERTIFICATE, SECOND_KEY);
    process.signal("HUP");
    until(async || second.is_served(process.address).await).await;
    assert!(!first.is_served(process.address).await);

    files.write(FIRST_CERTIFICATE, SECOND_KEY);
    process.signal("HUP");
    until(async || process.text().contains("is not the key of")).await;
    assert!(
        second.is_served(process.address).await,
        "the one before goes on"
    );

    // Without a signal, because nobody may send one.
    files.write(FIRST_CERTIFICATE, FIRST_KEY);
    until(async || first.is_served(process.address).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_no_client_takes_replaces_none_that_they_take() {
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let (_world, process) = files.served().await;
    let (first, second) = (
        TlsClient::trusting(FIRST_CERTIFICATE),
        TlsClient::trusting(SECOND_CERTIFICATE),
    );
    for (certificate, key, why) in [
        (ENDED_CERTIFICATE, ENDED_KEY, "ended at 2020-12-31T"),
        (LATER_CERTIFICATE, LATER_KEY, "begins at 2120-01-01T"),
        (OTHER_CERTIFICATE, OTHER_KEY, "is not for `localhost`"),
    ] {
        files.write(certificate, key);
        process.signal("HUP");
        until(async || {
            let text = process.text();
            let mut lines = text.lines();
            lines.any(|line| line.contains(why) && line.contains("\"ERROR\""))
        })
        .await;
        assert!(first.is_served(process.address).await, "{why}");
    }
    files.write(SECOND_CERTIFICATE, SECOND_KEY);
    process.signal("HUP");
    until(async || second.is_served(process.address).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_handshake_does_not_delay_the_end() {
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let mut debugging = Command::new("/bin/sh");
    let script = "WRIT_LOG=info,writ_server=debug exec \"$0\" serve";
    debugging.arg("-c").arg(script).arg(binary());
    let (_world, mut process) = files.served_by(debugging).await;
    let silent = TcpStream::connect(process.address).await.unwrap();
    let client = TlsClient::trusting(FIRST_CERTIFICATE);
    assert!(
        client.is_served(process.address).await,
        "so is the silent one"
    );
    process.signal("TERM");
    assert_eq!(process.ended().await.code(), Some(0));
    let text = process.text();
    assert!(!text.contains("no TLS handshake in time"), "{text}");
    drop(silent);
}

/// A ClientHello of TLS 1.2 (RFC 5246 section 7.4.1.2) that offers one cipher suite.
fn client_hello(version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
    let extensions: &[&[u8]] = &[
        // supported_groups: secp256r1, x25519
        &[0, 10, 0, 6, 0, 4, 0, 23, 0, 29],
        // ec_point_formats: uncompressed
        &[0, 11, 0, 2, 1, 0],
        // signature_algorithms: ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256
        &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4],
    ];
    let extensions = extensions.concat();
    let body = [
        &version[..],
        &[7; 32],
        &[0, 0, 2],
        &suite,
        &[1, 0, 0, u8::try_from(extensions.len()).unwrap()],
        &extensions,
    ]
    .concat();
    let length = u8::try_from(body.len()).unwrap();
    let handshake = [&[1, 0, 0, length][..], &body].concat();
    let length = u8::try_from(handshake.len()).unwrap();
    [&[22, 3, 1, 0, length][..], &handshake].concat()
}

/// The first bytes of what comes back.
async fn answer_to(address: SocketAddr, hello: &[u8]) -> [u8; 7] {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(hello).await.unwrap();
    let mut answer = [0; 7];
    let read = tokio::time::timeout(IN_TIME, socket.read_exact(&mut answer));
    read.await.unwrap().unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc_9325_4_2_no_suite_without_forward_secrecy_and_authenticated_encryption() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let (_world, process) = files.served().await;
    let ecdhe_ecdsa_aes_128_gcm = [0xc0, 0x2b];
    let (tls_1_2, tls_1_1) = ([3, 3], [3, 2]);
    let taken = answer_to(
        process.address,
        &client_hello(tls_1_2, ecdhe_ecdsa_aes_128_gcm),
    )
    .await;
    assert_eq!(taken[0], HANDSHAKE, "the hello of this test is a good one");
    let refused = [
        (tls_1_2, [0xc0, 0x09]), // ECDHE_ECDSA_WITH_AES_128_CBC_SHA
        (tls_1_2, [0xc0, 0x23]), // ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
        (tls_1_2, [0xcc, 0xa9]), // ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        (tls_1_2, [0x00, 0x9c]), // RSA_WITH_AES_128_GCM_SHA256
        (tls_1_2, [0x00, 0x2f]), // RSA_WITH_AES_128_CBC_SHA
        (tls_1_1, ecdhe_ecdsa_aes_128_gcm),
    ];
    for (version, suite) in refused {
        let answer = answer_to(process.address, &client_hello(version, suite)).await;
        assert_eq!(answer[0], ALERT, "{version:?} {suite:x?}: {answer:x?}");
    }
}

/// A stranger who connects and says nothing does not keep the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_come_is_given_up() {
    let files = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let (_world, process) = files.served().await;
    let mut socket = TcpStream::connect(process.address).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(IN_TIME, socket.read_to_end(&mut rest)).await;
    // Closed or reset; nothing was said.
    closed.expect("given up in time").ok();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_pair_that_is_none_does_not_start() {
    let good = PairFiles::new(FIRST_CERTIFICATE, FIRST_KEY);
    let problems = |certificate: &str, key: &str, issuer: &str| -> String {
        let said = [
            ("SERVER__ISSUER", issuer),
            ("SERVER__LISTEN", "0.0.0.0:443"),
            ("SERVER__TLS__CERTIFICATE", certificate),
            ("SERVER__TLS__KEY", key),
            (
                "KEYS__MASTER",
                "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU",
            ),
        ];
        let said = said.iter().filter(|(_, value)| !value.is_empty());
        let environment = said.map(|(name, value)| (format!("WRIT__{name}"), (*value).to_owned()));
        let loaded = Config::load(None, &environment.collect());
        loaded
            .err()
            .map(|problems| problems.to_string())
            .unwrap_or_default()
    };
    let pair = (good.path("tls.pem"), good.path("tls.key"));
    // With TLS of its own a server needs no proxy to listen for everybody.
    assert_eq!(problems(&pair.0, &pair.1, ISSUER), "");
    let mismatched = PairFiles::new(FIRST_CERTIFICATE, SECOND_KEY);
    let table = [
        (
            mismatched.path("tls.pem"),
            mismatched.path("tls.key"),
            ISSUER,
            "is not the key of",
        ),
        (pair.0.clone(), String::new(), ISSUER, "name both"),
        (String::new(), pair.1.clone(), ISSUER, "name both"),
        (
            pair.0.clone(),
            good.path("nowhere"),
            ISSUER,
            "cannot be read",
        ),
        (
            good.path("nowhere"),
            pair.1.clone(),
            ISSUER,
            "cannot be read",
        ),
        (pair.1.clone(), pair.1.clone(), ISSUER, "no certificate"),
        (
            pair.0.clone(),
            pair.1.clone(),
            "http://localhost:9",
            "`server.issuer` is `http`",
        ),
    ];
    for (certificate, key, issuer, sentence) in table {
        let said = problems(&certificate, &key, issuer);
        assert!(said.contains(sentence), "{certificate} {key}: {said}");
    }
    for mode in [0o644, 0o640] {
        good.permit(mode);
        let said = problems(&pair.0, &pair.1, ISSUER);
        assert!(said.contains("chmod 0400"), "{said}");
    }
}
