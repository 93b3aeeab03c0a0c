//! The pages behind mailed links: a password set by an invitation or a reset, an address that is confirmed; and that a password was
//! forgotten. Before the second proof none of them names the person, because programs read mail and open its links: but whoever is
//! invited has to learn how they are called here, and reads it in the letter too.

use askama::Template;
use http::StatusCode;
use writ_core::account_link::LinkKind;
use writ_core::password::PasswordFault;

use super::around::{Around, Tab};
use super::sentence::{Part, Sentence, fill};
use super::{Page, PersonView, SettingsProblem, Texts, plain};

/// Sets a password: `POST /account` with `csrf`, `link`, `new_password`, `new_password_again`, and `code` or, of whoever has a passkey,
/// `assertion` (the answer to `POST /account/passkey/options` with `csrf`, `link` and `new_password`).
#[derive(Clone, Debug)]
pub struct AccountLinkPage {
    pub csrf: String,
    /// The secret of the link that was opened.
    pub link: String,
    pub kind: LinkKind,
    /// By what whoever is invited signs in from now on.
    pub name: Option<String>,
    pub proof: LinkProof,
    /// Whether a passkey can take the place of the password: then also the button `account-passkey`.
    pub offers_passkey: bool,
    pub problem: Option<AccountLinkProblem>,
}

/// What finishes a link that sets a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProof {
    Code,
    Passkey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountLinkProblem {
    FormExpired,
    WrongCode,
    PasskeyFailed,
    /// The new password, typed twice.
    Differs,
    Password(PasswordFault),
    Busy,
}

/// What is said after a link was opened or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountSaid {
    /// The link is unknown, used or over: never which.
    LinkOver,
    /// Nothing can be set by it any more.
    LinkEnded,
    /// Whatever name was typed.
    LinkMayCome,
    /// This server sends no mail.
    AskOperator,
}

/// `POST /login/forgot` with `csrf` and `username`.
#[derive(Clone, Debug)]
pub struct ForgottenPage {
    pub csrf: String,
    pub form_expired: bool,
}

/// Ends a link that the person did not ask for: `POST /account/not-me` with `csrf` and `link`.
#[derive(Clone, Debug)]
pub struct NotMePage {
    pub csrf: String,
    /// What the link is stored by: it opens nothing.
    pub link: String,
}

/// Confirms an address: `POST /app/settings/address` with `csrf` and `link`.
#[derive(Clone, Debug)]
pub struct AddressPage {
    pub person: PersonView,
    pub link: String,
    pub address: String,
}

impl AccountLinkPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let text = &texts.account;
        let (heading, lead) = match (self.kind, self.proof) {
            (LinkKind::Invitation, _) => (&text.title_invitation, &text.lead_invitation),
            (_, LinkProof::Code) => (&text.title_reset, &text.lead_reset),
            (_, LinkProof::Passkey) => (&text.title_reset, &text.lead_passkey),
        };
        let template = AccountLinkTemplate {
            texts,
            title: texts.page_title(heading),
            view: self,
            heading,
            lead,
            sign_in_as: self.name.as_deref().map(|name| sign_in_as(name, texts)),
            by_passkey: self.proof == LinkProof::Passkey,
            problem: self.problem.map(|problem| problem.text(texts)),
            wrong: self.problem.map_or("", AccountLinkProblem::place),
        };
        let status = self
            .problem
            .map_or(StatusCode::OK, AccountLinkProblem::status);
        let page = Page::rendered(&template, status);
        match self.proof {
            LinkProof::Code => page,
            LinkProof::Passkey => page.with_scripts(),
        }
    }
}

impl AccountLinkProblem {
    const fn status(self) -> StatusCode {
        match self {
            Self::FormExpired => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::WrongCode | Self::PasskeyFailed | Self::Differs | Self::Password(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        }
    }

    /// The field that it is about, by its `id`.
    const fn place(self) -> &'static str {
        match self {
            Self::WrongCode => "code",
            Self::Password(_) => "new_password",
            Self::Differs => "new_password_again",
            Self::FormExpired | Self::PasskeyFailed | Self::Busy => "",
        }
    }

