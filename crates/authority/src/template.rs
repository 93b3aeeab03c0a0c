//! The template language of sentences: `{/member}` is a value, `{/list:and}` a list with the word before its last item,
//! `{/number:time/times}` a number with the word for one or for several after it;
//! `[, only for {/member}|, for anything]` is the first half if all its values are present, otherwise the second.

use crate::pointer;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Slot(Slot),
    Choice {
        given: Vec<Part>,
        otherwise: Vec<Part>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) pointer: String,
    pub(crate) names: Vec<String>,
    /// The word before the last item of a list; after a number, the word for one and for several.
    pub(crate) joint: Option<String>,
}

impl Slot {
    /// The word after this number.
    pub(crate) fn counted(&self, number: &str) -> Option<&str> {
        let (one, several) = self.joint.as_deref()?.split_once('/')?;
        Some(if number == "1" { one } else { several })
    }
}

/// Parses one sentence. The error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['[', ']']) {
        let (plain, tail) = rest
            .split_at_checked(open)
            .ok_or("is cut inside a character")?;
        parts.extend(parse_flat(plain)?);
        let inner = tail.strip_prefix('[').ok_or("has a `]` without `[`")?;
        let (inner, after) = inner.split_once(']').ok_or("has a `[` without `]`")?;
        if inner.contains('[') {
            return Err("has a `[` inside `[`".into());
        }
        let (given, otherwise) = inner.split_once('|').unwrap_or((inner, ""));
        let choice = Part::Choice {
            given: parse_flat(given)?,
            otherwise: parse_flat(otherwise)?,
        };
        parts.push(choice);
        rest = after;
    }
    parts.extend(parse_flat(rest)?);
    Ok(parts)
}

fn parse_flat(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((plain, tail)) = rest.split_once('{') {
        let (slot, after) = tail.split_once('}').ok_or("has a `{` without `}`")?;
        let (pointer, joint) = match slot.split_once(':') {
            Some((pointer, joint)) => (pointer, Some(joint.to_owned())),
            None => (slot, None),
        };
        let names =
            pointer::names(pointer).ok_or_else(|| format!("`{slot}` is no JSON pointer"))?;
        push_text(&mut parts, plain)?;
        parts.push(Part::Slot(Slot {
            pointer: pointer.to_owned(),
            names,
            joint,
        }));
        rest = after;
    }
    push_text(&mut parts, rest)?;
    Ok(parts)
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), String> {
    if text.contains('}') {
        return Err("has a `}` without `{`".into());
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

/// All values of a sentence, and whether each is inside brackets.
pub(crate) fn slots(parts: &[Part]) -> Vec<(&Slot, Place)> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Slot(slot) => found.push((slot, Place::Always)),
            Part::Choice { given, otherwise } => {
                found.extend(
                    slots(given)
                        .into_iter()
                        .map(|(slot, _)| (slot, Place::IfGiven)),
                );
                // The second half is shown only if a value of the first is absent.
                found.extend(
                    slots(otherwise)
                        .into_iter()
                        .map(|(slot, _)| (slot, Place::Instead)),
                );
            }
        }
    }
    found
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Always,
    IfGiven,
    Instead,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_lists_and_choices() {
        let parts = parse("Pay {/a}[, for {/b}|, for all] {/c:and}.").unwrap();
        assert_eq!(parts.len(), 6);
        let found: Vec<_> = slots(&parts)
            .iter()
            .map(|(s, p)| (s.pointer.clone(), *p))
            .collect();
        let expected = [
            ("/a", Place::Always),
            ("/b", Place::IfGiven),
            ("/c", Place::Always),
        ];
        assert_eq!(found, expected.map(|(s, p)| (s.to_owned(), p)));
    }

    #[test]
    fn what_does_not_close_is_refused() {
        for bad in ["{/a", "/a}", "[x", "x]", "[a [b] c]", "{a}", "{}", "[{/a]}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
