//! Figures drawn as SVG attributes: the content policy allows no inline style.

/// The points of a sparkline in a box of 100 by 32, oldest first; empty where there is nothing to draw.
pub(in crate::web) fn spark_line(values: &[i64]) -> String {
    let top = values.iter().copied().max().unwrap_or(0);
    if values.len() < 2 || top <= 0 {
        return String::new();
    }
    let last = i64::try_from(values.len() - 1).unwrap_or(1);
    let mut points = Vec::with_capacity(values.len());
    for (at, value) in (0..).zip(values) {
        let x = at * 1_000 / last;
        let y =
            300 - i64::try_from(i128::from((*value).max(0)) * 280 / i128::from(top)).unwrap_or(0);
        points.push(format!("{},{}", tenth(x), tenth(y)));
    }
    points.join(" ")
}

/// The same line closed along the bottom, to be filled.
pub(in crate::web) fn spark_area(line: &str) -> String {
    if line.is_empty() {
        return String::new();
    }
    format!("0,31 {line} 100,31")
}

/// `part` of `whole` in percent with one decimal, 0 to 100, for a width.
pub(in crate::web) fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "0".to_owned();
    }
    let promille = i128::from(part.max(0)) * 1_000 / i128::from(whole);
    tenth(i64::try_from(promille.clamp(0, 1_000)).unwrap_or(0))
}

/// Where a duration lies on a scale that begins at `from` and ends at `to`, each twice as long as the one before it
/// equally far away; percent with one decimal.
pub(in crate::web) fn log_place(value: i64, from: i64, to: i64) -> String {
    let bits = |ms: i64| modelgate_domain::histogram::bucket(ms.max(1));
    let (low, high) = (bits(from), bits(to));
    share(bits(value) - low, high - low)
}

fn tenth(value: i64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_shares() {
        assert_eq!(spark_line(&[0, 5, 10]), "0.0,30.0 50.0,16.0 100.0,2.0");
        assert_eq!(spark_line(&[0, 0]), "");
        assert_eq!(spark_line(&[3]), "");
        assert_eq!(share(1, 3), "33.3");
        assert_eq!(share(5, 0), "0");
        assert_eq!(share(i64::MAX, i64::MAX), "100.0");
    }
}
