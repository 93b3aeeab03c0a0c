//! Everything that an operator does, by any of the ways to it: one list.

use super::ActKind;

macro_rules! operator_acts {
    ($($act:ident = $text:literal, $kind:ident, $widens:literal;)*) => {
        /// What an operator does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum OperatorAct { $($act,)* }

        impl OperatorAct {
            pub const ALL: &'static [Self] = &[$(Self::$act,)*];

            /// As docs/operators.md names it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$act => $text,)* }
            }

            pub const fn kind(self) -> ActKind {
                match self { $(Self::$act => ActKind::$kind,)* }
            }

            /// Whether somebody can do more afterwards than before, or holds what opens an account or a client: then a stolen session of the
            /// console is not enough, and a passkey signs the change as it is shown.
            pub const fn widens(self) -> bool {
                match self { $(Self::$act => $widens,)* }
            }
        }
    };
}

operator_acts! {
    ListPeople = "list people", Read, false;
    ShowPerson = "show a person", Read, false;
    AddPerson = "add a person", Change, true;
    InvitePerson = "invite a person", Change, true;
    ResetPerson = "begin the reset of a person's password", Help, true;
    GiveResetCode = "make the code of a reset that a person asked for", Help, true;
    SetPassword = "set a person's password", Change, true;
    ChangeEmail = "change the address that apps are told", Change, true;
    ChangeRole = "give or take an operator's role", Change, true;
    DisablePerson = "disable a person", Change, false;
    EnablePerson = "enable a person", Change, true;
    RemovePerson = "remove a person", Change, false;
    EndSessions = "end a person's sessions", Help, false;
    ListPasskeys = "list a person's passkeys", Read, false;
    RemovePasskey = "remove a person's passkeys", Help, true;
    MakePasskeyCode = "make the code of a first passkey", Help, true;
    ForgetConsents = "have a person asked again by a client", Help, false;

    ListClients = "list clients and guests", Read, false;
    ShowClient = "show a client or a guest", Read, false;
    AddClient = "register a client", Change, true;
    ChangeClient = "change a client's record without widening it", Change, false;
    WidenClient = "widen a client's record", Change, true;
    RotateSecret = "make a new secret of a client", Change, true;
    RemoveClient = "remove a client or a guest", Change, false;
    SuspendClient = "suspend a client or a guest", Change, false;
    ResumeClient = "resume a client or a guest", Change, true;
    InviteClients = "make an initial access token", Change, true;
    ListInvites = "list initial access tokens", Read, false;
    EndInvite = "end an initial access token", Change, false;

    ListAgents = "list agents", Read, false;
    ShowAgent = "show an agent", Read, false;
    AddAgent = "register an agent", Change, true;
    ChangeAgent = "change an agent's record without widening it", Change, false;
    WidenAgent = "widen an agent's record", Change, true;
    AddAgentKey = "add a key of an agent", Change, true;
    RemoveAgentKey = "remove a key of an agent", Change, false;
    RemoveAgent = "remove an agent", Change, false;
    SuspendAgent = "suspend an agent", Change, false;
    ResumeAgent = "resume an agent", Change, true;

    ListResources = "list resources", Read, false;
    ShowResource = "show a resource", Read, false;
    AddResource = "register a resource", Change, true;
    ChangeResource = "change a resource's record", Change, true;
    RemoveResource = "remove a resource", Change, false;
    ListTypes = "list types", Read, false;
    AddType = "add a type, or another version of one", Change, true;
    RemoveType = "remove a type", Change, false;

    ListTasks = "list tasks", Read, false;
    ShowTask = "show a task with all below it", Read, false;
    StopTask = "stop a task", Help, false;
    StopAgentForPerson = "stop an agent for one person", Help, false;
    ListApprovals = "list open and decided requests", ReadRecord, false;
    ListConsents = "list consents", ReadRecord, false;
    ListDecisions = "list decisions", ReadRecord, false;

    ShowIssuer = "show the issuer", Read, false;
    ChangeIssuer = "change the issuer", Change, true;
    ListKeys = "list signing keys", Read, false;
    RotateKeys = "rotate the signing keys", Change, false;
    CheckMail = "check the mail server", Change, false;

    ListEvents = "search the record", ReadRecord, false;
    VerifyReceipt = "verify a receipt", ReadRecord, false;
    VerifyArchive = "verify an archive", ReadRecord, false;
    ArchiveRecord = "archive the record", Change, false;
    ExplainToken = "explain a token", ReadRecord, false;
}
