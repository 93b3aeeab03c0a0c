//! Each family of special addresses and each way to disguise one is refused; time and size are bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const SHORT: Duration = Duration::from_millis(200);

fn strict() -> GuardedClient {
    GuardedClient::new(AddressPolicy::default()).unwrap()
}

/// The first and last address of each special network, or one inside.
const SPECIAL: &str = "
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255
    169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.0
    192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.255 224.0.0.1 239.255.255.255
    240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:169.254.169.254 64:ff9b::127.0.0.1
    64:ff9b::c0a8:1 64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1::
    2002:c0a8:101::1 2002:a00:1::1 3fff::1 5f00::1 fc00::1 fdff::1 fe80::1 febf::1 fec0::1 ff02::1 4000::1";

/// The addresses next to those networks, and some well-known ones.
const PUBLIC: &str = "
    1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255
    192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1
    2001:4860::8888 ::ffff:1.1.1.1 64:ff9b::101:101 2002:101:101::1";

#[test]
fn special_addresses_are_not_public() {
    for (addresses, public) in [(SPECIAL, false), (PUBLIC, true)] {
        for address in addresses.split_whitespace() {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}

#[test]
fn the_same_client_is_guarded_by_another_policy() {
    let inside = "http://10.0.0.7:9000/hook";
    let trusted = Origin::parse("http://10.0.0.7:9000").unwrap();
    let trusting = strict().under(AddressPolicy {
        trusted: vec![trusted],
    });
    assert_eq!(trusting.policy().admits(inside), Ok(()));
    let again = trusting.under(AddressPolicy::default());
    assert_eq!(again.policy().admits(inside), Err(GuardError::NotHttps));
    for (guard, is_let_in) in [(&trusting, true), (&again, false)] {
        let called = guard.request(Method::GET, inside);
        assert_eq!(called.is_ok(), is_let_in);
    }
}

#[test]
fn every_spelling_of_an_address_is_the_address() {
    let guard = strict();
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0x7f.0.0.0x1:8443/",
        "https://127.0.0.1./",
        "https://%31%32%37.0.0.1/",
        "https://１２７.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:ffff:a00:1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0/",
        "https:127.0.0.1",
        "https:\\\\127.0.0.1\\x",
        "ht\ntps://127.0.0.1",
    ] {
        assert_eq!(
            guard.policy.admits(url),
            Err(GuardError::NotPublic),
            "{url}"
        );
    }
    assert_eq!(guard.policy.admits("https://1.1.1.1/x"), Ok(()));
    assert_eq!(guard.policy.admits("https://push.example/x"), Ok(()));
}

#[test]
fn only_https_without_user_information() {
    let guard = strict();
    let long = format!("https://push.example/{}", "x".repeat(MAX_URL_BYTES));
    for (url, refused) in [
        ("http://push.example/", GuardError::NotHttps),
        ("ftp://push.example/", GuardError::NotHttps),
        ("file:///etc/passwd", GuardError::NotHttps),
        ("data:text/plain,x", GuardError::NotHttps),
        (
            "https://push.example@127.0.0.1/",
            GuardError::UserInformation,
        ),
        (
            "https://user:word@push.example/",
            GuardError::UserInformation,
        ),
        ("https://:word@push.example/", GuardError::UserInformation),
        ("https://", GuardError::NotAUrl),
        ("//127.0.0.1/", GuardError::NotAUrl),
        ("https://[::ffff:127.0.0.1%25lo]/", GuardError::NotAUrl),
        (&long, GuardError::NotAUrl),
    ] {
        assert_eq!(guard.policy.admits(url), Err(refused), "{url}");
    }
}

#[tokio::test]
async fn a_host_name_is_judged_by_its_addresses() {
    for url in ["https://localhost/", "https://LOCALHOST:9/"] {
        let refused = strict().post(url, HeaderMap::new(), Bytes::new()).await;
        assert_eq!(refused, Err(GuardError::NotPublic), "{url}");
    }
    let (guard, dotted) = (strict(), "https://localhost./");
    let refused = guard.post(dotted, HeaderMap::new(), Bytes::new()).await;
    assert!(refused.is_err());
    let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
    assert!(all_public(vec![at("1.1.1.1"), at("2606:4700::1111")]).is_ok());
    assert!(
        all_public(vec![at("1.1.1.1"), at("10.0.0.1")]).is_err(),
        "one address that is not public refuses the name"
    );
}

#[test]
fn a_trusted_origin_is_exact() {
    let trusted = ["http://127.0.0.1:9000", "https://Inside.example"];
    let trusted = trusted.map(|text| Origin::parse(text).unwrap()).to_vec();
    let guard = GuardedClient::new(AddressPolicy { trusted }).unwrap();
    for url in [
        "http://127.0.0.1:9000/ping?x",
        "https://inside.example:443/",
    ] {
        assert_eq!(guard.policy.admits(url), Ok(()), "{url}");
    }
    for url in [
        "http://127.0.0.1:9001/",
        "https://127.0.0.1:9000/",
        "http://127.0.0.2:9000/",
        "http://inside.example/",
        "http://x@127.0.0.1:9000/",
        "http://127.0.0.1:90000/",
    ] {
        assert!(guard.policy.admits(url).is_err(), "{url}");
    }
    for no_origin in [
        "127.0.0.1:9",
        "http://h/path",
        "http://h?x",
        "http://u@h",
        "ftp://h",
        "",
    ] {
        assert_eq!(Origin::parse(no_origin), None, "{no_origin}");
    }
}

/// Answers every connection with these bytes, and holds it open afterwards.
async fn receiver(answer: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (asked, count) = (Arc::new(AtomicUsize::new(0)), answer);
    let seen = asked.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            seen.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(&count).await;
            open.push(stream);
        }
    });
    (origin, asked)
}

