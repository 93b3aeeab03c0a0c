//! The operator's name, icon and colour in the place of ours. Words and the order of a page stay, and no colour is taken that
//! somebody could not read (WCAG 2.2, success criterion 1.4.3).

use http::Response;

use super::assets::{self, Asset};

/// What stands in the banner of each page, and on the phone where the app is installed. The default is Writ's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    name: Option<String>,
    icon: Option<BrandIcon>,
    /// The stylesheet that holds the colours, and its address.
    style: Option<(String, String)>,
    theme: Option<String>,
}

/// A square PNG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandIcon {
    png: Vec<u8>,
    side: u32,
}

/// One colour for links and for the button that agrees, on light pages and on dark ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    light: Colour,
    dark: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour([u8; 3]);

/// Of a name, in characters: the banner of a small phone holds no more beside the time that is left.
pub const LONGEST_NAME: usize = 24;
/// Of an icon, in bytes.
pub const LARGEST_ICON: u64 = 256 * 1024;
/// Of an icon, in pixels of one side.
const ICON_SIDES: std::ops::RangeInclusive<u32> = 192..=1024;
/// Of text to what it stands on, WCAG 2.2 level AA.
const READABLE: f64 = 4.5;

/// What text stands on, in the order of `writ.css`: `--paper`, `--sheet`, `--tint`.
const LIGHT: [Colour; 3] = [
    Colour([0xf4, 0xf2, 0xed]),
    Colour([0xff, 0xff, 0xff]),
    Colour([0xee, 0xf1, 0xf8]),
];
const DARK: [Colour; 3] = [
    Colour([0x10, 0x12, 0x17]),
    Colour([0x19, 0x1c, 0x23]),
    Colour([0x23, 0x2a, 0x3b]),
];
const BLACK: Colour = Colour([0, 0, 0]);
const WHITE: Colour = Colour([0xff, 0xff, 0xff]);
/// `--on-accent` of dark pages, and its like on light ones.
const INK: Colour = Colour([0x12, 0x18, 0x2a]);

