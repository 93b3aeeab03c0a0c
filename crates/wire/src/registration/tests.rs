//! What a file of a registration may hold.

use super::*;

#[test]
fn approvers_that_can_never_agree_are_refused() {
    let check = |text: &str| check_approvers(&serde_json::from_str::<Vec<_>>(text).unwrap());
    assert_eq!(check("[]"), Ok(()));
    assert_eq!(check(r#"[{"of":["bob","@owner"],"need":2}]"#), Ok(()));
    let steps = r#"[{"of":["a","b"],"need":2},{"of":["@sponsor"],"need":1}]"#;
    assert_eq!(check(steps), Ok(()));
    for bad in [
        r#"[{"of":[],"need":0}]"#,
        r#"[{"of":["bob"],"need":0}]"#,
        r#"[{"of":["bob"],"need":2}]"#,
        r#"[{"of":["@boss"],"need":1}]"#,
        r#"[{"of":["a","b"],"need":2},{"of":["a"],"need":1}]"#,
        r#"[{"of":["a","b"],"need":2},{"of":["b","c"],"need":2}]"#,
        r#"[{"of":["a","a"],"need":2}]"#,
        r#"[{"of":["@owner"],"need":1},{"of":["c","@owner"],"need":1}]"#,
        r#"[{"of":["a","b","c","d","e","f","g","h","i"],"need":1}]"#,
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
    let five = [r#"{"of":["bob"],"need":1}"#; 5].join(",");
    assert!(check(&format!("[{five}]")).is_err());
}

#[test]
fn a_reserved_or_misspelt_member_is_refused() {
    let good = r#"{"client_name":"Reports","profile":"oauth21"}"#;
    assert!(serde_json::from_str::<ClientFile>(good).is_ok());
    for name in [
        "act",
        "may_act",
        "cnf",
        "authorization_details",
        "mission",
        "redirect_uri",
    ] {
        let bad = format!(r#"{{"client_name":"Reports","profile":"oauth21","{name}":{{}}}}"#);
        assert!(serde_json::from_str::<ClientFile>(&bad).is_err(), "{name}");
    }
}
