//! Names and ids that a vendor refuses, put into a form that it accepts, and back.

use std::borrow::Cow;

/// The names of one request's tools that had to be changed.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// As the vendor knows it, and as the caller does.
    pairs: Vec<(String, String)>,
}

impl Names {
    /// The name for a vendor that takes at most `longest` letters, digits, dashes and underscores.
    pub fn out<'n>(&mut self, name: &'n str, longest: usize) -> Cow<'n, str> {
        self.known(name, fitted(name, longest))
    }

    /// The same for a vendor whose names begin with a letter or an underscore.
    pub fn out_lettered<'n>(&mut self, name: &'n str, longest: usize) -> Cow<'n, str> {
        let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
        if name.starts_with(begins) {
            return self.out(name, longest);
        }
        let marked = format!("_{name}_{:08x}", hash(name) & 0xffff_ffff);
        let fitted = match fitted(&marked, longest) {
            Cow::Borrowed(_) => marked,
            Cow::Owned(fitted) => fitted,
        };
        self.known(name, Cow::Owned(fitted))
    }

    fn known<'n>(&mut self, name: &str, fitted: Cow<'n, str>) -> Cow<'n, str> {
        if let Cow::Owned(short) = &fitted
            && !self.pairs.iter().any(|(known, _)| known == short)
        {
            self.pairs.push((short.clone(), name.to_owned()));
        }
        fitted
    }

    /// The caller's name for what the vendor calls `name`.
    pub fn back<'n>(&'n self, name: &'n str) -> &'n str {
        let found = self.pairs.iter().find(|(short, _)| short == name);
        found.map_or(name, |(_, original)| original)
    }
}

/// The text itself where a vendor takes it, else a form of it that it does: the same text gives the same form, and
/// different texts give different ones.
pub fn fitted(text: &str, longest: usize) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.len() <= longest && !text.is_empty() && text.chars().all(fits) {
        return Cow::Borrowed(text);
    }
    let mark = format!("_{:08x}", hash(text) & 0xffff_ffff);
    let kept = text.chars().map(|c| if fits(c) { c } else { '_' });
    let mut out: String = kept.take(longest.saturating_sub(mark.len())).collect();
    out.push_str(&mark);
    Cow::Owned(out)
}

/// A number that tells texts apart (FNV-1a).
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_stays() {
        let mut names = Names::default();
        assert_eq!(names.out("get_weather-2", 64), "get_weather-2");
        assert_eq!(names.back("get_weather-2"), "get_weather-2");
        assert!(names.pairs.is_empty());
    }

    #[test]
    fn names_begin_with_a_letter_where_they_must() {
        let mut names = Names::default();
        assert_eq!(names.out_lettered("get", 64), "get");
        assert_eq!(names.out_lettered("_1", 64), "_1");
        for name in ["1password", "-dash", "élan", ""] {
            let out = names.out_lettered(name, 64).into_owned();
            assert!(out.starts_with('_'), "{out}");
            assert_eq!(names.back(&out), name);
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back(names in prop::collection::vec("\\PC{0,90}", 1..8), longest in 16_usize..128) {
            let mut map = Names::default();
            let out: Vec<String> = names.iter().map(|n| map.out(n, longest).into_owned()).collect();
            for (name, out) in names.iter().zip(&out) {
                prop_assert!(!out.is_empty() && out.len() <= longest);
                prop_assert!(out.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
                prop_assert_eq!(map.back(out), name);
            }
        }
    }
}
