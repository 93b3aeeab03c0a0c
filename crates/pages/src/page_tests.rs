//! What the pages hold: stable names, headers, escaping, equal buttons, and a record equal to the
//! screen.

use super::*;

fn texts() -> Texts {
    Texts::load().unwrap()
}

/// What a person reads inside `main`, without markup.
pub(super) fn read(html: &str) -> String {
    let main = html
        .split_once("<main")
        .unwrap()
        .1
        .split_once("</main>")
        .unwrap()
        .0;
    let main = main.replace("<bdi>", "").replace("</bdi>", "");
    let spaced = main
        .split('<')
        .map(|piece| piece.split_once('>').map_or("", |(_, text)| text));
    let text = spaced.collect::<Vec<_>>().join(" ");
    let entities = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    let text = entities
        .iter()
        .fold(text, |text, (entity, c)| text.replace(entity, c));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_page_carries_the_headers() {
    let response = samples::consent().page(&texts()).into_http();
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    assert!(header("permissions-policy").contains("camera=()"));
}

#[test]
fn only_a_form_that_can_end_at_a_client_may_end_anywhere() {
    let failure = FailurePage::new(FailureKind::NotFound).page(&texts());
    assert_eq!(failure.status, StatusCode::NOT_FOUND);
    let of_a_request = samples::login();
    let of_our_own = Login {
        request: None,
        ..samples::login()
    };
    for (page, bounded) in [
        (failure, true),
        (Done::SignedOut { there: None }.page(&texts()), true),
        (of_our_own.page(&texts()), true),
        (of_a_request.page(&texts()), false),
        (samples::consent().page(&texts()), false),
    ] {
        let response = page.into_http();
        let policy = &response.headers()["content-security-policy"];
        let policy = policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert_eq!(policy.contains("form-action 'self';"), bounded, "{policy}");
        assert_eq!(policy.contains("form-action"), bounded, "{policy}");
    }
}

#[test]
fn login_has_its_stable_names() {
    let html = samples::login().page(&texts()).html;
    for part in [
        "<form method=\"post\" action=\"/login\">",
        "id=\"username\" name=\"username\"",
        "autocomplete=\"username webauthn\"",
        "id=\"password\" name=\"password\"",
        "autocomplete=\"current-password\"",
        "id=\"login-submit\" name=\"login-submit\"",
        "name=\"csrf\" value=\"csrf-1\"",
        "name=\"request\" value=\"req-1\"",
        "<html lang=\"en\" dir=\"ltr\">",
        STYLESHEET_PATH,
    ] {
        assert!(html.contains(part), "{part}");
    }
    let alone = Login {
        request: None,
        client: None,
        ..samples::login()
    }
    .page(&texts())
    .html;
    assert!(!alone.contains("name=\"request\""));
}

#[test]
fn a_login_by_providers_alone_has_no_form_for_a_password() {
    let login = Login {
        offers_password: false,
        ..samples::login()
    };
    let html = login.page(&texts()).html;
    assert!(!html.contains("name=\"password\"") && !html.contains("/login/forgot"));
    assert!(
        html.contains("id=\"login-passkey\""),
        "for what is asked later"
    );
}

#[test]
fn signing_out_at_a_provider_is_a_step_of_its_own() {
    let there = SignOutThere {
        label: "Acme <b>".to_owned(),
        url: "https://login.acme.example/end?id_token_hint=a.b&x=\"y".to_owned(),
    };
    let done = Done::SignedOut { there: Some(there) };
    let html = done.page(&texts()).html;
    assert!(html.contains("id=\"sign-out-there\""), "{html}");
    assert!(html.contains("https://login.acme.example/end?id_token_hint=a.b"));
    assert!(
        !html.contains("Acme <b>") && !html.contains("x=\"y"),
        "{html}"
    );
    let html = Done::SignedOut { there: None }.page(&texts()).html;
    assert!(!html.contains("sign-out-there"));
    let html = Done::SignedOutThere.page(&texts()).html;
    assert!(html.contains("You are signed out there too."));
}

#[test]
fn a_login_problem_is_announced_and_keeps_the_name_alone() {
    let problem = Some(LoginProblem::Wrong);
    let page = Login {
        username: "alice".to_owned(),
        problem,
        ..samples::login()
    }
    .page(&texts());
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.html
            .contains("role=\"alert\" tabindex=\"-1\" autofocus")
    );
    assert!(page.html.contains("value=\"alice\""));
    assert_eq!(page.html.matches("aria-describedby=\"problem\"").count(), 2);
}

