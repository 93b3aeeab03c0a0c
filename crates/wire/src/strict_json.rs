//! JSON of strangers, wherever it is read: a member that stands twice in one object is refused, because two readers could take two
//! different ones (RFC 8259 section 4), and so are control characters in names and texts (`text.rs`).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};

use crate::text;

/// Reads a value, after the whole text was checked: also members that the value does not know.
pub fn read<T: DeserializeOwned>(json: impl AsRef<[u8]>) -> Result<T, serde_json::Error> {
    let bytes = json.as_ref();
    serde_json::from_slice::<Checked>(bytes)?;
    serde_json::from_slice(bytes)
}

/// A value of which nothing is kept.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checker)
    }
}

struct Checker;

impl<'de> Visitor<'de> for Checker {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Checked, E> {
        check_text(text).map(|()| Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Checked, A::Error> {
        while let Some(Checked) = items.next_element()? {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Checked, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some((Name(name), Checked)) = members.next_entry()? {
            check_text(&name)?;
            if seen.contains(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            if is_private(&name) {
                return Err(A::Error::custom("a name that the parser keeps for itself"));
            }
            seen.insert(name);
        }
        Ok(Checked)
    }
}

/// Of an object with such a member alone `serde_json` makes the value that stands in its text, if a crate asked for `raw_value` or
/// `arbitrary_precision`: every other reader would see another one.
pub(crate) fn is_private(name: &str) -> bool {
    name.starts_with("$serde_json::private::")
}

/// The name of a member, borrowed where it has no escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameReader).map(Self)
    }
}

struct NameReader;

impl<'de> Visitor<'de> for NameReader {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

fn check_text<E: Error>(text: &str) -> Result<(), E> {
    match text::control_in(text) {
        Some(c) => Err(E::custom(format_args!(
            "a text has the control character {}",
            text::code_point(c)
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[test]
    fn rfc_8259_4_a_member_that_stands_twice_is_refused_at_every_depth() {
        let good = r#"{"a":[1,-2,3.5,true,null,"x",{"b":{}}],"c":"d","a\n":"tab\t"}"#;
        assert_eq!(
            read::<Value>(good).unwrap(),
            serde_json::from_str::<Value>(good).unwrap()
        );
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"[{"a":1,"\u0061":2}]"#,
            r#"{"a":1} x"#,
            "",
        ] {
            assert!(read::<Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_object_is_never_read_as_the_json_in_its_text() {
        for name in ["RawValue", "Number", "more"] {
            for bad in [
                format!(r#"{{"$serde_json::private::{name}":"1"}}"#),
                format!(r#"{{"a":[{{"\u0024serde_json::private::{name}":"{{}}"}}]}}"#),
            ] {
                assert!(read::<Value>(&bad).is_err(), "{bad}");
            }
        }
        let harmless = r#"{"$serde_json":"1","serde_json::private::RawValue":"1"}"#;
        assert_eq!(
            read::<Value>(harmless).unwrap().as_object().unwrap().len(),
            2
        );
    }

    #[test]
    fn members_that_nobody_asked_for_are_checked_too() {
        #[derive(Debug, Deserialize)]
        struct Known {
            a: u8,
        }
        assert_eq!(read::<Known>(r#"{"a":1,"b":2}"#).unwrap().a, 1);
        for bad in [
            r#"{"a":1,"b":2,"b":2}"#,
            r#"{"a":1,"b":"\u0000"}"#,
            r#"{"a":1,"b":[{"\u001b":1}]}"#,
        ] {
            assert!(read::<Known>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn text_that_is_none_is_refused() {
        for bad in [
            r#"{"a":"\u0000"}"#,
            r#"{"a":["\u009b"]}"#,
            "{\"a\":\"\u{7f}\"}",
            r#""\ud800""#,
            r#"{"\udc00":1}"#,
            "\u{feff}{}",
        ] {
            assert!(read::<Value>(bad).is_err(), "{bad}");
        }
        assert!(read::<Value>(b"\"\xff\"").is_err());
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(read::<Value>(deep).is_err());
    }
}
