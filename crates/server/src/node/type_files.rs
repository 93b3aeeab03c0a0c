//! The files of types of `authorization_details`.

use std::path::Path;

use crate::config::bounded_file;

/// The largest type file, in bytes.
const MAX_TYPE_FILE: u64 = 64 * 1024;
/// The most type files in one folder.
const MAX_TYPE_FILES: usize = 256;

/// Every `*.json` of the folder, by name.
pub fn type_files(folder: &Path) -> Result<Vec<String>, String> {
    let at = |e: &dyn std::fmt::Display| format!("`types.path` `{}`: {e}", folder.display());
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .map_err(|e| at(&e))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    if paths.len() > MAX_TYPE_FILES {
        return Err(at(&format!("more than {MAX_TYPE_FILES} files")));
    }
    paths.iter().map(|path| type_file(path)).collect()
}

fn type_file(path: &Path) -> Result<String, String> {
    let text = bounded_file::read_text(path, MAX_TYPE_FILE);
    text.map_err(|why| format!("`{}` {why}", path.display()))
}
