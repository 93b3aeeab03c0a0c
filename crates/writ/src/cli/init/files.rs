//! The configuration, the master key and the types that `writ init` writes.

use std::path::Path;

use writ_platform::Random;

use super::staging::Staging;

pub const CONFIG: &str = "writ.toml";
pub(super) const MASTER_KEY: &str = "writ-master.key";
pub(super) const TYPES: &str = "types";
pub(super) const DATABASE: &str = "writ.db";
/// Passkeys need a host name, so this is not an address.
pub(super) const ISSUER: &str = "http://localhost:8080";

/// Of the shipped configuration; what follows it holds for a folder of `init` alone.
const HEAD_END: &str = "# A server reads it when it starts: restart it after a change.";
const ABSOLUTE_PATHS: &str = "\
# `url`, `path` and `master_file` are absolute, so that commands work from every folder. If this one
# is moved or copied, change all three: until then a copy works on the database of the original.";

const SHIPPED_CONFIG: &str = include_str!("../../../../../config/writ.toml");

/// A file of `config/types`.
macro_rules! shipped_types {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../../../../../config/types/", $name)))),*]
    };
}

const SHIPPED_TYPES: [(&str, &str); 3] =
    shipped_types!["calendar.json", "mcp_tool_call.json", "payment.json",];

pub(super) fn write(staging: &Staging) -> Result<(), String> {
    staging.file(MASTER_KEY, 0o400, &Random::System.secret())?;
    staging.folder(TYPES)?;
    for (name, text) in SHIPPED_TYPES {
        staging.file(&format!("{TYPES}/{name}"), 0o644, text)?;
    }
    staging.file(CONFIG, 0o600, &config(staging.target())?)
}

/// The shipped configuration with paths that hold from everywhere.
fn config(target: &Path) -> Result<String, String> {
    let path = |name: &str| text(&target.join(name)).map(str::to_owned);
    let database = database_url(&target.join(DATABASE))?;
    let lines = [
        (HEAD_END, format!("{HEAD_END}\n{ABSOLUTE_PATHS}")),
        ("url = \"sqlite:writ.db\"", setting("url", &database)),
        ("path = \"config/types\"", setting("path", &path(TYPES)?)),
        (
            "master_file = \"writ-master.key\"",
            setting("master_file", &path(MASTER_KEY)?),
        ),
        (
            "metrics_listen = \"127.0.0.1:9090\"",
            "# metrics_listen = \"127.0.0.1:9090\"".to_owned(),
        ),
    ];
    let mut config = SHIPPED_CONFIG.replace("--config config/writ.toml", "--config writ.toml");
    for (shipped, own) in lines {
        config = with_line(&config, shipped, &own)?;
    }
    Ok(config)
}

/// A JSON string is a basic string of TOML.
fn setting(key: &str, value: &str) -> String {
    format!("{key} = {}", serde_json::Value::from(value))
}

/// `sqlite:` and the path, in which a percent sign and a question mark are escaped.
pub(super) fn database_url(path: &Path) -> Result<String, String> {
    let path = text(path)?.replace('%', "%25").replace('?', "%3F");
    Ok(format!("sqlite:{path}"))
}

pub(super) fn text(path: &Path) -> Result<&str, String> {
    let refused = || format!("`{}`: the path is no UTF-8", path.display());
    path.to_str().ok_or_else(refused)
}

fn with_line(config: &str, shipped: &str, own: &str) -> Result<String, String> {
    if config.lines().filter(|line| *line == shipped).count() != 1 {
        return Err(format!(
            "the shipped configuration has no one line `{shipped}`"
        ));
    }
    let lines = config
        .lines()
        .map(|line| if line == shipped { own } else { line });
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_type_is_written() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/types");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, SHIPPED_TYPES.map(|(name, _)| name));
    }

    #[test]
    fn the_configuration_names_the_folder() {
        let config = config(Path::new("/a \"b\"/50%?")).unwrap();
        for line in [
            "issuer = \"http://localhost:8080\"",
            "listen = \"127.0.0.1:8080\"",
            "url = \"sqlite:/a \\\"b\\\"/50%25%3F/writ.db\"",
            "path = \"/a \\\"b\\\"/50%?/types\"",
            "master_file = \"/a \\\"b\\\"/50%?/writ-master.key\"",
            ABSOLUTE_PATHS.lines().next().unwrap(),
        ] {
            assert!(config.lines().any(|one| one == line), "{line}");
        }
    }
}
