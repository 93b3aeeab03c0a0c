//! The operator's name, icon and colour in the place of ours. Words and the order of a page stay, and no colour is taken that
//! somebody could not read (WCAG 2.2, success criterion 1.4.3), or that looks like the one which denies.

use http::Response;

use super::assets::{self, Asset};
use super::brand_icon::BrandIcon;

/// What stands in the banner of each page, and on the phone where the app is installed. The default is Writ's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    name: Option<String>,
    icon: Option<BrandIcon>,
    /// The stylesheet that holds the colours, and its address.
    style: Option<(String, String)>,
    theme: Option<String>,
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
/// What warns, denies and stops: `--bad` of light pages and of dark ones.
const DENIES: [Colour; 2] = [Colour([0x9c, 0x23, 0x23]), Colour([0xff, 0xb1, 0xa8])];
/// How far from it, in the plane of hue and chroma of Oklab, whatever the lightness: within it are reds, of which nobody tells on a screen
/// alone which one agrees.
const TOLD_APART: f64 = 0.055;
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

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The length of one side of the icon, in pixels; `None`: it is ours.
    pub(super) fn icon_side(&self) -> Option<u32> {
        self.icon.as_ref().map(BrandIcon::side)
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
        let mut all = assets::assets(self.icon.as_ref().map(BrandIcon::png));
        if let Some((path, css)) = &self.style {
            all.push((path.clone(), assets::stylesheet(css)));
        }
        all
    }
}

impl Accent {
    /// `#rrggbb` of light pages and of dark ones; where the latter is not said, it is the lighter one of the same hue that can be read.
    pub fn read(light: &str, dark: Option<&str>) -> Result<Self, String> {
        let [denies, denies_on_dark] = DENIES;
        let light = Colour::read(light)?;
        light.is_readable_on(&LIGHT, "light")?;
        light.is_told_from(denies, "light")?;
        let dark = match dark {
            Some(dark) => Colour::read(dark)?,
            None => light.until_readable_on(&DARK),
        };
        dark.is_readable_on(&DARK, "dark")?;
        dark.is_told_from(denies_on_dark, "dark")?;
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

    /// The light of each part: sRGB, IEC 61966-2-1.
    fn linear(self) -> [f64; 3] {
        self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            match part <= 0.04045 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        })
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
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

    /// `a` and `b` of Oklab (CSS Color 4, section 9.2): hue and chroma, without the lightness.
    fn hue_and_chroma(self) -> [f64; 2] {
        let [red, green, blue] = self.linear();
        let l = (0.412_221_47 * red + 0.536_332_54 * green + 0.051_445_99 * blue).cbrt();
        let m = (0.211_903_5 * red + 0.680_699_55 * green + 0.107_396_96 * blue).cbrt();
        let s = (0.088_302_46 * red + 0.281_718_84 * green + 0.629_978_7 * blue).cbrt();
        [
            1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_71 * s,
            0.025_904_04 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        ]
    }

    fn is_told_from(self, denies: Self, pages: &str) -> Result<(), String> {
        let [a, b] = self.hue_and_chroma();
        let [denies_a, denies_b] = denies.hue_and_chroma();
        match (a - denies_a).hypot(b - denies_b) >= TOLD_APART {
            true => Ok(()),
            false => Err(format!(
                "is `{}` on {pages} pages, which looks like `{}`, the colour that denies and stops: take another hue",
                self.text(),
                denies.text()
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
            ("#86198f", None, None),
            ("#a0522d", Some("#ffd180"), None),
            // Reds of any lightness, and what is red on dark pages alone.
            ("#9c2323", None, Some("looks like `#9c2323`")),
            ("#B00020", None, Some("on light pages, which looks like")),
            ("#d32f2f", None, Some("on light pages")),
            ("#800020", None, Some("looks like")),
            (
                "#26437f",
                Some("#ffb1a8"),
                Some("on dark pages, which looks like `#ffb1a8`"),
            ),
            ("#26437f", Some("#ef9a9a"), Some("looks like")),
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
        let [denies, denies_on_dark] = DENIES;
        for (part, grounds, denies) in [(light, LIGHT, denies), (rest, DARK, denies_on_dark)] {
            let names = ["paper", "sheet", "tint", "bad"];
            for (name, ground) in names.into_iter().zip(grounds.into_iter().chain([denies])) {
                let line = format!("--{name}: {};", ground.text());
                assert!(part.contains(&line), "{line}");
            }
        }
    }
}
