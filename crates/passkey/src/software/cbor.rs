//! A CBOR encoder (RFC 8949 section 3) for attestation objects and COSE keys.

pub(super) enum Cbor {
    Integer(i64),
    Bytes(Vec<u8>),
    Text(String),
    /// In the order given.
    Map(Vec<(Cbor, Cbor)>),
}

impl From<&str> for Cbor {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Cbor {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(value) if *value < 0 => head(1, value.unsigned_abs() - 1, out),
            Self::Integer(value) => head(0, value.unsigned_abs(), out),
            Self::Bytes(bytes) => {
                head(2, bytes.len() as u64, out);
                out.extend(bytes);
            }
            Self::Text(text) => {
                head(3, text.len() as u64, out);
                out.extend(text.as_bytes());
            }
            Self::Map(members) => {
                head(5, members.len() as u64, out);
                for (name, value) in members {
                    name.write(out);
                    value.write(out);
                }
            }
        }
    }
}

/// Major type and the shortest form of its argument.
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    if let Ok(short) = u8::try_from(argument) {
        if short < 24 {
            out.push(major | short);
        } else {
            out.extend([major | 24, short]);
        }
    } else if let Ok(short) = u16::try_from(argument) {
        out.push(major | 25);
        out.extend(short.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend(argument.to_be_bytes());
    }
}