    fn text(self, texts: &Texts) -> &str {
        let problem = &texts.account.problem;
        match self {
            Self::FormExpired => &problem.form_expired,
            Self::WrongCode => &problem.wrong_code,
            Self::PasskeyFailed => &problem.passkey_failed,
            Self::Differs => SettingsProblem::Differs.text(texts),
            Self::Password(fault) => SettingsProblem::Password(fault).text(texts),
            Self::Busy => SettingsProblem::Busy.text(texts),
        }
    }
}

/// How somebody is called at the login.
pub(super) fn sign_in_as(name: &str, texts: &Texts) -> Sentence {
    fill(&texts.account.sign_in_as, &[("name", &plain(name))])
}

impl AccountSaid {
    pub fn page(self, texts: &Texts) -> Page {
        let text = &texts.account;
        let (heading, sentence, (path, button)) = match self {
            Self::LinkOver => (
                &text.over_title,
                &text.over,
                ("/login", &texts.login.submit),
            ),
            Self::LinkEnded => (
                &text.ended_title,
                &text.ended,
                ("/login", &texts.login.submit),
            ),
            Self::LinkMayCome => (
                &text.forgot,
                &text.may_come,
                ("/login", &texts.login.submit),
            ),
            Self::AskOperator => (
                &text.forgot,
                &text.ask_operator,
                ("/login", &texts.login.submit),
            ),
        };
        let template = AccountSaidTemplate {
            texts,
            title: texts.page_title(heading),
            heading,
            sentence,
            path,
            button,
        };
        let status = match self {
            Self::LinkOver => StatusCode::GONE,
            _ => StatusCode::OK,
        };
        Page::rendered(&template, status)
    }
}

impl ForgottenPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let problem = &texts.account.problem.form_expired;
        let template = ForgottenTemplate {
            texts,
            title: texts.page_title(&texts.account.forgot),
            view: self,
            problem: self.form_expired.then_some(problem),
        };
        let status = match self.form_expired {
            true => StatusCode::FORBIDDEN,
            false => StatusCode::OK,
        };
        Page::rendered(&template, status)
    }
}

impl NotMePage {
    pub fn page(&self, texts: &Texts) -> Page {
        let template = NotMeTemplate {
            texts,
            title: texts.page_title(&texts.account.not_me_title),
            view: self,
        };
        Page::rendered(&template, StatusCode::OK)
    }
}

impl AddressPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let text = &texts.account;
        let template = AddressTemplate {
            texts,
            title: texts.page_title(&text.address_title),
            around: Around::of(&self.person, Tab::Beside, texts),
            view: self,
            lead: fill(&text.address_lead, &[("address", &self.address)]),
        };
        Page::rendered(&template, StatusCode::OK).with_scripts()
    }
}

#[derive(Template)]
#[template(path = "account_link.html")]
struct AccountLinkTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a AccountLinkPage,
    heading: &'a str,
    lead: &'a str,
    sign_in_as: Option<Sentence>,
    by_passkey: bool,
    problem: Option<&'a str>,
    wrong: &'static str,
}

#[derive(Template)]
#[template(path = "account_said.html")]
struct AccountSaidTemplate<'a> {
    texts: &'a Texts,
    title: String,
    heading: &'a str,
    sentence: &'a str,
    path: &'static str,
    button: &'a str,
}

#[derive(Template)]
#[template(path = "forgotten.html")]
struct ForgottenTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a ForgottenPage,
    problem: Option<&'a String>,
}

#[derive(Template)]
#[template(path = "not_me.html")]
struct NotMeTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a NotMePage,
}

#[derive(Template)]
#[template(path = "address.html")]
struct AddressTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    view: &'a AddressPage,
    lead: Sentence,
}
