//! What a model can take in.

use crate::closed_set::{UnknownName, closed_set};

closed_set! {
    /// A kind of content.
    Modality {
        /// Words.
        #[default]
        Text = "text",
        /// Pictures.
        Image = "image",
        /// Sound.
        Audio = "audio",
        /// Moving pictures.
        Video = "video",
        /// Documents.
        File = "file",
    }
}

/// The kinds of content that a model takes; none of them means that it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modalities(u8);

impl Modalities {
    /// Whether it is not known.
    pub fn is_unknown(self) -> bool {
        self.0 == 0
    }

    /// Whether this kind is among them.
    pub fn has(self, modality: Modality) -> bool {
        self.0 & bit(modality) != 0
    }

    /// Each of them, in the order pages list them.
    pub fn iter(self) -> impl Iterator<Item = Modality> {
        let all = Modality::ALL.iter().copied();
        all.filter(move |modality| self.has(*modality))
    }
}

fn bit(modality: Modality) -> u8 {
    match modality {
        Modality::Text => 1,
        Modality::Image => 2,
        Modality::Audio => 4,
        Modality::Video => 8,
        Modality::File => 16,
    }
}

impl FromIterator<Modality> for Modalities {
    fn from_iter<I: IntoIterator<Item = Modality>>(all: I) -> Self {
        Self(all.into_iter().fold(0, |bits, m| bits | bit(m)))
    }
}

impl std::fmt::Display for Modalities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.iter().map(Modality::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl std::str::FromStr for Modalities {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_in_their_order_and_read_in_any() {
        let some: Modalities = "file,text,image".parse().unwrap();
        assert_eq!(some.to_string(), "text,image,file");
        assert!(some.has(Modality::Image) && !some.has(Modality::Audio));
        let unknown: Modalities = "".parse().unwrap();
        assert!(unknown.is_unknown() && unknown.to_string().is_empty());
        assert!("smell".parse::<Modalities>().is_err());
    }
}
