//! The operator's icon: a square PNG (PNG third edition), whose head, order and checksums are judged before the server starts, because a
//! browser that cannot read it shows nothing, and says nothing. Its pixels are not unpacked.

/// A square PNG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandIcon {
    png: Vec<u8>,
    side: u32,
}

/// In bytes.
pub const LARGEST_ICON: u64 = 256 * 1024;
/// In pixels of one side.
const SIDES: std::ops::RangeInclusive<u32> = 192..=1024;

/// Section 5.2.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Depths of each colour type (section 11.2.1).
const DEPTHS: [(u8, &[u8]); 5] = [
    (0, &[1, 2, 4, 8, 16]),
    (2, &[8, 16]),
    (INDEXED, &[1, 2, 4, 8]),
    (4, &[8, 16]),
    (6, &[8, 16]),
];
const INDEXED: u8 = 3;

impl BrandIcon {
    pub fn read(png: Vec<u8>) -> Result<Self, String> {
        if is_markup(&png) {
            return Err(
                "is no PNG: of an SVG, which can hold scripts and refer to other sites, make a PNG"
                    .to_owned(),
            );
        }
        let chunks = png.strip_prefix(SIGNATURE).ok_or("is no PNG")?;
        let side = judged(chunks)?;
        Ok(Self { png, side })
    }

    pub(super) fn png(&self) -> &[u8] {
        &self.png
    }

    pub(super) const fn side(&self) -> u32 {
        self.side
    }
}

/// Whether it begins as XML or HTML does.
fn is_markup(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start().starts_with(b"<")
}

/// One chunk (section 5.3).
struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The first one, and what follows it.
    fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let checked = rest.get(..length.checked_add(4)?)?;
        let (sum, after) = rest.get(checked.len()..)?.split_first_chunk::<4>()?;
        let (kind, data) = checked.split_at_checked(4)?;
        (crc(checked) == u32::from_be_bytes(*sum)).then_some((Self { kind, data }, after))
    }
}

/// The length of one side. Each chunk is whole by its checksum and in its place (section 5.6).
fn judged(bytes: &[u8]) -> Result<u32, String> {
    const BROKEN: &str = "is a PNG that ends too early, or was damaged";
    let (head, mut rest) = Chunk::first(bytes).ok_or(BROKEN)?;
    let (side, colour) = header(&head)?;
    let (mut palette, mut pixels, mut before) = (false, 0_usize, head.kind);
    loop {
        let (chunk, after) = Chunk::first(rest).ok_or(BROKEN)?;
        match chunk.kind {
            b"PLTE" if pixels == 0 && !palette => palette = true,
            b"IDAT" if pixels == 0 || before == b"IDAT" => pixels += chunk.data.len(),
            b"IEND" if pixels > 0 && (palette || colour != INDEXED) && after.is_empty() => {
                return Ok(side);
            }
            // It would move, at the place by which people know the server (PNG third edition, section 11.3.7).
            b"acTL" => return Err("is an animated PNG: one picture is needed".to_owned()),
            // Whoever does not know a chunk leaves it out, if its name says so (section 5.4).
            kind if kind.first().is_some_and(u8::is_ascii_lowercase) => {}
            _ => return Err("is a PNG whose parts are not in order".to_owned()),
        }
        (before, rest) = (chunk.kind, after);
    }
}

/// Section 11.2.1: the side, and the colour type.
fn header(chunk: &Chunk<'_>) -> Result<(u32, u8), String> {
    let no_header = || "is a PNG without the head of one".to_owned();
    let (b"IHDR", &[a, b, c, d, e, f, g, h, depth, colour, 0, 0, 0 | 1]) = (chunk.kind, chunk.data)
    else {
        return Err(no_header());
    };
    let depths = DEPTHS.iter().find(|(kind, _)| *kind == colour);
    if !depths.is_some_and(|(_, depths)| depths.contains(&depth)) {
        return Err(no_header());
    }
    let (width, height) = (
        u32::from_be_bytes([a, b, c, d]),
        u32::from_be_bytes([e, f, g, h]),
    );
    if width != height || !SIDES.contains(&width) {
        let (least, most) = (SIDES.start(), SIDES.end());
        return Err(format!(
            "has {width} x {height} pixels: a square of {least} to {most} is needed"
        ));
    }
    Ok((width, colour))
}

