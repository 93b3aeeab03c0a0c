//! The approval screen. What a user's device signs and what they see are made from one [`ScreenView`], by
//! [`ScreenView::canonical`] and [`ApprovalPage::page`], so that they cannot differ.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use serde_json::Value;
use writ_authority::{Headline, Piece};
use writ_wire::time::Timestamp;

use super::approval_form::FormWords;
use super::around::{Around, Tab};
use super::screen::Screen;
use super::sentence::{Part, Sentence};
use super::through::ThroughView;
use super::{AgentName, ClientView, OnwardView, Page, PersonView, ReportView, ScopeView, Texts};

/// One request, as one person sees it. The form goes to `POST /app/requests/{id}` with `csrf`, `screen`, the fields of
/// [`NarrowingView`], `number`, `password` or `assertion`, and one button: `decision` is `approve`, `deny`, `stop` (deny and
/// stop this agent) or `not_me`.
#[derive(Clone, Debug)]
pub struct ApprovalPage {
    pub person: PersonView,
    pub now: Timestamp,
    pub screen: ScreenView,
    /// Names the screen that was shown (its hash); comes back as `screen`, so that a changed one is noticed.
    pub screen_hash: String,
    /// Whether the agent shows two digits; they come back as `number`.
    pub asks_number: bool,
    pub level: LevelView,
    pub narrowing: NarrowingView,
    /// What "This was not me" does.
    pub report: ReportView,
    pub problem: Option<ApprovalProblem>,
}

/// Everything that is said about one request: what is shown and what is signed.
#[derive(Clone, Debug)]
pub struct ScreenView {
    /// The request.
    pub id: String,
    /// When it is looked at: "today" is a day of then.
    pub now: Timestamp,
    pub client: ClientView,
    /// The agents through which it came, the first one first; the one that asks is `client` and not among them.
    pub chain: Vec<AgentName>,
    /// On whose behalf it would be done.
    pub subject_name: String,
    pub details: Vec<ApprovalDetail>,
    pub scopes: Vec<ScopeView>,
    /// Whether the agent also learns who the person is (`openid`).
    pub identity: bool,
    /// Until when what is approved is good.
    pub ends_at: Timestamp,
    pub grants: GrantsView,
    pub purpose: Option<PurposeView>,
    pub hints: Vec<Hint>,
    /// The agent's own words; cleaned here.
    pub binding_message: Option<String>,
    pub reason: Option<String>,
    /// Of the resource server whose challenge or question it is.
    pub resource_words: Option<ResourceWords>,
    /// The resource server that asks about this one action of its caller.
    pub through: Option<ThroughView>,
    /// The code that a terminal shows, to be compared (RFC 8628 section 3.3.1).
    pub user_code: Option<String>,
    /// From which address it was asked.
    pub address: Option<String>,
    /// The browser that asks, where a consent is decided away from it; it shows the number.
    pub browser: Option<BrowserView>,
    pub asked_at: Timestamp,
    /// When the answer is no.
    pub expires_at: Timestamp,
    pub deciders: DecidersView,
    /// What a yes to this very screen grants, as the machine keeps it: signed with the words.
    pub authority: Value,
    /// Whether this screen shows less than what was asked.
    pub narrowed: bool,
}

/// What a browser calls itself, and its system.
#[derive(Clone, Debug)]
pub struct BrowserView {
    pub browser: Option<String>,
    pub system: Option<String>,
}

/// One object of `authorization_details`, in the sentence of its type.
#[derive(Clone, Debug)]
pub struct ApprovalDetail {
    /// `d0`, `d1` and so on, as in [`PartView::reference`].
    pub reference: String,
    /// [`writ_authority::TypeDefinition::title`]
    pub title: String,
    /// What of it stands first; without it the sentence does.
    pub headline: Option<Headline>,
    /// [`writ_authority::TypeDefinition::pieces`]
    pub sentence: Vec<Piece>,
    pub limits: Vec<Vec<Piece>>,
    /// Those of the limits that belong to what is done: the arguments of a call that the sentence does not hold.
    pub values: Vec<Vec<Piece>>,
    /// Names of the resources at which it would be done.
    pub at: Vec<String>,
    /// The payee, as people read it, where something was approved for it before.
    pub known: Option<String>,
}

/// What a yes makes.
#[derive(Clone, Debug)]
pub enum GrantsView {
    /// One use within a task that there is.
    OneUse,
    /// A task of its own.
    Task(OnwardView),
}

/// What was approved before, in which this is asked.
#[derive(Clone, Debug)]
pub struct PurposeView {
    /// The words that were approved then, where there were any; cleaned here.
    pub words: Option<String>,
    pub task: String,
    pub approved_at: Timestamp,
}

/// Why a resource server wants a person, in its words; cleaned here.
#[derive(Clone, Debug)]
pub struct ResourceWords {
    /// As it is registered.
    pub name: String,
    pub words: String,
}

