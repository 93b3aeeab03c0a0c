//! The bounds of the configuration: of files that it names, of its numbers and of its lists. At a bound all is well, and beyond it nothing
//! starts.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use writ_server::config::Config;
use writ_server::node::type_files::type_files;

use super::tls_pairs::{FIRST_CERTIFICATE, FIRST_KEY};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const MASTER: &str = "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU";
/// The public key of RFC 7515 appendix A.3.
const KEY_SET: &str = r#"{"keys":[{"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

/// A folder of this test's own, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("writ-sizes-{name}-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir(&folder.0).unwrap();
        folder
    }

    /// A file that its owner alone may read; its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// With empty lines up to so many bytes.
fn filled(text: &str, bytes: usize) -> String {
    format!("{text}{}", "\n".repeat(bytes - text.len()))
}

/// What is wrong with a configuration of the environment, in words.
fn problems(variables: &[(&str, &str)]) -> String {
    let variables = variables.iter();
    let environment: BTreeMap<String, String> = variables
        .map(|(name, value)| (format!("WRIT__{name}"), (*value).to_owned()))
        .collect();
    let loaded = Config::load(None, &environment).err();
    loaded.map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn a_file_of_the_configuration_has_a_largest_size() {
    let folder = Folder::new("settings");
    let certificate = folder.file("tls.pem", FIRST_CERTIFICATE);
    let key = folder.file("tls.key", FIRST_KEY);
    let seer = [
        ("LIVENESS__URL", "https://seer.example/look"),
        ("LIVENESS__ISSUER", "https://seer.example"),
        ("KEYS__MASTER", MASTER),
    ];
    let with = |name, path| vec![(name, path), ("KEYS__MASTER", MASTER)];
    for (name, beside, text, most) in [
        (
            "SERVER__TLS__CERTIFICATE",
            with("SERVER__TLS__KEY", key.as_str()),
            FIRST_CERTIFICATE,
            256 * KIB,
        ),
        (
            "SERVER__TLS__KEY",
            with("SERVER__TLS__CERTIFICATE", certificate.as_str()),
            FIRST_KEY,
            64 * KIB,
        ),
        ("LIVENESS__KEYS_FILE", seer.to_vec(), KEY_SET, 64 * KIB),
        ("KEYS__MASTER_FILE", Vec::new(), MASTER, 64 * KIB),
        (
            "OUTBOUND__CA_FILE",
            vec![("KEYS__MASTER", MASTER)],
            FIRST_CERTIFICATE,
            4 * MIB,
        ),
    ] {
        let said = |bytes: usize| {
            let path = folder.file("filled", &filled(text, bytes));
            let mut variables = beside.clone();
            variables.extend([
                ("SERVER__ISSUER", "https://localhost:9"),
                (name, path.as_str()),
            ]);
            problems(&variables)
        };
        assert_eq!(said(most), "", "{name}");
        let over = said(most + 1);
        let why = format!("is larger than {most} bytes");
        assert!(over.contains(&why), "{name}: {over}");
    }
}

#[test]
fn the_configuration_itself_has_a_largest_size() {
    let folder = Folder::new("itself");
    let text =
        format!("[server]\nissuer = \"https://localhost:9\"\n[keys]\nmaster = \"{MASTER}\"\n");
    for (bytes, why) in [(MIB, ""), (MIB + 1, "is larger than 1048576 bytes")] {
        let path = PathBuf::from(folder.file("writ.toml", &filled(&text, bytes)));
        let loaded = Config::load(Some(&path), &BTreeMap::new()).err();
        let said = loaded.map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(said.is_empty(), why.is_empty(), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_folder_of_types_has_a_number_of_files_and_each_a_largest_size() {
    let folder = Folder::new("types");
    for number in 0..256 {
        folder.file(&format!("{number}.json"), "{}");
    }
    folder.file("README.md", "no type");
    assert_eq!(type_files(&folder.0).unwrap().len(), 256);
    let more = PathBuf::from(folder.file("more.json", "{}"));
    let said = type_files(&folder.0).unwrap_err();
    assert!(said.contains("more than 256 files"), "{said}");
    std::fs::remove_file(more).unwrap();

    folder.file("0.json", &filled("{}", 64 * KIB));
    assert_eq!(type_files(&folder.0).unwrap().len(), 256);
    folder.file("0.json", &filled("{}", 64 * KIB + 1));
    let said = type_files(&folder.0).unwrap_err();
    assert!(
        said.contains("0.json` is larger than 65536 bytes"),
        "{said}"
    );
}

#[test]
fn numbers_and_lists_of_the_configuration_have_bounds() {
    let hosts = |count: usize| {
        let hosts = (0..count).map(|n| format!("h{n}.example"));
        hosts.collect::<Vec<_>>().join(",")
    };
    let number = |n: u64| n.to_string();
    for (name, good, bad) in [
        (
            "SERVER__DRAIN_SECONDS",
            vec![number(0), number(60)],
            vec![number(61)],
        ),
        (
            "AUDIT__RETENTION_DAYS",
            vec![number(30), number(36_500)],
            vec![number(29), number(36_501)],
        ),
        (
            "REGISTRATION__PER_ADDRESS",
            vec![number(1), number(100_000)],
            vec![number(0), number(100_001)],
        ),
        (
            "REGISTRATION__IN_ALL",
            vec![number(1), number(100_000)],
            vec![number(0), number(100_001)],
        ),
        (
            "REGISTRATION__UNUSED_HOURS",
            vec![number(1), number(720)],
            vec![number(0), number(721)],
        ),
        (
            "PROMPTS__PER_PERSON",
            vec![number(1), number(1_000_000)],
            vec![number(0), number(1_000_001)],
        ),
        ("GUESTS__HOSTS", vec![hosts(1024)], vec![hosts(1025)]),
        ("GUESTS__DENY", vec![hosts(1024)], vec![hosts(1025)]),
    ] {
        let key = name.to_ascii_lowercase().replace("__", ".");
        let said = |value: &str| {
            problems(&[
                ("SERVER__ISSUER", "https://localhost:9"),
                ("KEYS__MASTER", MASTER),
                (name, value),
            ])
        };
        for value in good {
            assert_eq!(said(&value), "", "{name}");
        }
        for value in bad {
            let why = said(&value);
            assert!(why.contains(&format!("`{key}`")), "{name}: {why}");
        }
    }
}
