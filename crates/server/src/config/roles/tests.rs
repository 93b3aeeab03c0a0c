//! Each key of a role's section, with what is refused.

use super::*;

/// The rules of this text, or what is wrong with it.
fn checked(text: &str) -> Result<RoleRules, String> {
    let files = toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_owned())?;
    let mut problems = Vec::new();
    let rules = check(files, &mut problems);
    match problems.is_empty() {
        true => Ok(rules),
        false => Err(problems.join("\n")),
    }
}

const SOUND: &str = "
    [employee]
    everyone = true
    scopes = [{ resource = 'https://bank.example', scope = 'accounts:read' }]

    [payer]
    authorization_details = [
        { type = 'payment', instructed_amount = { amount = '500', currency = 'EUR' } },
    ]

    [guest]
";

#[test]
fn a_role_says_what_it_lets_people_grant() {
    let RoleRules::ByRole(rules) = checked(SOUND).unwrap() else {
        panic!("limited");
    };
    let of = |name: &str| &rules[&RoleName::parse(name).unwrap()];
    assert!(of("employee").everyone);
    assert_eq!(of("employee").ceiling.scopes.len(), 1);
    assert_eq!(of("payer").ceiling.details[0].type_name(), "payment");
    assert_eq!(of("guest"), &RoleRule::default());
    assert_eq!(
        checked(""),
        Ok(RoleRules::Unlimited),
        "as without the section"
    );
}

#[test]
fn what_is_no_role_is_refused_with_its_place() {
    for (text, expected) in [
        ("[admin]", "`roles.admin`: "),
        ("[auditor]", "are roles of operators"),
        ("[Employee]", "`roles.Employee`: "),
        ("[a]\nscope = []", "unknown field `scope`"),
        ("[a]\nlifetime = 60", "unknown field `lifetime`"),
        ("[a]\nscopes = ['accounts:read']", "struct ScopeFile"),
        (
            "[a]\nscopes = [{ scope = 'read' }]",
            "missing field `resource`",
        ),
        (
            "[a]\nscopes = [{ resource = 'bank', scope = 'read' }]",
            "bank",
        ),
        (
            "[a]\nauthorization_details = [{ amount = '1' }]",
            "has no string `type`",
        ),
        ("[a]\neveryone = 'yes'", "boolean"),
        ("a = 1", "struct RoleFile"),
    ] {
        let said = checked(text).err().unwrap_or_default();
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn there_are_not_endlessly_many() {
    let many = |count: usize| (0..count).map(|n| format!("[r{n}]\n")).collect::<String>();
    assert!(checked(&many(MAX_CONFIGURED_ROLES)).is_ok());
    let said = checked(&many(MAX_CONFIGURED_ROLES + 1)).err().unwrap();
    assert_eq!(said, "`roles` has more than 256 roles");
}

#[test]
fn a_type_that_is_not_known_is_refused_with_the_one_that_may_be_meant() {
    let payment = include_str!("../../../../../config/types/payment.json");
    let types = Types::from_documents([payment.to_owned()]).unwrap();
    assert_eq!(check_types(&checked(SOUND).unwrap(), &types), Ok(()));
    let with = |object: &str| {
        let rules = checked(&format!("[a]\nauthorization_details = [{object}]")).unwrap();
        check_types(&rules, &types).err().unwrap_or_default()
    };
    let said = with("{ type = 'paymnet' }");
    assert!(
        said.starts_with("`roles.a.authorization_details`: `/0/type`"),
        "{said}"
    );
    assert!(said.ends_with("perhaps `payment` is meant"), "{said}");
    for (object, expected) in [
        ("{ type = 'weather' }", "not known here"),
        ("{ type = 'payment', colour = 'red' }", "/0/colour"),
        (
            "{ type = 'payment', instructed_amount = 5 }",
            "/0/instructed_amount",
        ),
        ("{ type = 'payment', ref = 'x' }", "/0/ref"),
    ] {
        let said = with(object);
        assert!(said.contains(expected), "{object}: {said}");
        assert!(!said.contains("perhaps"), "{said}");
    }
}
