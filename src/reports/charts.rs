//! Charts as pictures. Only digits and signs are drawn, with a font that the program brings along: names and legends
//! are text of the document, so that no script of the world ever becomes boxes.

use std::fmt::Write as _;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

static DIGITS: &[u8] = include_bytes!("font/digits.ttf");

/// Drawn so many units wide.
const WIDE: i64 = 1_000;
/// And so many high.
const HIGH: i64 = 300;
/// Room for the figures to the left, and above and below the drawing.
const LEFT: i64 = 62;
const TOP: i64 = 14;
const BOTTOM: i64 = 34;
/// Pixels for each unit: 300 to the inch on paper.
const SCALE: u16 = 2;
/// Lines across, at most.
const STEPS: i64 = 4;
/// Room of a date below.
const LABEL: i64 = 58;
/// Nano-units in a unit of money.
const NANOS: i64 = 1_000_000_000;

/// What values are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things that are counted.
    Count,
    /// Money, in nano-units.
    Money,
    /// Hundredths of a percent.
    Share,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Bars, one series upon the other.
    Bars,
    /// A line for each series.
    Lines,
}

/// A chart over time.
#[derive(Clone, Debug)]
pub struct Chart {
    /// How it is drawn.
    pub shape: Shape,
    /// What values are of.
    pub unit: Unit,
    /// What stands below each period: digits and signs.
    pub labels: Vec<String>,
    /// Colour and values of each series, a value for each label.
    pub series: Vec<(&'static str, Vec<i64>)>,
}

/// A chart that could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The drawing was not understood.
    #[error("a chart could not be drawn: {0}")]
    Drawing(#[from] usvg::Error),
    /// The picture could not be made.
    #[error("a chart could not be made a picture")]
    Picture,
}

impl Chart {
    /// Width and height of the picture in pixels.
    pub fn pixels() -> (u32, u32) {
        let scaled = |units: i64| u32::try_from(units * i64::from(SCALE)).unwrap_or(1);
        (scaled(WIDE), scaled(HIGH))
    }

    fn top(&self) -> i64 {
        let of = |at: usize| {
            self.series
                .iter()
                .filter_map(move |(_, values)| values.get(at))
        };
        let periods = 0..self.labels.len();
        let highest = match self.shape {
            Shape::Bars => periods.map(|at| of(at).sum::<i64>()).max(),
            Shape::Lines => periods.filter_map(|at| of(at).max().copied()).max(),
        };
        highest.unwrap_or(0).max(1)
    }

    /// The distance of the lines across: 1, 2 or 5 times a power of ten.
    fn step(&self) -> i64 {
        let top = self.top();
        let mut power = 1_i64;
        loop {
            for times in [1, 2, 5] {
                let step = power.saturating_mul(times);
                if step.saturating_mul(STEPS) >= top {
                    return step;
                }
            }
            let Some(next) = power.checked_mul(10) else {
                return top;
            };
            power = next;
        }
    }

    /// What the figures to the left are in: 1, a thousand, a million or a billion.
    pub fn thousands(&self) -> i64 {
        let one = if self.unit == Unit::Money { NANOS } else { 1 };
        if self.unit == Unit::Share {
            return 1;
        }
        let steps = [1_000_000_000, 1_000_000, 1_000];
        let fits = |unit: &&i64| self.step() / one >= **unit;
        steps.iter().find(fits).copied().unwrap_or(1)
    }

    fn figure(&self, value: i64) -> String {
        let one = match self.unit {
            Unit::Count => 1,
            Unit::Money => NANOS,
            Unit::Share => 100,
        };
        decimal(value, one * self.thousands())
    }

