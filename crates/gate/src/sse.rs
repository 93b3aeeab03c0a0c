//! Server-sent events (WHATWG HTML, section 9.2), read from the server and written to the client.

use bytes::{Buf, Bytes, BytesMut};

/// The largest event, and the longest line of one, in bytes.
pub(crate) const MAX_EVENT: usize = 4 * 1024 * 1024;

/// One event that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerEvent {
    pub(crate) id: Option<String>,
    pub(crate) data: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EventTooLarge;

/// Reads a stream piece by piece.
#[derive(Default)]
pub(crate) struct EventReader {
    buffer: BytesMut,
    event: ServerEvent,
    has_data: bool,
    is_begun: bool,
}

impl EventReader {
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), EventTooLarge> {
        self.buffer.extend_from_slice(piece);
        if !self.is_begun && self.buffer.len() >= BYTE_ORDER_MARK.len() {
            self.is_begun = true;
            if self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.advance(BYTE_ORDER_MARK.len());
            }
        }
        match self.buffer.len() > MAX_EVENT + piece.len() {
            true => Err(EventTooLarge),
            false => Ok(()),
        }
    }

    /// The next whole event.
    pub(crate) fn next(&mut self) -> Result<Option<ServerEvent>, EventTooLarge> {
        while let Some(line) = self.line() {
            if let Some(event) = self.read_line(&line)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// A line ends in CR LF, LF or CR; a CR at the end of the buffer waits for what follows.
    fn line(&mut self) -> Option<Bytes> {
        let end = self
            .buffer
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let width = match (self.buffer.get(end), self.buffer.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => 2,
            (Some(b'\r'), None) => return None,
            _ => 1,
        };
        let line = self.buffer.split_to(end).freeze();
        self.buffer.advance(width);
        Some(line)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<Option<ServerEvent>, EventTooLarge> {
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let whole = std::mem::take(&mut self.has_data);
            return Ok(whole.then_some(event));
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            // Comments, names of events, and times to reconnect.
            _ => {}
        }
        match self.event.data.len() > MAX_EVENT {
            true => Err(EventTooLarge),
            false => Ok(None),
        }
    }
}

/// One event; the text of a JSON value has no line break.
pub(crate) fn written(id: Option<&str>, json: &str) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("{id}event: message\ndata: {json}\n\n"))
}

/// A comment, so that what stands between does not close the stream, and its end is noticed.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b":\n\n");
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&str]) -> Vec<(Option<String>, String)> {
        let mut reader = EventReader::default();
        let mut found = Vec::new();
        for piece in pieces {
            reader.push(piece.as_bytes()).unwrap();
            while let Some(event) = reader.next().unwrap() {
                found.push((event.id, event.data));
            }
        }
        found
    }

    #[test]
    fn events_are_read_however_they_come() {
        let one = |id: Option<&str>, data: &str| (id.map(str::to_owned), data.to_owned());
        assert_eq!(all(&["data: a\n\n"]), [one(None, "a")]);
        assert_eq!(
            all(&["\u{feff}id: 1\r\nda", "ta:a\r", "\ndata: b\r\n\r\n"]),
            [one(Some("1"), "a\nb")]
        );
        assert_eq!(all(&[": x\n\nevent: y\n\ndata\n\n"]), [one(None, "")]);
        assert_eq!(all(&["data: a\rdata: b\r\rx"]), [one(None, "a\nb")]);
        assert_eq!(all(&["data: unfinished\n"]), []);
    }

    #[test]
    fn an_event_has_a_bound() {
        for (length, is_read) in [(MAX_EVENT, true), (MAX_EVENT + 1, false)] {
            // Two lines, with one character between them.
            let lines = [MAX_EVENT / 2, length - MAX_EVENT / 2 - 1];
            let lines = lines.map(|line| format!("data: {}\n", "x".repeat(line)));
            let mut reader = EventReader::default();
            reader
                .push(format!("{}\n", lines.concat()).as_bytes())
                .unwrap();
            let read = reader
                .next()
                .map(|event| event.map(|event| event.data.len()));
            let expected = if is_read {
                Ok(Some(length))
            } else {
                Err(EventTooLarge)
            };
            assert_eq!(read, expected, "{length}");
        }
    }

    /// What has no end yet is read no further than that, and one piece.
    #[test]
    fn a_line_that_never_ends_has_a_bound() {
        let (mut reader, piece) = (EventReader::default(), [b'x'; 64 * 1024]);
        for _ in 0..=MAX_EVENT / piece.len() {
            assert_eq!(reader.push(&piece), Ok(()));
            assert_eq!(reader.next(), Ok(None));
        }
        assert_eq!(reader.push(&piece), Err(EventTooLarge));
    }
}
