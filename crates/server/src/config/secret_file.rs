//! Files with secrets: whoever may read one is who may sign tokens, so none but this process's user may.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::bounded_file;

/// The largest file with a secret, in bytes: a private key in PEM has a few thousand.
const MAX_BYTES: u64 = 64 * 1024;

/// Permission bits of a file's mode.
const GROUP_READS: u32 = 0o040;
const OTHERS_OR_GROUP: u32 = 0o077;
const ROOT: u32 = 0;

/// The text of a file that is as private as a key must be; otherwise a sentence about it, without `key` and path. A symbolic link is
/// followed: what counts is the file.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let file = bounded_file::open(path)?;
    let metadata = file.metadata().map_err(bounded_file::unreadable)?;
    FileAccess::of(&metadata).check(effective_user(), path)?;
    let text = Zeroizing::new(bounded_file::read_all(file, MAX_BYTES)?);
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err("is no text in UTF-8".to_owned()),
    }
}

/// Who owns a file, and who may do what with it.
#[derive(Clone, Copy)]
struct FileAccess {
    owner: u32,
    mode: u32,
}

impl FileAccess {
    fn of(metadata: &Metadata) -> Self {
        Self {
            owner: metadata.uid(),
            mode: metadata.mode(),
        }
    }

    /// `user`: of this process, where that is known.
    fn check(self, user: Option<u32>, path: &Path) -> Result<(), String> {
        let path = path.display();
        if let Some(user) = user
            && ![user, ROOT].contains(&self.owner)
        {
            return Err(format!(
                "belongs to user {}, who is neither root nor user {user} of this process: `chown {user} {path}`",
                self.owner
            ));
        }
        let open = self.mode & OTHERS_OR_GROUP;
        // Root's file reaches a process of another user by its group alone: a secret of Kubernetes with `fsGroup`, a credential of systemd.
        let is_handed_over = self.owner == ROOT && user.is_some_and(|user| user != ROOT);
        if open == 0 || (is_handed_over && open == GROUP_READS) {
            return Ok(());
        }
        Err(format!(
            "may be read or changed by others than its owner (mode {:04o}): `chmod 0400 {path}`",
            self.mode & 0o7777
        ))
    }
}

/// The effective user of this process (proc(5)); unknown where there is no such file.
fn effective_user() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    // Real, effective, saved, of the file system.
    users.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Permissions of a file, its owner, the process's user, and what the sentence says; none where the file is read.
    const CASES: [(u32, u32, u32, Option<&str>); 17] = [
        (0o400, 1000, 1000, None),
        (0o600, 1000, 1000, None),
        (0o700, 1000, 1000, None),
        (0o640, 1000, 1000, Some("chmod 0400")),
        (0o604, 1000, 1000, Some("chmod 0400")),
        (0o644, 1000, 1000, Some("chmod 0400")),
        (0o620, 1000, 1000, Some("chmod 0400")),
        (0o610, 1000, 1000, Some("chmod 0400")),
        // Kubernetes with `fsGroup`.
        (0o440, ROOT, 1000, None),
        (0o640, ROOT, 1000, None),
        (0o460, ROOT, 1000, Some("chmod 0400")),
        (0o444, ROOT, 1000, Some("chmod 0400")),
        (0o400, ROOT, ROOT, None),
        // Root needs no group.
        (0o440, ROOT, ROOT, Some("chmod 0400")),
        (0o644, ROOT, ROOT, Some("chmod 0400")),
        (0o400, 1001, 1000, Some("chown 1000")),
        (0o400, 1001, ROOT, Some("chown 0")),
    ];

    #[test]
    fn a_key_is_for_the_process_alone() {
        for (mode, owner, user, sentence) in CASES {
            let access = FileAccess { owner, mode };
            let checked = access.check(Some(user), Path::new("/etc/writ/key"));
            let what = format!("{mode:o} of {owner}, read by {user}: {checked:?}");
            match sentence {
                None => assert_eq!(checked, Ok(()), "{what}"),
                Some(sentence) => {
                    let said = checked.expect_err(&what);
                    assert!(said.contains(sentence), "{what}");
                    assert!(said.contains("/etc/writ/key"), "{what}");
                }
            }
        }
    }
}