#[test]
fn consent_has_its_stable_names_and_a_filled_yes() {
    let html = samples::consent().page(&texts()).html;
    let button = |name: &str, class: &str| {
        format!(
            "<button class=\"{class}\" type=\"submit\" id=\"{name}\" name=\"{name}\" value=\"1\">"
        )
    };
    // Deny comes first: it is what the Enter key means in a form.
    let deny = html.find(&button("consent-deny", "button second")).unwrap();
    let approve = html.find(&button("consent-approve", "button")).unwrap();
    assert!(deny < approve);
    for value in ["d0", "d1", "s0"] {
        assert!(
            html.contains(&format!("name=\"grant\" value=\"{value}\" checked")),
            "{value}"
        );
    }
    assert!(html.contains("<form method=\"post\" action=\"/consent\">"));
}

/// Who just unticked everything does not find it ticked again.
#[test]
fn after_nothing_was_chosen_nothing_is_ticked() {
    let again = ConsentPage {
        remembered_days: None,
        problem: Some(ConsentProblem::NothingChosen),
        ..samples::consent()
    };
    let html = again.page(&texts()).html;
    assert_eq!(html.matches("type=\"checkbox\"").count(), 3);
    assert!(!html.contains(" checked"));
}

/// A page that is shown in place of another is whole, and says so with 409.
#[test]
fn a_click_for_another_page_shows_this_one() {
    let changed = ConsentPage {
        remembered_days: None,
        problem: Some(ConsentProblem::Changed),
        ..samples::consent()
    };
    let page = changed.page(&texts());
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(page.html.matches(" checked").count(), 3);
    assert!(page.html.contains("name=\"screen\" value=\"hash-1\""));
}

#[test]
fn the_record_is_what_the_person_saw() {
    let plain_client = ConsentPage {
        remembered_days: None,
        client: samples::app(),
        ..samples::consent()
    };
    let nothing = ConsentPage {
        remembered_days: None,
        details: Vec::new(),
        scopes: Vec::new(),
        purpose: None,
        identity: false,
        onward: OnwardView::default(),
        problem: Some(ConsentProblem::NothingChosen),
        ..samples::consent()
    };
    for view in [samples::consent(), plain_client, nothing] {
        let texts = texts();
        let recorded = view.recorded_text(&texts);
        let on_one_line = recorded.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(on_one_line, read(&view.page(&texts).html));
        assert!(recorded.lines().count() > 10);
    }
}

#[test]
fn the_record_holds_who_what_limits_and_why() {
    let recorded = samples::consent().recorded_text(&texts());
    for line in [
        "Travel planner asks to act for you",
        "Published by Acme Travel",
        "Not verified",
        "Pay EUR 412.00 to “KLM”, once, for ticket “AMS-OSL-2231”",
        "From account ending 4417",
        "Use “accounts:read” at Bank: nobody has said what that allows",
        "It ends by itself on 21 November 2026, 12:00 UTC.",
        "It may pass parts of this on to Booking helper (agt_booker).",
        "That may happen at most 2 times in a row.",
        "In the agent's own words",
        "“Book the cheapest direct flight to Oslo for your meeting.”",
        "agt_planner",
        "planner.example",
    ] {
        assert!(recorded.lines().any(|shown| shown == line), "{line}");
    }
}

#[test]
fn what_a_client_says_is_text_and_clean() {
    let mut view = samples::consent();
    view.client.name = "<b>Acme</b>\u{202E}".to_owned();
    view.purpose = Some("Ok”\n<script>x</script> https://evil.example".to_owned());
    let page = view.page(&texts());
    assert!(!page.html.contains("<script") && !page.html.contains("<b>"));
    assert!(!page.html.contains('\u{202E}') && !page.html.contains("https://evil"));
    assert!(read(&page.html).contains("“Ok' <script>x</script> evil.example”"));
}

