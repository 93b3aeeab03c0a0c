//! What happened to a person's account, as their activity tells it: each act by its own name.

use super::Texts;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountAct {
    PasskeyAdded,
    PasskeyRemoved,
    PasskeyRemovedByOperator,
    /// Its backup eligibility was another than at enrolment.
    PasskeyRetired,
    /// By the operator, for a first passkey.
    PasskeyCodeMade,
    /// By an invitation, with a first password or passkey.
    Joined,
    PasswordChanged,
    /// By a link.
    PasswordReset,
    PasswordChangedByOperator,
    /// At the login, by anybody.
    ResetAsked,
    /// By the operator.
    ResetBegun,
    /// "This was not me".
    ResetEnded,
    /// Where they are written to.
    AddressChanged,
    AddressRemoved,
    /// Another one; it waits to be confirmed.
    AddressAsked,
    /// The one that apps are told.
    AddressChangedByOperator,
    UserCodeSet,
    UserCodeRemoved,
    /// An account at a provider.
    UpstreamLinked,
    UpstreamRemoved,
    TimeZoneChanged,
    QuietHoursChanged,
    NotificationsOn,
    NotificationsOff,
    /// For a link or a first passkey.
    WrongCode,
    /// Of whoever was signed in.
    WrongPassword,
    /// At the login.
    PasskeyFailed,
    DisabledByOperator,
    EnabledByOperator,
    /// Anything else.
    ChangedByOperator,
    /// Anything else.
    Changed,
}

impl AccountAct {
    pub(super) fn text(self, texts: &Texts) -> &str {
        let text = &texts.activity.account;
        match self {
            Self::PasskeyAdded => &text.passkey_added,
            Self::PasskeyRemoved => &text.passkey_removed,
            Self::PasskeyRemovedByOperator => &text.removed_by_operator,
            Self::PasskeyRetired => &text.passkey_retired,
            Self::PasskeyCodeMade => &text.code_made,
            Self::Joined => &text.joined,
            Self::PasswordChanged => &text.password_changed,
            Self::PasswordReset => &text.password_reset,
            Self::PasswordChangedByOperator => &text.password_by_operator,
            Self::ResetAsked => &text.reset_asked,
            Self::ResetBegun => &text.reset_begun,
            Self::ResetEnded => &text.reset_ended,
            Self::AddressChanged => &text.address_changed,
            Self::AddressAsked => &text.address_asked,
            Self::AddressRemoved => &text.address_removed,
            Self::AddressChangedByOperator => &text.address_by_operator,
            Self::UserCodeSet => &text.user_code_set,
            Self::UserCodeRemoved => &text.user_code_removed,
            Self::UpstreamLinked => &text.upstream_linked,
            Self::UpstreamRemoved => &text.upstream_removed,
            Self::TimeZoneChanged => &text.time_zone_changed,
            Self::QuietHoursChanged => &text.quiet_hours_changed,
            Self::NotificationsOn => &text.notifications_on,
            Self::NotificationsOff => &text.notifications_off,
            Self::WrongCode => &text.wrong_code,
            Self::WrongPassword => &text.wrong_password,
            Self::PasskeyFailed => &text.passkey_failed,
            Self::DisabledByOperator => &text.disabled_by_operator,
            Self::EnabledByOperator => &text.enabled_by_operator,
            Self::ChangedByOperator => &text.settings_by_operator,
            Self::Changed => &text.settings_changed,
        }
    }

    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::ResetEnded
            | Self::WrongCode
            | Self::WrongPassword
            | Self::PasskeyFailed
            | Self::DisabledByOperator => "care",
            _ => "plain",
        }
    }
}