impl Brand {
    pub fn new(name: Option<String>, icon: Option<BrandIcon>, accent: Option<Accent>) -> Self {
        let style = accent.map(|accent| {
            let css = accent.css();
            (assets::named_by(css.as_bytes(), "brand", "css"), css)
        });
        Self {
            name,
            icon,
            style,
            theme: accent.map(|accent| accent.light.text()),
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The length of one side of the icon, in pixels; `None`: it is ours.
    pub(super) fn icon_side(&self) -> Option<u32> {
        self.icon.as_ref().map(|icon| icon.side)
    }

    pub(super) fn has_icon(&self) -> bool {
        self.icon.is_some()
    }

    /// The address of the colours.
    pub(super) fn colours_path(&self) -> Option<&str> {
        self.style.as_ref().map(|(path, _)| path.as_str())
    }

    pub(super) fn theme(&self) -> Option<&str> {
        self.theme.as_deref()
    }

    /// Every file that is the same for everybody: its path, and the answer to `GET`.
    pub fn assets(&self) -> Vec<(String, Response<Asset>)> {
        let mut all = assets::assets(self.icon.as_ref().map(|icon| icon.png.as_slice()));
        if let Some((path, css)) = &self.style {
            all.push((path.clone(), assets::stylesheet(css)));
        }
        all
    }
}

impl BrandIcon {
    /// By its signature and its first chunk (PNG third edition, sections 5.2 and 11.2.1): browsers judge the rest.
    pub fn read(png: Vec<u8>) -> Result<Self, String> {
        let (Some(SIGNATURE), Some(size)) = (png.get(..16), png.get(16..24)) else {
            return Err("is no PNG".to_owned());
        };
        let side = |at: usize| {
            let bytes = size.get(at..at + 4).and_then(|four| four.try_into().ok());
            bytes.map_or(0, u32::from_be_bytes)
        };
        let (width, height) = (side(0), side(4));
        if width != height || !ICON_SIDES.contains(&width) {
            let (least, most) = (ICON_SIDES.start(), ICON_SIDES.end());
            return Err(format!(
                "has {width} x {height} pixels: a square of {least} to {most} is needed"
            ));
        }
        Ok(Self { png, side: width })
    }
}

impl Accent {
    /// `#rrggbb` of light pages and of dark ones; where the latter is not said, it is the lighter one of the same hue that can be read.
    pub fn read(light: &str, dark: Option<&str>) -> Result<Self, String> {
        let light = Colour::read(light)?;
        light.is_readable_on(&LIGHT, "light")?;
        let dark = match dark {
            Some(dark) => Colour::read(dark)?,
            None => light.until_readable_on(&DARK),
        };
        dark.is_readable_on(&DARK, "dark")?;
        Ok(Self { light, dark })
    }

    fn css(&self) -> String {
        let rule = |accent: Colour, pressed: Colour| {
            format!(
                ":root {{ --accent: {}; --accent-press: {}; --on-accent: {}; }}",
                accent.text(),
                accent.mixed(pressed, 0.25).text(),
                accent.under().text()
            )
        };
        format!(
            "{}\n@media (prefers-color-scheme: dark) {{ {} }}\n",
            rule(self.light, BLACK),
            rule(self.dark, WHITE)
        )
    }
}

impl Colour {
    fn read(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('#').filter(|hex| hex.len() == 6);
        let digits = digits.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let [_, red, green, blue] = number.ok_or("is no colour like `#26437f`")?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    fn text(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            match part <= 0.04045 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// WCAG 2.2, "contrast ratio": 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(two) / one.min(two)
    }

    fn least_contrast(self, grounds: &[Self]) -> f64 {
        let all = grounds.iter().map(|ground| self.contrast(*ground));
        all.fold(f64::INFINITY, f64::min)
    }

    fn is_readable_on(self, grounds: &[Self], pages: &str) -> Result<(), String> {
        let contrast = self.least_contrast(grounds);
        match contrast >= READABLE {
            true => Ok(()),
            false => Err(format!(
                "has a contrast of {contrast:.2} to what it stands on on {pages} pages: {READABLE} is needed"
            )),
        }
    }

    /// What stands on it: white or ink, whichever is read better. What can be read on a white sheet can have white on it, and what can
    /// be read on a dark one has ink on it, which is darker still.
    fn under(self) -> Self {
        match self.contrast(WHITE) >= self.contrast(INK) {
            true => WHITE,
            false => INK,
        }
    }

    fn until_readable_on(self, grounds: &[Self]) -> Self {
        let lighter = (0..=20_u8).map(|step| self.mixed(WHITE, f64::from(step) / 20.0));
        let mut lighter = lighter.filter(|colour| colour.least_contrast(grounds) >= READABLE);
        lighter.next().unwrap_or(WHITE)
    }

    /// With so much of another, 0 to 1.
    fn mixed(self, other: Self, share: f64) -> Self {
        let Self([red, green, blue]) = self;
        let Self([more_red, more_green, more_blue]) = other;
        let mix = |one: u8, two: u8| {
            let mixed = f64::from(one) * (1.0 - share) + f64::from(two) * share;
            mixed.round().clamp(0.0, 255.0) as u8
        };
        Self([
            mix(red, more_red),
            mix(green, more_green),
            mix(blue, more_blue),
        ])
    }
}

/// The signature, and the head of the chunk IHDR.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR";

#[cfg(test)]
mod tests {
    use super::*;

    /// W3C, Understanding success criterion 1.4.3: black on white is 21, #767676 on white 4.54, #777777 4.48.
    #[test]
    fn contrast_is_that_of_wcag() {
        let grey = |text| Colour::read(text).unwrap().contrast(WHITE);
        assert_eq!(format!("{:.2}", BLACK.contrast(WHITE)), "21.00");
        assert_eq!(format!("{:.2}", grey("#767676")), "4.54");
        assert_eq!(format!("{:.2}", grey("#777777")), "4.48");
        assert_eq!(format!("{:.2}", WHITE.contrast(WHITE)), "1.00");
    }

    #[test]
    fn a_colour_that_could_not_be_read_is_refused() {
        for (light, dark, refused) in [
            ("#26437f", None, None),
            ("#B00020", None, None),
            ("#000000", None, None),
            ("#26437f", Some("#a9bffb"), None),
            ("#ffcc00", None, Some("on light pages")),
            ("#767676", None, Some("on light pages")),
            ("#26437f", Some("#26437f"), Some("on dark pages")),
            ("26437f", None, Some("no colour")),
            ("#26437", None, Some("no colour")),
            ("#26437g", None, Some("no colour")),
            ("#+26437", None, Some("no colour")),
            ("blue", None, Some("no colour")),
            ("", None, Some("no colour")),
            ("#26437f", Some("light"), Some("no colour")),
        ] {
            let read = Accent::read(light, dark);
            match refused {
                None => assert!(read.is_ok(), "{light} {dark:?}: {read:?}"),
                Some(why) => assert!(read.clone().unwrap_err().contains(why), "{light}: {read:?}"),
            }
        }
    }

    /// Every colour that is taken can be read on each ground, and what stands on it too, in both schemes, pressed or not.
    #[test]
    fn whatever_is_taken_can_be_read() {
        let mut taken = 0;
        for number in (0..0x100_0000_u32).step_by(0x1357) {
            let Ok(accent) = Accent::read(&format!("#{number:06x}"), None) else {
                continue;
            };
            taken += 1;
            for (colour, grounds, pressed) in
                [(accent.light, LIGHT, BLACK), (accent.dark, DARK, WHITE)]
            {
                let on = colour.under();
                assert!(colour.least_contrast(&grounds) >= READABLE, "{accent:?}");
                assert!(colour.contrast(on) >= READABLE, "{accent:?} {on:?}");
                let pressed = colour.mixed(pressed, 0.25);
                assert!(pressed.contrast(on) >= READABLE, "{accent:?} pressed");
            }
        }
        assert!(taken > 500, "{taken}");
    }

    #[test]
    fn grounds_are_those_of_the_stylesheet() {
        let css = include_str!("../static/writ.css");
        let (light, rest) = css
            .split_once("@media (prefers-color-scheme: dark)")
            .unwrap();
        for (part, grounds) in [(light, LIGHT), (rest, DARK)] {
            for (name, ground) in ["paper", "sheet", "tint"].into_iter().zip(grounds) {
                let line = format!("--{name}: {};", ground.text());
                assert!(part.contains(&line), "{line}");
            }
        }
    }

    #[test]
    fn an_icon_is_a_square_png() {
        let png = |width: u32, height: u32| {
            let mut bytes = SIGNATURE.to_vec();
            bytes.extend(width.to_be_bytes());
            bytes.extend(height.to_be_bytes());
            bytes
        };
        assert_eq!(BrandIcon::read(png(512, 512)).unwrap().side, 512);
        let ours = include_bytes!("../static/icon-192.png").to_vec();
        assert_eq!(BrandIcon::read(ours).unwrap().side, 192);
        for (bytes, why) in [
            (png(512, 511), "512 x 511"),
            (png(64, 64), "64 x 64"),
            (png(2048, 2048), "2048 x 2048"),
            (png(512, 512)[..23].to_vec(), "no PNG"),
            (
                b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
                "no PNG",
            ),
            (Vec::new(), "no PNG"),
        ] {
            assert!(BrandIcon::read(bytes).unwrap_err().contains(why), "{why}");
        }
    }
}
