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
    let changes: [&dyn Fn(&mut ScreenView); 20] = [
        &|s| s.id = "apr_9".to_owned(),
        &|s| s.client.name = "Other".to_owned(),
        &|s| s.client.client_id = "agt_other".to_owned(),
        &|s| s.subject_name = "Bob".to_owned(),
        &|s| s.details[0].sentence = samples::pieces("Pay [413.00] [EUR]"),
        &|s| s.details[0].limits.clear(),
        &|s| s.details[0].headline = Some(samples::paying("413.00")),
        &|s| s.now = s.now.plus(Duration::from_secs(24 * 3600)),
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

#[test]
fn the_screen_says_everything_in_its_order() {
    let seen = read(&samples::full_approval().page(languages().of("en")).html);
    let parts = [
        "That is not the number that the agent shows.",
        "Travel planner",
        "Acme Travel Not verified for Alice Ångström, not for you",
        "wants to pay up to EUR 412.00",
        "“KLM Royal Dutch Airlines” name not checked NL91 ABNA 0417 1643 00",
        "wants to: Read events in the calendar “work”; each time without asking again",
        "wants to: Use “accounts:read” at Bank",
        "This agent never asked you before.",
        "First time for NL91ABNA0417164300.",
        "EUR 412.00 is more than usual: at most EUR 300.00 before.",
        "EUR 19,587.99 more than the EUR 412.00 you allowed.",
        "Once, until today 12:13 UTC. Part of “Book the cheapest … for your meeting.”",
        "Details, and its own words",
        "Travel planner asks for your approval",
        "Published by Acme Travel",
        "Owner: alice. Answers for it: bob.",
        "The request came from Planner (agt_main), through Booking helper (agt_booker), then Travel planner.",
        "What it wants to do",
        "Pay up to 412.00 EUR to “KLM Royal Dutch Airlines” (NL91 ABNA 0417 1643 00), once",
        "Limits",
        "Your yes is good for one single use, until 22 November 2026, 12:13 UTC.",
        "It can do nothing that is not listed here.",
        "Why",
        "“Book the cheapest direct flight to Oslo for your meeting.”",
        "Acme Bank wants a person to decide, in its own words “More than the daily limit.”",
        "It signed these words. We did not check whether they are true.",
        "In the agent's own words “Flight AMS-OSL, 24 November” “The price rises at noon.”",
        "Asked from 203.0.113.7",
        "You decide as the sponsor of this agent.",
        "2 of 3 people must agree. One no ends it.",
        "Which number does the agent show you? 47 08 91",
        "Approve less",
        "Deny, and report it",
        "Deny and stop this agent",
    ];
    let mut rest = seen.as_str();
    for part in parts {
        let (_, after) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part}\n{seen}"));
        rest = after;
    }
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
    let parts = "Approved, not fetched yet Pay up to 12.00 EUR to KLM, once (until 22 November 2026, 13:05 CET)";
    assert!(seen.contains(parts), "{seen}");
    assert!(seen.contains("824.00 EUR in 2 decisions"), "{seen}");
    assert!(!html.contains(&stop) && !seen.contains("No longer acting"));
    view.agents[0].unfetched.clear();
    let seen = read(&view.page(languages().of("de")).html);
    assert!(seen.contains("824,00 EUR in 2 Entscheidungen"), "{seen}");
}

/// Denying never needs a script, a number or a password; the Enter key in the password's field approves only what was filled in.
#[test]
fn deny_is_outlined_and_approve_is_filled_and_named() {
    for (view, words) in [
        (samples::approval(), "Approve <bdi>EUR\u{a0}412.00</bdi>"),
        (samples::full_approval(), "Approve all <bdi>4</bdi>"),
        (
            samples::through_approval(),
            "Approve: <bdi>delete_note</bdi>",
        ),
    ] {
        let html = view.page(languages().of("en")).html;
        let deny = "<button class=\"button second\" type=\"submit\" form=\"no\" id=\"approval-deny\" name=\"decision\" value=\"deny\">";
        let approve =
            "<button class=\"button\" type=\"submit\" form=\"yes\" id=\"approval-approve\"";
        let (_, after) = html.split_once(approve).unwrap();
        let (button, _) = after.split_once("</button>").unwrap();
        assert!(
            button.ends_with(&format!("<span>{words}</span>")),
            "{button}"
        );
        assert!(html.find(deny).unwrap() < html.find(approve).unwrap());
        let (_, no) = html.split_once("<form id=\"no\"").unwrap();
        let (no, _) = no.split_once("</form>").unwrap();
        assert!(!no.contains("required") && !no.contains("data-passkey"));
        for id in ["approval-stop", "approval-not-me"] {
            assert!(html.contains(&format!("form=\"no\" id=\"{id}\"")), "{id}");
        }
    }
}

