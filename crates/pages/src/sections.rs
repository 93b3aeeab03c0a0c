//! The sections of the catalogue: each field is one key of `text/*.toml`.

use serde::Deserialize;

/// A struct of texts.
macro_rules! texts {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name { $(pub(super) $field: $kind),* }
        )*
    };
}

texts! {
    LayoutTexts {
        language: String, name: String, direction: String, product: String, title: String,
        quotation: String, verified: String, not_verified: String, skip: String,
    }
    LoginProblemTexts {
        wrong: String, too_many: String, busy: String, expired: String, passkey_failed: String,
        passkey_changed: String, upstream_failed: String, upstream_unavailable: String,
        upstream_not_admitted: String, upstream_not_fresh: String, local_off: String,
    }
    LoginTexts {
        title: String, lead: String, lead_agent: String, lead_client: String, username: String,
        password: String, submit: String, passkey: String, or_password: String, forgot: String,
        upstream: String, lead_upstream: String, problem: LoginProblemTexts,
    }
    AccountProblemTexts {
        form_expired: String, wrong_code: String, passkey_failed: String,
    }
    AccountTexts {
        title_invitation: String, title_reset: String, lead_invitation: String, lead_reset: String, lead_passkey: String,
        code: String, code_hint: String, password_hint: String, submit: String, over_title: String, over: String,
        sign_in_as: String, by_passkey: String, or_passkey: String, joined_title: String, joined: String, done_title: String, done: String, done_new: String, done_passkey: String, done_browsers: String, go_on: String, add_passkey: String, later: String,
        forgot: String, forgot_lead: String, forgot_submit: String, may_come: String, ask_operator: String,
        not_me_title: String, not_me_lead: String, not_me_submit: String, ended_title: String, ended: String,
        address_title: String, address_lead: String, address_submit: String, needs_script: String, problem: AccountProblemTexts,
    }
    GuestTexts {
        says: String, says_nothing: String, verified: String, not_verified: String,
        on_device: String, registered_itself: String, changed: String, how_long: String, day: String, week: String,
        month: String, still_asked: String, asked_above: String, resume: String, resumed: String, sign_in_first: String,
    }
    ConsentTexts {
        heading_agent: String, heading_client: String, publisher: String,
        publisher_unknown: String, what: String, what_hint: String, scope: String,
        says: String, email: String, audience: String, identity: String, remembered: String, nothing_chosen: String, changed: String, limits: String, until: String,
        agent_named: String, onward_none: String, onward_agents: String, onward_owner: String,
        onward_both: String, onward_once: String, onward_depth: String, nothing_else: String,
        list_separator: String, own_words_agent: String, own_words_client: String, about: String,
        subject: String, owner: String, sponsor: String, identifier: String, returns_to: String,
        unsure: String, deny: String, approve: String, stoppable: String, stoppable_until: String,
        details: String, asked_for_some: String, asked_for_all: String, first: String,
    }
    MineStateTexts {
        active: String, suspended: String, completed: String, stopped: String, expired: String,
    }
    MineTexts {
        chain_separator: String, stopped: String, task_stopped: String, already_ended: String, agent_had_ended: String, forgotten: String, state: MineStateTexts,
    }
    FailureTexts {
        developer: String, detail: String, error_code: String, error_id: String, home: String,
        back_to_client: String, leads_to: String, start_again: String,
        untrusted_request: FailureText, malformed: FailureText, request_refused: FailureText, beyond_roles: FailureText, request_expired: FailureText, request_used: FailureText,
        client_stopped: FailureText, client_paused: FailureText, form_expired: FailureText, forbidden: FailureText, not_found: FailureText,
        method_not_allowed: FailureText, too_large: FailureText, too_many_requests: FailureText,
        server_error: FailureText, unavailable: FailureText,
    }
    FormPostTexts {
        title: String, submit: String,
    }
    LogoutTexts {
        title: String, lead: String, lead_client: String, submit: String, stay: String,
    }
    DoneSignedOutTexts {
        title: String, sentence: String, again: String, there: String, there_too: String,
    }
    DoneTexts {
        signed_out: DoneSignedOutTexts,
    }
    ConsoleRoleTexts {
        admin: String, auditor: String, helpdesk: String,
    }
    ConsoleMayTexts {
        admin: String, auditor: String, helpdesk: String,
    }
    ConsoleEnterTexts {
        title: String, lead: String, submit: String, failed: String, not_proven: String,
        unsupported: String, stale: String, needs_script: String, no_passkey: String, add: String,
        impossible: String, not_operator_title: String, not_operator: String, home: String,
    }
    ConsoleTexts {
        title: String, whose: String, leave: String, since: String, until: String,
        role: ConsoleRoleTexts, may: ConsoleMayTexts, enter: ConsoleEnterTexts,
    }
    AppTexts {
        navigation: String, requests: String, agents: String, activity: String, devices: String,
        settings: String, sign_out: String, signed_in: String, waiting_one: String,
        waiting_many: String, back: String, description: String,
    }
    InboxTexts {
        title: String, lead_one: String, lead_many: String, none: String, none_hint: String,
        left: String, over: String, other: String, through: String, more: String, no_words: String, reload: String,
        live: String,
    }
    ApprovalHintOtherTexts {
        first_account: String, more_than_usual: String, more_than_usual_of: String,
        more_than_usual_several: String, first_payee: String, first_payees: String, more_than_allowed: String,
        beyond_task: String, beyond_task_what: String, first_from_agent: String, first_from_app: String, denied_before: String,
    }
    ApprovalHintTexts {
        other: ApprovalHintOtherTexts,
        first_from_agent: String, first_from_app: String, first_account: String, first_payee: String, first_payees: String,
        more_than_usual: String, more_than_usual_of: String, more_than_usual_several: String, more_than_allowed: String,
        definition_changed: String, definition_unknown: String,
        beyond_task: String, beyond_task_what: String, called_otherwise: String, one_more: String, more_than_left: String, denied_before: String, shortened: String,
    }
    ApprovalLetterTexts {
        to: String, cc: String, bcc: String, more: String,
    }
    ApprovalProblemTexts {
        number_missing: String, password_missing: String, password_wrong: String, too_many: String, busy: String, passkey_failed: String, passkey_changed: String,
        liveness_missing: String, liveness_failed: String, liveness_old: String,
        liveness_other: String, liveness_used: String, changed: String, asked_again: String, form_expired: String,
        nothing_chosen: String, amount_wrong: String,
    }
    ApprovalTexts {
        wants: String, wants_to: String, unchecked: String, claimed: String, claimed_rest: String, at: String, through: String,
        whom_other: String, learns: String, unusual: String, limit_once: String, limit_task: String,
        part_of: String, details: String, approve_amount: String, approve_act: String,
        approve_all: String,
        heading_agent: String, heading_client: String, heading_through: String, publisher: String,
        publisher_unknown: String, owner: String, chain: String, chain_separator: String,
        for_you: String, for_other: String, what: String, narrowed: String, whole: String,
        nothing: String, limits: String, one_use: String, one_use_onward: String,
        new_task: String, nothing_else: String, why: String, purpose: String, purpose_other: String, no_purpose: String,
        task: String, words_agent: String, words_client: String, words_hint: String,
        words_resource: String, words_resource_hint: String, words_through: String,
        whose_caller: String, whose_both: String, call_again: String, asked_by: String,
        origin: String, address: String, address_unknown: String, asked: String,
        answer_by: String, code: String, code_hint: String, deciders: String, alone: String,
        several: String, agreed: String, role_subject: String, role_sponsor: String,
        role_designated: String, list_separator: String, left: String, left_hint: String,
        minute_left: String, over_title: String, over: String, decision: String, number: String,
        number_device: String, number_browser: String, number_hint: String, number_hint_browser: String,
        browser: String, not_here: String, password: String, password_hint: String,
        passkey_hint: String, liveness_hint: String, liveness: String, liveness_seen: String,
        liveness_missing: String, passkey_missing: String, passkey_add: String,
        needs_script: String, unsupported: String, failed: String, unsure: String, deny: String,
        approve: String, less: String, less_parts: String, less_amount: String,
        less_amount_plain: String, less_most: String, less_time: String, less_time_whole: String,
        less_submit: String, less_hint: String, wrong: String, stop: String, stop_hint: String, stop_hint_other: String,
        not_me: String, not_me_yes: String, not_me_hint: String, not_me_hint_through: String, not_me_hint_both: String, not_me_hint_told: String, hint: ApprovalHintTexts,
        letter: ApprovalLetterTexts, paid_before: String, known_before: String, approve_object: String,
        problem: ApprovalProblemTexts,
    }
    ReceiptTexts {
        approved: String, approved_less: String, denied: String, stopped: String, not_me: String,
        agreed: String, paused: String, silenced: String, silenced_both: String, told: String, lead_yes: String, lead_no: String, lead_agreed: String, by: String,
        vote: String, role_subject: String, role_sponsor: String, role_designated: String,
        password: String, passkey: String, liveness: String, unconfirmed: String, shown: String,
        evidence: String, shortened: String, id: String, hash: String, used: String, not_used: String,
        done: String, in_vain: String, not_begun: String,
        document: String, task: String, inbox: String, back_to_device: String,
    }
    OverTexts {
        inbox: String, receipt: String, again: String, agents: String, approved: OverText,
        denied: OverText, stopped: OverText, not_me: OverText, expired: OverText,
        by_other_yes: OverText, by_other_no: OverText, waits: OverText, number_wrong: OverText,
        number_wrong_elsewhere: OverText,
        changed: OverText, unknown: OverText, not_done: OverText, cancelled: OverText,
        taken_back: OverText, silenced: OverText, silenced_both: OverText, told: OverText, ended_by_report: OverText, described_anew: OverText,
    }
    AgentDidTexts {
        done: String, done_something: String, used: String, used_something: String, permitted: String, permitted_something: String,
        asked: String, asked_something: String, handed_over: String, handed_over_something: String,
        approved: String, approved_something: String, denied: String, denied_something: String,
        approved_by: String, approved_something_by: String, denied_by: String, denied_something_by: String,
        consented: String,
    }
    AgentsTexts {
        title: String, lead: String, none: String, none_hint: String, present: String, past: String,
        last_used: String, never_used: String, acting: String, paused: String,
        idle: String, through: String, until: String, stop: String, details: String, stop_task: String,
        task: String, own_words: String, tree: String, tree_through: String,
        tree_ended: String, opened: String, expires: String,
        spent: String, last: String, history: String, approved: String, approved_one: String,
        approved_many: String, approved_least: String, approved_hint: String,
        unfetched: String, unfetched_one: String, remembered: String, remembered_hint: String, forget: String, more: String, last_token: String, no_token: String,
        did: AgentDidTexts,
    }
    UndoTexts {
        button: String, hint: String, title: String, lead: String, password: String,
        by_password: String, by_passkey: String, keep: String, done: String, still_stopped: String, over: String,
        not_proven: String, failed: String,
    }
    PauseTexts {
        heading: String, hint: String, since: String, button: String, title: String, lead: String,
        by_password: String, by_passkey: String, keep: String, done: String, over: String,
        not_proven: String, failed: String, not_me: String, wrong_number: String, client_unknown: String,
        reset: String, weaker: String, task_unknown: String, operator: String, sign_in_first: String,
        after_reset: String, after_reset_here: String, after_reset_now: String, see: String,
    }
    UpstreamTexts {
        title: String, lead: String, since: String, used: String, came: String, remove: String, link: String,
        by_passkey: String, password: String, nothing: String, failed: String, not_proven: String, taken: String,
        already_there: String, too_many: String,
    }
    ActivityKindTexts {
        did: String, consented: String, consent_denied: String, asked: String, approved: String,
        approved_by: String, approved_less_by: String, denied_by: String, not_me_by: String,
        stopped_by: String, stopped_by_operator: String, wrong_number: String, paused: String, allowed_again: String, suspended: String,
        approved_less: String, agreed: String, denied: String, expired: String, not_me: String, ended_by_report: String,
        used: String, not_done: String, cancelled: String, permitted: String, done: String, done_in_vain: String, not_begun: String, unreported: String,
        handed_over: String, stopped: String, resumed: String, given_back: String, used_twice: String, signed_in: String, signed_in_passkey: String, signed_in_code: String,
        sign_in_failed: String, session_ended: String, somebody: String,
    }
    AccountActTexts {
        passkey_added: String, passkey_removed: String, removed_by_operator: String, passkey_retired: String,
        code_made: String, joined: String, password_changed: String, password_reset: String,
        password_by_operator: String, reset_asked: String, reset_begun: String, reset_ended: String,
        address_changed: String, address_removed: String, address_by_operator: String, user_code_set: String,
        upstream_linked: String, upstream_removed: String,
        user_code_removed: String, time_zone_changed: String, quiet_hours_changed: String, notifications_on: String,
        notifications_off: String, wrong_code: String, passkey_failed: String, enabled_by_operator: String,
        address_asked: String, wrong_password: String, disabled_by_operator: String, settings_by_operator: String, settings_changed: String,
    }
    ActivityTexts {
        title: String, lead: String, none: String, none_hint: String, receipt: String,
        older: String, export: String, through: String, kind: ActivityKindTexts,
        account: AccountActTexts,
    }
    DevicesNoticeTexts {
        passkey_added: String, passkey_removed: String, notifications_on: String,
        notifications_off: String,
    }
    DevicesProblemTexts {
        passkey_failed: String, already_there: String, too_many: String, not_proven: String,
        not_bound: String, only_way_in: String,
    }
    SessionTexts {
        title: String, named: String, unnamed: String, since: String, password: String, passkey: String, code: String,
        provider: String, from: String, current: String, end: String, end_others: String, ended: String, none_ended: String,
        hint: String,
    }
    DevicesTexts {
        title: String, lead: String, passkeys: String, none: String, added: String, used: String,
        never_used: String, remove: String, add: String, add_name: String, add_hint: String,
        add_first: String, add_by_login: String, code: String, counts_not: String, prove_hint: String, impossible: String,
        needs_script: String, unsupported: String, failed: String, wrong_code: String,
        paused: String, stale: String, notifications: String, notifications_off: String,
        notifications_none: String, enable: String, disable: String, blocked: String,
        on_here: String, off_here: String, device_unnamed: String, notice: DevicesNoticeTexts,
        problem: DevicesProblemTexts, session: SessionTexts,
    }
    SettingsProblemTexts {
        time_zone: String, quiet: String, email: String, user_code: String, password_wrong: String,
        form_expired: String, too_many: String, new_differs: String, new_short: String, new_long: String,
        new_breached: String, new_guessable: String,
    }
    SettingsTexts {
        title: String, saved: String, preferences: String, language_label: String, quiet: String,
        quiet_hint: String, from: String, until: String, quiet_zone: String, offset: String,
        zone_label: String, zone_hint: String, email: String,
        email_label: String, email_hint: String, email_impossible: String, by_passkey: String, needs_script: String, email_sent: String, code: String,
        code_hint: String, code_set: String, code_label: String, password: String, save: String, new: String, new_hint: String,
        new_old: String, new_label: String, new_again: String, new_save: String, new_saved: String,
        problem: SettingsProblemTexts,
    }
    DeviceProblemTexts {
        wrong: String, too_many: String, asked_too_often: String, form_expired: String, beyond_roles: String,
    }
    DeviceTexts {
        title: String, lead: String, code: String, submit: String, hint: String, warning: String,
        problem: DeviceProblemTexts,
    }
    ElsewhereProblemTexts {
        not_here: String, not_answered: String, asked_too_often: String,
    }
    ElsewhereTexts {
        title: String, lead: String, why: String, submit: String, number: String, waiting: String,
        left: String, again: String, cancel: String, unsure: String, problem: ElsewhereProblemTexts,
    }
    OfflineTexts {
        title: String, sentence: String, again: String,
    }
    TimeTexts {
        moment: String, day: String, clock: String, today: String, tomorrow: String,
        yesterday: String, near: String, far: String, amount: String, decimal_point: String,
        digit_separator: String, months: [String; 12], moments: String,
        minute: String, minutes: String, hour: String, hours: String,
    }
    FailureText {
        title: String, sentence: String, hint: String,
    }
    OverText {
        title: String, sentence: String,
    }
}
