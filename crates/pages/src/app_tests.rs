//! What the pages of the phone's app hold: the signed text equal to the screen, stable names, escaping, both languages.

use serde_json::Value;

use super::app_samples as samples;
use super::page_tests::read;
use super::*;

fn languages() -> Languages {
    Languages::load().unwrap()
}

/// What stands between the tags of the article that is signed.
fn read_screen(html: &str) -> String {
    let (_, article) = html.split_once("<article id=\"screen\">").unwrap();
    let (article, _) = article.split_once("</article>").unwrap();
    read(&format!("<main>{article}</main>"))
}

/// What `canonical` says was shown, on one line.
fn signed(canonical: &Value) -> String {
    let lines = shown(canonical)
        .into_iter()
        .flat_map(|section| std::iter::once(section.heading).chain(section.lines));
    let all = lines.collect::<Vec<_>>().join(" ");
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words that are signed are the words that are seen, all of them and in their order.
#[test]
fn the_signed_text_is_the_screen() {
    let views = [
        samples::approval(),
        samples::full_approval(),
        samples::narrowed_approval(),
        samples::device_approval(),
        samples::through_approval(),
        hostile(),
    ];
    for view in views {
        for tag in ["en", "de"] {
            let languages = languages();
            let texts = languages.of(tag);
            let canonical = view.screen.canonical(texts);
            assert_eq!(signed(&canonical), read_screen(&view.page(texts).html));
            assert_eq!(canonical["language"], tag);
        }
    }
}

/// Nothing that a yes depends on can change without changing what is signed.
#[test]
fn every_fact_changes_the_signed_text() {
    let languages = languages();
    let canonical = |change: &dyn Fn(&mut ScreenView)| {
        let mut screen = samples::screen();
        change(&mut screen);
        screen.canonical(languages.of("en"))
    };
    let before = canonical(&|_| ());
    let through = |resolved: &[&str], retry| {
        let resolved = resolved.iter().map(|name| (*name).to_owned()).collect();
        let resource = "Notes".to_owned();
        Some(ThroughView {
            resource,
            resolved,
            retry,
        })
    };
    let changes: [&dyn Fn(&mut ScreenView); 19] = [
        &|s| s.id = "apr_9".to_owned(),
        &|s| s.client.name = "Other".to_owned(),
        &|s| s.client.client_id = "agt_other".to_owned(),
        &|s| s.subject_name = "Bob".to_owned(),
        &|s| s.details[0].sentence = samples::pieces("Pay [413.00] [EUR]"),
        &|s| s.details[0].limits.clear(),
        &|s| s.details[0].headline = Some(samples::paying("413.00")),
        &|s| s.identity = true,
        &|s| s.ends_at = s.ends_at.plus(Duration::from_secs(1)),
        &|s| s.expires_at = s.expires_at.plus(Duration::from_secs(1)),
        &|s| s.purpose = None,
        &|s| s.hints.clear(),
        &|s| s.user_code = Some("WDJB-MJHT".to_owned()),
        &|s| s.binding_message = None,
        &|s| s.reason = Some("Other".to_owned()),
        &|s| {
            s.resource_words = Some(ResourceWords {
                name: "Bank".to_owned(),
                words: "Other".to_owned(),
            });
        },
        &|s| s.deciders.role = RoleView::Sponsor,
        &|s| s.authority = serde_json::json!({}),
        &|s| s.through = through(&[], RetryView::Waits),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_ne!(canonical(change), before, "{number}");
    }
    let asked = |resolved, retry| canonical(&|s| s.through = through(resolved, retry));
    let first = asked(&["title"], RetryView::Waits);
    assert_ne!(first, asked(&[], RetryView::Waits), "whose words");
    assert_ne!(first, asked(&["title"], RetryView::CallsAgain));
}

/// An approval that nobody fetched is shown; nothing can be stopped where nothing acts.
#[test]
fn an_agent_that_may_still_fetch_is_no_past_one() {
    let mut view = samples::agents();
    let agent = &mut view.agents[0];
    agent.tasks.clear();
    let stop = format!("agent-stop-{}", agent.client.client_id);
    view.agents.truncate(1);
    let html = view.page(languages().of("en")).html;
    let seen = read(&html);
    let parts = "Approved, not fetched yet Pay up to EUR 12.00 to KLM, once (until 22 November 2026, 13:05 CET)";
    assert!(seen.contains(parts), "{seen}");
    assert!(seen.contains("EUR 824.00 in 2 decisions"), "{seen}");
    assert!(!html.contains(&stop) && !seen.contains("Ended"));
    view.agents[0].unfetched.clear();
    let seen = read(&view.page(languages().of("de")).html);
    assert!(seen.contains("824,00 EUR in 2 Entscheidungen"), "{seen}");
}

#[test]
fn why_an_agent_waits_stands_in_place_of_its_state() {
    let mut view = samples::agents();
    view.agents.truncate(1);
    view.agents[0].tasks.remove(0);
    for (can_resume, says, never) in [
        (
            false,
            "Sign out and in again, then",
            "password. Let those go on",
        ),
        (true, "password. Let those go on", "in again, then"),
    ] {
        view.agents[0].tasks[0].can_resume = can_resume;
        let html = view.page(languages().of("en")).html;
        let cause = "<p class=\"agent-by\"><span class=\"state paused\">Paused when you set";
        assert!(html.contains(cause), "{html}");
        assert!(!html.contains(">Paused</span>"), "{html}");
        let seen = read(&html);
        assert!(seen.contains(says) && !seen.contains(never), "{seen}");
        let to_sign_in = seen.contains("Sign in again, then you can let it go on");
        assert_eq!(to_sign_in, !can_resume, "{seen}");
    }
}

#[test]
fn what_was_not_done_is_no_success() {
    let mut view = samples::agents();
    view.undo = None;
    for (notice, class) in [
        (MineNotice::Stopped, "notice undo"),
        (MineNotice::Resumed, "notice undo"),
        (MineNotice::AlreadyEnded, "notice undo"),
        (MineNotice::SignInFirst, "caution"),
        (MineNotice::StopStays, "caution"),
        (MineNotice::StillStopped, "caution"),
    ] {
        view.notice = Some(notice);
        let html = view.page(languages().of("en")).html;
        let says = format!("class=\"{class}\" role=\"status\"");
        assert!(html.contains(&says), "{notice:?}: {html}");
    }
}

fn hostile() -> ApprovalPage {
    let evil = "<script>x</script>\u{202E}\" onload=x";
    let mut view = samples::full_approval();
    view.screen.client.name = evil.to_owned();
    view.screen.client.client_id = evil.to_owned();
    view.screen.subject_name = "علياء \u{202E}".to_owned();
    view.screen.details[0].sentence = samples::pieces("Pay [<b>1</b>] to [שלום\u{202E}], once");
    view.screen.details[0].limits = vec![vec![writ_authority::Piece::Value(evil.to_owned())]];
    view.screen.binding_message = Some("Ok” Approved\u{202E} https://evil.example".to_owned());
    view.screen.resource_words = Some(ResourceWords {
        name: evil.to_owned(),
        words: "Ok” Approved\u{202E} https://evil.example".to_owned(),
    });
    view.screen.address = Some(evil.to_owned());
    view.screen.user_code = Some(evil.to_owned());
    view.screen.deciders.agreed = vec![evil.to_owned()];
    view
}

#[test]
fn what_others_say_is_text_and_clean() {
    let languages = languages();
    let texts = languages.of("de");
    let evil = "<script>x</script>\u{202E}<b>".to_owned();
    let mut inbox = samples::inbox();
    inbox.requests[0].client.name.clone_from(&evil);
    inbox.requests[0].sentences = vec![samples::pieces("Pay [<b>1</b>\u{202E}]")];
    let mut receipt = samples::receipt();
    receipt.shown[0].lines.push(evil.clone());
    receipt.by[0].name.clone_from(&evil);
    let mut activity = samples::activity();
    activity.entries[0].agent = Some(evil.clone());
    activity.entries[0].what = Some(evil.clone());
    let mut agents = samples::agents();
    agents.agents[0].client.name.clone_from(&evil);
    agents.agents[0].tasks[0].spending[0]
        .sentence
        .clone_from(&evil);
    let mut devices = samples::devices();
    devices.passkeys[0].name.clone_from(&evil);
    let over = Over {
        agent_name: Some(evil.clone()),
        ..samples::over(HowOver::Denied)
    };
    let code = DeviceCode {
        user_code: evil,
        ..samples::device_code()
    };
    let pages = [
        hostile().page(texts),
        inbox.page(texts),
        receipt.page(texts),
        activity.page(texts),
        agents.page(texts),
        devices.page(texts),
        over.page(texts),
        code.page(texts),
    ];
    for page in pages {
        assert!(!page.html.contains("<script>") && !page.html.contains("<b>"));
        assert!(!page.html.contains('\u{202E}') && !page.html.contains("https://evil"));
        assert!(!page.html.contains("\" onload"), "{}", page.html);
    }
}

/// The same words as at consent, so that a person recognises what they approved; one button for each thing that still runs.
#[test]
fn what_acts_can_be_stopped() {
    let mut view = samples::agents();
    let html = view.page(languages().of("en")).html;
    assert!(html.contains("Use “accounts:read” at Bank"), "{html}");
    assert!(html.contains("id=\"task-stop-tsk_1\" name=\"task-stop\""));
    assert!(html.contains("name=\"task\" value=\"tsk_1\""));
    assert!(html.contains("id=\"agent-stop-agt_planner\" name=\"agent-stop\""));
    // The one that acts, and the one that waits.
    assert_eq!(html.matches("name=\"task-stop\"").count(), 2);
    assert!(
        html.contains("id=\"agent-stop-agt_booker\""),
        "below another"
    );
    assert_eq!(html.matches("name=\"agent-stop\"").count(), 2);
    for action in [
        "/app/stop",
        "/app/agents/stop",
        "/app/agents/undo",
        "/logout",
    ] {
        assert!(html.contains(&format!("action=\"{action}\"")), "{action}");
    }
    let seen = read(&html);
    assert!(seen.contains("Booking helper, through Travel planner"));
    assert!(seen.contains("EUR 120.00 spent, EUR 380.00 left"));
    view.agents.clear();
    let seen = read(&view.page(languages().of("en")).html);
    assert!(seen.contains("No agent acts for you"));
}

/// Also keeps all pages in the folder `WRIT_SAMPLES`, to look at them.
#[test]
fn every_page_is_whole_in_every_language() {
    let languages = languages();
    for texts in languages.all() {
        for (name, page) in samples::every_page(texts) {
            let html = &page.html;
            let locale = texts.locale();
            assert!(
                html.contains(&format!("<html lang=\"{locale}\" dir=\"ltr\">")),
                "{name}"
            );
            assert_eq!(html.matches("<h1").count(), 1, "{name}");
            assert!(html.contains("<main") && html.contains("<header"), "{name}");
            let words = read(html);
            assert!(
                !words.contains('{') && !words.contains('}'),
                "{name}: {words}"
            );
            if let Ok(folder) = std::env::var("WRIT_SAMPLES") {
                std::fs::write(format!("{folder}/{name}.{locale}.html"), html).unwrap();
            }
        }
    }
}

#[test]
fn ids_are_unique_and_labels_lead_somewhere() {
    for (name, page) in samples::every_page(languages().of("en")) {
        let values = |attribute: &str| {
            let mark = format!(" {attribute}=\"");
            let marks = page.html.split(&mark).skip(1);
            marks
                .map(|rest| rest.split('"').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let ids = values("id");
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: {ids:?}");
        for attribute in ["for", "form", "aria-labelledby", "aria-describedby"] {
            for target in values(attribute)
                .iter()
                .flat_map(|all| all.split_whitespace())
            {
                assert!(
                    ids.iter().any(|id| id == target),
                    "{name}: {attribute} {target}"
                );
            }
        }
    }
}

#[test]
fn pages_with_scripts_allow_our_files_alone() {
    let policy = |page: Page| {
        let response = page.into_http();
        let policy = &response.headers()["content-security-policy"];
        policy.to_str().unwrap().to_owned()
    };
    let texts = languages();
    let texts = texts.of("en");
    assert_eq!(
        policy(samples::inbox().page(texts)),
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'; script-src 'self'; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types writ"
    );
    for (name, page) in samples::every_page(texts) {
        let has_script = page.html.contains("<script");
        assert_eq!(policy(page).contains("script-src"), has_script, "{name}");
    }
}

/// Who asked, what was asked and who decided stand on a receipt without unfolding anything.
#[test]
fn a_receipt_says_what_was_asked_before_its_evidence() {
    let seen = read(&samples::receipt().page(languages().of("en")).html).replace('\u{a0}', " ");
    let (before, _) = seen.split_once(" Evidence ").unwrap();
    let mut rest = before;
    for part in [
        "Approved, less than asked",
        "Travel planner",
        "wants to pay up to",
        "EUR 412.00",
        "“KLM Royal Dutch Airlines”",
        "NL91 ABNA 0417 1643 00",
        "Who decided",
    ] {
        let found = rest.split_once(part);
        (_, rest) = found.unwrap_or_else(|| panic!("{part}: {seen}"));
    }
}

/// What a resource server reported is its word, and never this server's.
#[test]
fn every_outcome_says_whose_word_it_is() {
    for (language, said) in [("en", "says the other side"), ("de", "sagt die Gegenseite")] {
        let languages = languages();
        let texts = languages.of(language);
        for became in [BecameOf::Done, BecameOf::InVain, BecameOf::NotBegun] {
            let view = ReceiptPage {
                became: Some(became),
                used_at: Some(samples::now()),
                ..samples::receipt()
            };
            let seen = read(&view.page(texts).html);
            assert!(seen.contains(said), "{became:?}: {seen}");
        }
        for kind in [
            ActivityKind::Done,
            ActivityKind::DoneInVain,
            ActivityKind::NotBegun,
        ] {
            for what in [None, Some("Pay 5.00 EUR to KLM, once".to_owned())] {
                let mut activity = samples::activity();
                activity.entries.truncate(1);
                activity.entries[0].kind = kind;
                activity.entries[0].what.clone_from(&what);
                let mut agents = samples::agents();
                agents.agents.truncate(1);
                agents.agents[0].actions.clone_from(&activity.entries);
                for page in [activity.page(texts), agents.page(texts)] {
                    let seen = read(&page.html);
                    assert!(seen.contains(said), "{kind:?}: {seen}");
                }
            }
        }
    }
}