/// Annex D: CRC-32.
fn crc(bytes: &[u8]) -> u32 {
    let folded = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| match sum & 1 {
            1 => (sum >> 1) ^ 0xedb8_8320,
            _ => sum >> 1,
        })
    });
    !folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        let sum = crc(&[kind, data].concat()).to_be_bytes();
        [&length, kind, data, &sum].concat()
    }

    fn header(width: u32, height: u32, [depth, colour]: [u8; 2]) -> Vec<u8> {
        let data = [
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[depth, colour, 0, 0, 0],
        ];
        chunk(b"IHDR", &data.concat())
    }

    fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
        [SIGNATURE, &chunks.concat()].concat()
    }

    /// The check value of CRC-32/ISO-HDLC.
    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn icons_of_others_are_taken() {
        for (bytes, side) in [
            (&include_bytes!("../static/icon-192.png")[..], 192),
            (include_bytes!("../static/icon-512.png"), 512),
            (include_bytes!("../static/icon-maskable.png"), 512),
        ] {
            assert_eq!(BrandIcon::read(bytes.to_vec()).unwrap().side, side);
        }
    }

    const RGB: [u8; 2] = [8, 2];

    fn head(kind: [u8; 2]) -> Vec<u8> {
        header(512, 512, kind)
    }

    fn pixels() -> Vec<u8> {
        chunk(b"IDAT", b"x")
    }

    fn palette() -> Vec<u8> {
        chunk(b"PLTE", b"rgb")
    }

    fn text() -> Vec<u8> {
        chunk(b"tEXt", b"made by")
    }

    fn end() -> Vec<u8> {
        chunk(b"IEND", b"")
    }

    #[test]
    fn what_browsers_show_is_taken() {
        let [rgb, indexed] = [RGB, [8, INDEXED]];
        for good in [
            png(&[head(rgb), pixels(), end()]),
            png(&[
                head(rgb),
                text(),
                palette(),
                pixels(),
                pixels(),
                text(),
                end(),
            ]),
            png(&[head(indexed), palette(), pixels(), end()]),
        ] {
            assert_eq!(BrandIcon::read(good).unwrap().side, 512);
        }
    }

    #[test]
    fn what_no_browser_shows_is_refused() {
        let [rgb, indexed] = [RGB, [8, INDEXED]];
        let ours = include_bytes!("../static/icon-192.png").to_vec();
        let damaged = |at: usize| {
            let mut bytes = ours.clone();
            bytes[at] ^= 1;
            bytes
        };
        let in_order = "not in order";
        for (bytes, why) in [
            (png(&[header(512, 511, rgb), pixels(), end()]), "512 x 511"),
            (png(&[header(64, 64, rgb), pixels(), end()]), "64 x 64"),
            (
                png(&[header(2048, 2048, rgb), pixels(), end()]),
                "2048 x 2048",
            ),
            (png(&[head([3, 2]), pixels(), end()]), "head"),
            (png(&[head([8, 5]), pixels(), end()]), "head"),
            (png(&[pixels(), end()]), "head"),
            (png(&[head(rgb), end()]), in_order),
            (png(&[head(rgb), head(rgb), pixels(), end()]), in_order),
            (png(&[head(indexed), pixels(), end()]), in_order),
            (png(&[head(indexed), pixels(), palette(), end()]), in_order),
            (
                png(&[head(rgb), pixels(), text(), pixels(), end()]),
                in_order,
            ),
            (
                png(&[head(rgb), chunk(b"XXXX", b""), pixels(), end()]),
                in_order,
            ),
            (png(&[head(rgb), pixels(), end(), end()]), in_order),
            (
                png(&[head(rgb), chunk(b"acTL", &[0; 8]), pixels(), end()]),
                "animated",
            ),
            (png(&[head(rgb), pixels()]), "too early"),
            (ours[..ours.len() - 1].to_vec(), "too early"),
            (ours[..24].to_vec(), "too early"),
            (damaged(ours.len() / 2), "damaged"),
            (damaged(ours.len() - 1), "damaged"),
            (damaged(20), "damaged"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "too early"),
            (
                b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
                "of an SVG",
            ),
            (
                b"\xef\xbb\xbf \n<?xml version='1.0'?><svg/>".to_vec(),
                "of an SVG",
            ),
            (b"\xff\xd8\xff\xe0".to_vec(), "no PNG"),
            (Vec::new(), "no PNG"),
        ] {
            let refused = BrandIcon::read(bytes).unwrap_err();
            assert!(refused.contains(why), "{why}: {refused}");
        }
    }
}
