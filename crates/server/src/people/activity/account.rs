//! What happened to the account itself: by which act of the person, of an operator or of anybody.

use serde_json::Value;
use writ_core::event::EventName;
use writ_pages::AccountAct;
use writ_store::event::StoredEvent;

/// `None`: the event is about something else; `Some(None)`: it is not told.
pub(super) fn of(event: &StoredEvent) -> Option<Option<AccountAct>> {
    let is = |name: EventName| event.name == name.as_str();
    let text = |member: &str| event.data.get(member).and_then(Value::as_str);
    if is(EventName::UserRecovered) {
        return Some(Some(AccountAct::PasswordReset));
    }
    if is(EventName::UserDisabled) {
        return Some(Some(AccountAct::DisabledByOperator));
    }
    if is(EventName::LoginFailed) {
        return match text("method") {
            Some("account_code" | "passkey_code") => Some(Some(AccountAct::WrongCode)),
            Some("passkey") => Some(Some(AccountAct::PasskeyFailed)),
            _ if text("within") == Some("session") => Some(Some(AccountAct::WrongPassword)),
            _ => None,
        };
    }
    is(EventName::UserChanged).then(|| changed(text))
}

fn changed<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<AccountAct> {
    let by = text("by");
    if let Some(passkey) = text("passkey") {
        return Some(of_passkey(passkey, by));
    }
    if let Some(push) = text("push") {
        return match (push, by) {
            // The reset tells of it.
            (_, Some("recovered")) => None,
            ("added", _) => Some(AccountAct::NotificationsOn),
            _ => Some(AccountAct::NotificationsOff),
        };
    }
    Some(match (text("setting"), by, text("state")) {
        // The browser said it by itself.
        (Some("time_zone"), Some("browser"), _) => return None,
        (Some("time_zone"), ..) => AccountAct::TimeZoneChanged,
        (Some("quiet_hours"), ..) => AccountAct::QuietHoursChanged,
        (Some("reset"), Some("anybody"), _) => AccountAct::ResetAsked,
        (Some("reset"), Some("not_me"), _) => AccountAct::ResetEnded,
        (Some("reset"), ..) => AccountAct::ResetBegun,
        (Some("password"), Some("operator"), _) => AccountAct::PasswordChangedByOperator,
        (Some("password" | "account"), Some("invitation"), _) => AccountAct::Joined,
        (Some("password"), ..) => AccountAct::PasswordChanged,
        (Some("email"), Some("operator"), _) => AccountAct::AddressChangedByOperator,
        (Some("email"), _, Some("removed")) => AccountAct::AddressRemoved,
        (Some("email"), _, Some("asked")) => AccountAct::AddressAsked,
        (Some("email"), ..) => AccountAct::AddressChanged,
        (Some("user_code"), _, Some("removed")) => AccountAct::UserCodeRemoved,
        (Some("user_code"), ..) => AccountAct::UserCodeSet,
        (Some("upstream"), _, Some("removed")) => AccountAct::UpstreamRemoved,
        (Some("upstream"), ..) => AccountAct::UpstreamLinked,
        (None, Some("operator"), Some("enabled")) => AccountAct::EnabledByOperator,
        (_, Some("operator"), _) => AccountAct::ChangedByOperator,
        _ => AccountAct::Changed,
    })
}

fn of_passkey(what: &str, by: Option<&str>) -> AccountAct {
    match (what, by) {
        ("added", _) => AccountAct::PasskeyAdded,
        ("code_made", _) => AccountAct::PasskeyCodeMade,
        (_, Some("operator")) => AccountAct::PasskeyRemovedByOperator,
        (_, Some("backup_eligibility")) => AccountAct::PasskeyRetired,
        _ => AccountAct::PasskeyRemoved,
    }
}