    /// The drawing.
    pub fn svg(&self) -> String {
        let step = self.step();
        let lines = (self.top() + step - 1) / step;
        let top = lines * step;
        let (wide, high) = (WIDE - LEFT - 8, HIGH - TOP - BOTTOM);
        let y = |value: i64| TOP + high - scaled(value, high, top);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDE} {HIGH}\" font-family=\"DejaVu Sans\" font-size=\"13\" fill=\"#4b5563\"><rect width=\"{WIDE}\" height=\"{HIGH}\" fill=\"#ffffff\"/>"
        );
        for line in 0..=lines {
            let (at, colour) = (
                y(line * step),
                if line == 0 { "#9ca3af" } else { "#e5e7eb" },
            );
            let figure = self.figure(line * step);
            let (text_x, text_y) = (LEFT - 8, at + 5);
            let _ = write!(
                out,
                "<path d=\"M{LEFT} {at}H{}\" stroke=\"{colour}\"/><text x=\"{text_x}\" y=\"{text_y}\" text-anchor=\"end\">{figure}</text>",
                LEFT + wide
            );
        }
        let count = i64::try_from(self.labels.len()).unwrap_or(i64::MAX).max(1);
        let x = |at: usize| LEFT + wide * i64::try_from(at).unwrap_or(0) / count;
        match self.shape {
            Shape::Bars => self.bars(&mut out, (wide / count).max(1), x, y),
            Shape::Lines => self.lines(&mut out, wide / count / 2, x, y),
        }
        let every = (LABEL * count / wide + 1).max(1);
        for (at, label) in self.labels.iter().enumerate() {
            if i64::try_from(at).unwrap_or(0) % every == 0 {
                let middle = x(at) + wide / count / 2;
                let _ = write!(
                    out,
                    "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                    HIGH - 10
                );
            }
        }
        out.push_str("</svg>");
        out
    }

    fn bars(&self, out: &mut String, slot: i64, x: impl Fn(usize) -> i64, y: impl Fn(i64) -> i64) {
        let width = (slot * 7 / 10).clamp(1, 60);
        for at in 0..self.labels.len() {
            let mut sum = 0;
            for (colour, values) in &self.series {
                let value = values.get(at).copied().unwrap_or(0);
                if value <= 0 {
                    continue;
                }
                let (low, high) = (y(sum), y(sum + value));
                sum += value;
                // What is there is seen, however little.
                let tall = (low - high).max(1);
                let left = x(at) + (slot - width) / 2;
                let _ = write!(
                    out,
                    "<rect x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"{tall}\" fill=\"{colour}\"/>",
                    low - tall
                );
            }
        }
    }

    fn lines(&self, out: &mut String, half: i64, x: impl Fn(usize) -> i64, y: impl Fn(i64) -> i64) {
        for (colour, values) in &self.series {
            let mut path = String::new();
            for (at, value) in values.iter().enumerate() {
                let sign = if at == 0 { 'M' } else { 'L' };
                let _ = write!(path, "{sign}{} {}", x(at) + half, y(*value));
            }
            let _ = write!(
                out,
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>"
            );
        }
    }

    /// The picture, as PNG.
    pub fn png(&self) -> Result<Vec<u8>, ChartError> {
        let mut options = usvg::Options::default();
        Arc::make_mut(&mut options.fontdb).load_font_data(DIGITS.to_vec());
        let tree = usvg::Tree::from_str(&self.svg(), &options)?;
        let (wide, high) = Self::pixels();
        let mut picture = Pixmap::new(wide, high).ok_or(ChartError::Picture)?;
        let scale = f32::from(SCALE);
        resvg::render(
            &tree,
            Transform::from_scale(scale, scale),
            &mut picture.as_mut(),
        );
        picture
            .encode_png()
            .map_err(|_encoding| ChartError::Picture)
    }
}

fn scaled(value: i64, room: i64, top: i64) -> i64 {
    let at = i128::from(value) * i128::from(room) / i128::from(top.max(1));
    i64::try_from(at).unwrap_or(room)
}

/// `value / one` with as many decimals as it needs.
fn decimal(value: i64, one: i64) -> String {
    let (whole, mut rest) = (value / one, value % one);
    let mut text = crate::i18n::format::integer(whole);
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 {
        rest *= 10;
        text.push_str(&(rest / one).to_string());
        rest %= one;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(unit: Unit, values: &[i64]) -> Chart {
        Chart {
            shape: Shape::Bars,
            unit,
            labels: values.iter().map(|_| "11-01".to_owned()).collect(),
            series: vec![("#206bc4", values.to_vec())],
        }
    }

    #[test]
    fn figures_to_the_left_are_round() {
        let counts = chart(Unit::Count, &[0, 38_214]);
        assert_eq!((counts.step(), counts.thousands()), (10_000, 1_000));
        assert_eq!(counts.figure(20_000), "20");
        let money = chart(Unit::Money, &[1_700_000_000]);
        assert_eq!(money.figure(money.step()), "0.5");
        let share = chart(Unit::Share, &[130]);
        assert_eq!(share.figure(share.step()), "0.5");
        assert_eq!(chart(Unit::Count, &[0]).step(), 1);
        assert_eq!(
            chart(Unit::Count, &[i64::MAX / 2]).thousands(),
            1_000_000_000
        );
    }

    #[test]
    fn a_picture_is_lettered() {
        let png = chart(Unit::Count, &[3, 0, 7]).png().unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        // Without the font there would be the same bars and no figures.
        let bare = chart(Unit::Count, &[3, 0, 7]);
        let options = usvg::Options::default();
        let tree = usvg::Tree::from_str(&bare.svg(), &options).unwrap();
        let (wide, high) = Chart::pixels();
        let mut picture = Pixmap::new(wide, high).unwrap();
        resvg::render(
            &tree,
            Transform::from_scale(2.0, 2.0),
            &mut picture.as_mut(),
        );
        assert_ne!(picture.encode_png().unwrap(), png);
    }
}