/// What an account or a unit is hidden in, or a whole amount, is read as it is.
#[test]
fn long_values_are_short_first_and_whole_below() {
    let mut view = samples::approval();
    let payee = format!("{} {}", "Ab".repeat(60), "End of it");
    let headline = view.screen.details[0].headline.as_mut().unwrap();
    headline.payee = Some(payee.clone());
    headline.account = Some("MT84MALT011000012345MTLCAST001S99X".to_owned());
    headline.amount.as_mut().unwrap().value = "999999999999999.9999".to_owned();
    view.screen.details[0].sentence = samples::pieces(&format!("Pay to [{payee}]"));
    let html = view.page(languages().of("en")).html;
    let seen = read(&html);
    for part in [
        "EUR 999,999,999,999,999.9999",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S9 9X",
        "…bAbAbAbAbAbAb End of it”",
        &payee,
    ] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    assert!(html.contains("act-amount least") && html.contains("decide-buttons wide"));
}

#[test]
fn a_smaller_request_is_decided_as_it_was_shown() {
    let html = samples::narrowed_approval().page(languages().of("en")).html;
    let (_, yes) = html.split_once("<form id=\"yes\"").unwrap();
    let (yes, _) = yes.split_once("</form>").unwrap();
    for field in [
        "name=\"narrow\" value=\"1\"",
        "name=\"part\" value=\"d0\"",
        "name=\"amount-d0\" value=\"300.00\"",
        "name=\"minutes\" value=\"5\"",
        "name=\"screen\" value=\"hash-1\"",
    ] {
        assert!(yes.contains(field), "{field}");
    }
    assert!(!yes.contains("value=\"d1\""));
    let whole = samples::approval().page(languages().of("en")).html;
    assert_eq!(whole.matches("name=\"narrow\"").count(), 1);
}

#[test]
fn each_level_asks_for_its_own() {
    let page = |level: LevelView| {
        ApprovalPage {
            level,
            ..samples::approval()
        }
        .page(languages().of("en"))
        .html
    };
    let options = "{\"a\":\"</script>\\\"'\"}".to_owned();
    let password = page(LevelView::Password);
    assert!(password.contains("name=\"password\"") && !password.contains("assertion"));
    let passkey = page(LevelView::Passkey { options });
    assert!(!passkey.contains("name=\"password\"") && passkey.contains("name=\"assertion\""));
    assert!(passkey.contains("<noscript>") && passkey.contains("data-passkey-button disabled"));
    assert!(!passkey.contains("</script>\\"));
    let missing = page(LevelView::PasskeyMissing);
    assert!(!missing.contains("id=\"approval-approve\"") && missing.contains("/app/devices"));
    assert!(missing.contains("id=\"approval-deny\""));
    let path = "/app/requests/apr_1/liveness?screen=a&minutes=5\"".to_owned();
    let verifier = page(LevelView::Liveness { path });
    assert!(!verifier.contains("id=\"approval-approve\"") && !verifier.contains("assertion"));
    assert!(verifier.contains("href=\"/app/requests/apr_1/liveness?screen=a&#38;minutes=5&#34;\""));
    let (result, options) = ("a.b\"c".to_owned(), "{}".to_owned());
    let seen = page(LevelView::Seen { result, options });
    assert!(seen.contains("name=\"liveness_result\" value=\"a.b&#34;c\""));
    assert!(seen.contains("name=\"assertion\"") && !seen.contains("approval-liveness"));
    let gone = page(LevelView::LivenessMissing);
    assert!(!gone.contains("id=\"approval-approve\"") && !gone.contains("Add a passkey"));
    assert!(gone.contains("id=\"approval-deny\"") && !gone.contains("approval-liveness"));
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
    assert_eq!(html.matches("name=\"task-stop\"").count(), 1);
    assert_eq!(html.matches("name=\"agent-stop\"").count(), 1);
    for action in ["/app/stop", "/app/agents/stop", "/logout"] {
        assert!(html.contains(&format!("action=\"{action}\"")), "{action}");
    }
    let seen = read(&html);
    assert!(seen.contains("Travel planner, Booking helper"));
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
