//! `[brand]`: name, icon and colour of the operator on the pages that people see (docs/pages.md).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use writ_authority::unclear;
use writ_pages::{Accent, Brand, BrandIcon, LARGEST_ICON, LONGEST_NAME};

use super::bounded_file;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BrandFile {
    name: Option<String>,
    icon: Option<PathBuf>,
    accent: Option<String>,
    accent_dark: Option<String>,
}

/// `folder` is that of the configuration file: a command may be called anywhere.
pub(super) fn check(
    file: BrandFile,
    folder: Option<&Path>,
    problems: &mut Vec<String>,
) -> Arc<Brand> {
    let mut taken = |key: &str, why: String| {
        problems.push(format!("`brand.{key}` {why}"));
    };
    let name = file.name.filter(|name| match wrong_name(name) {
        Some(why) => {
            taken("name", why);
            false
        }
        None => true,
    });
    let icon = file.icon.and_then(|path| {
        let path = folder.map_or_else(|| path.clone(), |folder| folder.join(&path));
        let read = bounded_file::read(&path, LARGEST_ICON).and_then(BrandIcon::read);
        let why = |why| taken("icon", format!("`{}` {why}", path.display()));
        read.map_err(why).ok()
    });
    let accent = match (file.accent, file.accent_dark) {
        (None, None) => None,
        (None, Some(_)) => {
            taken("accent_dark", "needs `brand.accent`".to_owned());
            None
        }
        (Some(light), dark) => Accent::read(&light, dark.as_deref())
            .map_err(|why| taken("accent", why))
            .ok(),
    };
    Arc::new(Brand::new(name, icon, accent))
}

fn wrong_name(name: &str) -> Option<String> {
    let long = name.chars().count();
    match unclear(name) {
        _ if name.trim().is_empty() => Some("is empty".to_owned()),
        _ if long > LONGEST_NAME => Some(format!(
            "has {long} characters: at most {LONGEST_NAME} fit beside the time that is left"
        )),
        Some(why) => Some(format!("cannot be shown as it is: {why}")),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{Config, ConfigProblems};

    fn load(key: &str, value: &str) -> Result<Config, ConfigProblems> {
        let settings = [
            ("SERVER__ISSUER", "http://127.0.0.1:8080"),
            (
                "KEYS__MASTER",
                "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU",
            ),
            (key, value),
        ];
        let settings = settings.map(|(key, value)| (format!("WRIT__{key}"), value.to_owned()));
        Config::load(None, &BTreeMap::from(settings))
    }

    #[test]
    fn an_icon_lies_beside_its_file() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pages/static");
        for (folder, icon, taken) in [
            (Some(&*folder), "icon-512.png", true),
            (Some(&*folder), "../static/icon-512.png", true),
            (folder.parent(), "static/icon-512.png", true),
            (folder.parent(), "icon-512.png", false),
            (None, "icon-512.png", false),
            (
                Some(Path::new("/nowhere")),
                folder.join("icon-512.png").to_str().unwrap(),
                true,
            ),
        ] {
            let file = BrandFile {
                icon: Some(icon.into()),
                ..BrandFile::default()
            };
            let mut problems = Vec::new();
            check(file, folder, &mut problems);
            assert_eq!(
                problems.is_empty(),
                taken,
                "{folder:?} {icon}: {problems:?}"
            );
        }
    }

    #[test]
    fn a_brand_that_nobody_could_read_is_refused() {
        let file = |name: &str| format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
        let (icon, text) = (
            file("../pages/static/icon-512.png"),
            file("../pages/static/icon.svg"),
        );
        for (key, value, refused) in [
            ("NAME", "Acme", None),
            ("NAME", "Überweisung 24", None),
            ("NAME", "株式会社アクメ", None),
            ("NAME", "", Some("is empty")),
            ("NAME", "Acme ", Some("white space")),
            ("NAME", "Ac\u{202e}me", Some("U+202E")),
            ("NAME", "Ac\u{200b}me", Some("U+200B")),
            (
                "NAME",
                "A bank with a very long name",
                Some("has 28 characters"),
            ),
            ("ICON", &icon, None),
            ("ICON", &text, Some("is no PNG")),
            ("ICON", "/nowhere.png", Some("cannot be read")),
            ("ICON", "/", Some("is no file")),
            ("ACCENT", "#0a6640", None),
            ("ACCENT", "#ffcc00", Some("has a contrast of 1.")),
            ("ACCENT", "#b00020", Some("looks like `#9c2323`")),
            ("ACCENT", "red", Some("is no colour")),
            ("ACCENT_DARK", "#a9bffb", Some("needs `brand.accent`")),
        ] {
            let key = format!("BRAND__{key}");
            let problems = load(&key, value).err();
            match (refused, problems) {
                (None, problems) => assert_eq!(problems, None, "{key} {value}"),
                (Some(why), problems) => {
                    let problems = problems.unwrap_or_else(|| ConfigProblems(Vec::new())).0;
                    assert!(
                        problems.len() == 1
                            && problems[0].contains(why)
                            && problems[0].contains("`brand."),
                        "{key} {value}: {problems:?}"
                    );
                }
            }
        }
    }
}