#[test]
fn a_name_that_cannot_be_shown_gives_way_to_the_identifier() {
    let mut view = samples::consent();
    view.client.name = "\u{202E}\u{200B} ".to_owned();
    assert!(
        view.recorded_text(&texts())
            .starts_with("agt_planner asks to act for you\n")
    );
}

#[test]
fn onward_is_said_in_words() {
    let sentences = |agents: &[(&str, Option<&str>)], same_owner, depth| {
        let agents = agents.iter().map(|(id, name)| AgentName {
            id: (*id).to_owned(),
            name: name.map(str::to_owned),
        });
        let agents = agents.collect();
        let onward = OnwardView {
            agents,
            same_owner,
            depth,
        };
        ConsentPage {
            remembered_days: None,
            onward,
            ..samples::consent()
        }
        .recorded_text(&texts())
    };
    let alone = "It may not pass this on to any other agent.";
    assert!(sentences(&[], false, 3).contains(alone));
    assert!(sentences(&[("agt_b", None)], true, 0).contains(alone));
    assert!(
        sentences(&[("agt_b", Some("B")), ("agt_c", None)], true, 1)
            .contains("on to B (agt_b), agt_c, and to other agents of its owner.")
    );
    assert!(sentences(&[], true, 1).contains("They may not pass it further."));
}

#[test]
fn a_failure_shows_what_a_developer_needs() {
    let page = samples::failure().page(&texts());
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let seen = read(&page.html);
    assert!(seen.contains("`redirect_uri` is not registered for `agt_planner`"));
    assert!(seen.contains("invalid_request") && seen.contains("err_7Qm2"));
}

#[test]
fn a_failure_has_one_link_at_most() {
    let start = WayOn::StartAgain {
        page: "/consent?request=a&b".to_owned(),
    };
    let back = WayOn::Client {
        client: ClientView {
            name: "<b>Reports</b>".to_owned(),
            ..samples::app()
        },
        address: "https://reports.example/cb?error=a&x=\"".to_owned(),
    };
    let guest = WayOn::Guest {
        client: ClientView {
            name: "reports.example".to_owned(),
            client_id: "https://reports.example/client.json".to_owned(),
            agent: None,
        },
        host: "evil.example<b>".to_owned(),
        address: "https://evil.example/cb?error=a".to_owned(),
    };
    for (way_on, words, address) in [
        (Some(start), "Start again", "/consent?request=a&#38;b"),
        (
            Some(back),
            "Back to <b>Reports</b>",
            "https://reports.example/cb?error=a&#38;x=&#34;",
        ),
        (
            Some(guest),
            "The link leads to evil.example<b>. Nobody here has checked who is behind it. Back to reports.example",
            "https://evil.example/cb?error=a",
        ),
        (None, "Go to your page", "/app"),
    ] {
        let page = FailurePage {
            way_on,
            ..FailurePage::new(FailureKind::RequestUsed)
        };
        let html = page.page(&texts()).html;
        let main = html.split("<main").nth(1).unwrap();
        assert_eq!(main.matches("<a ").count(), 1, "{main}");
        assert!(main.contains(&format!("href=\"{address}\"")), "{main}");
        assert!(read(&html).contains(words), "{main}");
    }
}

#[test]
fn a_guest_s_page_says_what_is_still_asked_and_the_record_too() {
    let asked = |title: &str, above_limit| AskedTypeView {
        title: title.to_owned(),
        above_limit,
    };
    let guest = |still_asked| ConsentPage {
        guest: Some(GuestView {
            says: None,
            verified: false,
            on_device: false,
            registered_itself: false,
            changed: false,
            lifetimes: Vec::new(),
            still_asked,
        }),
        ..samples::consent()
    };
    let both = guest(vec![asked("Payment", false), asked("Transfer", true)]);
    let english = "It still has to ask each time for: Payment, Transfer above a set amount.";
    let german =
        "Weiterhin jedes Mal gefragt werden Sie bei: Payment, Transfer über einem festen Betrag.";
    for (texts, words) in [(texts(), english), (Texts::german().unwrap(), german)] {
        assert!(read(&both.page(&texts).html).contains(words));
        assert!(both.recorded_text(&texts).contains(words));
    }
    let none = guest(Vec::new()).page(&texts()).html;
    assert!(!read(&none).contains("still has to ask"));
}
