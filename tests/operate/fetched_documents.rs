//! Documents that others host: one guarded call, kept by what the host says within our bounds, shared by all nodes (RFC 9111).

use std::sync::Arc;
use std::time::Duration;

use writ_platform::guard::{AddressPolicy, GuardError, GuardedClient, Origin};
use writ_server::node::app::App;
use writ_server::node::outgoing::call_limits::CallReason;
use writ_server::node::outgoing::documents::{Documents, FetchEnvironment};
use writ_server::node::outgoing::fetch::{
    AcceptedAge, DocumentPurpose, Fallback, FetchError, FetchedDocument, MAX_CLIENT_METADATA_BYTES,
    WantedDocument,
};
use writ_server::node::outgoing::pauses::PAUSE_AFTER_FAILURE;
use writ_testkit::{HttpReceiver, both_heard};

const JSON: (&str, &str) = ("content-type", "application/json");

type Headers<'a> = &'a [(&'a str, &'a str)];

/// Status, headers and body, and why they are no document.
type Answer<'a> = (u16, Headers<'a>, &'a str, FetchError);

fn wanted(url: &str) -> WantedDocument<'_> {
    WantedDocument {
        url,
        purpose: DocumentPurpose::JwkSet,
        reason: CallReason::Registered,
        age: AcceptedAge::Fresh,
        fallback: Fallback::Error,
        check: |_, body| match body.first() {
            Some(b'{') => Ok(()),
            _ => Err("it is no object".to_owned()),
        },
    }
}

async fn body(documents: &Documents, wanted: WantedDocument<'_>) -> String {
    text(&documents.fetch(&wanted).await.unwrap())
}

fn text(document: &FetchedDocument) -> String {
    String::from_utf8(document.body.to_vec()).unwrap()
}

fn serve(receiver: &HttpReceiver, cache: &'static str, body: &str) {
    let headers = [JSON, ("cache-control", cache), ("etag", "\"1\"")];
    receiver.answer_with(200, &headers, body.to_owned());
}

both_heard!(
    a_document_is_fetched_once_for_all_nodes_while_it_is_fresh,
    |world, receiver| async {
        let url = receiver.url("/jwks");
        serve(&receiver, "max-age=600", "{1}");
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{1}");
        let call = receiver.only();
        assert_eq!(call.path, "/jwks");
        assert!(call.header("accept").contains("application/jwk-set+json"));
        assert!(call.headers.get("if-none-match").is_none());
        let node = world.node().await;
        world.advance(599);
        for app in [&world.app, &node.app] {
            assert_eq!(body(&app.documents, wanted(&url)).await, "{1}");
        }
        assert!(receiver.heard().is_empty(), "one fetch serves all nodes");
        world.advance(1);
        serve(&receiver, "max-age=600", "{2}");
        assert_eq!(body(&node.app.documents, wanted(&url)).await, "{2}");
        assert_eq!(receiver.only().header("if-none-match"), "\"1\"");
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{2}");
        assert!(
            receiver.heard().is_empty(),
            "the newer one is in the database"
        );
    }
);

both_heard!(
    /// RFC 9110 section 15.4.5: 304 makes the kept document fresh again.
    rfc_9111_4_3_an_unchanged_document_is_revalidated,
    |world, receiver| async {
        let url = receiver.url("/jwks");
        serve(&receiver, "max-age=600", "{1}");
        body(&world.app.documents, wanted(&url)).await;
        world.advance(600);
        receiver.answer(304, &[("cache-control", "max-age=900")]);
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{1}");
        world.advance(899);
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{1}");
        assert_eq!(receiver.heard().len(), 2);
        // Whoever asks for one that is younger gets it fetched, without conditions on what nobody sent.
        let since = WantedDocument {
            age: AcceptedAge::FetchedSince(world.now()),
            ..wanted(&url)
        };
        serve(&receiver, "max-age=600", "{2}");
        assert_eq!(body(&world.app.documents, since).await, "{2}");
        assert_eq!(body(&world.app.documents, since).await, "{2}");
        assert_eq!(receiver.only().header("if-none-match"), "\"1\"");
        let strange = receiver.url("/other");
        receiver.answer(304, &[]);
        let refused = world.app.documents.fetch(&wanted(&strange)).await;
        assert_eq!(refused, Err(FetchError::Status(304)));
    }
);

both_heard!(
    only_a_valid_document_is_kept_and_a_failed_url_is_left_alone,
    |world, receiver| async {
        let plain = [("content-type", "text/plain")];
        let status = |code| FetchError::Status(code);
        let large = format!("{{{}}}", "x".repeat(64 * 1024));
        let size = writ_platform::guard::MAX_RESPONSE_BYTES;
        let too_large = FetchError::Guard(writ_platform::guard::GuardError::TooLarge(size));
        let invalid = FetchError::Invalid("it is no object".to_owned());
        let table: Vec<Answer<'_>> = vec![
            (
                301,
                &[("location", "https://client.example/")],
                "",
                status(301),
            ),
            (404, &[JSON], "{}", status(404)),
            (201, &[JSON], "{}", status(201)),
            (204, &[], "", status(204)),
            (500, &[JSON], "{}", status(500)),
            (200, &plain, "{}", FetchError::ContentType),
            (200, &[], "{}", FetchError::ContentType),
            (200, &[JSON], "[]", invalid),
            (200, &[JSON], &large, too_large),
        ];
        for (place, (code, headers, body, expected)) in table.into_iter().enumerate() {
            let url = receiver.url(&format!("/{place}"));
            let headers: Vec<(&'static str, &str)> = headers
                .iter()
                .map(|(name, value)| (leaked(name), *value))
                .collect();
            receiver.answer_with(code, &headers, body.to_owned());
            for _ in 0..3 {
                let found = world.app.documents.fetch(&wanted(&url)).await;
                assert_eq!(found, Err(expected.clone()), "{code} {body:.20}");
            }
            assert_eq!(receiver.heard().len(), 1, "{code}: left alone for a while");
        }
        let url = receiver.url("/0");
        world.advance(PAUSE_AFTER_FAILURE.as_secs() - 1);
        assert!(world.app.documents.fetch(&wanted(&url)).await.is_err());
        assert!(receiver.heard().is_empty());
        world.advance(1);
        serve(&receiver, "no-cache", "{1}");
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{1}");
    }
);