async fn call(answer: Vec<u8>) -> (Result<GuardedResponse, GuardError>, usize) {
    let (origin, asked) = receiver(answer).await;
    let trusted = vec![Origin::parse(&origin).unwrap()];
    let guard =
        GuardedClient::build(AddressPolicy { trusted }, &ExtraRoots::default(), SHORT).unwrap();
    let reply = guard
        .post(&origin, HeaderMap::new(), Bytes::from("x"))
        .await;
    (reply, asked.load(Ordering::SeqCst))
}

fn sized(length: usize, body: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + body, b'x');
    answer
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (elsewhere, asked) = receiver(sized(0, 0)).await;
    let answer = format!("HTTP/1.1 307 Go\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
    let (reply, _) = call(answer.into_bytes()).await;
    assert_eq!(reply.unwrap().status, 307);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn response_size_is_bounded() {
    let (reply, _) = call(sized(MAX_RESPONSE_BYTES, MAX_RESPONSE_BYTES)).await;
    assert_eq!(reply.unwrap().body.len(), MAX_RESPONSE_BYTES);
    let (reply, _) = call(sized(MAX_RESPONSE_BYTES + 1, MAX_RESPONSE_BYTES + 1)).await;
    assert_eq!(reply, Err(GuardError::TooLarge(MAX_RESPONSE_BYTES)));
}

#[tokio::test]
async fn response_time_is_bounded() {
    for stuck in [sized(10, 9), b"HTTP/1.1 200 OK\r\n".to_vec(), Vec::new()] {
        let (reply, asked) = call(stuck).await;
        assert_eq!((reply, asked), (Err(GuardError::TimedOut), 1));
    }
}

#[tokio::test]
async fn rfc_9110_10_2_3_retry_after_in_seconds() {
    let answer = |wait: &str| {
        format!("HTTP/1.1 429 Slow\r\nretry-after: {wait}\r\ncontent-length: 0\r\n\r\n")
            .into_bytes()
    };
    let wait = |reply: Result<GuardedResponse, GuardError>| reply.unwrap().retry_after;
    let (reply, _) = call(answer("120")).await;
    assert_eq!(wait(reply), Some(Duration::from_secs(120)));
    let (reply, _) = call(answer("Wed, 21 Oct 2026 07:28:00 GMT")).await;
    assert_eq!(wait(reply), None);
}

#[tokio::test]
async fn an_unreachable_host_may_be_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}/?secret", listener.local_addr().unwrap());
    drop(listener);
    let trusted = vec![Origin::parse(origin.trim_end_matches("/?secret")).unwrap()];
    let guard = GuardedClient::new(AddressPolicy { trusted }).unwrap();
    let refused = guard.post(&origin, HeaderMap::new(), Bytes::new()).await;
    let refused = refused.unwrap_err();
    assert!(!refused.is_permanent() && !refused.to_string().contains("secret"));
}

#[tokio::test]
async fn a_get_has_a_size_of_its_own_and_tells_the_headers() {
    let answer = |body: usize| {
        let head = format!("HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: {body}\r\n\r\n");
        [head.into_bytes(), vec![b'x'; body]].concat()
    };
    let call = async |answer: Vec<u8>, max_body: usize| {
        let (origin, _) = receiver(answer).await;
        let trusted = vec![Origin::parse(&origin).unwrap()];
        let guard = GuardedClient::new(AddressPolicy { trusted }).unwrap();
        guard.get(&origin, HeaderMap::new(), max_body).await
    };
    let reply = call(answer(100), 100).await.unwrap();
    assert_eq!(
        (reply.body.len(), &reply.headers["etag"]),
        (100, &"\"a\"".parse().unwrap())
    );
    let reply = call(answer(101), 100).await;
    assert_eq!(reply, Err(GuardError::TooLarge(100)));
    let reply = strict()
        .get("https://localhost/", HeaderMap::new(), 1)
        .await;
    assert_eq!(reply, Err(GuardError::NotPublic));
}

#[test]
fn a_bundle_without_a_usable_certificate_is_refused() {
    for bundle in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(
            ExtraRoots::from_pem(bundle.as_bytes()).is_none(),
            "{bundle}"
        );
    }
    assert!(ExtraRoots::from_pem(ROOT.as_bytes()).is_some());
}

/// A certificate authority without its key.
const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUK1BhYbKqzSz46LIB0gF6DzRcDM4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJVGVzdCByb290MCAXDTI2MTEyOTExNTEzNloYDzIxMjYxMTA1
MTE1MTM2WjAUMRIwEAYDVQQDDAlUZXN0IHJvb3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT5FuGubbOI7K/Rc1VzonG4TJHXEXKjTvJZpR6rc3HqY7lG1VmD9N66
cwX962TLkYWk0k+bu+L4Mp7xEhp4F+mPo1MwUTAdBgNVHQ4EFgQUxS7oq+CzCt7n
pDEOBC7dRrh1sa4wHwYDVR0jBBgwFoAUxS7oq+CzCt7npDEOBC7dRrh1sa4wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAm0Pp63qGZY9xcteLsQuB
16pojhkrl3Vl3lKrkitQeCoCIQDgtuHspoJ3deIYi/wpijPb36NR+syXKYfLj0wa
UZwHww==
-----END CERTIFICATE-----
";
