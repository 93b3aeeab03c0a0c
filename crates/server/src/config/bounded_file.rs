//! Files that somebody names: each is one, and ends. A device or a folder is refused before it is opened, because that or reading it may
//! take for ever. So is a pipe, but where somebody gives it to a command, which reads it once, and waits for its end as any command does.

use std::fs::{File, FileType};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// What stands for standard input where a command is given a file.
pub const STANDARD_INPUT: &str = "-";

/// The file, opened; otherwise a sentence about it, without its path. A symbolic link is followed.
pub fn open(path: &Path) -> Result<File, String> {
    open_if(path, |kind| kind.is_file())
}

/// The same of what a command is given: a file, a pipe, or standard input for [`STANDARD_INPUT`].
pub fn open_given(path: &Path) -> Result<Box<dyn Read + Send>, String> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = open_if(path, |kind| kind.is_file() || kind.is_fifo())?;
    Ok(Box::new(file))
}

/// All of it, up to `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    read_all(open(path)?, most)
}

/// The same as text.
pub fn read_text(path: &Path, most: u64) -> Result<String, String> {
    text(read(path, most)?)
}

/// The same of what a command is given.
pub fn read_given(path: &Path, most: u64) -> Result<String, String> {
    text(read_all(open_given(path)?, most)?)
}

/// How a sentence names it.
pub fn named(path: &Path) -> String {
    match path == Path::new(STANDARD_INPUT) {
        true => "standard input".to_owned(),
        false => format!("`{}`", path.display()),
    }
}

/// What is left of an opened one.
pub(super) fn read_all(file: impl Read, most: u64) -> Result<Vec<u8>, String> {
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

fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "is no text in UTF-8".to_owned())
}

fn open_if(path: &Path, is_taken: fn(FileType) -> bool) -> Result<File, String> {
    let check = |kind: FileType| match is_taken(kind) {
        true => Ok(()),
        false => Err(format!("is no file but {}", kind_of(kind))),
    };
    check(std::fs::metadata(path).map_err(unreadable)?.file_type())?;
    let file = File::open(path).map_err(unreadable)?;
    // Another may have taken its place meanwhile.
    check(file.metadata().map_err(unreadable)?.file_type())?;
    Ok(file)
}

fn kind_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
