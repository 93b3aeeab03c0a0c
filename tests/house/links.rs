//! Links between the pages lead to files and headings that there are.

use super::{files, none, root};

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = files();
    let pages = pages.iter().filter(|(name, _)| name.ends_with(".md"));
    let mut problems = Vec::new();
    for (name, text) in pages {
        for (number, line) in text.lines().enumerate() {
            let broken = targets(line).filter(|target| !leads_somewhere(name, target));
            problems.extend(broken.map(|target| format!("{name}:{}: `{target}`", number + 1)));
        }
    }
    none(&problems);
}

/// What stands in the brackets of `[text](target)`, but addresses elsewhere.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let links = line.split("](").skip(1);
    let targets = links.filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://"))
}

fn leads_somewhere(page: &str, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let page = root().join(page);
    let path = match file {
        "" => page,
        file => page.parent().unwrap().join(file),
    };
    if heading.is_empty() {
        return path.exists();
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).any(|anchor| anchor == heading)
}

/// As GitHub makes it: small letters, spaces as hyphens, and nothing else but digits, hyphens and underscores.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_and_headings_are_read() {
    let line = "see [a](x.md), [b](y/z.md#some-heading) and [c](https://example.org)";
    assert_eq!(
        targets(line).collect::<Vec<_>>(),
        ["x.md", "y/z.md#some-heading"]
    );
    assert_eq!(anchor("## A server of your own"), "a-server-of-your-own");
    assert_eq!(anchor("## CLIENT.json"), "clientjson");
    assert!(!leads_somewhere("README.md", "docs/nonsense.md"));
    assert!(!leads_somewhere("README.md", "docs/README.md#nonsense"));
    assert!(leads_somewhere("README.md", "docs/README.md#words"));
}
