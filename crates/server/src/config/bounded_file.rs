//! Files that somebody names: each is one, and ends. A pipe, a device or a folder is refused before it is opened, because that or
//! reading it may take for ever.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file, opened; otherwise a sentence about it, without its path. A symbolic link is followed.
pub fn open(path: &Path) -> Result<File, String> {
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(NO_FILE.to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    match file.metadata().map_err(unreadable)?.is_file() {
        true => Ok(file),
        false => Err(NO_FILE.to_owned()),
    }
}

/// All of it, up to `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    read_all(open(path)?, most)
}

/// The same as text.
pub fn read_text(path: &Path, most: u64) -> Result<String, String> {
    let text = String::from_utf8(read(path, most)?);
    text.map_err(|_| "is no text in UTF-8".to_owned())
}

/// What is left of an opened one.
pub(super) fn read_all(file: File, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut bounded = file.take(most.saturating_add(1));
    bounded.read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 > most {
        true => Err(format!("is larger than {most} bytes")),
        false => Ok(bytes),
    }
}

pub(super) fn unreadable(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}

const NO_FILE: &str = "is no file: pipes, devices and folders are not read";
