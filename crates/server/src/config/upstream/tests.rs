//! Each key of a provider's section, with what is refused.

use super::*;

const BASE: &str = "
    issuer = 'https://login.acme.example'
    client_id = 'writ'
";

/// Providers, and what is wrong, of this section `[upstream.NAME]`.
fn checked(sections: &[(&str, String)]) -> (Vec<UpstreamProvider>, Vec<String>) {
    let read = |text: &String| toml::from_str::<UpstreamFile>(text).unwrap();
    let files = sections
        .iter()
        .map(|(name, text)| ((*name).to_owned(), read(text)));
    let ours = ResourceUri::parse("https://as.example").unwrap();
    let mut problems = Vec::new();
    let providers = check(files.collect(), Some(&ours), &mut problems);
    (providers, problems)
}

#[test]
fn a_provider_says_who_it_is_and_whom_it_may_send() {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    for (more, expected) in [
        ("", AdmissionRule::Known),
        ("anyone = true", AdmissionRule::Anyone),
        (
            "domains = ['acme.example']",
            AdmissionRule::Listed {
                domains: set(&["acme.example"]),
                groups: set(&[]),
            },
        ),
        (
            "groups = ['G1']",
            AdmissionRule::Listed {
                domains: set(&[]),
                groups: set(&["G1"]),
            },
        ),
    ] {
        let (providers, problems) = checked(&[("acme", format!("{BASE}{more}"))]);
        assert_eq!(problems, Vec::<String>::new(), "{more}");
        assert_eq!(providers[0].admission, expected);
        assert_eq!(providers[0].scopes, ["openid", "profile", "email"]);
        assert_eq!(providers[0].label, "acme");
        assert_eq!(providers[0].callback_path(), "/upstream/acme/callback");
    }
    assert!(
        checked(&[("acme", String::new())]).0.is_empty(),
        "a section of comments"
    );
}

/// No key is taken that this version would do nothing for.
#[test]
fn what_this_version_cannot_do_is_refused() {
    for key in [
        "refresh = true",
        "local_accounts = false",
        "userinfo = true",
    ] {
        let read = toml::from_str::<UpstreamFile>(&format!("{BASE}\n{key}"));
        let name = key.split(' ').next().unwrap();
        let said = read.err().unwrap().to_string();
        assert!(said.contains(&format!("unknown field `{name}`")), "{said}");
    }
}

/// Name, text of the section, and what is said of it.
type Refused = (&'static str, String, &'static str);

fn of_names_and_urls() -> Vec<Refused> {
    vec![
        (
            "acme",
            "issuer = 'https://login.acme.example'".to_owned(),
            "both needed",
        ),
        ("acme", "client_id = 'writ'".to_owned(), "both needed"),
        ("acme", "domains = ['a.example']".to_owned(), "both needed"),
        ("acme", "anyone = true".to_owned(), "both needed"),
        ("Acme", BASE.to_owned(), "its name has"),
        ("a.b", BASE.to_owned(), "its name has"),
        ("aaaaaaaaaaaaaaaaaaaaa", BASE.to_owned(), "its name has"),
        ("acme", BASE.replace("https", "http"), "neither `https`"),
        ("acme", BASE.replace("https", "ldap"), "neither `https`"),
        (
            "acme",
            BASE.replace("example'", "example?a=b'"),
            "has a query",
        ),
        ("acme", BASE.replace("login.acme", "as"), "this server"),
    ]
}

fn of_rules_and_secrets() -> Vec<Refused> {
    vec![
        (
            "acme",
            format!("{BASE}anyone = true\ndomains = ['a.example']"),
            "beside",
        ),
        (
            "acme",
            format!("{BASE}domains = ['Acme.example']"),
            "no domain",
        ),
        (
            "acme",
            format!("{BASE}domains = ['@acme.example']"),
            "no domain",
        ),
        ("acme", format!("{BASE}domains = ['*']"), "no domain"),
        (
            "acme",
            format!("{BASE}scopes = ['email']"),
            "one of them `openid`",
        ),
        (
            "acme",
            format!("{BASE}scopes = ['openid email']"),
            "without spaces",
        ),
        (
            "acme",
            format!("{BASE}client_secret = ' '"),
            "secret is empty",
        ),
        ("acme", format!("{BASE}label = ''"), "`label`"),
        (
            "acme",
            format!("{BASE}first_passkey = true"),
            "no login counts",
        ),
        (
            "acme",
            format!("{BASE}client_secret = 'x'\nclient_key_file = '/x'"),
            "is beside a client secret",
        ),
        (
            "acme",
            format!("{BASE}client_key_file = '/nowhere/key.pem'"),
            "`client_key_file`: `/nowhere/key.pem`",
        ),
        (
            "acme",
            format!("{BASE}client_secret = 'x'\nclient_secret_file = '/x'"),
            "are both set",
        ),
    ]
}

