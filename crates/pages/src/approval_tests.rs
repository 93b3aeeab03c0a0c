//! What stands on the approval screen and in its form, and in which order.

use super::app_samples as samples;
use super::page_tests::read;
use super::*;

fn languages() -> Languages {
    Languages::load().unwrap()
}

#[test]
fn the_screen_says_everything_in_its_order() {
    let seen = read(&samples::full_approval().page(languages().of("en")).html);
    let parts = [
        "Type the two digits that the agent shows you.",
        "Travel planner",
        "Acme Travel Not verified for Alice Ångström, not for you",
        "Alice Ångström has never allowed this agent anything.",
        "First time Alice Ångström pays NL91 ABNA 0417 1643 00.",
        "EUR 412.00: the largest of Alice Ångström was EUR 300.00.",
        "EUR 19,587.99 more than the EUR 412.00 Alice Ångström allowed.",
        "Shortened: see Details.",
        "wants to pay up to EUR 412.00",
        "“KLM … Airlines” unverified NL91 ABNA 0417 1643 00 At Acme Bank",
        "wants to: Read events in the calendar “work”; each time without asking again",
        "wants to: Use “accounts:read” at Bank: nobody has said what that allows",
        "Once. Part of “Book the … your meeting.”",
        "Details",
        "Travel planner asks for your approval",
        "Published by Acme Travel",
        "Owner: alice. Answers for it: bob.",
        "The request came from Planner (agt_main), through Booking helper (agt_booker), then Travel planner.",
        "What it wants to do",
        "Pay up to EUR 412.00 to “KLM Royal Dutch Airlines” (NL91 ABNA 0417 1643 00), once",
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
        "Which number does the agent show you?",
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
        "bAb End of it”",
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

/// Less of it is a yes: it is offered where one is possible, now or after a look into the camera.
#[test]
fn who_may_not_approve_is_not_asked_for_less() {
    let (options, result) = ("{}".to_owned(), "a".to_owned());
    let path = "/app/requests/apr_1/liveness".to_owned();
    for (level, offered) in [
        (LevelView::Password, true),
        (
            LevelView::Passkey {
                options: options.clone(),
            },
            true,
        ),
        (LevelView::Seen { result, options }, true),
        (LevelView::Liveness { path }, true),
        (LevelView::NotHere, false),
        (LevelView::PasskeyMissing, false),
        (LevelView::LivenessMissing, false),
    ] {
        let view = ApprovalPage {
            level: level.clone(),
            ..samples::approval()
        };
        let html = view.page(languages().of("en")).html;
        assert_eq!(html.contains("id=\"approval-less\""), offered, "{level:?}");
        assert!(html.contains("id=\"approval-deny\""), "{level:?}");
    }
}

/// The first screen, before the details.
fn first_screen(view: &ApprovalPage) -> String {
    let seen = read(&view.page(languages().of("en")).html);
    let before = seen.split(" Details ").next().unwrap();
    before.to_owned()
}

const SHORTENED: &str = "Shortened: see Details.";

/// Nothing is approved of which a part was hidden unsaid: it is whole, or the screen warns that it is not.
#[test]
fn what_does_not_fit_is_said_to_be_shortened() {
    let approved_before = |words: &str, mut view: ApprovalPage| {
        view.screen.purpose.as_mut().unwrap().words = Some(words.to_owned());
        view
    };
    let approval = || approved_before("Book a flight", samples::approval());
    let payee = |name: &str| {
        let mut view = approval();
        let headline = view.screen.details[0].headline.as_mut().unwrap();
        headline.payee = Some(name.to_owned());
        view
    };
    let agent = |name: &str| {
        let mut view = approval();
        view.screen.client.name = name.to_owned();
        view
    };
    let argument = |lines: &[&str]| {
        let mut view = approved_before("Tidy up", samples::through_approval());
        let lines = lines.iter();
        view.screen.details[0].values = lines.map(|line| samples::pieces(line)).collect();
        view
    };
    let purpose = |words: &str| approved_before(words, samples::approval());
    let words = "one two three four five six";
    let block = vec![writ_authority::Piece::Block("“a↵\nb”".to_owned())];
    let mut of_several_lines = approved_before("Tidy up", samples::through_approval());
    of_several_lines.screen.details[0].values = vec![block];
    for (view, whole, shortened) in [
        (payee(words), words, false),
        (payee(&"x".repeat(60)), &*"x".repeat(60), false),
        (payee(&"x".repeat(61)), "xxx…xxx", true),
        (payee(&[words; 3].join(" ")), "…", true),
        (agent(&"y".repeat(61)), "yyy…yyy", true),
        (
            argument(&["“bcc”: “[eve@evil.example]”"]),
            "“bcc”: “eve@evil.example”",
            false,
        ),
        (argument(&["a"; 4]), "once a a a a", false),
        (argument(&["a"; 5]), "own words. Shortened", true),
        (of_several_lines, "…", true),
        (purpose("Book a flight"), "“Book a flight”", false),
        (purpose(&[words; 5].join(" ")), "“one two … five six”", true),
        (purpose(&"z".repeat(100)), "zzz", false),
    ] {
        let seen = first_screen(&view);
        assert!(seen.contains(whole), "{whole}: {seen}");
        assert_eq!(seen.contains(SHORTENED), shortened, "{whole}: {seen}");
    }
}

#[test]
fn warnings_of_several_payees_are_counted_first_and_told_one_by_one_below() {
    let mut view = samples::approval();
    let detail = view.screen.details[0].clone();
    view.screen.details.push(detail);
    let first = |payee: &str| Hint::FirstPayee {
        payee: payee.to_owned(),
    };
    view.screen.hints = vec![first("NL91ABNA0417164300"), first("Casino")];
    let seen = read(&view.page(languages().of("en")).html);
    let (before, below) = seen.split_once(" Details ").unwrap();
    let (_, after) = before
        .split_once("First time for 2 of these payees.")
        .unwrap();
    assert!(
        after.contains("wants to pay up to"),
        "above what is asked: {before}"
    );
    assert!(!before.contains("Casino"), "{before}");
    assert!(
        below.contains("First time for NL91 ABNA 0417 1643 00. First time for Casino."),
        "{below}"
    );
}

/// Times of an object by the reader's clock, unless that would leave something of them out.
#[test]
fn times_of_an_object_are_said_as_people_say_them() {
    let time = |at: &str, written: &str| writ_authority::Piece::Time {
        at: at.to_owned(),
        written: written.to_owned(),
    };
    let mut view = samples::approval();
    view.screen.details[0].headline = None;
    view.screen.details[0].sentence = vec![
        time("2026-11-23T10:00:00+01:00", "2026-11-23 10:00 UTC+01:00"),
        writ_authority::Piece::Text(" and ".to_owned()),
        time("2026-11-23T10:00:01+01:00", "2026-11-23 10:00:01 UTC+01:00"),
    ];
    let paris = zones::Zones::load().of(Some("Europe/Paris"));
    let texts = languages().of("en").in_zone(paris);
    let seen = read(&view.page(&texts).html);
    for words in [
        "wants to: tomorrow 10:00 and 2026-11-23 10:00:01 UTC+01:00",
        "23 November 2026, 10:00 CET and 2026-11-23 10:00:01 UTC+01:00",
    ] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
}

/// What only the caller says is never taken for what the resource looked up.
#[test]
fn the_first_screen_says_whose_words_the_values_are() {
    let through = |resolved: &[&str]| {
        let mut view = samples::through_approval();
        let resolved = resolved.iter().map(|name| (*name).to_owned());
        view.screen.through.as_mut().unwrap().resolved = resolved.collect();
        view.screen.details[0].sentence =
            samples::pieces("Share the note “[Shopping list]” with “[mallory@evil.example]”");
        view
    };
    for (resolved, said) in [
        (
            &[][..],
            "mallory@evil.example” In the agent's own words Once",
        ),
        (
            &["title"],
            "Notes looked up: title. All else is in the agent's own words. Once",
        ),
        (
            &["title", "with"],
            "Notes looked up: title, with. All else is in the agent's own words. Once",
        ),
    ] {
        let seen = first_screen(&through(resolved));
        assert!(seen.contains(said), "{said}: {seen}");
    }
    assert!(!first_screen(&samples::approval()).contains("own words"));
}

/// History and limits are those of the person for whom it would be done.
#[test]
fn hints_name_the_person_whom_they_are_about() {
    let said = |role: RoleView, hint: &Hint| {
        let mut view = samples::approval();
        view.screen.deciders.role = role;
        view.screen.hints = vec![hint.clone()];
        first_screen(&view).replace('\u{a0}', " ")
    };
    let warned = |seen: &str| {
        let (_, after) = seen.split_once("At Acme Bank").unwrap();
        after.split_once("Once").unwrap().0.to_owned()
    };
    for hint in samples::every_hint() {
        let yours = said(RoleView::Subject, &hint);
        let yours = warned(&yours).to_lowercase();
        let is_yours = yours.contains("you ") || yours.contains("your ");
        for role in [RoleView::Sponsor, RoleView::Designated] {
            let seen = said(role, &hint);
            let seen = warned(&seen);
            let lower = seen.to_lowercase();
            assert!(
                !lower.contains("you ") && !lower.contains("your "),
                "{seen}"
            );
            assert_eq!(is_yours, seen.contains("Alice Ångström"), "{seen}");
        }
    }
    let first = samples::every_hint().swap_remove(1);
    let seen = said(RoleView::Designated, &first);
    assert!(
        seen.contains("Alice Ångström hasn't paid this account before."),
        "{seen}"
    );
}
