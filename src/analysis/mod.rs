//! What went wrong on a day: counted, judged by rules, and written down as a report.
//!
//! Reading is [`Day::read`]; all else is plain functions on what was read. It knows neither pages nor the data plane.

mod day;
mod findings;
mod narrate;
mod report;
mod risk;

pub use day::{Day, Names};
pub use findings::{Finding, findings};
pub use narrate::{SAMPLES, narrate};
pub use report::{band_name, markdown};
pub use risk::{Reached, Risk, reached, risks};