fn of_prompts_and_roles() -> Vec<Refused> {
    let asked = "fresh = 'asked'\nprompt = ['login']";
    let of = |text: &str, said| ("acme", format!("{BASE}{text}"), said);
    vec![
        of("prompt = ['none']", "is none of `login`"),
        of("prompt = ['LOGIN']", "is none of `login`"),
        of("prompt = ['login', 'login']", "twice"),
        of("fresh = 'no'", "neither `auth_time` nor `asked`"),
        of("fresh = 'asked'", "nothing is asked"),
        of("fresh = 'asked'\nprompt = ['consent']", "nothing is asked"),
        of(
            &format!("{asked}\npasskey_acr = ['phr']"),
            "a password at most",
        ),
        of(
            &format!("{asked}\npasskey_amr = ['hwk']"),
            "a password at most",
        ),
        of(
            &format!("{asked}\npasskey_acr = ['phr']\nfirst_passkey = true"),
            "a password at most",
        ),
        of("roles = { g1 = ['admin'] }", "which are of operators"),
        of("roles = { g1 = ['auditor'] }", "which are of operators"),
        of(
            "roles = { g1 = ['clerk', 'helpdesk'] }",
            "which are of operators",
        ),
        of("roles = { g1 = ['operator:admin'] }", "in this version"),
        of("roles = { g1 = ['Clerk'] }", "no name of a role"),
        of("roles = { g1 = [''] }", "no name of a role"),
        of("roles = { g1 = [] }", "gives no role"),
        of("roles = { '' = ['clerk'] }", "has no name"),
    ]
}

#[test]
fn a_map_of_roles_has_an_end() {
    use super::roles::MAX_MAPPED_GROUPS;
    use writ_core::role::MAX_ROLES;
    let roles = |most: usize| {
        let names: Vec<_> = (0..most).map(|at| format!("'r{at}'")).collect();
        format!("{BASE}roles = {{ g1 = [{}] }}", names.join(","))
    };
    let groups = |most: usize| {
        let groups: Vec<_> = (0..most).map(|at| format!("g{at} = ['clerk']")).collect();
        format!("{BASE}roles = {{ {} }}", groups.join(","))
    };
    for (text, fits) in [
        (roles(MAX_ROLES), true),
        (roles(MAX_ROLES + 1), false),
        (groups(MAX_MAPPED_GROUPS), true),
        (groups(MAX_MAPPED_GROUPS + 1), false),
    ] {
        let (_, problems) = checked(&[("acme", text)]);
        assert_eq!(problems.is_empty(), fits, "{problems:?}");
    }
}

#[test]
fn what_is_asked_is_believed_where_the_operator_says_so() {
    for (more, prompt, fresh) in [
        ("", vec![], FreshProof::AuthTime),
        (
            "prompt = ['consent', 'login']\nfresh = 'auth_time'",
            vec![UpstreamPrompt::Consent, UpstreamPrompt::Login],
            FreshProof::AuthTime,
        ),
        (
            "prompt = ['select_account']\nfresh = 'asked'",
            vec![UpstreamPrompt::SelectAccount],
            FreshProof::Asked,
        ),
    ] {
        let (providers, problems) = checked(&[("acme", format!("{BASE}{more}"))]);
        assert_eq!(problems, Vec::<String>::new(), "{more}");
        let found = (&providers[0].prompt, providers[0].fresh);
        assert_eq!(found, (&prompt, fresh), "{more}");
    }
}

#[test]
fn what_is_unsafe_or_incomplete_is_said() {
    let all = [
        of_names_and_urls(),
        of_rules_and_secrets(),
        of_prompts_and_roles(),
    ];
    for (name, text, said) in all.concat() {
        let (providers, problems) = checked(&[(name, text.clone())]);
        assert!(providers.is_empty(), "{text}");
        assert!(
            problems.iter().any(|problem| problem.contains(said)
                && problem.starts_with(&format!("`upstream.{name}`"))),
            "{text}: {problems:?}"
        );
    }
}

#[test]
fn providers_are_told_apart_and_not_too_many() {
    let issuer = |number| BASE.replace("login.acme", &format!("login{number}"));
    let names: Vec<String> = (0..=MAX_UPSTREAMS).map(|at| format!("p{at}")).collect();
    let sections: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), issuer(at)))
        .collect();
    assert_eq!(checked(&sections[1..]).1, Vec::<String>::new());
    assert_eq!(
        checked(&sections).1,
        ["`upstream` has more than 8 providers"]
    );
    let (_, problems) = checked(&[("acme", BASE.to_owned()), ("beta", BASE.to_owned())]);
    assert!(
        problems[0].contains("that of `upstream.acme` too"),
        "{problems:?}"
    );
}

#[test]
fn what_works_and_is_hardly_meant_is_warned_of() {
    const PLAIN: &str = "issuer = 'http://127.0.0.1:8090'\nclient_id = 'writ'\n";
    for (section, words) in [
        (format!("{BASE}anyone = true"), &[][..]),
        (format!("{BASE}groups = ['G1']"), &[]),
        (BASE.to_owned(), &["nobody new comes by it"]),
        (
            format!("{PLAIN}anyone = true"),
            &["`upstream.acme.issuer` is `http`"],
        ),
        (PLAIN.to_owned(), &["is `http`", "nobody new"]),
    ] {
        let (providers, problems) = checked(&[("acme", section.clone())]);
        assert_eq!(problems, Vec::<String>::new(), "{section}");
        let warnings = providers[0].warnings();
        assert_eq!(warnings.len(), words.len(), "{warnings:?}");
        for (warning, word) in warnings.iter().zip(words) {
            assert!(warning.contains(word), "{warning}");
        }
    }
}
