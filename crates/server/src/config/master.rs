//! The master key, from the configuration or from a file.

use writ_jose::seal::MasterKey;

use super::{KeysFile, secret_file};

pub(super) fn master(keys: &KeysFile, problems: &mut Vec<String>) -> Option<MasterKey> {
    let text = match (&keys.master, &keys.master_file) {
        (Some(_), Some(_)) => Err("`keys.master` and `keys.master_file` are both set".to_owned()),
        (Some(text), None) => Ok(text.clone()),
        (None, Some(path)) => secret_file::read(path)
            .map_err(|why| format!("`keys.master_file`: `{}` {why}", path.display())),
        (None, None) => Err(
            "`keys.master_file` is missing: 32 random bytes in base64url, made for instance by \
             `openssl rand 32 | basenc --base64url | tr -d = > master.key && chmod 0400 master.key`"
                .to_owned(),
        ),
    };
    let key = text.and_then(|text| {
        MasterKey::from_base64url(text.trim())
            .map_err(|e| format!("`keys.master` is not usable: {e}"))
    });
    key.map_err(|problem| problems.push(problem)).ok()
}
