//! What stands around every page of `/app`: its tabs, who is signed in, and how to sign out.

use super::sentence::{Sentence, fill};
use super::{PersonView, Texts, plain};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Requests,
    Agents,
    Activity,
    Devices,
    Settings,
    /// A page below or beside them.
    Beside,
}

/// The finished words of the frame.
pub(super) struct Around<'a> {
    pub(super) csrf: &'a str,
    pub(super) signed_in: Sentence,
    pub(super) tabs: [TabLink<'a>; 5],
    /// For the badge on the installed app's icon.
    pub(super) waiting: usize,
    /// Whether the browser may say in which zone it is; never while somebody reads what they may sign.
    pub(super) asks_zone: bool,
}

pub(super) struct TabLink<'a> {
    pub(super) path: &'static str,
    /// The name of its picture.
    pub(super) icon: &'static str,
    pub(super) text: &'a str,
    pub(super) current: bool,
    /// How much waits there, in figures and in words.
    pub(super) waiting: Option<(usize, String)>,
}

impl<'a> Around<'a> {
    pub(super) fn of(person: &'a PersonView, tab: Tab, texts: &'a Texts) -> Self {
        let text = &texts.app;
        let link = |name: Tab, path, icon, text| TabLink {
            path,
            icon,
            text,
            current: tab == name,
            waiting: None,
        };
        let requests = TabLink {
            waiting: (person.waiting > 0).then(|| (person.waiting, waiting(person.waiting, texts))),
            ..link(Tab::Requests, "/app", "requests", &text.requests)
        };
        Self {
            csrf: &person.csrf,
            signed_in: fill(&text.signed_in, &[("name", &plain(&person.name))]),
            tabs: [
                requests,
                link(Tab::Agents, "/app/agents", "agents", &text.agents),
                link(Tab::Activity, "/app/activity", "activity", &text.activity),
                link(Tab::Devices, "/app/devices", "devices", &text.devices),
                link(Tab::Settings, "/app/settings", "settings", &text.settings),
            ],
            waiting: person.waiting,
            asks_zone: !person.has_zone && tab != Tab::Beside,
        }
    }
}

fn waiting(count: usize, texts: &Texts) -> String {
    match count {
        1 => texts.app.waiting_one.clone(),
        _ => fill(&texts.app.waiting_many, &[("count", &count.to_string())]).to_string(),
    }
}
