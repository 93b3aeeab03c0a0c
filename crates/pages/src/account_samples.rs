//! The pages behind mailed links, and the settings, as the tests draw them.

use writ_core::account_link::LinkKind;

use super::app_samples::{ago, devices, person};
use super::samples::login;
use super::*;

fn link(kind: LinkKind, proof: LinkProof, problem: Option<AccountLinkProblem>) -> AccountLinkPage {
    AccountLinkPage {
        csrf: "csrf-1".to_owned(),
        link: "link-1".to_owned(),
        kind,
        name: (kind == LinkKind::Invitation).then(|| person().name),
        proof,
        offers_passkey: kind == LinkKind::Invitation,
        problem,
    }
}

pub(super) fn account_pages(texts: &Texts) -> Vec<(String, Page)> {
    let wrong = Some(AccountLinkProblem::WrongCode);
    let forgotten = ForgottenPage {
        csrf: "csrf-1".to_owned(),
        form_expired: false,
    };
    let address = AddressPage {
        person: person(),
        link: "link-1".to_owned(),
        address: "alice@example.com".to_owned(),
    };
    let invitation = link(LinkKind::Invitation, LinkProof::Code, None);
    let not_me = NotMePage {
        csrf: "csrf-1".to_owned(),
        link: "link-1".to_owned(),
    };
    let by_passkey = Settings {
        by_passkey: true,
        problem: Some(SettingsProblem::NotProven),
        ..settings()
    };
    let mut pages = vec![
        ("not-me", not_me.page(texts)),
        ("invitation", invitation.page(texts)),
        (
            "reset",
            link(LinkKind::Reset, LinkProof::Code, wrong).page(texts),
        ),
        (
            "reset-passkey",
            link(LinkKind::Forgotten, LinkProof::Passkey, None).page(texts),
        ),
        ("forgotten", forgotten.page(texts)),
        ("settings-passkey", by_passkey.page(texts)),
        ("address", address.page(texts)),
    ];
    pages.extend(pages_afterwards(texts));
    pages.extend(upstream_pages(texts));
    pages.extend(console_samples::console_pages(texts));
    let named = pages.into_iter();
    named.map(|(name, page)| (name.to_owned(), page)).collect()
}

fn pages_afterwards(texts: &Texts) -> Vec<(&'static str, Page)> {
    let mut pages = Vec::new();
    for (name, next) in [
        ("account-done", NextStep::Home),
        ("account-passkey", NextStep::AddPasskey),
        ("account-joined", NextStep::OnlyPasskey),
    ] {
        let done = AccountDonePage {
            name: person().name,
            kind: match next {
                NextStep::Home => LinkKind::Reset,
                NextStep::AddPasskey | NextStep::OnlyPasskey => LinkKind::Invitation,
            },
            next,
            agents_paused: next == NextStep::Home,
            browsers_ended: next == NextStep::Home,
        };
        pages.push((name, done.page(texts)));
    }
    for (name, said) in [
        ("account-over", AccountSaid::LinkOver),
        ("account-ended", AccountSaid::LinkEnded),
        ("forgotten-sent", AccountSaid::LinkMayCome),
        ("forgotten-ask", AccountSaid::AskOperator),
    ] {
        pages.push((name, said.page(texts)));
    }
    pages
}

fn acme() -> OfferedUpstream {
    OfferedUpstream {
        name: "acme".to_owned(),
        label: "Acme & Sons".to_owned(),
    }
}

/// What a provider adds to the pages that are there without one.
fn pages_beside_upstream(texts: &Texts) -> Vec<(&'static str, Page)> {
    let login = Login {
        upstreams: vec![acme()],
        ..login()
    };
    let devices = Devices {
        sessions: vec![SessionView {
            id: "ses-1".to_owned(),
            browser: Some("Chrome"),
            system: Some("Android"),
            address: None,
            since: ago(600),
            proof: SessionProof::Provider(acme().label),
            current: true,
        }],
        ..devices()
    };
    let first = |enrolment| Devices {
        passkeys: Vec::new(),
        enrolment,
        ..self::devices()
    };
    let alone = Login {
        offers_password: false,
        ..login.clone()
    };
    let there = Some(SignOutThere {
        label: acme().label,
        url: "https://login.acme.example/end".to_owned(),
    });
    vec![
        ("login-upstream", login.page(texts)),
        ("login-upstream-alone", alone.page(texts)),
        ("signed-out-here", Done::SignedOut { there }.page(texts)),
        ("signed-out-there", Done::SignedOutThere.page(texts)),
        ("devices-upstream", devices.page(texts)),
        ("devices-first", first(Enrolment::First).page(texts)),
        (
            "devices-by-login",
            first(Enrolment::FirstByLogin).page(texts),
        ),
    ]
}

fn upstream_pages(texts: &Texts) -> Vec<(&'static str, Page)> {
    let row = |account| UpstreamView {
        provider: acme(),
        account,
    };
    let linked = |removable: bool| LinkedView {
        since: ago(900_000),
        last_login: removable.then(|| ago(60)),
        removable,
    };
    let page = |accounts: Vec<Option<LinkedView>>, proof, problem| UpstreamPage {
        person: person(),
        upstreams: accounts.into_iter().map(row).collect(),
        proof,
        problem,
    };
    let wrong = LinkingProblem::Password(SettingsProblem::PasswordWrong);
    let linking = [
        (
            "upstream",
            page(vec![Some(linked(true))], LinkingProof::Passkey, None).page(texts),
        ),
        (
            "upstream-passkey",
            page(
                vec![None],
                LinkingProof::Passkey,
                Some(LinkingProblem::Passkey),
            )
            .page(texts),
        ),
        (
            "upstream-password",
            page(vec![None], LinkingProof::Password, Some(wrong)).page(texts),
        ),
        (
            "upstream-came",
            page(vec![Some(linked(false))], LinkingProof::Nothing, None).page(texts),
        ),
        (
            "upstream-nothing",
            page(
                vec![None],
                LinkingProof::Nothing,
                Some(LinkingProblem::Taken),
            )
            .page(texts),
        ),
    ];
    let mut pages = pages_beside_upstream(texts);
    pages.extend(linking);
    pages
}

pub(super) fn settings() -> Settings {
    Settings {
        person: person(),
        quiet: Some(QuietView {
            from: 22 * 60,
            until: 7 * 60 + 30,
        }),
        offset_minutes: 60,
        time_zone: String::new(),
        zones: vec!["Europe/Berlin".to_owned(), "UTC".to_owned()],
        email: "alice@example.com".to_owned(),
        email_possible: true,
        by_passkey: false,
        upstreams: true,
        has_user_code: true,
        languages: Languages::load().unwrap().names(),
        notice: Some(SettingsNotice::Saved),
        problem: None,
        asked_by: PasswordAskedBy::NewPassword,
    }
}
