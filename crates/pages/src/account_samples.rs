//! The pages behind mailed links, as the tests draw them.

use writ_core::account_link::LinkKind;

use super::app_samples::person;
use super::*;

pub(super) fn account_pages(texts: &Texts) -> Vec<(String, Page)> {
    let link = |kind, proof, problem| AccountLinkPage {
        csrf: "csrf-1".to_owned(),
        link: "link-1".to_owned(),
        kind,
        proof,
        problem,
    };
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
        ("address", address.page(texts)),
    ];
    for (name, said) in [
        ("account-over", AccountSaid::LinkOver),
        ("account-ended", AccountSaid::LinkEnded),
        ("account-done", AccountSaid::PasswordSet),
        ("account-passkey", AccountSaid::PasswordSetWithoutPasskey),
        ("forgotten-sent", AccountSaid::LinkMayCome),
        ("forgotten-ask", AccountSaid::AskOperator),
    ] {
        pages.push((name, said.page(texts)));
    }
    let named = pages.into_iter();
    named.map(|(name, page)| (name.to_owned(), page)).collect()
}