/// What the server knows besides, and a person should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Whoever it is about has never allowed this client anything.
    FirstFromAgent,
    /// Nothing was approved for this payee among what is known; as people read it.
    FirstPayee { payee: String },
    /// A larger amount than any that is known; decimal text.
    MoreThanUsual {
        amount: String,
        largest: String,
        unit: String,
    },
    /// A tool has another definition than the one that somebody confirmed.
    DefinitionChanged,
    /// Nobody has confirmed the definition of what would be done.
    DefinitionUnknown,
    /// By so much more than the task allows; decimal text.
    MoreThanAllowed {
        more: String,
        allowed: String,
        unit: String,
    },
    /// The caller calls what the resource looked up by another name.
    CalledOtherwise {
        resource: String,
        called: String,
        found: String,
    },
    /// The task's own limit does not cover it: what of it, as people read it, where that is known.
    BeyondTask { what: Vec<String> },
    /// What was approved before for one use was used: this is one more.
    OneMore,
    /// Less than this is left of what was approved before; decimal text.
    MoreThanLeft {
        left: String,
        budget: String,
        unit: String,
    },
    /// The same was denied not long ago.
    DeniedBefore,
}

/// Who decides besides this person.
#[derive(Clone, Debug)]
pub struct DecidersView {
    pub role: RoleView,
    /// How many of `of` must agree.
    pub need: usize,
    pub of: usize,
    /// Names of those who agreed already.
    pub agreed: Vec<String>,
}

/// As what somebody decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleView {
    Subject,
    Sponsor,
    /// Named by the type or by the agent's record.
    Designated,
}

/// What a yes needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelView {
    /// Comes back as `password`.
    Password,
    /// JSON for `parseRequestOptionsFromJSON`; the answer's `toJSON` comes back as `assertion`.
    Passkey { options: String },
    /// First a look into the camera: `path` leads to the verifier's page.
    Liveness { path: String },
    /// A verifier saw the person before this screen: `result` comes back as `liveness_result`, beside the passkey's `assertion`.
    Seen { result: String, options: String },
    /// A verifier is needed, and this server has none any more.
    LivenessMissing,
    /// A passkey is needed, and this person has none.
    PasskeyMissing,
    /// This is the browser that asks: it is decided on another device.
    NotHere,
}

/// What can be made less: a form by `GET` to the same address with `narrow=1`, `part` for each part that stays,
/// `amount-{reference}` and `minutes`. The decision carries the same fields as it was shown with.
#[derive(Clone, Debug, Default)]
pub struct NarrowingView {
    /// Empty with one part that has no amount: then only the time can be made shorter.
    pub parts: Vec<PartView>,
    /// Whole minutes; empty if it cannot be shorter.
    pub durations: Vec<DurationView>,
}

#[derive(Clone, Debug)]
pub struct PartView {
    /// Comes back as `part`: `d0` for details, `s0` for scopes.
    pub reference: String,
    /// All that was asked in this part.
    pub sentence: Vec<Piece>,
    pub chosen: bool,
    pub amount: Option<AmountView>,
}

/// An amount that may be made smaller.
#[derive(Clone, Debug)]
pub struct AmountView {
    /// Decimal text, as it stands in the object.
    pub most: String,
    pub value: String,
    /// `EUR`; empty where it counts something else.
    pub unit: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationView {
    pub minutes: u32,
    pub chosen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalProblem {
    /// Not two digits.
    NumberMissing,
    PasswordMissing,
    PasswordWrong,
    /// Until then no try is looked at.
    TooMany {
        retry_after: Duration,
    },
    Busy,
    /// The device's answer is missing or not right.
    PasskeyFailed,
    /// The passkey's backup eligibility is no longer that of enrolment, so it is retired.
    PasskeyChanged,
    /// The verifier's word is missing, does not count, or was for something else.
    LivenessMissing,
    LivenessFailed,
    LivenessOld,
    LivenessOther,
    LivenessUsed,
    /// The request changed while it was looked at.
    Changed,
    /// The same was asked again; this is the newer request.
    AskedAgain,
    /// The form's token is no longer valid.
    FormExpired,
    /// A yes in the browser that asks.
    NotHere,
    /// Approved less, and nothing is left.
    NothingChosen,
    /// An amount that is no number or larger than asked.
    AmountWrong,
}

impl ApprovalPage {
    pub fn page(&self, texts: &Texts) -> Page {
        let status = self.problem.map_or(StatusCode::OK, ApprovalProblem::status);
        let screen = Screen::of(&self.screen, texts);
        let template = ApprovalTemplate {
            texts,
            title: texts.page_title(&screen.heading.to_string()),
            around: Around::of(&self.person, Tab::Beside, texts),
            view: self,
            form: FormWords::of(self, texts),
            approve: screen.head.approve(&self.screen, texts),
            is_wide: screen.head.is_wide(&self.screen, texts),
            screen,
        };
        let page = Page::rendered(&template, status).with_scripts();
        page.with_retry_after(self.problem.and_then(ApprovalProblem::retry_after))
    }
}

impl ApprovalProblem {
    /// After how long another try is looked at, where that is known.
    const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::FormExpired | Self::NotHere => StatusCode::FORBIDDEN,
            Self::Changed | Self::AskedAgain => StatusCode::CONFLICT,
            Self::NumberMissing
            | Self::PasswordMissing
            | Self::PasswordWrong
            | Self::PasskeyFailed
            | Self::PasskeyChanged
            | Self::LivenessMissing
            | Self::LivenessFailed
            | Self::LivenessOld
            | Self::LivenessOther
            | Self::LivenessUsed
            | Self::NothingChosen
            | Self::AmountWrong => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

#[derive(Template)]
#[template(path = "approval.html")]
struct ApprovalTemplate<'a> {
    texts: &'a Texts,
    title: String,
    around: Around<'a>,
    view: &'a ApprovalPage,
    screen: Screen<'a>,
    form: FormWords<'a>,
    /// What the button says.
    approve: Sentence,
    is_wide: bool,
}