fn leaked(text: &str) -> &'static str {
    String::from(text).leak()
}

both_heard!(
    a_kept_document_goes_on_for_a_bounded_time,
    |world, receiver| async {
        let url = receiver.url("/jwks");
        serve(&receiver, "max-age=600", "{1}");
        body(&world.app.documents, wanted(&url)).await;
        let patient = WantedDocument {
            fallback: Fallback::StaleFor(Duration::from_secs(3600)),
            ..wanted(&url)
        };
        world.advance(600);
        for (wait, good) in [(0, true), (3599, true), (1, false)] {
            world.advance(wait);
            receiver.answer(503, &[]);
            let found = world.app.documents.fetch(&patient).await;
            assert_eq!(found.is_ok(), good, "{wait}");
            let strict = world.app.documents.fetch(&wanted(&url)).await;
            assert_eq!(strict, Err(FetchError::Status(503)));
        }
        let metrics = world.app.metrics.render();
        for line in [
            r#"writ_documents_fetched_total{purpose="jwks",outcome="fetched"} 1"#,
            r#"writ_documents_fetched_total{purpose="jwks",outcome="failed"} 2"#,
        ] {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
    }
);

both_heard!(
    requests_for_one_document_at_once_make_one_call,
    |world, receiver| async {
        let url = receiver.url("/jwks");
        serve(&receiver, "max-age=600", "{1}");
        let fetches = (0..20).map(|_| {
            let (app, url): (Arc<App>, String) = (world.app.clone(), url.clone());
            tokio::spawn(async move { body(&app.documents, wanted(&url)).await })
        });
        for fetch in fetches.collect::<Vec<_>>() {
            assert_eq!(fetch.await.unwrap(), "{1}");
        }
        assert_eq!(receiver.heard().len(), 1);
    }
);

both_heard!(
    each_purpose_has_its_own_copy_and_size,
    |world, receiver| async {
        let url = receiver.url("/document");
        let of = |purpose| WantedDocument {
            purpose,
            ..wanted(&url)
        };
        let trusted = Origin::parse(&receiver.origin).into_iter().collect();
        let documents = Documents::new(FetchEnvironment {
            guests: GuardedClient::new(AddressPolicy { trusted }).unwrap(),
            registered: world.app.notices.guard.clone(),
            store: world.store().clone(),
            clock: world.app.clock.clone(),
            fetches: world.app.metrics.fetches(),
        });
        let large = format!("{{{}}}", "x".repeat(MAX_CLIENT_METADATA_BYTES));
        for purpose in [DocumentPurpose::JwkSet, DocumentPurpose::GuestJwkSet] {
            serve(&receiver, "max-age=600", &large);
            assert_eq!(body(&documents, of(purpose)).await, large);
            assert_eq!(receiver.heard().len(), 1, "{purpose:?}");
        }
        serve(&receiver, "max-age=600", &large);
        let metadata = of(DocumentPurpose::ClientMetadata);
        let too_large = GuardError::TooLarge(MAX_CLIENT_METADATA_BYTES);
        let refused = documents.fetch(&metadata).await;
        assert_eq!(refused, Err(FetchError::Guard(too_large)));
        // What other calls may reach, guests may not; nor a copy of it.
        for purpose in [
            DocumentPurpose::ClientMetadata,
            DocumentPurpose::GuestJwkSet,
        ] {
            let found = world.app.documents.fetch(&of(purpose)).await;
            let refused = GuardError::NotHttps;
            assert_eq!(found, Err(FetchError::Guard(refused)), "{purpose:?}");
        }
        assert_eq!(receiver.heard().len(), 1);
        // What only the operator trusts is called; nothing else inside the house is.
        for inside in [
            "http://127.0.0.1:1/x",
            "https://localhost/x",
            "https://10.0.0.1/x",
        ] {
            let found = world.app.documents.fetch(&wanted(inside)).await;
            assert!(matches!(found, Err(FetchError::Guard(_))), "{inside}");
        }
    }
);

both_heard!(
    /// RFC 9111 section 5.2.2.5.
    rfc_9111_5_2_2_5_no_store_is_not_written_down,
    |world, receiver| async {
        let url = receiver.url("/jwks");
        serve(&receiver, "no-store", "{1}");
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{1}");
        world.advance(299);
        assert_eq!(body(&world.app.documents, wanted(&url)).await, "{1}");
        assert!(!world.database.dump().await.contains("{1}"));
        let node = world.node().await;
        serve(&receiver, "max-age=600", "{2}");
        assert_eq!(body(&node.app.documents, wanted(&url)).await, "{2}");
        assert_eq!(receiver.heard().len(), 2);
    }
);
